//! Reads environment variables by a table: each row says which names to look under, how to read a value, and what to
//! tell the user whose value cannot be read.

pub(crate) mod values;

use std::fmt;

/// A variable, under the names that it goes by, the most specific first.
pub(crate) struct Variable<T> {
    pub(crate) names: &'static [&'static str],
    pub(crate) parse: fn(&str) -> Option<T>,
    /// Completes the sentence "expected ...".
    pub(crate) accepted: &'static str,
    /// Whether a value may be a secret, and so must not be repeated in a warning.
    pub(crate) secret: bool,
}

/// Something that the user should know about the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// A value was ignored; the strict form of `init` refuses to start with it.
    Malformed(String),
    /// All values are usable, but perhaps not what the user meant.
    Notice(String),
}

impl Warning {
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(self, Warning::Malformed(_))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Warning::Malformed(text) | Warning::Notice(text)) = self;
        f.write_str(text)
    }
}

/// The environment, and what was found wrong with it.
pub(crate) struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Environment { lookup, warnings: Vec::new() }
    }

    /// The value under one name. The specification has an empty value mean the same as none.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The first value that can be read; those before it are reported.
    pub(crate) fn read<T>(&mut self, variable: &Variable<T>) -> Option<T> {
        for name in variable.names {
            let Some(text) = self.text(name) else { continue };
            let value = (variable.parse)(&text);
            if value.is_some() {
                return value;
            }
            self.reject(name, &text, variable.accepted, variable.secret);
        }
        None
    }

    /// Reads the parts of lists, separated by commas, under each of the names in their order. `add` returns whether it
    /// could use the part; a list of which some parts cannot be read or used is reported.
    pub(crate) fn read_list<T>(&mut self, variable: &Variable<T>, mut add: impl FnMut(T) -> bool) {
        for name in variable.names {
            let Some(text) = self.text(name) else { continue };
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            let is_used = |part| (variable.parse)(part).is_some_and(&mut add);
            if parts.map(is_used).filter(|is_used| !is_used).count() > 0 {
                self.reject_part(name, &text, variable.accepted, variable.secret);
            }
        }
    }

    /// Reports a value that cannot be used.
    pub(crate) fn reject(&mut self, name: &str, text: &str, accepted: &str, secret: bool) {
        let value = shown(text, secret);
        self.warnings.push(Warning::Malformed(format!("{name}={value} is ignored: expected {accepted}")));
    }

    /// Reports a list of which some parts cannot be used.
    pub(crate) fn reject_part(&mut self, name: &str, text: &str, accepted: &str, secret: bool) {
        let value = shown(text, secret);
        self.warnings
            .push(Warning::Malformed(format!("{name}={value} is used in part: expected {accepted}")));
    }

    /// Reports values that are usable but suspicious.
    pub(crate) fn notice(&mut self, text: String) {
        self.warnings.push(Warning::Notice(text));
    }
}

/// What a variable of this process holds. What is not Unicode is read as far as it can be, and is then found malformed.
pub(crate) fn process_environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn shown(text: &str, secret: bool) -> String {
    if secret { "****".to_owned() } else { format!("{text:?}") }
}
