//! Reads environment variables by tables. Each row holds the names of a variable, how to read a value, and what the
//! user is told about a value that cannot be read.

pub(crate) mod values;

use std::fmt;

/// A variable and its names, the most specific one first.
pub(crate) struct Variable<T> {
    pub(crate) names: &'static [&'static str],
    pub(crate) parse: fn(&str) -> Option<T>,
    /// Completes the sentence "expected ...".
    pub(crate) accepted: &'static str,
    /// A value that is accepted and is not the default.
    pub(crate) example: &'static str,
    /// Whether a value may be secret, so that warnings must not repeat it.
    pub(crate) secret: bool,
}

/// What the user should know about the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// A value was ignored. The strict form of `init` refuses to start.
    Malformed(String),
    /// All values can be used, but may not be what the user meant.
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

/// The environment, and the warnings about it.
pub(crate) struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Environment { lookup, warnings: Vec::new() }
    }

    /// Returns the value of one variable. By the specification, an empty value counts as unset.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Returns the first value that can be read, and reports those before it.
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

    /// Reads comma-separated lists, under each of the variable's names in order. `add` returns whether it could use a
    /// part. A list with parts that cannot be read or used is reported.
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
        self.warn(Warning::Malformed(format!("{name}={value} is ignored: expected {accepted}")));
    }

    /// Whether a value of this variable was reported.
    pub(crate) fn has_rejected(&self, name: &str) -> bool {
        let start = format!("{name}=");
        self.warnings.iter().any(|warning| warning.to_string().starts_with(&start))
    }

    /// Adds a warning. Two signals may read one variable, which is reported once.
    fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Reports a list with parts that cannot be used.
    pub(crate) fn reject_part(&mut self, name: &str, text: &str, accepted: &str, secret: bool) {
        let value = shown(text, secret);
        self.warn(Warning::Malformed(format!("{name}={value} is used in part: expected {accepted}")));
    }

    /// Reports values that can be used but look wrong.
    pub(crate) fn notice(&mut self, text: String) {
        self.warnings.push(Warning::Notice(text));
    }
}

/// Looks up a variable of this process. What is not Unicode is replaced, so that the value turns out malformed.
pub(crate) fn process_environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn shown(text: &str, secret: bool) -> String {
    if secret { "****".to_owned() } else { format!("{text:?}") }
}
