//! Items, inner attributes and inner functions in a body.

use crate::log::{Log, note};
use crate::observe;

#[observe]
fn inner_function(n: u8) -> u8 {
    fn double(n: u8) -> u8 {
        n * 2
    }
    double(n)
}

#[observe]
fn observed_inner_function(n: u8) -> u8 {
    #[observe]
    fn double(n: u8) -> u8 {
        n * 2
    }
    double(n)
}

#[observe]
async fn observed_inner_async_function(n: u8) -> u8 {
    #[observe]
    async fn double(n: u8) -> u8 {
        #[observe]
        fn half(n: u8) -> u8 {
            n / 2
        }
        half(n) * 4
    }
    double(n).await
}

#[observe]
fn inner_structure(n: u8) -> impl std::fmt::Debug {
    #[derive(Debug)]
    struct Inner {
        n: u8,
    }

    impl Inner {
        #[observe]
        fn new(n: u8) -> Self {
            Self { n }
        }
    }
    let inner = Inner::new(n);
    note(inner.n);
    inner
}

#[observe]
fn inner_enumeration_and_trait(n: u8) -> &'static str {
    enum Size {
        Small,
        Big,
    }
    trait Says {
        fn says(&self) -> &'static str;
    }
    impl Says for Size {
        fn says(&self) -> &'static str {
            match self {
                Self::Small => "small",
                Self::Big => "big",
            }
        }
    }
    if n > 9 { Size::Big.says() } else { Size::Small.says() }
}

#[observe]
fn inner_constants() -> usize {
    const SIZE: usize = 2;
    static NAMES: [&str; SIZE] = ["a", "b"];
    NAMES.len() + const { SIZE + 1 }
}

#[observe]
fn inner_uses(text: &str) -> usize {
    use std::collections::BTreeSet as Set;
    text.chars().collect::<Set<_>>().len()
}

#[observe]
fn inner_macro(n: u8) -> u8 {
    macro_rules! double {
        ($n:expr) => {
            $n * 2
        };
    }
    double!(n) + double!(1)
}

#[observe]
fn inner_module(n: u8) -> u8 {
    mod arithmetic {
        use crate::observe;

        #[observe]
        pub(super) fn double(n: u8) -> u8 {
            n * 2
        }
    }
    arithmetic::double(n)
}

#[observe]
fn inner_alias(n: u8) -> Result<u8, String> {
    type Outcome = Result<u8, String>;
    let outcome: Outcome = Ok(n);
    outcome
}

#[observe]
fn inner_attribute(n: u8) -> u8 {
    #![allow(unused_variables)]
    let unused = 1;
    n
}

#[observe]
fn inner_attributes_for_clippy(n: u64) -> u8 {
    #![allow(clippy::cast_possible_truncation)]
    #![allow(clippy::let_and_return)]
    let small = n as u8;
    small
}

#[observe]
fn inner_documentation(n: u8) -> u8 {
    //! Documented from within,
    //!
    //! in two paragraphs.
    n
}

#[observe]
async fn inner_attributes_of_an_async_function(n: u8) -> u8 {
    #![doc = "Documented from within."]
    #![allow(unused_mut)]
    let mut n = n;
    n
}

struct Service;

impl Service {
    #[observe]
    fn inner_attribute_of_a_method(&self, n: u8) -> u8 {
        #![allow(unused_variables)]
        let unused = 1;
        n
    }
}

#[observe]
fn inner_function_with_generics<T: Clone>(value: &T) -> (T, T) {
    fn twice<U: Clone>(value: &U) -> (U, U) {
        (value.clone(), value.clone())
    }
    twice(value)
}

#[observe]
fn statements_with_attributes(n: u8) -> u8 {
    #[allow(unused_variables)]
    let unused = 1;
    #[cfg(any())]
    return missing;
    #[cfg(debug_assertions)]
    let n = n + 1;
    #[rustfmt::skip]
    let n = n+1;
    n
}

#[observe]
fn counter_in_a_static() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    COUNTER.fetch_add(1, Ordering::Relaxed);
    COUNTER.load(Ordering::Relaxed)
}

#[observe]
fn observed_function_in_a_closure(n: u8) -> u8 {
    let call = |n| {
        #[observe]
        fn double(n: u8) -> u8 {
            n * 2
        }
        double(n)
    };
    call(n) + call(n)
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("inner_function", || inner_function(1));
    log.calls(2, "observed_inner_function", || observed_inner_function(1));
    let tree = "CHAIN observed_inner_async_function\n  CHAIN double\n    CHAIN half\n";
    log.tree(tree, "observed_inner_async_function", || crate::log::wait!(observed_inner_async_function(2)));
    log.calls(2, "inner_structure", || inner_structure(1));
    log.calls(2, "inner_enumeration_and_trait", || [1, 10].map(inner_enumeration_and_trait));
    log.shape("inner_constants", inner_constants);
    log.shape("inner_uses", || inner_uses("hello"));
    log.shape("inner_macro", || inner_macro(1));
    log.calls(2, "inner_module", || inner_module(1));
    log.shape("inner_alias", || inner_alias(1));
    log.shape("inner_attribute", || inner_attribute(1));
    log.shape("inner_attributes_for_clippy", || inner_attributes_for_clippy(258));
    log.shape("inner_documentation", || inner_documentation(1));
    log.shape("inner_attributes_of_an_async_function", || {
        crate::log::wait!(inner_attributes_of_an_async_function(1))
    });
    log.shape("inner_attribute_of_a_method", || Service.inner_attribute_of_a_method(1));
    log.shape("inner_function_with_generics", || inner_function_with_generics(&'x'));
    log.shape("statements_with_attributes", || statements_with_attributes(1));
    log.calls(2, "counter_in_a_static", || (counter_in_a_static() + 1).min(2) + counter_in_a_static().min(1));
    log.calls(3, "observed_function_in_a_closure", || observed_function_in_a_closure(1));
}
