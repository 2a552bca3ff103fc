//! Functions and attribute macros that other macros write.

use crate::log::{Log, note};
use crate::observe;

macro_rules! named {
    ($name:ident) => {
        #[observe]
        fn $name(n: u8) -> u8 {
            n + 1
        }
    };
}

named!(name);

macro_rules! with_a_body {
    ($name:ident, $body:block) => {
        #[observe]
        fn $name() -> u32 $body
    };
}

with_a_body!(body, {
    let n = 7;
    n + 1
});
with_a_body!(body_with_a_return, {
    if cfg!(any()) {
        return 1;
    }
    2
});

macro_rules! with_everything {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$life:lifetime>($($arg:ident: $ty:ty),*) -> $result:ty { $value:expr }) => {
        $(#[$meta])*
        #[observe]
        $vis fn $name<$life>($($arg: $ty),*) -> $result {
            $value
        }
    };
}

with_everything! {
    /// Is documented.
    #[inline]
    pub(crate) fn everything<'a>(text: &'a str, n: Option<u8>) -> Result<(&'a str, u8), String> {
        n.map(|n| (text, n)).ok_or_else(|| "none".to_owned())
    }
}

with_everything! {
    fn no_visibility<'a>(text: &'a str) -> &'a str { text }
}

macro_rules! with_the_attribute {
    ($item:item) => {
        $item
    };
}

with_the_attribute! {
    #[observe]
    fn attribute_and_item(n: u8) -> u8 {
        n
    }
}

macro_rules! several {
    ($($name:ident => $value:literal: $ty:ty),* $(,)?) => {
        $(#[inline]
        #[observe]
        fn $name() -> $ty {
            $value
        })*
    };
}

several! { first => 1: u8, second => "two": &'static str, third => 3.5: f64 }

macro_rules! with_hygiene {
    ($name:ident, $n:ident) => {
        #[observe]
        fn $name(local: u8, $n: u8) -> u8 {
            let value = local * 2;
            value + $n
        }
    };
}

with_hygiene!(hygiene, value);

macro_rules! with_patterns {
    ($name:ident, $pattern:pat_param, $ty:ty, $value:expr) => {
        #[observe]
        fn $name($pattern: $ty) -> String {
            format!("{:?}", $value)
        }
    };
}

with_patterns!(pattern, (a, [b, _]), (u8, [char; 2]), (b, a));

macro_rules! with_tokens {
    ($($tokens:tt)*) => {
        #[observe]
        $($tokens)*
    };
}

with_tokens! {
    fn tokens<T>(value: &T) -> (T, T)
    where
        T: Clone + Default,
    {
        (value.clone(), T::default())
    }
}

with_tokens! {
    async fn async_tokens(n: u8) -> Result<u8, String> {
        n.checked_sub(1).ok_or_else(|| "zero".into())
    }
}

macro_rules! with_methods {
    ($ty:ident { $($name:ident: $result:ty = $value:expr),* }) => {
        struct $ty;

        impl $ty {
            $(#[inline]
        #[observe]
            fn $name(&self) -> $result {
                let $ty = self;
                $value
            })*
        }
    };
}

with_methods!(Service { text: String = "text".to_owned(), nothing: Option<u8> = None });

macro_rules! body_with_macros {
    ($name:ident { $($statement:expr;)* }) => {
        #[observe]
        fn $name() -> Vec<u8> {
            let mut numbers = vec![];
            macro_rules! push {
                ($n:expr) => { numbers.push($n) };
            }
            push!(1);
            $($statement;)*
            push!(2);
            numbers
        }
    };
}

body_with_macros!(statements {
    note("first");
    note("second");
});

macro_rules! with_nested_macros {
    ($outer:ident, $inner:ident) => {
        named!($inner);

        #[observe]
        fn $outer(n: u8) -> u8 {
            $inner(n) * 2
        }
    };
}

with_nested_macros!(outer, inner);

macro_rules! with_arguments {
    ($name:ident, $label:literal, $field:expr) => {
        #[observe(name = $label, fields("field" = $field), skip(secret))]
        fn $name(secret: &str) -> Result<usize, String> {
            Ok(secret.len())
        }
    };
}

with_arguments!(arguments, "label", 1 + 1);

pub(crate) fn drive(log: &mut Log) {
    log.shape("name", || name(1));
    log.shape("body", body);
    log.shape("body_with_a_return", body_with_a_return);
    log.calls(2, "everything", || (everything("x", Some(1)), everything("x", None)));
    log.shape("no_visibility", || no_visibility("x"));
    log.shape("attribute_and_item", || attribute_and_item(1));
    log.calls(3, "several", || format!("{:?}", (first(), second(), third())));
    log.shape("hygiene", || hygiene(1, 2));
    log.shape("pattern", || pattern((1, ['b', 'c'])));
    log.shape("tokens", || tokens(&7));
    log.calls(2, "async_tokens", || [0, 1].map(|n| crate::log::wait!(async_tokens(n))));
    log.calls(2, "methods", || (Service.text(), Service.nothing()));
    log.shape("statements", statements);
    log.calls(2, "outer", || outer(1));
    log.shape("arguments", || arguments("secret"));
}
