//! Serializes values as JSON, byte for byte as `serde_json` does.
//!
//! It has its own serializer because texts are long: it looks for characters to escape eight bytes at a time, and
//! builds the index of a value that will be read while it writes. Everything except the walk through the user's types
//! is compiled once.

use std::fmt::{self, Display, Write as _};

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::text::Text;
use crate::json::StringForm;

/// The names of `serde_json`'s structs whose only field is text that is already JSON.
const RAW_JSON: [&str; 2] = ["$serde_json::private::RawValue", "$serde_json::private::Number"];

/// The text is full, the value's own code failed, or the value has a key that JSON does not allow.
#[derive(Debug)]
pub(super) struct Unwritten;

type Written = Result<(), Unwritten>;

pub(super) fn write<T: Serialize + ?Sized>(value: &T, text: &mut Text) -> Written {
    value.serialize(JsonSerializer { text, role: Role::Value })
}

/// What the next value is.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Value,
    /// The key of an object: always a string.
    Key,
    /// A string that is already JSON.
    RawJson,
}

struct JsonSerializer<'a> {
    text: &'a mut Text,
    role: Role,
}

/// The members of an object or a list.
struct Members<'a> {
    text: &'a mut Text,
    role: Role,
    is_first: bool,
    end: u8,
    /// Whether it is the only member of an object that stands for the variant of an enum.
    is_variant: bool,
}

/// The text may exceed the limit for a moment: it is cut at the end of each string, number, object and list.
impl Text {
    #[inline]
    fn bound(&mut self) -> Written {
        if self.bytes.len() <= self.limit {
            return Ok(());
        }
        self.bytes.truncate(self.limit);
        self.cut = true;
        Err(Unwritten)
    }

    /// Begins an object or a list.
    #[inline]
    fn begin(&mut self, byte: u8) {
        let start = self.bytes.len();
        self.bytes.push(byte);
        self.note(|index| index.open(start));
    }

    #[inline]
    fn end(&mut self, byte: u8) -> Written {
        self.bytes.push(byte);
        let end = self.bytes.len();
        self.note(|index| index.close(end));
        self.bound()
    }

    #[inline]
    pub(super) fn string(&mut self, content: &str) -> Written {
        if content.len() > self.longest_base64 {
            return self.long_string(content);
        }
        self.short_string(content)
    }

    #[cold]
    fn long_string(&mut self, content: &str) -> Written {
        let replaced = self.replaced(content);
        self.short_string(&replaced)
    }

    #[inline]
    fn short_string(&mut self, content: &str) -> Written {
        let start = self.bytes.len();
        let kept = self.within_limit(content);
        self.bytes.reserve(kept.len() + 2);
        self.bytes.push(b'"');
        let is_escaped = escape(kept, &mut self.bytes);
        self.bytes.push(b'"');
        let end = self.bytes.len();
        let form = if is_escaped { StringForm::Known(content) } else { StringForm::AsIs };
        self.note(|index| index.string(start, end, form));
        self.bound()
    }

    fn displayed(&mut self, value: &(impl Display + ?Sized)) -> Written {
        let start = self.bytes.len();
        self.bytes.push(b'"');
        write!(EscapingWriter(self), "{value}").map_err(|_| Unwritten)?;
        self.bytes.push(b'"');
        let end = self.bytes.len();
        self.note(|index| index.string(start, end, StringForm::Escaped));
        self.bound()
    }

    /// A number, `true`, `false` or `null`.
    #[inline]
    fn scalar(&mut self, value: impl Serialize) -> Written {
        let start = self.bytes.len();
        serde_json::to_writer(&mut self.bytes, &value).map_err(|_| Unwritten)?;
        let end = self.bytes.len();
        self.note(|index| index.scalar(start, end));
        self.bound()
    }

    /// Text that is already JSON. Its values are unknown, so the text has no index.
    fn raw_json(&mut self, json: &str) -> Written {
        self.index = None;
        let kept = self.within_limit(json);
        self.bytes.extend_from_slice(kept);
        self.bound()
    }

