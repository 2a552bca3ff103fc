//! Compares a topic of the corpus with the same topic without its attribute macros.

use std::fmt::Write as _;

use crate::log::{Log, Shape};

/// The smallest number of shapes in the corpus.
const ENOUGH: usize = 450;

/// One file of the corpus, in both versions.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) plain: fn(&mut Log),
    pub(crate) observed: fn(&mut Log),
}

impl Topic {
    /// Fails with the names of all shapes that differ.
    pub(crate) fn check(&self) {
        let (plain, observed) = (Log::of(self.plain), Log::of(self.observed));
        assert_eq!(plain.shapes.len(), observed.shapes.len(), "{}", self.name);
        let mut report = String::new();
        for (plain, observed) in plain.shapes.iter().zip(&observed.shapes) {
            self.compare(&mut report, plain, observed);
        }
        assert!(report.is_empty(), "\n{report}");
    }

    fn compare(&self, report: &mut String, plain: &Shape, observed: &Shape) {
        let shape = format!("{}::{}", self.name, plain.name);
        if plain.lines != observed.lines {
            let _ =
                writeln!(report, "{shape}\n  plain    {:#?}\n  observed {:#?}", plain.lines, observed.lines);
        }
        if plain.spans != 0 {
            let _ = writeln!(report, "{shape} makes spans without its attribute:\n{}", plain.tree);
        }
        if observed.spans != observed.calls {
            let _ = writeln!(report, "{shape} is called {} times, with\n{}", observed.calls, observed.tree);
        }
        if let Some(tree) = observed.expected_tree.filter(|tree| *tree != observed.tree) {
            let _ = writeln!(report, "{shape} has to make\n{tree}and makes\n{}", observed.tree);
        }
        if !observed.duplicates.is_empty() {
            let _ = writeln!(report, "{shape} records twice: {:?}", observed.duplicates);
        }
    }

    fn names(&self) -> Vec<String> {
        let log = Log::of(self.plain);
        log.shapes.iter().map(|shape| format!("{}::{}", self.name, shape.name)).collect()
    }
}

/// Fails if shapes are missing, or two have the same name.
pub(crate) fn check_the_number_of_shapes(topics: &[Topic], open: &[Topic]) {
    let names: Vec<_> = topics.iter().flat_map(Topic::names).collect();
    for topic in open {
        println!("{:>4} {}, of which the attribute is open", topic.names().len(), topic.name);
    }
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), names.len(), "two shapes go by one name");
    for topic in topics {
        println!("{:>4} {}", topic.names().len(), topic.name);
    }
    assert!(names.len() >= ENOUGH, "only {} shapes are left of {ENOUGH}", names.len());
    println!("{:>4} shapes", names.len());
}

#[test]
fn futures_that_are_not_send_are_told_apart() {
    let run = |log: &mut Log| {
        log.shape("is not", || crate::log::wait!(std::future::ready(std::rc::Rc::new(1))));
        log.shape("is", || crate::log::wait!(std::future::ready(1)));
    };
    let log = Log::of(run);
    let lines: Vec<_> = log.shapes.iter().map(|shape| shape.lines[0].as_str()).collect();
    assert_eq!(lines, ["the future is Send: false", "the future is Send: true"]);
}

/// Declares the versions without attribute macros, the list of topics, and a test for each.
///
/// A topic that is `open` runs only without its attribute macros, because they do not support it yet.
macro_rules! topics {
    (shared: $($shared:ident)*; here: $($here:ident)*; open: $($open:ident)*;) => {
        #[allow(
            clippy::boxed_local,
            clippy::elidable_lifetime_names,
            clippy::large_types_passed_by_value,
            clippy::manual_async_fn,
            clippy::needless_pass_by_value,
            clippy::ptr_arg,
            clippy::trivially_copy_pass_by_ref,
            clippy::uninlined_format_args,
            clippy::unnecessary_wraps,
            clippy::unused_async,
            clippy::unused_self,
            reason = "what Clippy has to say about a signature, it does not say of code that an attribute wrote"
        )]
        mod plain {
            $crate::compare::plain_topics! { $($shared)* $($here)* $($open)* }
        }

        const TOPICS: &[$crate::compare::Topic] = &[
            $($crate::compare::topic!($shared, observed::$shared::drive),)*
            $($crate::compare::topic!($here, $here::drive),)*
        ];

        const OPEN: &[$crate::compare::Topic] = &[$($crate::compare::topic!($open, |_| {}),)*];

        mod each {
            $crate::compare::checks! { $($shared)* $($here)* }
        }

        #[test]
        fn the_corpus_has_all_its_shapes() {
            $crate::compare::check_the_number_of_shapes(TOPICS, OPEN);
        }
    };
}

macro_rules! plain_topics {
    ($($topic:ident)*) => {
        $(pub(crate) mod $topic {
            include!(concat!(env!("OUT_DIR"), "/", stringify!($topic), ".rs"));
        })*
    };
}

macro_rules! topic {
    ($topic:ident, $observed:expr) => {
        $crate::compare::Topic { name: stringify!($topic), plain: plain::$topic::drive, observed: $observed }
    };
}

macro_rules! checks {
    ($($topic:ident)*) => {
        $(#[test]
        fn $topic() {
            let is_it = |topic: &&$crate::compare::Topic| topic.name == stringify!($topic);
            $crate::TOPICS.iter().find(is_it).unwrap().check();
        })*
    };
}

pub(crate) use {checks, plain_topics, topic, topics};
