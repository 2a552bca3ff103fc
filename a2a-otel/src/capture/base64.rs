//! Finds the files that a text holds in base64, and replaces those that are too long to record.
//!
//! Providers, MCP and A2A put images, audio and documents into their JSON, as `data:` URLs or bare. The text may be JSON
//! itself, or JSON inside of a string of JSON: then the alphabet has escapes (`\/`, `\u002b`), and so have line ends.

use memchr::memmem;

use super::limits::{CUT_MARK, limit};

/// The text that replaces a hidden value, as in OpenInference.
pub const REDACTED: &str = "__REDACTED__";

/// Base64 without `data:` is never replaced up to this length, because ids, hashes and names look the same.
const SHORTEST: usize = 64;

/// The shortest line of base64 that continues on the next line. Writers of base64 break it after 60, 64 or 76 characters.
const SHORTEST_LINE: usize = 40;

/// The longest beginning of a `data:` URL, before the data, that is recognised.
const LONGEST_HEADER: usize = 256;

/// The text without base64 that is longer than this. `None` if there is nothing to replace.
pub(crate) fn without_base64(text: &str, longest: usize) -> Option<String> {
    let was_cut = text.len() > limit() && memmem::find(text.as_bytes(), CUT_MARK.as_bytes()).is_some();
    if !was_cut && (text.len() <= longest || !may_hold_longer_than(longest, text.as_bytes())) {
        return None;
    }
    replace(text, |run| run.is_longer_than(longest) || was_cut && run.may_be_file() && run.is_cut())
}

/// The text without base64 that was cut, which a mark follows.
pub(super) fn without_cut_base64(text: &str) -> Option<String> {
    replace(text, |run| run.may_be_file() && run.is_cut())
}

/// The text without base64 images of any length, and without other base64 that is longer than this.
pub(crate) fn without_images(text: &str, longest: usize) -> Option<String> {
    replace(text, |run| run.is_image() || run.is_longer_than(longest) || run.may_be_file() && run.is_cut())
}

fn replace(text: &str, is_replaced: impl Fn(&Run<'_>) -> bool) -> Option<String> {
    let mut replaced = String::new();
    let mut kept = 0;
    for run in (Runs { text, at: 0 }).filter(is_replaced) {
        replaced.push_str(&text[kept..run.start]);
        replaced.push_str(REDACTED);
        kept = run.end;
    }
    (kept > 0).then(|| {
        replaced.push_str(&text[kept..]);
        replaced
    })
}

/// Looks only here and there, because nearly all texts have a space within a few characters of any place: of a run that is
/// too long, at least one of the places looked at is inside a long line.
fn may_hold_longer_than(longest: usize, bytes: &[u8]) -> bool {
    let step = longest / 4;
    step < LONGEST_HEADER || (step..bytes.len()).step_by(step).any(|place| is_in_long_line(bytes, place))
}

/// Whether the place is inside a line of base64 that may continue, or just before one.
fn is_in_long_line(bytes: &[u8], place: usize) -> bool {
    // Between two lines there are line ends and indentation.
    const WIDEST_GAP: usize = 64;
    let may_be_inside = |byte: &&u8| CLASSES[usize::from(**byte)] != Class::Other;
    let is_digit = |byte: &u8| matches!(CLASSES[usize::from(*byte)], Class::Digit | Class::Escape);
    let (before, after) = bytes.split_at(place);
    let gap =
        after.iter().take(WIDEST_GAP).take_while(may_be_inside).take_while(|byte| !is_digit(byte)).count();
    let after = after[gap..].iter().take(SHORTEST_LINE).take_while(|byte| is_digit(byte)).count();
    if gap > 0 {
        return after >= SHORTEST_LINE;
    }
    let before = before.iter().rev().take(SHORTEST_LINE).take_while(|byte| is_digit(byte)).count();
    before + after >= SHORTEST_LINE
}

/// What a byte may be in base64.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    /// One of the characters of base64 or base64url, or padding.
    Digit,
    /// The beginning of an escape of JSON or of a URL.
    Escape,
    LineEnd,
    Blank,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        classes[byte as usize] = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'-' | b'_' | b'=' => Class::Digit,
            b'\\' | b'%' => Class::Escape,
            b'\n' | b'\r' => Class::LineEnd,
            b' ' | b'\t' => Class::Blank,
            _ => Class::Other,
        };
        byte -= 1;
    }
    classes
};