    /// As much of a text as the limit allows, because the text may be huge.
    fn within_limit<'a>(&self, text: &'a str) -> &'a [u8] {
        &text.as_bytes()[..text.len().min(self.limit)]
    }
}

/// Appends a text as it is written between the quotes of a string. Returns whether any of it is escaped.
#[inline]
fn escape(text: &[u8], into: &mut Vec<u8>) -> bool {
    let (plain, rest) = text.split_at(plain_length(text));
    into.extend_from_slice(plain);
    if !rest.is_empty() {
        escape_each(rest, into);
    }
    !rest.is_empty()
}

/// The character after the backslash for each escaped byte. A `match` would compile to a jump, which the processor
/// mispredicts where quotes and line ends alternate.
const LETTERS: [u8; 256] = {
    let mut letters = [b'u'; 256];
    letters[b'\n' as usize] = b'n';
    letters[b'\r' as usize] = b'r';
    letters[b'\t' as usize] = b't';
    letters[0x08] = b'b';
    letters[0x0c] = b'f';
    letters[b'"' as usize] = b'"';
    letters[b'\\' as usize] = b'\\';
    letters
};

/// Appends a text that begins with a byte to escape.
fn escape_each(text: &[u8], into: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        let letter = LETTERS[usize::from(*byte)];
        into.extend_from_slice(&[b'\\', letter]);
        if letter == b'u' {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            into.extend_from_slice(&[b'0', b'0', high, low]);
        }
        let (plain, next) = behind.split_at(plain_length(behind));
        into.extend_from_slice(plain);
        rest = next;
    }
}

/// How many bytes precede the first one that JSON escapes: a control character, a quote or a backslash.
fn plain_length(bytes: &[u8]) -> usize {
    let Some(last) = bytes.last_chunk() else { return short_plain_length(bytes) };
    let (words, _) = bytes.as_chunks();
    for (place, word) in words.iter().enumerate() {
        let escapes = escapes(*word);
        if escapes != 0 {
            return place * 8 + first(escapes);
        }
    }
    // The last word overlaps bytes that are already checked.
    bytes.len() - 8 + first(escapes(*last))
}

/// The same for less than a word. Most names of fields are that short.
fn short_plain_length(bytes: &[u8]) -> usize {
    if let (Some([a, b, c, d]), Some([e, f, g, h])) = (bytes.first_chunk(), bytes.last_chunk())
        && escapes([*a, *b, *c, *d, *e, *f, *g, *h]) == 0
    {
        return bytes.len();
    }
    bytes.iter().position(|byte| is_escaped(*byte)).unwrap_or(bytes.len())
}

const fn is_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The highest bit of each byte to escape, and perhaps of some bytes after such a byte.
#[inline]
fn escapes(word: [u8; 8]) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let word = u64::from_le_bytes(word);
    // Subtracting a number from a smaller byte borrows, which sets the byte's highest bit.
    let control = word.wrapping_sub(each(b' '));
    let quote = (word ^ each(b'"')).wrapping_sub(each(1));
    let backslash = (word ^ each(b'\\')).wrapping_sub(each(1));
    (control | quote | backslash) & !word & each(0x80)
}

/// The index of the first byte whose bit is set, or eight.
const fn first(escapes: u64) -> usize {
    escapes.trailing_zeros() as usize / 8
}

/// Escapes the output of `Display`.
struct EscapingWriter<'a>(&'a mut Text);

impl fmt::Write for EscapingWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Self(into) = self;
        let text = into.replaced(text);
        escape(into.within_limit(&text), &mut into.bytes);
        into.bound().map_err(|_| fmt::Error)
    }
}

impl<'a> JsonSerializer<'a> {
    /// Writes a scalar, as a string where it is a key.
    fn scalar(self, value: impl Serialize + Display) -> Written {
        if self.role == Role::Key { self.text.displayed(&value) } else { self.text.scalar(value) }
    }

    fn float(self, value: impl Serialize, is_finite: bool) -> Written {
        if self.role != Role::Key {
            return self.text.scalar(value);
        }
        // `Display` has no exponents.
        let text = serde_json::to_string(&value).map_err(|_| Unwritten)?;
        if is_finite { self.text.string(&text) } else { Err(Unwritten) }
    }

