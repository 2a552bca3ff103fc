//! Keeps what was sent in confidence, and what could disturb a terminal, out of messages.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as UNPADDED;

use crate::percent;
use crate::settings::{Endpoint, Settings};

/// What replaces a secret.
const MASK: &str = "****";

/// The shortest text that counts as a secret. Shorter ones occur in any message.
const SHORTEST: usize = 4;

/// Texts that were sent to a receiver, and that no message may show, whatever the receiver says.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(****)")
    }
}

impl Secrets {
    /// The values of all headers except the project's name, and the credentials in the address.
    pub(crate) fn of(settings: &Settings, endpoint: &Endpoint) -> Self {
        let headers = settings.headers.iter().map(|(_, value)| value);
        let headers = headers.filter(|value| *value != settings.project_name);
        let address = endpoint.as_str();
        let login = address.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
        let login = login.map(|(login, _)| login).filter(|login| !login.contains('/'));
        let query = address.split_once('?').map(|(_, query)| query);
        Self::new(&headers.chain(login).chain(query).collect::<Vec<_>>())
    }

    fn new(texts: &[&str]) -> Self {
        // A receiver may repeat a value, or a part of it: the key without the scheme, a login's password, a parameter's
        // value. It may have decoded it before.
        let mut all: Vec<String> = texts.iter().copied().flat_map(with_parts).collect();
        let decoded: Vec<String> = all.iter().flat_map(|text| decoded(text)).collect();
        all.extend(decoded.iter().flat_map(|text| with_parts(text)));
        let is_secret = |text: &String| text.len() >= SHORTEST && !SCHEMES.contains(&text.as_str());
        let mut secrets: Vec<_> = all.into_iter().filter(is_secret).collect();
        // The longest first, because others may be parts of it.
        secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        Secrets(secrets)
    }

    /// The text without secrets and control characters.
    pub(crate) fn masked(&self, text: &str) -> String {
        let masked = self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK));
        masked.chars().flat_map(Shown::new).collect()
    }
}

/// A header's value, a login or a query, and its parts.
fn with_parts(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split([' ', ',', ':', '&', '=', ';']);
    std::iter::once(text).chain(parts).map(|part| part.trim().to_owned())
}

/// What a text stands for in the encodings of HTTP: percent-encoding, and that of the scheme Basic.
fn decoded(text: &str) -> impl Iterator<Item = String> {
    let from_percent = percent::decode(text).filter(|decoded| decoded != text);
    let from_base64 =
        UNPADDED.decode(text.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    from_percent.into_iter().chain(from_base64)
}

/// The schemes of the header `authorization`.
const SCHEMES: [&str; 5] = ["Bearer", "bearer", "Basic", "basic", "Token"];

/// A character as it is shown: itself, or its escape.
enum Shown {
    Itself(std::iter::Once<char>),
    Escaped(std::char::EscapeUnicode),
}

impl Shown {
    fn new(character: char) -> Self {
        // Marks of direction can reorder the rest of a line.
        let is_mark =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let is_disturbing =
            is_mark || (character.is_control() && !character.is_whitespace()) || character == '\u{85}';
        if is_disturbing {
            Shown::Escaped(character.escape_unicode())
        } else {
            Shown::Itself(std::iter::once(character))
        }
    }
}

impl Iterator for Shown {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Shown::Itself(character) => character.next(),
            Shown::Escaped(characters) => characters.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::environment::Environment;
    use crate::settings::Overrides;

    #[test]
    fn keys_and_logins_are_secrets_and_the_projects_name_is_none() {
        for (endpoint, expected) in [
            ("http://ada:pa55word@shop:6006", "lamps **** **** shop:6006/a"),
            ("http://shop:6006/a@b", "lamps pa55word **** shop:6006/a"),
        ] {
            let variables = [
                ("PHOENIX_COLLECTOR_ENDPOINT", endpoint),
                ("PHOENIX_PROJECT", "lamps"),
                ("PHOENIX_API_KEY", "the-key"),
            ];
            let lookup = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let settings = Settings::resolve(&Overrides::default(), &mut Environment::new(&lookup), "agent");
            let secrets = Secrets::of(&settings, settings.endpoint.as_ref().unwrap());
            assert_eq!(secrets.masked("lamps pa55word the-key shop:6006/a"), expected);
        }
    }

    #[test]
    fn what_disturbs_a_terminal_is_escaped_and_lines_stay() {
        let shown = Secrets::default().masked("a\u{1b}b\u{202e}c\u{85}d e\n");
        assert_eq!(shown, "a\\u{1b}b\\u{202e}c\\u{85}d e\n");
    }

    #[test]
    fn a_secret_is_hidden_with_and_without_its_scheme() {
        let secrets = Secrets::new(&["Bearer s3cr3t-key", "abc"]);
        let shown = secrets.masked("wrong: Bearer s3cr3t-key (s3cr3t-key) abc");
        assert_eq!(shown, "wrong: **** (****) abc");
    }

    #[test]
    fn a_secret_is_hidden_as_the_receiver_reads_it() {
        let basic = format!("Basic {}=", UNPADDED.encode("user:pass word"));
        let secrets = Secrets::new(&[&basic, "user%20two:p%40ssword", "key=a%2Fb%2Bc"]);
        for said in ["pass word", "user:pass word", "p@ssword", "p%40ssword", "a/b+c", &basic] {
            let shown = secrets.masked(&format!("unknown: <{said}>"));
            assert_eq!(shown.replace("**** ****", "****"), "unknown: <****>", "{said}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_shows_a_secret_or_disturbs_a_terminal(
            before in any::<String>(), secret in "[!-~]{4,40}", after in any::<String>(),
        ) {
            // A mask next to a part of a secret of stars looks like one.
            prop_assume!(!secret.contains('*'));
            let shown = Secrets::new(&[&secret]).masked(&format!("{before}{secret}{after}"));
            prop_assert!(!shown.contains(&secret), "{:?}", shown);
            prop_assert!(shown.chars().all(|character| !character.is_control() || character.is_whitespace()));
        }
    }
}
