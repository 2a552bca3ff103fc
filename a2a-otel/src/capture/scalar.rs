//! Values that become one attribute without a detour through JSON.

use std::fmt::{self, Display};

use opentelemetry::{KeyValue, Value};
use serde::ser::{Error, Impossible, Serialize, Serializer};

use super::text::bounded;

/// The value is an object or a list.
#[derive(Debug)]
pub struct NotScalar;

/// Whether the value was appended. A null or unit appends nothing and is `Ok`.
pub(crate) type Scalar = Result<(), NotScalar>;

/// Appends the value under the key, if it serialises as a scalar.
pub(super) fn push_scalar<T: Serialize + ?Sized>(
    value: &T,
    key: &'static str,
    attributes: &mut Vec<KeyValue>,
) -> Scalar {
    value.serialize(ScalarSerializer { key, attributes })
}

/// Writes straight into the list: moving a value around takes longer than making it.
struct ScalarSerializer<'a> {
    key: &'static str,
    attributes: &'a mut Vec<KeyValue>,
}

impl ScalarSerializer<'_> {
    #[expect(clippy::unnecessary_wraps, reason = "every scalar returns it")]
    fn push(self, value: impl Into<Value>) -> Scalar {
        self.attributes.push(KeyValue::new(self.key, value));
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident($number:ty) => $wide:ty,)*) => {$(
        fn $method(self, value: $number) -> Scalar {
            self.push(<$wide>::from(value))
        }
    )*};
}

macro_rules! compounds {
    ($($method:ident($($argument:ty),*) -> $compound:ident,)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<Self::$compound, NotScalar> {
            Err(NotScalar)
        }
    )*};
}

impl Serializer for ScalarSerializer<'_> {
    type Ok = ();
    type Error = NotScalar;
    type SerializeSeq = Impossible<(), NotScalar>;
    type SerializeTuple = Impossible<(), NotScalar>;
    type SerializeTupleStruct = Impossible<(), NotScalar>;
    type SerializeTupleVariant = Impossible<(), NotScalar>;
    type SerializeMap = Impossible<(), NotScalar>;
    type SerializeStruct = Impossible<(), NotScalar>;
    type SerializeStructVariant = Impossible<(), NotScalar>;

    numbers! {
        serialize_bool(bool) => bool,
        serialize_i8(i8) => i64,
        serialize_i16(i16) => i64,
        serialize_i32(i32) => i64,
        serialize_i64(i64) => i64,
        serialize_u8(u8) => i64,
        serialize_u16(u16) => i64,
        serialize_u32(u32) => i64,
    }

    compounds! {
        serialize_seq(Option<usize>) -> SerializeSeq,
        serialize_tuple(usize) -> SerializeTuple,
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant,
        serialize_map(Option<usize>) -> SerializeMap,
        serialize_struct(&'static str, usize) -> SerializeStruct,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant,
    }

    /// OpenTelemetry has no unsigned numbers. A number that does not fit is recorded as text.
    fn serialize_u64(self, value: u64) -> Scalar {
        match i64::try_from(value) {
            Ok(value) => self.push(value),
            Err(_) => self.push(value.to_string()),
        }
    }

    fn serialize_f32(self, value: f32) -> Scalar {
        self.serialize_f64(value.into())
    }

    /// NaN and infinities are null, as in JSON: Phoenix drops them.
    fn serialize_f64(self, value: f64) -> Scalar {
        if value.is_finite() { self.push(value) } else { Ok(()) }
    }

    fn serialize_char(self, value: char) -> Scalar {
        self.push(value.to_string())
    }

    fn serialize_str(self, value: &str) -> Scalar {
        self.push(bounded(value))
    }

    fn serialize_bytes(self, _: &[u8]) -> Scalar {
        Err(NotScalar)
    }

    fn serialize_none(self) -> Scalar {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Scalar {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Scalar {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Scalar {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Scalar {
        self.push(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Scalar {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Scalar {
        Err(NotScalar)
    }
}

impl Error for NotScalar {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

impl std::error::Error for NotScalar {}

impl Display for NotScalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a scalar")
    }
}