    fn null(self) -> Written {
        if self.role == Role::Key { Err(Unwritten) } else { self.text.scalar(()) }
    }

    fn members(self, [begin, end]: [u8; 2]) -> Result<Members<'a>, Unwritten> {
        if self.role == Role::Key {
            return Err(Unwritten);
        }
        self.text.begin(begin);
        Ok(Members { text: self.text, role: Role::Value, is_first: true, end, is_variant: false })
    }

    /// Begins an object whose only member is the variant of an enum.
    fn variant(self, name: &str) -> Result<Self, Unwritten> {
        let object = self.members(OBJECT)?;
        object.text.string(name)?;
        object.text.bytes.push(b':');
        Ok(Self { text: object.text, role: Role::Value })
    }

    fn variant_members(self, name: &str, kind: [u8; 2]) -> Result<Members<'a>, Unwritten> {
        Ok(Members { is_variant: true, ..self.variant(name)?.members(kind)? })
    }
}

const OBJECT: [u8; 2] = *b"{}";
const LIST: [u8; 2] = *b"[]";

impl Members<'_> {
    #[inline]
    fn next(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.text.bytes.push(b',');
        }
    }

    fn name(&mut self, name: &str) -> Written {
        self.next();
        self.text.string(name)?;
        self.text.bytes.push(b':');
        Ok(())
    }

    fn finish(self) -> Written {
        if self.role == Role::RawJson {
            return Ok(());
        }
        self.text.end(self.end)?;
        if self.is_variant { self.text.end(OBJECT[1]) } else { Ok(()) }
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty),)*) => {$(
        fn $method(self, value: $type) -> Written {
            self.scalar(value)
        }
    )*};
}

impl<'a> Serializer for JsonSerializer<'a> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Members<'a>;
    type SerializeTupleVariant = Members<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    scalars! {
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.float(value, value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Written {
        self.float(value, value.is_finite())
    }

    fn serialize_char(self, value: char) -> Written {
        self.text.string(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        if self.role == Role::RawJson {
            return self.text.raw_json(value);
        }
        self.text.string(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Written {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.null()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.text.string(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let Self { text, role } = self.variant(variant)?;
        value.serialize(JsonSerializer { text: &mut *text, role })?;
        text.end(OBJECT[1])
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Unwritten> {
        self.members(LIST)
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a>, Unwritten> {
        self.members(LIST)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Unwritten> {
        self.members(LIST)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Unwritten> {
        self.variant_members(variant, LIST)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Unwritten> {
        self.members(OBJECT)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a>, Unwritten> {
        if self.role == Role::Value && RAW_JSON.contains(&name) {
            let [_, end] = OBJECT;
            let role = Role::RawJson;
            return Ok(Members { text: self.text, role, is_first: true, end, is_variant: false });
        }
        self.members(OBJECT)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Unwritten> {
        self.variant_members(variant, OBJECT)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Written {
        self.text.displayed(value)
    }
}

macro_rules! lists {
    ($($list:ident: $method:ident,)*) => {$(
        impl $list for Members<'_> {
            type Ok = ();
            type Error = Unwritten;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.next();
                value.serialize(JsonSerializer { text: self.text, role: Role::Value })
            }

            fn end(self) -> Written {
                self.finish()
            }
        }
    )*};
}

lists! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.next();
        key.serialize(JsonSerializer { text: self.text, role: Role::Key })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.text.bytes.push(b':');
        value.serialize(JsonSerializer { text: self.text, role: Role::Value })
    }

    fn end(self) -> Written {
        self.finish()
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Written {
        if self.role == Role::Value {
            self.name(name)?;
        }
        value.serialize(JsonSerializer { text: self.text, role: self.role })
    }

    fn end(self) -> Written {
        self.finish()
    }
}

impl SerializeStructVariant for Members<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Written {
        SerializeStruct::serialize_field(self, name, value)
    }

    fn end(self) -> Written {
        self.finish()
    }
}

impl Error for Unwritten {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

impl std::error::Error for Unwritten {}

impl Display for Unwritten {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not written")
    }
}
