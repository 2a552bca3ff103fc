//! A request with encoded records, such as spans, which can be divided if the receiver refuses it.
//!
//! The requests of all signals whose records have a resource and a scope have the same form, with the same numbers of
//! fields.

use std::marker::PhantomData;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};

use super::cut::{Cuttable, cut};
use super::wire::{head, length_of_field};
use crate::pipeline::ledger::Ledger;
use crate::pipeline::signal::Payload;

/// The parts of a request, one for each resource.
const OF_RESOURCES: u32 = 1;
/// The parts of a resource's part, one for each scope.
const OF_SCOPES: u32 = 2;
/// The records of a scope's part.
pub(super) const RECORDS: u32 = 2;

/// The longest tag and length of a message.
const HEAD: usize = 6;

/// A record of a signal.
pub(crate) trait Record: Cuttable + Default + Send + 'static {
    /// The name for messages.
    fn name(self) -> String;

    /// Decodes a request into its parts.
    fn parts(body: &[u8]) -> Result<Parts<Self>, prost::DecodeError>;
}

/// The parts of a request: the fields of each resource, and within it those of each scope, and its records.
pub(super) type Parts<R> = Vec<(Vec<u8>, Vec<(Vec<u8>, Vec<R>)>)>;

/// One record.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    /// The fields of its resource's part except for the scopes.
    pub(super) resource: Arc<[u8]>,
    /// The fields of its scope's part except for the records.
    pub(super) scope: Arc<[u8]>,
    /// The record, as a field of its scope's part.
    pub(super) bytes: Vec<u8>,
}

/// Records of one signal that are sent in one request.
#[derive(Debug)]
pub(crate) struct Request<R> {
    content: Content,
    of: PhantomData<fn() -> R>,
}

#[derive(Clone, Debug)]
enum Content {
    Records(Vec<Encoded>),
    /// A request that is already encoded, as stored on disk, and the number of its records.
    Body(Vec<u8>, usize),
}

impl<R: Record> Request<R> {
    pub(super) fn new(records: Vec<Encoded>) -> Self {
        Self::with(Content::Records(records))
    }

    const fn with(content: Content) -> Self {
        Self { content, of: PhantomData }
    }

    /// Joins requests into one. Encoded protobuf messages can be concatenated.
    pub(crate) fn join(bodies: impl IntoIterator<Item = (Vec<u8>, usize)>) -> Self {
        let mut bodies = bodies.into_iter();
        let (mut body, mut records) = bodies.next().unwrap_or_default();
        for (other, of_other) in bodies {
            body.extend(other);
            records += of_other;
        }
        Self::with(Content::Body(body, records))
    }

    /// Encodes the request.
    pub(crate) fn body(&self) -> Vec<u8> {
        match &self.content {
            Content::Records(records) => body(records),
            Content::Body(body, _) => body.clone(),
        }
    }

    /// Returns the individual records. An encoded request is decoded first.
    fn unfold(self) -> Result<Vec<Encoded>, Self> {
        match self.content {
            Content::Records(records) => Ok(records),
            Content::Body(body, records) => match read::<R>(&body) {
                Ok(read) if read.len() == records => Ok(read),
                _ => Err(Self::with(Content::Body(body, records))),
            },
        }
    }

    /// Shortens and divides the request so that no part takes more than this many bytes. Records that are larger even when
    /// they are cut are left out, counted and reported; returns their places.
    pub(super) fn fitted(self, bytes: usize, ledger: &Ledger) -> (Vec<Self>, Vec<usize>) {
        if self.body_length() <= bytes {
            return (vec![self], Vec::new());
        }
        let records = match self.unfold() {
            Ok(records) => records,
            Err(whole) => return (vec![whole], Vec::new()),
        };
        let (mut kept, mut left_out, mut shortened) = (Vec::new(), Vec::new(), 0);
        for (place, mut record) in records.into_iter().enumerate() {
            let room = bytes.saturating_sub(record.bytes_around());
            let was_too_large = record.bytes.len() > room;
            if was_too_large && !record.cut::<R>(room) {
                ledger.too_large(&record.name::<R>(), bytes);
                left_out.push(place);
            } else {
                shortened += u64::from(was_too_large);
                kept.push(record);
            }
        }
        if shortened > 0 {
            ledger.shortened(shortened, bytes);
        }
        let parts = if kept.is_empty() { Vec::new() } else { Self::new(kept).within(bytes) };
        (parts, left_out)
    }

