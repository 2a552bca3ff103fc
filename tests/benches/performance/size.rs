//! Measures how large an attribute macro makes a future.

use crate::measure::Figure;
use crate::rows::{FASTRACE, OURS, PLAIN, SKIP_ALL, TRACING};

/// The same functions with each attribute macro.
macro_rules! shapes {
    ($($module:ident $(#[$attribute:meta])?;)*) => {$(
        mod $module {
            use std::future::ready;
            use std::hint::black_box;

            $(#[$attribute])?
            pub(super) async fn nothing() {
                ready(()).await;
            }

            $(#[$attribute])?
            pub(super) async fn number(number: u64) {
                ready(()).await;
                black_box(number);
            }

            $(#[$attribute])?
            pub(super) async fn local() {
                let local = black_box([1_u8; 4096]);
                ready(()).await;
                black_box(&local);
            }

            $(#[$attribute])?
            pub(super) async fn arguments(a: [u8; 64], b: [u8; 64], c: [u8; 64], d: [u8; 64]) {
                ready(()).await;
                black_box((a, b, c, d));
            }
        }
    )*};
}

shapes! {
    plain;
    ours #[a2a_otel::chain_span];
    skip_all #[a2a_otel::chain_span(skip_all)];
    tracing #[tracing::instrument];
    fastrace #[fastrace::trace];
}

macro_rules! figures {
    ($($shape:ident($($argument:expr),*);)*) => {$(
        pub(crate) fn $shape() -> Vec<Figure> {
            vec![
                figure(PLAIN, &plain::$shape($($argument),*)),
                figure(OURS, &ours::$shape($($argument),*)),
                figure(SKIP_ALL, &skip_all::$shape($($argument),*)),
                figure(TRACING, &tracing::$shape($($argument),*)),
                figure(FASTRACE, &fastrace::$shape($($argument),*)),
            ]
        }
    )*};
}

figures! {
    nothing();
    number(1);
    local();
    arguments([1; 64], [2; 64], [3; 64], [4; 64]);
}

fn figure<F>(name: &str, future: &F) -> Figure {
    (name.to_owned(), u32::try_from(size_of_val(future)).map_or(f64::INFINITY, f64::from))
}
