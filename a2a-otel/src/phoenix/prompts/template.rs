//! Texts with places for variables.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Why a prompt cannot be filled in.
///
/// ```
/// # let telemetry = a2a_otel::Telemetry::builder().endpoint("http://127.0.0.1:9").tracing(false).init()?;
/// let prompt = a2a_otel::phoenix::Prompt::named("answer").fallback("Answer: {{question}}").load();
/// let error = prompt.render(serde_json::json!({"answer": 1})).unwrap_err();
/// assert_eq!(error.to_string(), "the prompt `answer` cannot be filled in: there is no value for `question`");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the prompt `{prompt}` cannot be filled in: {reason}")]
pub struct RenderError {
    prompt: String,
    reason: String,
}

impl RenderError {
    pub(super) fn new(prompt: &str, reason: String) -> Self {
        RenderError { prompt: prompt.to_owned(), reason }
    }
}

/// How the places for variables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Format {
    /// As in `{{question}}`.
    #[serde(rename = "MUSTACHE")]
    Mustache,
    /// As in Python's `{question}`, with `{{` for a brace.
    #[serde(rename = "F_STRING")]
    FString,
    /// There are none.
    #[serde(rename = "NONE")]
    Plain,
}

/// A part of a template.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

impl Format {
    pub(super) fn variables(self, template: &str) -> Vec<String> {
        let names = self.pieces(template).into_iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.to_owned()),
            Piece::Text(_) => None,
        });
        names.collect()
    }

    fn pieces(self, template: &str) -> Vec<Piece<'_>> {
        match self {
            Self::Mustache => mustache(template),
            Self::FString => f_string(template),
            Self::Plain => vec![Piece::Text(template)],
        }
    }
}

/// Fills variables in. All of them are there.
pub(super) fn render(format: Format, template: &str, variables: &Map<String, Value>) -> String {
    let filled = |piece: Piece<'_>| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Variable(name) => match variables.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        },
    };
    format.pieces(template).into_iter().map(filled).collect()
}

/// What Phoenix takes for a variable: a word in two braces. Anything else is text, and so is what follows a backslash.
fn mustache(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut from) = (template, 0);
    while let Some(open) = rest[from..].find("{{").map(|at| from + at) {
        let name = rest[open + 2..].split_once("}}").map(|(name, _)| name);
        let is_variable = !rest[..open].ends_with('\\') && name.is_some_and(|name| is_word(name.trim()));
        let Some(name) = name.filter(|_| is_variable) else {
            from = open + 1;
            continue;
        };
        pieces.extend([Piece::Text(&rest[..open]), Piece::Variable(name.trim())]);
        (rest, from) = (&rest[open + 2 + name.len() + 2..], 0);
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Returns the first tag of Mustache that is no variable: a section, a partial, or a path.
pub(super) fn unsupported(format: Format, template: &str) -> Option<&str> {
    if format != Format::Mustache {
        return None;
    }
    let opens = template.match_indices("{{").filter(|(at, _)| !template[..*at].ends_with('\\'));
    let tags = opens.filter_map(|(at, _)| Some(&template[at..at + template[at..].find("}}")? + 2]));
    let is_tag = |tag: &&str| {
        let inner = tag[2..tag.len() - 2].trim();
        let is_path = inner.contains('.') && inner.split('.').all(is_word);
        inner.starts_with(['#', '^', '/', '>', '&', '!']) || is_path
    };
    tags.into_iter().find(is_tag)
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || character == '_')
}

/// What Python takes for a variable: what is in one brace. Two braces are one brace.
fn f_string(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, from) = rest.split_at(at);
        pieces.push(Piece::Text(text));
        let name = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        rest = match name {
            _ if from.starts_with("{{") || from.starts_with("}}") => {
                pieces.push(Piece::Text(&from[..1]));
                &from[2..]
            }
            Some((name, rest)) if is_word(name) => {
                pieces.push(Piece::Variable(name));
                rest
            }
            _ => {
                pieces.push(Piece::Text(&from[..1]));
                &from[1..]
            }
        };
    }
    pieces.push(Piece::Text(rest));
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_format_has_its_places() {
        let variables = json!({"a": "A", "b_1": [1, "x"], "c": "{{a}} {a}"});
        let variables = variables.as_object().unwrap();
        for (format, template, expected, names) in [
            (Format::Mustache, "{{a}}-{{ b_1 }}-{{a}}", r#"A-[1,"x"]-A"#, &["a", "b_1", "a"][..]),
            (Format::Mustache, "{{c}}", "{{a}} {a}", &["c"]),
            (Format::Mustache, "{a} {{a b}} {{}} {{{a}}} {{a", "{a} {{a b}} {{}} {A} {{a", &["a"]),
            (Format::Mustache, "\\{{a}} {{#a}}x{{/a}}", "\\{{a}} {{#a}}x{{/a}}", &[]),
            (Format::Mustache, "ä{{a}}ö", "äAö", &["a"]),
            (Format::FString, "{a} {{a}} {{{a}}} {c}", "A {a} {A} {{a}} {a}", &["a", "a", "c"]),
            (Format::FString, "{\"a\": 1} } {", "{\"a\": 1} } {", &[]),
            (Format::Plain, "{{a}} {a}", "{{a}} {a}", &[]),
        ] {
            assert_eq!(render(format, template, variables), expected, "{template}");
            assert_eq!(format.variables(template), names, "{template}");
        }
    }

    #[test]
    fn tags_that_are_no_variables_are_named() {
        for (template, tag) in [
            ("{{#items}}{{name}}{{/items}}", Some("{{#items}}")),
            ("Hello {{ user.name }}", Some("{{ user.name }}")),
            ("{{name}} and {{> footer}}", Some("{{> footer}}")),
            ("{{name}} and {{ other }} {", None),
            ("a price of {{ 1.5", None),
        ] {
            assert_eq!(unsupported(Format::Mustache, template), tag, "{template}");
        }
        assert_eq!(unsupported(Format::FString, "{{#items}}"), None);
    }
}
