//! Finds the attribute macros in a source, and reads what they declare.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{
    Attribute, ImplItemFn, ItemFn, ItemImpl, ItemMod, ItemTrait, Macro, Meta, Signature, TraitItemFn,
    UseRename,
};

use a2a_otel::metrics::InstrumentKind;

use super::arguments::Arguments;
use super::conditions::{is_for_tests, unconditional};
use super::modules::File;
use super::{Found, Place};
use crate::message::Warning;
use crate::model::{Counted, Declared, Name, NameKind};

const METRIC: &str = "business_metric";

const INSTRUMENTS: [(&str, InstrumentKind); 4] = [
    ("counter", InstrumentKind::Counter),
    ("histogram", InstrumentKind::Histogram),
    ("gauge", InstrumentKind::Gauge),
    ("up_down_counter", InstrumentKind::UpDownCounter),
];

/// An attribute macro for spans, the arguments that may hold a name, what has the name, and whether the function's name
/// is the default.
type Naming = (&'static str, &'static [&'static str], NameKind, bool);

const NAMINGS: &[Naming] = &[
    ("agent_span", &["agent", "name"], NameKind::Agent, true),
    ("tool_span", &["tool", "name"], NameKind::Tool, true),
    ("mcp_tool", &["tool", "name"], NameKind::Tool, true),
    ("a2a_call", &["peer"], NameKind::Agent, false),
    ("llm_call", &["model"], NameKind::Model, false),
    ("embedding_call", &["model"], NameKind::Model, false),
    ("guardrail_span", &["evaluation", "name"], NameKind::Evaluation, true),
    ("evaluator_span", &["evaluation", "name"], NameKind::Evaluation, true),
];

/// The longest name that OpenTelemetry allows.
const LONGEST_NAME: usize = 255;

/// Reads a source. The places of attribute macros that a macro hides are added to `hidden`.
pub(super) fn read(file: &File, found: &mut Found, hidden: &mut Vec<Place>) {
    let mut aliases = Aliases::default();
    aliases.visit_file(&file.syntax);
    let mut reader = Reader { file: &file.shown, aliases: aliases.0, found, hidden };
    reader.visit_file(&file.syntax);
}

/// The message about attribute macros that a macro hides, if there are any.
pub(super) fn hidden_in_macros(places: &[Place]) -> Option<Warning> {
    let (first, more) = places.split_first()?;
    let others =
        if more.is_empty() { String::new() } else { format!(", as are {} more in macros", more.len()) };
    let text = format!(
        "`#[{METRIC}]` inside of a macro is left out{others}, because macros are not expanded; write the function \
         outside of the macro"
    );
    Some(Warning { place: first.clone(), text })
}

/// The other names that `use .. as ..` gives to attribute macros.
#[derive(Default)]
struct Aliases(HashMap<String, &'static str>);

impl Visit<'_> for Aliases {
    fn visit_use_rename(&mut self, renamed: &UseRename) {
        if let Some(name) = known(&renamed.ident.to_string()) {
            self.0.insert(renamed.rename.to_string(), name);
        }
    }
}

/// The attribute macro with this name, whatever the path before it is.
fn known(name: &str) -> Option<&'static str> {
    [METRIC].into_iter().chain(NAMINGS.iter().map(|(name, ..)| *name)).find(|known| *known == name)
}

struct Reader<'a> {
    file: &'a str,
    aliases: HashMap<String, &'static str>,
    found: &'a mut Found,
    hidden: &'a mut Vec<Place>,
}

