//! Which interface a request is for, and the reading of requests and responses of a known interface.

use std::cell::LazyCell;

use super::exchange::{Operation, Usage};
use super::reading::Read;
use super::shape::{Fit, Seen, Shape};
use super::shapes::{EMBEDDINGS, SHAPES};
use super::{gen_ai_only, openinference};
use crate::gen_ai;
use crate::json::{Json, Node};

/// The interface that a request is probably for.
pub(super) fn shape_of_request(request: Node<'_>, is_embedding: bool) -> Option<&'static Shape> {
    let mut best = is_embedding.then_some((EMBEDDINGS, 0));
    let seen = LazyCell::new(|| Seen::in_request(request));
    for shape in SHAPES.iter().filter(|shape| !is_embedding || shape.operation == Operation::Embedding) {
        match (shape.fits_request)(request) {
            Fit::No => {}
            Fit::Certain => return Some(shape),
            Fit::Possible => {
                let most = best.map_or(0, |(_, most)| most);
                let marks = shape.marks.count(&seen).filter(|marks| *marks >= most);
                best = marks.map(|marks| (*shape, marks)).or(best);
            }
        }
    }
    best.map(|(shape, _)| shape)
}

/// Whether a request can be one for this interface.
pub(super) fn fits(shape: &Shape, request: Node<'_>) -> bool {
    match (shape.fits_request)(request) {
        Fit::No => false,
        Fit::Certain => true,
        Fit::Possible => shape.marks.count(&Seen::in_request(request)).is_some(),
    }
}

/// Reads a request of this interface.
pub(super) fn request(shape: &'static Shape, json: &Json<'_>) -> Read {
    let mut read = openinference::request(shape, (shape.request)(json.root()));
    if gen_ai::is_on() {
        gen_ai_only::request(&mut read, json.root());
    }
    read
}

/// Reads of a request of this interface what figures need.
pub(super) fn skim_request(shape: &'static Shape, request: Node<'_>) -> Read {
    let request = (shape.request)(request);
    openinference::unwritten(shape, request.model.as_deref(), Usage::default())
}

/// Reads of a response of this interface what figures need.
pub(super) fn skim_response(shape: &'static Shape, response: Node<'_>) -> Read {
    let response = (shape.response)(response);
    openinference::unwritten(shape, response.model.as_deref(), response.usage)
}

/// Reads a response of this interface.
pub(super) fn response(shape: &'static Shape, json: &Json<'_>) -> Read {
    let mut read = openinference::response(shape, (shape.response)(json.root()));
    if gen_ai::is_on() {
        gen_ai_only::response(&mut read, json.root());
    }
    read
}
