//! One printed line: texts that are made harmless, joined, and cut to a width.

use std::time::{Duration, SystemTime};

/// What stands for the rest of a text that is cut.
const CUT: char = '…';

/// A line of texts with their colours, which is cut before it is coloured.
#[derive(Default)]
pub(super) struct Line(Vec<(Colour, String)>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Plain,
    Kind,
    Error,
    Aside,
}

impl Colour {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Kind => Some("36"),
            Self::Error => Some("31"),
            Self::Aside => Some("2"),
        }
    }
}

impl Line {
    /// Starts with a text of the printer's own, such as branches of a tree.
    pub(super) fn after(start: &str) -> Self {
        Line(vec![(Colour::Plain, start.to_owned())])
    }

    /// Adds a text directly behind the last one.
    pub(super) fn push(&mut self, colour: Colour, text: &str) {
        self.0.push((colour, one_line(text)));
    }

    /// Adds a text with a gap before it, except at the start of the line.
    pub(super) fn part(&mut self, colour: Colour, text: &str) {
        if self.0.last().is_some_and(|(_, last)| !last.is_empty() && !last.ends_with(' ')) {
            self.0.push((Colour::Plain, "  ".to_owned()));
        }
        self.push(colour, text);
    }

    /// Adds a text with a gap before it, if there is one.
    pub(super) fn part_of(&mut self, colour: Colour, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.part(colour, text.as_ref());
        }
    }

    /// Writes the line, with a line break. It takes at most `width` columns.
    pub(super) fn write(mut self, width: Option<usize>, is_coloured: bool, page: &mut String) {
        if let Some(width) = width {
            self.cut(width);
        }
        for (colour, text) in self.0 {
            match colour.code().filter(|_| is_coloured && !text.is_empty()) {
                Some(code) => page.extend(["\x1b[", code, "m", &text, "\x1b[0m"]),
                None => page.push_str(&text),
            }
        }
        page.push('\n');
    }

    fn cut(&mut self, width: usize) {
        if self.0.iter().map(|(_, text)| columns(text)).sum::<usize>() <= width {
            return;
        }
        // The mark takes the last column.
        let mut room = width.saturating_sub(1);
        for (_, text) in &mut self.0 {
            let end = end_within(text, room);
            room = if end < text.len() { 0 } else { room - columns(text) };
            text.truncate(end);
        }
        self.0.retain(|(_, text)| !text.is_empty());
        if width > 0 {
            self.0.push((Colour::Plain, CUT.to_string()));
        }
    }
}

/// Cuts a text to a number of characters, and says that it was cut.
pub(super) fn shortened(text: &str, characters: usize) -> String {
    if text.chars().nth(characters).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{}{CUT}", kept.trim_end())
}

/// Removes what could break the line or control the terminal, because models and callers write names and values: control
/// characters become blanks, in rows only one, and marks that change the direction of the text or are invisible are left out.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !is_invisible(*character)) {
        let blank = character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
        if !blank {
            line.push(character);
        } else if !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line
}

const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

/// The number of columns that a text takes at most. A terminal may need fewer: whether a character is wide depends on it,
/// and a line that is cut too early is better than one that is broken.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

const fn columns_of(character: char) -> usize {
    match character {
        // Latin, Greek, Cyrillic, Arabic and others; more Latin and Greek; dashes, quotes and dots; frames.
        ..'\u{1100}' | '\u{1e00}'..'\u{2000}' | '\u{2010}'..'\u{2028}' | '\u{2500}'..'\u{2580}' => 1,
        _ => 2,
    }
}

/// Where a text ends that fits into a number of columns.
fn end_within(text: &str, room: usize) -> usize {
    let mut used = 0;
    let too_long = |(_, character): &(usize, char)| {
        used += columns_of(*character);
        used > room
    };
    text.char_indices().find(too_long).map_or(text.len(), |(index, _)| index)
}

pub(super) fn plural(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number)) }
}

/// Writes a number with a comma after every three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let before_comma = |index: usize| index > 0 && (digits.len() - index).is_multiple_of(3);
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if before_comma(index) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn duration(duration: Duration) -> String {
    match duration.as_micros() {
        0..1_000 => format!("{} µs", duration.as_micros()),
        1_000..1_000_000 => format!("{} ms", duration.as_millis()),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

/// The time of day in UTC, as in the log lines that `init` prints.
pub(super) fn clock(time: SystemTime) -> String {
    let second = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// An amount of US dollars, with two digits that count.
pub(super) fn dollars(amount: f64) -> String {
    match amount {
        amount if amount >= 1.0 => format!("${amount:.2}"),
        amount if amount >= 0.001 => format!("${amount:.4}"),
        _ => format!("${amount:.6}"),
    }
}