    /// Divides the request until each part takes at most this many bytes. A longer record becomes a part of its own.
    pub(crate) fn within(self, bytes: usize) -> Vec<Self> {
        if self.body_length() <= bytes {
            return vec![self];
        }
        match self.halve() {
            Ok(halves) => halves.into_iter().flat_map(|half| half.within(bytes)).collect(),
            Err(whole) => vec![whole],
        }
    }

    /// Cuts each record that takes more than this many bytes, as far as that is possible, and marks what was cut. Returns
    /// how many records were cut.
    pub(crate) fn shorten_records(self, bytes: usize) -> (Self, u64) {
        let mut records = match self.unfold() {
            Ok(records) => records,
            Err(whole) => return (whole, 0),
        };
        let mut shortened = 0;
        for record in records.iter_mut().filter(|record| record.bytes.len() > bytes) {
            record.cut::<R>(bytes);
            shortened += 1;
        }
        (Self::new(records), shortened)
    }

    /// The length of the encoded request.
    fn body_length(&self) -> usize {
        match &self.content {
            Content::Records(records) => {
                let resources = by_resource(records);
                lengths_of_resources(&resources).into_iter().map(length_of_field).sum()
            }
            Content::Body(body, _) => body.len(),
        }
    }

    #[cfg(test)]
    pub(super) const fn is_unfolded(&self) -> bool {
        matches!(self.content, Content::Records(_))
    }
}

impl<R> Clone for Request<R> {
    fn clone(&self) -> Self {
        Self { content: self.content.clone(), of: PhantomData }
    }
}

impl<R: Record> Payload for Request<R> {
    fn items(&self) -> usize {
        match &self.content {
            Content::Records(records) => records.len(),
            Content::Body(_, records) => *records,
        }
    }

    fn bytes(&self) -> usize {
        match &self.content {
            Content::Records(records) => records.iter().map(|record| record.bytes.len()).sum(),
            Content::Body(body, _) => body.len(),
        }
    }

    fn halve(self) -> Result<[Self; 2], Self> {
        if self.items() < 2 {
            return Err(self);
        }
        let mut records = self.unfold()?;
        let back = records.split_off(records.len() / 2);
        Ok([records, back].map(Self::new))
    }

    fn merge(self, back: Self) -> Result<Self, [Self; 2]> {
        match (self.content, back.content) {
            (Content::Records(mut records), Content::Records(more)) => {
                records.extend(more);
                Ok(Self::new(records))
            }
            contents => Err(<[Content; 2]>::from(contents).map(Self::with)),
        }
    }

    fn shorten(self, bytes: usize) -> Self {
        self.shorten_records(bytes).0
    }

    fn name_of_first(&self) -> String {
        let records = self.clone().unfold().unwrap_or_default();
        records.first().map(Encoded::name::<R>).unwrap_or_default()
    }
}

fn body(records: &[Encoded]) -> Vec<u8> {
    let resources = by_resource(records);
    let lengths = lengths_of_resources(&resources);
    let mut body = Vec::with_capacity(lengths.iter().copied().map(length_of_field).sum());
    for ((resource, scopes), length) in resources.into_iter().zip(lengths) {
        head(OF_RESOURCES, length, &mut body);
        body.extend_from_slice(resource);
        for ScopePart { fields, length, records } in scopes {
            head(OF_SCOPES, length, &mut body);
            body.extend_from_slice(fields);
            for record in records {
                body.extend_from_slice(&record.bytes);
            }
        }
    }
    body
}

