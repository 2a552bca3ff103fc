//! Keeps what was sent in confidence, and what could disturb a terminal, out of messages.

use crate::settings::{Endpoint, Settings};

/// What replaces a secret.
const MASK: &str = "****";

/// The shortest text that counts as a secret. Shorter ones occur in any message.
const SHORTEST: usize = 4;

/// Texts that were sent to a receiver, and that no message may show, whatever the receiver says.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(****)")
    }
}

impl Secrets {
    /// The values of all headers except the project's name, and the credentials in the address.
    pub(super) fn of(settings: &Settings, endpoint: &Endpoint) -> Self {
        let headers = settings.headers.iter().map(|(_, value)| value);
        let headers = headers.filter(|value| *value != settings.project_name);
        let address = endpoint.as_str();
        let login = address.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
        let login = login.map(|(login, _)| login).filter(|login| !login.contains('/'));
        let query = address.split_once('?').map(|(_, query)| query);
        Self::new(&headers.chain(login).chain(query).collect::<Vec<_>>())
    }

    fn new(texts: &[&str]) -> Self {
        // A receiver may repeat a value, or the key in it without the scheme, a login's password, or a parameter's value.
        let parts =
            texts.iter().flat_map(|text| std::iter::once(*text).chain(text.split([' ', ',', ':', '&', '='])));
        let is_secret = |text: &&str| text.len() >= SHORTEST && !SCHEMES.contains(text);
        let mut secrets: Vec<String> = parts.map(str::trim).filter(is_secret).map(str::to_owned).collect();
        // The longest first, because others may be parts of it.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Secrets(secrets)
    }

    /// The text without secrets and control characters.
    pub(super) fn masked(&self, text: &str) -> String {
        let masked = self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK));
        masked.chars().flat_map(Shown::new).collect()
    }
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

    #[test]
    fn a_secret_is_hidden_with_and_without_its_scheme() {
        let secrets = Secrets::new(&["Bearer s3cr3t-key", "abc"]);
        let shown = secrets.masked("wrong: Bearer s3cr3t-key (s3cr3t-key) abc");
        assert_eq!(shown, "wrong: **** (****) abc");
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
