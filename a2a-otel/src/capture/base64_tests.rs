//! Tests what counts as base64, and that the quick look finds everything.

use proptest::prelude::*;

use super::base64::{REDACTED, without_base64, without_cut_base64, without_images};
use super::limits::cut_mark;

const LONGEST: usize = 2000;

fn run(length: usize) -> String {
    "iVBORw0KGgo+/_-9".repeat(length / 16 + 1)[..length].to_owned()
}

fn is_replaced(text: &str) -> bool {
    without_base64(text, LONGEST).is_some()
}

/// Lines of this width.
fn wrapped(data: &str, width: usize, line_end: &str) -> String {
    let lines: Vec<_> =
        data.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(line_end)
}

#[test]
fn a_run_is_as_long_as_it_is_wherever_it_stands() {
    for longest in [100, 1100, LONGEST] {
        for before in 0..200 {
            let within = |data: &str| format!("{} {data} behind", "é".repeat(before));
            assert_eq!(without_base64(&within(&run(longest)), longest), None);
            let masked = without_base64(&within(&run(longest + 1)), longest);
            assert_eq!(masked, Some(within(REDACTED)), "{before} before, {longest} at most");
        }
    }
}

#[test]
fn a_url_counts_as_a_whole_and_has_any_type() {
    for header in [
        "data:image/png;base64,",
        "data:application/pdf;base64,",
        "data:;base64,",
        "DATA:audio/wav;codecs=1;BASE64,",
        "data:image\\/png;base64,",
        "data%3Aimage%2Fpng%3Bbase64%2C",
    ] {
        for longest in [10, 40, 1100, LONGEST] {
            let url = |length: usize| format!("{header}{}", run(length.saturating_sub(header.len()).max(1)));
            let within = |url: &str| format!("see \"{url}\" here");
            let long = url(longest + 1);
            assert_eq!(without_base64(&within(&long), longest), Some(within(REDACTED)), "{header} {longest}");
            if longest > header.len() {
                assert_eq!(without_base64(&within(&url(longest)), longest), None, "{header} {longest}");
            }
        }
    }
}

/// The beginning of a URL is looked for in the characters just before its data.
#[test]
fn a_url_is_found_after_any_characters() {
    for before in 0..300 {
        let within = |url: &str| format!("{}{}{url} here", "é".repeat(before), "x,".repeat(before % 2));
        let url = format!("data:image/png;base64,{}", run(LONGEST));
        assert_eq!(without_base64(&within(&url), LONGEST), Some(within(REDACTED)), "{before}");
    }
}

#[test]
fn short_words_are_never_taken_for_files() {
    assert_eq!(without_base64(&format!("{} and more text than that", run(64)), 10), None);
    assert!(without_base64(&format!("{} and more text than that", run(65)), 10).is_some());
    assert!(without_base64("data:image/png;base64,iVBO", 10).is_some());
}

#[test]
fn a_file_is_replaced_at_any_length_if_it_was_cut() {
    let mark = cut_mark(1000);
    for (text, replaced) in [
        (format!("see {}{mark}", run(65)), Some(format!("see {REDACTED}{mark}"))),
        (format!("see data:image/png;base64,iVBO{mark}"), Some(format!("see {REDACTED}{mark}"))),
        // A word or an id, and a file that was not cut.
        (format!("see {}{mark}", run(64)), None),
        (format!("{} and words{mark}", run(LONGEST)), None),
        (run(LONGEST), None),
    ] {
        assert_eq!(without_cut_base64(&text), replaced, "{text:.80}");
    }
}

