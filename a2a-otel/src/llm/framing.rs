//! How chunks lie in raw text: server-sent events, JSON lines, a JSON array however it is laid out, or JSON texts one after
//! the other. The text may be cut anywhere.
//!
//! Source: the HTML standard, "Parsing an event stream" (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//! Beyond it, a line whose data is complete JSON is an event: many servers leave out the empty line between events.

use memchr::memchr2;

use crate::json::Json;

/// The unfinished rest of the text that was read so far.
#[derive(Debug, Default)]
pub(super) struct Framing {
    line: Vec<u8>,
    /// A line ended with a carriage return. A line feed after it belongs to the same end.
    is_after_return: bool,
    /// The data of an event whose lines have not all come.
    data: String,
    /// Where in the data the reading is.
    data_scan: Scan,
    /// A JSON object that is not complete.
    object: String,
    /// Where in the object the reading is.
    scan: Scan,
}

/// Where in a JSON object the reading is.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    /// Whether a value or a name comes next.
    is_before_value: bool,
}

impl Framing {
    /// Adds bytes, and passes on each complete chunk. Returns how many bytes were no part of one. No more than `limit` bytes
    /// wait for their rest.
    pub(super) fn take(&mut self, bytes: &[u8], limit: usize, chunk: &mut dyn FnMut(&Json<'_>)) -> usize {
        let (mut rest, mut unread) = (bytes, 0);
        if std::mem::take(&mut self.is_after_return) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            self.add(&rest[..end], limit);
            let is_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if is_return {
                self.is_after_return = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            unread += self.end_line(limit, chunk);
        }
        self.add(rest, limit);
        unread
    }

    fn add(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whether no rest waits.
    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.data.is_empty() && self.object.is_empty()
    }

    /// The text is over: what is complete without its last line end is passed on.
    pub(super) fn finish(&mut self, limit: usize, chunk: &mut dyn FnMut(&Json<'_>)) {
        self.end_line(limit, chunk);
        self.end_event(chunk);
    }

    fn end_line(&mut self, limit: usize, chunk: &mut dyn FnMut(&Json<'_>)) -> usize {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let mut torn = 0;
        if self.scan.depth > 0 {
            if !self.scan.is_torn_by(data_of(&line).unwrap_or(&line)) {
                return self.scan_json(&line, limit, chunk);
            }
            torn = std::mem::take(&mut self.object).len();
            self.scan = Scan::default();
        }
        torn + match (data_of(&line), line.split_once(':')) {
            _ if line.trim().is_empty() => self.end_event(chunk),
            (Some(data), _) => self.add_data(data, limit, chunk),
            (None, Some(("" | "event" | "id" | "retry", _))) => 0,
            (None, _) => self.scan_json(&line, limit, chunk),
        }
    }

    /// Adds a line to the data of an event. A line that is a whole chunk is passed on at once, because many servers leave
    /// out the empty line between events.
    fn add_data(&mut self, data: &str, limit: usize, chunk: &mut dyn FnMut(&Json<'_>)) -> usize {
        if !self.data_scan.is_before_value
            && let Some(json) = complete(data)
        {
            // What came before it is the torn rest of another event.
            let torn = self.end_event(chunk);
            chunk(&json);
            return torn;
        }
        if self.data.len() + data.len() < limit {
            self.data.push_str(data);
            self.data.push('\n');
            data.chars().for_each(|character| self.data_scan.take(character));
        }
        0
    }

    fn end_event(&mut self, chunk: &mut dyn FnMut(&Json<'_>)) -> usize {
        let data = std::mem::take(&mut self.data);
        self.data_scan = Scan::default();
        if pass_on(&data, chunk) {
            return 0;
        }
        // It may be whole chunks after the torn rest of another event.
        data.lines().filter(|line| !pass_on(line, chunk)).map(str::len).sum()
    }

    /// Looks for the ends of JSON objects. Between them are spaces, commas and the brackets of a list.
    fn scan_json(&mut self, line: &str, limit: usize, chunk: &mut dyn FnMut(&Json<'_>)) -> usize {
        let mut unread = 0;
        for character in line.chars() {
            if self.scan.depth == 0 && character != '{' {
                unread += usize::from(!"[], \t".contains(character)) * character.len_utf8();
                continue;
            }
            self.object.push(character);
            self.scan.take(character);
            if self.scan.depth == 0 {
                let object = std::mem::take(&mut self.object);
                if !pass_on(&object, chunk) {
                    unread += object.len();
                }
            } else if self.object.len() > limit {
                unread += std::mem::take(&mut self.object).len();
                self.scan = Scan::default();
            }
        }
        if self.scan.depth > 0 {
            self.object.push('\n');
        }
        unread
    }
}

impl Scan {
    fn take(&mut self, character: char) {
        match character {
            ' ' | '\t' if !self.is_in_string => return,
            _ if self.is_escaped => self.is_escaped = false,
            '\\' if self.is_in_string => self.is_escaped = true,
            '"' => self.is_in_string = !self.is_in_string,
            '{' | '[' if !self.is_in_string => self.depth += 1,
            '}' | ']' if !self.is_in_string => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.is_before_value = !self.is_in_string && self.depth > 0 && "{[,:".contains(character);
    }

    /// Whether a line is whole JSON that cannot be a part of the object, which is therefore the torn rest of another one.
    fn is_torn_by(&self, line: &str) -> bool {
        !self.is_before_value && line.starts_with('{') && Json::index(line).is_some()
    }
}

/// The data of a line of an event.
fn data_of(line: &str) -> Option<&str> {
    let data = line.trim_start_matches('\u{feff}').strip_prefix("data:")?;
    Some(data.strip_prefix(' ').unwrap_or(data))
}

/// A text that is a complete JSON object or list.
fn complete(text: &str) -> Option<Json<'_>> {
    text.trim_start().starts_with(['{', '[']).then(|| Json::index(text)).flatten()
}

/// Passes on a text if it is complete.
fn pass_on(text: &str, chunk: &mut dyn FnMut(&Json<'_>)) -> bool {
    let json = complete(text);
    json.iter().for_each(chunk);
    json.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_is_too_long_is_given_up_and_counted() {
        let mut framing = Framing::default();
        let unread = framing.take(b"{\"a\":\n\"012 3\n{}", 10, &mut |_| panic!("nothing is complete"));
        assert_eq!(unread, 12, "the object up to its eleventh byte, and what follows except for spaces");
        let mut chunks = Vec::new();
        framing.finish(10, &mut |json| chunks.push(json.root().raw().to_owned()));
        assert_eq!(chunks, ["{}"], "the next object is read");
    }

    /// The chunks in a text, and how many bytes of it were no part of one.
    fn read(text: &str) -> (Vec<String>, usize) {
        let mut chunks = Vec::new();
        let unread = Framing::default()
            .take(text.as_bytes(), 1000, &mut |json| chunks.push(json.root().raw().to_owned()));
        (chunks, unread)
    }

    #[test]
    fn wrong_escapes_do_not_hide_where_an_object_ends() {
        assert_eq!(read("{\"a\":\"\\ \"}\n"), (vec!["{\"a\":\"\\ \"}".to_owned()], 0));
        assert_eq!(read("{\\}\n{}\n"), (vec!["{}".to_owned()], 3));
    }

    #[test]
    fn an_object_may_have_lines() {
        // Spaces at the end of a line, an object alone on a line, and a line break within a text, which is no JSON.
        let object = "{\"a\": [ \n{\"b\": 1}\n], \"c\": \"d\ne\"}";
        assert_eq!(read(&format!("{object}\n")), (vec![object.to_owned()], 0));
    }
}
