//! OpenAI's embeddings, `POST /v1/embeddings`.
//!
//! Source: OpenAI's API reference. What is recorded follows OpenInference's instrumentation of the `openai` package.

use super::openai_chat::number;
use super::usage;
use crate::json::Node;
use crate::llm::exchange::{Operation, Request, Response, texts};
use crate::llm::parameters;
use crate::llm::shape::{Fit, Marks, Shape};
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Embedding,
    system: Some(system::OPENAI),
    provider: None,
    names_both_models: false,
    fits_request,
    marks: Marks {
        fields: &["dimensions", "encoding_format", "input_type"],
        is_model: |model| model.contains("embed"),
        ..Marks::NONE
    },
    is_response: |response| response.list("data").next().is_some_and(|item| item.has("embedding")),
    is_chunk: |_| false,
    request,
    response,
    fold: |_, _| {},
};

/// A list of texts or tokens is always the input of embeddings. A single text may be the input of a response instead.
fn fits_request(request: Node<'_>) -> Fit {
    let input = request.get("input");
    let is_listed = |input: Node<'_>| input.items().next().is_some_and(|item| !item.is_object());
    match Fit::certain_if(input.is_some_and(is_listed)) {
        Fit::No => Fit::possible_if(input.is_some_and(Node::is_text)),
        fit => fit,
    }
}

fn request(request: Node<'_>) -> Request<'_> {
    Request {
        model: request.filled("model"),
        texts: texts(request.get("input")),
        parameters: parameters::EMBEDDINGS.of(request),
        ..Request::default()
    }
}

fn response(response: Node<'_>) -> Response<'_> {
    let vectors = response.list("data").enumerate().filter_map(|(place, item)| {
        let vector = vector(item.get("embedding")?).filter(|vector| !vector.is_empty())?;
        Some((number(item, place), vector))
    });
    Response {
        model: response.filled("model"),
        vectors: vectors.collect(),
        usage: usage::of_answer(response),
        ..Response::default()
    }
}

/// A vector: a list of numbers, or the bytes of 32-bit numbers in base64.
pub(super) fn vector(embedding: Node<'_>) -> Option<Vec<f64>> {
    match embedding.text() {
        Some(base64) => {
            let bytes = decode(&base64)?;
            let (numbers, []) = bytes.as_chunks() else { return None };
            Some(numbers.iter().map(|number| f64::from(f32::from_le_bytes(*number))).collect())
        }
        None => serde_json::from_str(embedding.raw()).ok(),
    }
}

/// Decodes base64.
fn decode(base64: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    /// The value of each byte. Bytes outside the alphabet have a value of more than six bits.
    const VALUES: [u8; 256] = {
        let mut values = [u8::MAX; 256];
        let mut value = 0;
        while value < 64 {
            values[ALPHABET[value as usize] as usize] = value;
            value += 1;
        }
        values
    };
    let mut bytes = Vec::with_capacity(base64.len() / 4 * 3);
    let (mut bits, mut width) = (0_u32, 0);
    for byte in base64.trim_end_matches('=').bytes() {
        let value = VALUES[usize::from(byte)];
        if value == u8::MAX {
            return None;
        }
        bits = bits << 6 | u32::from(value);
        width += 6;
        if width >= 8 {
            width -= 8;
            bytes.push((bits >> width).to_le_bytes()[0]);
            bits &= (1 << width) - 1;
        }
    }
    Some(bytes)
}