/// The class and the length of what stands at this place. An escape is never split.
fn token(bytes: &[u8], at: usize) -> (Class, usize) {
    match (CLASSES[usize::from(bytes[at])], bytes[at]) {
        (Class::Escape, b'%') => percent(bytes, at),
        (Class::Escape, _) => escape(bytes, at),
        (class, _) => (class, 1),
    }
}

/// An escape of JSON, in JSON of any depth: each level doubles the backslashes.
fn escape(bytes: &[u8], at: usize) -> (Class, usize) {
    let backslashes = bytes[at..].iter().take_while(|byte| **byte == b'\\').count();
    let letter = bytes.get(at + backslashes).copied().unwrap_or_default();
    let class = match letter {
        b'/' => Class::Digit,
        b'n' | b'r' => Class::LineEnd,
        b't' => Class::Blank,
        b'u' => {
            let start = at + backslashes + 1;
            return match code(bytes.get(start..start + 4)) {
                Some(byte) => (CLASSES[usize::from(byte)], backslashes + 5),
                None => (Class::Other, backslashes),
            };
        }
        _ => Class::Other,
    };
    (class, backslashes + usize::from(letter.is_ascii() && letter != 0))
}

fn percent(bytes: &[u8], at: usize) -> (Class, usize) {
    match code(bytes.get(at + 1..at + 3)) {
        Some(byte) => (CLASSES[usize::from(byte)], 3),
        None => (Class::Other, 1),
    }
}

/// The byte that these hexadecimal digits stand for. A character that is no byte becomes one that is not in base64.
fn code(digits: Option<&[u8]>) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok().map(|code| u8::try_from(code).unwrap_or_default())
}

/// A run of base64, on one line or several.
struct Run<'a> {
    text: &'a str,
    /// Where it starts, including the beginning of a `data:` URL.
    start: usize,
    /// Where the data starts.
    data: usize,
    end: usize,
    /// How many characters of base64 it has.
    length: usize,
}

impl Run<'_> {
    const fn is_url(&self) -> bool {
        self.start < self.data
    }

    fn is_longer_than(&self, longest: usize) -> bool {
        if self.is_url() {
            self.data - self.start + self.length > longest
        } else {
            self.length > longest.max(SHORTEST)
        }
    }

    /// Whether it is more than a word or an id.
    const fn may_be_file(&self) -> bool {
        self.is_url() || self.length > SHORTEST
    }

    /// Whether it ends where a value was cut, so that nobody knows how long it was.
    fn is_cut(&self) -> bool {
        self.text[self.end..].starts_with(CUT_MARK)
    }

    /// Whether it is an image, by the media type of the URL, or by how files of the usual types begin.
    fn is_image(&self) -> bool {
        const PNG_JPEG_GIF_WEBP: [&str; 4] = ["iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR"];
        if self.is_url() {
            let header = self.text[self.start..self.data].replace(['\\', '/'], "").to_ascii_lowercase();
            return header.starts_with("data:image");
        }
        let data = self.text[self.data..].replacen("\\/", "/", 2);
        self.length > SHORTEST && PNG_JPEG_GIF_WEBP.iter().any(|start| data.starts_with(start))
    }
}

/// Walks through the runs of a text, of which most are words.
struct Runs<'a> {
    text: &'a str,
    at: usize,
}

/// A part of a run, on one line.
#[derive(Clone, Copy)]
struct Line {
    end: usize,
    length: usize,
}

