//! The names in `a2a_otel::__private` that depend on the plan. A fixed name is written where `write` uses it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, TokenStreamExt as _};

macro_rules! names {
    ($($(#[$doc:meta])* $set:ident { $($(#[$variant_doc:meta])* $variant:ident $(= $name:literal)?,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(crate) enum $set { $($(#[$variant_doc])* $variant,)* }

        impl $set {
            const fn name(self) -> &'static str {
                match self { $(Self::$variant => names!(@name $variant $($name)?),)* }
            }

            /// The name at a place in the user's code, where the compiler reports an error about it.
            pub(crate) fn at(self, place: Span) -> Ident {
                Ident::new(self.name(), place.resolved_at(Span::mixed_site()))
            }
        }

        impl ToTokens for $set {
            fn to_tokens(&self, tokens: &mut TokenStream) {
                tokens.append(self.at(Span::mixed_site()));
            }
        }
    )*};
    (@name $variant:ident) => { stringify!($variant) };
    (@name $variant:ident $name:literal) => { $name };
}

names! {
    /// OpenTelemetry's kinds of spans.
    OtelKind {
        Client,
        Internal,
    }
    /// The variants of `InstrumentKind`.
    Instrument {
        Counter,
        Histogram,
        Gauge,
        UpDownCounter,
    }
    /// Which calls a metric counts.
    On {
        Ok,
        Err,
        Always,
    }
    /// What a metric without a `value` measures.
    Implied {
        Nothing,
        One,
        Duration,
    }
    /// What figures count a call as.
    Measured {
        Nothing,
        Agent,
        Tool,
        Model,
        Embedding,
        Retrieval,
        A2a,
    }
    /// What observes a call.
    Observer {
        Span,
        Measurement,
    }
    /// What values are recorded on.
    Target {
        /// A span, before the body runs.
        Opening,
        /// A span, after the body has returned.
        Ending,
        /// A span, for each item of a stream.
        SpanItems,
        /// A metric, before or after the body.
        Measurement,
        /// A metric, for each item of a stream.
        MetricItems,
    }
    /// The methods of a target that take values.
    Method {
        Fields = "fields",
        Documents = "documents",
        NamePart = "name_part",
        Repeated = "repeated",
        Output = "output",
        Response = "response",
    }
    /// The methods of `Opening` that take an optional text.
    TextMethod {
        Name = "name",
        Session = "session",
        User = "user",
        Model = "model",
    }
    /// The wrappers that find out, at compile time, what a value can be recorded as.
    Wrapper {
        Capture,
        /// For the items of a stream, which may be pieces of a text.
        Item,
        /// For the request and the response of a model, which may also be bytes.
        Body,
    }
    /// The methods of a wrapper.
    Ability {
        /// The value, or nothing if its type cannot be recorded.
        Value = "a2a_otel_value",
        /// The value; a type that cannot be recorded is a compile error.
        Required = "a2a_otel_required",
        /// The value as text.
        Text = "a2a_otel_text",
    }
    /// The methods of a classified result that choose how its scope ends.
    End {
        /// With success or failure, and no value.
        WithoutValue = "a2a_otel_end",
        /// With the value as the span's output.
        WithOutput = "a2a_otel_output",
        /// With the value as the answer of a model.
        WithResponse = "a2a_otel_response",
    }
    /// The methods of an end that ask the value whether the function has failed.
    Judgement {
        /// Ends the scope accordingly.
        Judged = "a2a_otel_judged",
        /// Says what the value says.
        Verdict = "a2a_otel_verdict",
    }
    /// The methods of a classified item that choose how it is recorded, if the result is a stream.
    ItemEnd {
        /// Only its error.
        WithoutValue = "a2a_otel_end",
        /// As a part of the span's output.
        AsOutput = "a2a_otel_item",
        /// As a chunk of a model's answer.
        AsChunk = "a2a_otel_chunk",
        /// As a chunk that is not read.
        AsUnreadChunk = "a2a_otel_unread_chunk",
    }
}