impl Reader<'_> {
    fn read_function(&mut self, attributes: &[Attribute], signature: &Signature) {
        for meta in unconditional(attributes) {
            let Some(last) = meta.path().segments.last().map(|segment| segment.ident.to_string()) else {
                continue;
            };
            let Some(name) = self.aliases.get(&last).copied().or_else(|| known(&last)) else { continue };
            let function = signature.ident.unraw().to_string();
            match Arguments::parse(&meta) {
                Ok(arguments) if name == METRIC => self.read_metric(&meta, &arguments, function),
                Ok(arguments) => self.read_name(name, &meta, &arguments, function),
                Err(error) => self.warn(error.span(), &format!("`#[{name}]` is left out: {error}")),
            }
        }
    }

    fn read_metric(&mut self, meta: &Meta, arguments: &Arguments, function: String) {
        let instrument = INSTRUMENTS.iter().find_map(|(name, kind)| Some((*kind, arguments.text(name)?)));
        let Some((kind, literal)) = instrument else {
            let text = format!("`#[{METRIC}]` is left out, because it names no metric: `counter = \"name\"`");
            return self.warn(meta.span(), &text);
        };
        let name = literal.value();
        if let Some(fault) = fault(&name) {
            return self.warn(literal.span(), &format!("the metric \"{name}\" is left out: {fault}"));
        }
        let labels = match arguments.fields("attributes") {
            Ok(labels) => labels,
            Err(error) => {
                return self.warn(literal.span(), &format!("the metric \"{name}\" is left out: {error}"));
            }
        };
        let measures_duration = kind == InstrumentKind::Histogram && !arguments.has("value");
        let default_unit = if measures_duration { "s" } else { "" };
        self.found.metrics.push(Declared {
            kind,
            unit: arguments.text("unit").map_or_else(|| default_unit.to_owned(), syn::LitStr::value),
            description: arguments.text("description").map(syn::LitStr::value),
            bounds: arguments.numbers("buckets"),
            has_own_bounds: arguments.has("buckets"),
            has_outcome: arguments.has("outcome"),
            has_value: arguments.has("value"),
            counted: match arguments.word("on").as_deref() {
                Some("err") => Counted::Failures,
                Some("always") => Counted::All,
                _ => Counted::Successes,
            },
            labels,
            function,
            place: Place::new(self.file, literal.span()),
            name,
        });
    }

    fn read_name(&mut self, attribute: &str, meta: &Meta, arguments: &Arguments, function: String) {
        let Some((_, keys, kind, is_function)) = NAMINGS.iter().find(|(name, ..)| *name == attribute) else {
            return;
        };
        let given = keys.iter().find(|key| arguments.has(key));
        let text = match given {
            Some(key) => arguments.text(key).map(syn::LitStr::value),
            None => is_function.then_some(function),
        };
        if let Some(text) = text {
            self.found.names.push(Name { kind: *kind, text, place: Place::new(self.file, meta.span()) });
        }
    }

    fn warn(&mut self, span: Span, text: &str) {
        self.found.warnings.push(Warning { place: Place::new(self.file, span), text: text.to_owned() });
    }
}

/// What is wrong with the name of a metric, by the syntax of OpenTelemetry's metrics API.
fn fault(name: &str) -> Option<String> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-/".contains(letter);
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        Some("a metric's name begins with a letter".to_owned())
    } else if let Some(wrong) = name.chars().find(|letter| !allowed(*letter)) {
        Some(format!("a metric's name has letters, digits, `_`, `.`, `-` and `/`, but no `{wrong}`"))
    } else {
        (name.len() > LONGEST_NAME).then(|| format!("a metric's name has at most {LONGEST_NAME} characters"))
    }
}

/// Visits an item unless only tests compile it.
macro_rules! visit_unless_for_tests {
    ($($visit:ident($item:ident: $kind:ty) $(reads $signature:ident)?;)*) => {
        impl<'a> Visit<'a> for Reader<'_> {
            $(
                fn $visit(&mut self, $item: &'a $kind) {
                    if is_for_tests(&$item.attrs) {
                        return;
                    }
                    $(self.read_function(&$item.attrs, &$item.$signature);)?
                    visit::$visit(self, $item);
                }
            )*

            fn visit_macro(&mut self, called: &'a Macro) {
                if let Some(span) = find_attribute(called.tokens.clone()) {
                    self.hidden.push(Place::new(self.file, span));
                }
            }
        }
    };
}

visit_unless_for_tests! {
    visit_item_fn(item: ItemFn) reads sig;
    visit_impl_item_fn(item: ImplItemFn) reads sig;
    visit_trait_item_fn(item: TraitItemFn) reads sig;
    visit_item_impl(item: ItemImpl);
    visit_item_trait(item: ItemTrait);
    visit_item_mod(item: ItemMod);
}

/// The first `#[.. business_metric ..]` in the tokens of a macro.
fn find_attribute(tokens: TokenStream) -> Option<Span> {
    let mut after_hash = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if after_hash => {
                let named = group
                    .stream()
                    .into_iter()
                    .find(|token| matches!(token, TokenTree::Ident(ident) if ident == METRIC));
                if let Some(named) = named {
                    return Some(named.span());
                }
                after_hash = false;
            }
            TokenTree::Group(group) => {
                if let Some(span) = find_attribute(group.stream()) {
                    return Some(span);
                }
            }
            other => after_hash = matches!(&other, TokenTree::Punct(punct) if punct.as_char() == '#'),
        }
    }
    None
}