impl<'a> Iterator for Runs<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            let line = self.line(self.at);
            if line.length > 0 {
                return Some(self.run(line));
            }
            self.at += token(bytes, self.at).1;
        }
        None
    }
}

impl<'a> Runs<'a> {
    /// The run that begins with this line.
    fn run(&mut self, first: Line) -> Run<'a> {
        let data = self.at;
        let header = header_length(&self.text[..data]);
        let (mut last, mut length, mut width) = (first, first.length, None);
        while let Some(next) = self.line_after(last, width, length == first.length && header > 0) {
            if length > first.length {
                width = Some(last.length);
            }
            length += next.length;
            last = next;
        }
        self.at = last.end;
        Run { text: self.text, start: data - header, data, end: last.end, length }
    }

    /// The line that continues a run after this one. Of a run of base64, all lines but the first and the last have the same
    /// length.
    fn line_after(&self, last: Line, width: Option<usize>, is_in_url: bool) -> Option<Line> {
        let is_full = last.length >= SHORTEST_LINE && width.is_none_or(|width| width == last.length);
        let start = self.line_break(last.end).filter(|_| is_full || is_in_url)?;
        let next = self.line(start);
        let is_long = next.length >= SHORTEST_LINE;
        // A word that begins a line of prose is not the end of a file.
        let is_last = || {
            let is_padded = next.length > 0 && self.text.as_bytes()[next.end - 1] == b'=';
            let behind = self.text.as_bytes().get(next.end);
            next.length > 0
                && (is_padded || behind.is_none_or(|byte| CLASSES[usize::from(*byte)] != Class::Blank))
        };
        (is_long || is_last()).then_some(next)
    }

    /// The characters of base64 from here.
    fn line(&self, start: usize) -> Line {
        let bytes = self.text.as_bytes();
        let mut line = Line { end: start, length: 0 };
        loop {
            let digits = &bytes[line.end..];
            let plain = digits.iter().take_while(|byte| CLASSES[usize::from(**byte)] == Class::Digit).count();
            line.end += plain;
            line.length += plain;
            match bytes.get(line.end).map(|_| token(bytes, line.end)) {
                Some((Class::Digit, length)) => {
                    line.end += length;
                    line.length += 1;
                }
                _ => return line,
            }
        }
    }

    /// Where the next line starts, if there is a line end here, perhaps between blanks.
    fn line_break(&self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let skip = |mut at: usize, class: Class, most: usize| {
            for _ in 0..most {
                match bytes.get(at).map(|_| token(bytes, at)) {
                    Some((found, length)) if found == class => at += length,
                    _ => break,
                }
            }
            at
        };
        let end = skip(at, Class::Blank, LONGEST_HEADER);
        // A line feed may follow a carriage return.
        let start = skip(end, Class::LineEnd, 2);
        (start > end).then(|| skip(start, Class::Blank, LONGEST_HEADER))
    }
}

/// The length of the beginning of a `data:` URL at the end of a text, if there is one.
fn header_length(before: &str) -> usize {
    const ENDS: [&str; 2] = [";base64,", "%3Bbase64%2C"];
    let ends_with = |end: &&str| {
        let last = before.len().checked_sub(end.len()).and_then(|start| before.get(start..));
        last.is_some_and(|last| last.eq_ignore_ascii_case(end))
    };
    if !ENDS.iter().any(ends_with) {
        return 0;
    }
    let mut start = before.len().saturating_sub(LONGEST_HEADER);
    while !before.is_char_boundary(start) {
        start += 1;
    }
    let header = before[start..].to_ascii_lowercase();
    let is_between = |character: char| character.is_whitespace() || "\"'<>()".contains(character);
    let scheme = ["data:", "data%3a"].iter().filter_map(|scheme| header.rfind(scheme)).max();
    scheme.filter(|at| !header[*at..].contains(is_between)).map_or(0, |at| header.len() - at)
}