#[test]
fn lines_and_escapes_continue_a_run() {
    let data = run(LONGEST + 100);
    for (width, line_end) in [
        (64, "\n"),
        (76, "\r\n"),
        (76, "\\n"),
        (76, "\\r\\n"),
        (60, "\\\\n"),
        (76, "\n    "),
        (76, "\\n\\t"),
        (76, "%0D%0A"),
    ] {
        let text = format!("{{\"file\": \"{}\"}}", wrapped(&data, width, line_end));
        let expected = format!("{{\"file\": \"{REDACTED}\"}}");
        assert_eq!(without_base64(&text, LONGEST), Some(expected), "{width} {line_end:?}");
    }
    for escape in ["\\/", "\\\\/", "\\\\\\/", "\\u002f", "\\u002F", "\\\\u002f", "%2F", "%2f"] {
        let text = format!("\"{}\"", data.replace('/', escape));
        assert_eq!(without_base64(&text, LONGEST), Some(format!("\"{REDACTED}\"")), "{escape}");
    }
    let plus = format!("\"{}\"", data.replace('+', "\\u002B"));
    assert_eq!(without_base64(&plus, LONGEST), Some(format!("\"{REDACTED}\"")));
}

#[test]
fn json_stays_json() {
    for text in [
        format!("a\n{}\tb", run(LONGEST + 1)),
        format!("\"{}\\n\"é", run(LONGEST + 1)),
        run(LONGEST + 1) + "\u{1}",
    ] {
        let mut json = text;
        for depth in 0..4 {
            json = serde_json::to_string(&json).unwrap();
            let masked = without_base64(&json, LONGEST).expect("it is long");
            let inner: Result<String, _> = serde_json::from_str(&masked);
            assert!(inner.is_ok_and(|inner| inner.contains(REDACTED)), "{depth}: {masked}");
        }
    }
}

#[test]
fn prose_is_no_file() {
    let words = "word ".repeat(LONGEST);
    let lines = "line\n".repeat(LONGEST);
    let paths = "src/main.rs\n".repeat(LONGEST);
    let ids = "\"call_0123456789abcdef\",".repeat(LONGEST);
    let long_lines = "0123456789abcdef0123456789abcdef is one\n".repeat(LONGEST);
    for text in [words, lines, paths, ids, long_lines] {
        assert!(!is_replaced(&text), "{text:.50}");
    }
    let after = format!("{}\nHello there", wrapped(&run(LONGEST + 64), 64, "\n"));
    assert_eq!(without_base64(&after, LONGEST), Some(format!("{REDACTED}\nHello there")));
}

#[test]
fn images_are_known_by_type_or_content() {
    let hidden = [
        format!("data:image/png;base64,{}", "AAAA"),
        format!("iVBORw0KGgo{}", "A".repeat(60)),
        format!("\\/9j\\/4AAQ{}", "A".repeat(60)),
    ];
    for image in hidden {
        let within = |image: &str| format!("see {image} here");
        assert_eq!(without_images(&within(&image), LONGEST), Some(within(REDACTED)), "{image}");
    }
    for other in [format!("data:audio/wav;base64,{}", "AAAA"), "A".repeat(100), "iVBORw0KGgo".to_owned()] {
        assert_eq!(without_images(&format!("hear {other} here"), LONGEST), None, "{other}");
    }
}

proptest! {
    /// A slow look at every place finds the same as the quick one.
    #[test]
    fn the_quick_look_misses_nothing(
        before in "[a-z \"\\\\\n,é]{0,300}", after in "[a-z \"\\\\\n,é]{0,300}", length in 1..6000_usize, width in 40..200_usize,
        line_end in prop_oneof![Just(""), Just("\n"), Just("\r\n  "), Just("\\n"), Just("\\\\r\\\\n")],
    ) {
        let data = wrapped(&run(length), width, line_end);
        let text = format!("{before}\"{data}\"{after}");
        let found = without_base64(&text, LONGEST);
        prop_assert_eq!(found.is_some(), length > LONGEST);
        if let Some(found) = found {
            prop_assert_eq!(found, format!("{before}\"{REDACTED}\"{after}"));
        }
    }

    #[test]
    fn any_text_is_looked_through(text in "[A-Za-z0-9+/=\\\\%nru02b \n\"',;:é]{0,400}") {
        for longest in [0, 10, 100] {
            let found = without_base64(&text, longest).unwrap_or_else(|| text.clone());
            // What is left has nothing to replace.
            prop_assert_eq!(without_base64(&found, longest), None);
        }
        without_images(&text, 100);
    }
}