/// The lengths of the parts of a request.
fn lengths_of_resources(resources: &[ResourcePart<'_>]) -> Vec<usize> {
    let of_scopes =
        |scopes: &[ScopePart<'_>]| scopes.iter().map(|scope| length_of_field(scope.length)).sum::<usize>();
    resources.iter().map(|(resource, scopes)| resource.len() + of_scopes(scopes)).collect()
}

/// The fields of a resource, and its scopes.
type ResourcePart<'a> = (&'a Arc<[u8]>, Vec<ScopePart<'a>>);

/// Groups the records by resource and scope. There are few of either.
fn by_resource(records: &[Encoded]) -> Vec<ResourcePart<'_>> {
    let mut resources: Vec<ResourcePart<'_>> = Vec::new();
    for record in records {
        let known = resources.iter().rposition(|(resource, _)| Arc::ptr_eq(resource, &record.resource));
        let index = known.unwrap_or_else(|| {
            resources.push((&record.resource, Vec::new()));
            resources.len() - 1
        });
        let scopes = &mut resources[index].1;
        let known = scopes.iter().rposition(|scope| Arc::ptr_eq(scope.fields, &record.scope));
        let index = known.unwrap_or_else(|| {
            scopes.push(ScopePart { fields: &record.scope, length: record.scope.len(), records: Vec::new() });
            scopes.len() - 1
        });
        scopes[index].length += record.bytes.len();
        scopes[index].records.push(record);
    }
    resources
}

/// Decodes a request.
fn read<R: Record>(body: &[u8]) -> Result<Vec<Encoded>, prost::DecodeError> {
    let mut read = Vec::new();
    for (resource, scopes) in R::parts(body)? {
        let resource: Arc<[u8]> = resource.into();
        for (scope, records) in scopes {
            let scope: Arc<[u8]> = scope.into();
            read.extend(records.into_iter().map(|record| Encoded {
                resource: resource.clone(),
                scope: scope.clone(),
                bytes: field(&record.encode_to_vec()),
            }));
        }
    }
    Ok(read)
}

struct ScopePart<'a> {
    fields: &'a Arc<[u8]>,
    length: usize,
    records: Vec<&'a Encoded>,
}

impl Encoded {
    fn decode<R: Record>(&self) -> Option<R> {
        // The bytes begin with the tag, which takes one byte, and the length of the record.
        R::decode_length_delimited(self.bytes.get(1..)?).ok()
    }

    fn name<R: Record>(&self) -> String {
        self.decode::<R>().unwrap_or_default().name()
    }

    /// The bytes of a request around its only record.
    fn bytes_around(&self) -> usize {
        self.resource.len() + self.scope.len() + 2 * HEAD
    }

    /// Cuts the record to this many bytes. Returns whether that was possible.
    fn cut<R: Record>(&mut self, bytes: usize) -> bool {
        let Some(mut decoded) = self.decode::<R>() else { return false };
        let fits = cut(&mut decoded, bytes.saturating_sub(HEAD));
        self.bytes = field(&decoded.encode_to_vec());
        fits
    }
}

/// A record as a field of its scope's part.
pub(super) fn field(record: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(record.len() + 6);
    head(RECORDS, record.len(), &mut bytes);
    bytes.extend_from_slice(record);
    bytes
}

/// The texts in the values of attributes.
pub(super) fn texts_of_attributes(attributes: &mut [KeyValue]) -> impl Iterator<Item = &mut String> {
    let values = attributes.iter_mut().filter_map(|attribute| attribute.value.as_mut()?.value.as_mut());
    values.flat_map(texts_of_value)
}

pub(super) fn texts_of_value(value: &mut any_value::Value) -> Vec<&mut String> {
    match value {
        any_value::Value::StringValue(text) => vec![text],
        any_value::Value::ArrayValue(array) => {
            let values = array.values.iter_mut().filter_map(|value| value.value.as_mut());
            values.flat_map(texts_of_value).collect()
        }
        _ => Vec::new(),
    }
}
