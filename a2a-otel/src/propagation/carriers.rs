//! The types that the protocols' SDKs use for headers and metadata.
//!
//! A header without a text is not sent: the SDK's propagator writes a `tracestate` for every span, which nearly always is
//! empty, and the standard says not to send it. Instead, the name is removed, because what the carrier has of it is another
//! span's.
//!
//! Source: <https://www.w3.org/TR/trace-context/#tracestate-header-field-values>.

use std::collections::HashMap;

use opentelemetry::propagation::{Extractor, Injector};
use serde_json::{Map, Value};

/// An A2A client's service parameters, which become HTTP headers or gRPC metadata.
#[derive(Debug)]
pub struct ServiceParams<'a>(pub &'a mut HashMap<String, Vec<String>>);

/// An A2A server's service parameters, whose names are in lower case.
#[derive(Debug)]
pub struct ServiceParamsRef<'a>(pub &'a HashMap<String, Vec<String>>);

/// The `_meta` of an outgoing MCP request, or the metadata of an A2A message.
#[derive(Debug)]
pub struct Meta<'a>(pub &'a mut Map<String, Value>);

/// The `_meta` of an incoming MCP request, or the metadata of an A2A message.
#[derive(Debug)]
pub struct MetaRef<'a>(pub &'a Map<String, Value>);

impl Injector for ServiceParams<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            self.0.remove(key);
        } else {
            self.0.insert(key.to_owned(), vec![value]);
        }
    }
}

impl Extractor for ServiceParamsRef<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.first().map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

impl Injector for Meta<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            self.0.remove(key);
        } else {
            self.0.insert(key.to_owned(), Value::String(value));
        }
    }
}

impl Extractor for MetaRef<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// The headers of an outgoing HTTP request.
#[cfg(feature = "http")]
#[derive(Debug)]
pub struct Headers<'a>(pub &'a mut http::HeaderMap);

/// The headers of an incoming HTTP request.
#[cfg(any(feature = "http", feature = "mcp"))]
#[derive(Debug)]
pub struct HeadersRef<'a>(pub &'a http::HeaderMap);

#[cfg(feature = "http")]
impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            self.0.remove(key);
        } else if let (Ok(name), Ok(value)) =
            (http::HeaderName::try_from(key), http::HeaderValue::try_from(value))
        {
            self.0.insert(name, value);
        }
    }
}

#[cfg(any(feature = "http", feature = "mcp"))]
impl Extractor for HeadersRef<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
