//! Values that fit into one attribute as they are, without a detour through JSON.

use std::fmt::{self, Display};

use opentelemetry::Value;
use serde::ser::{Error, Impossible, Serialize, Serializer};

/// The value is an object or a list.
#[derive(Debug)]
pub struct NotScalar;

/// A scalar, or nothing for null and unit.
pub(crate) type Scalar = Result<Option<Value>, NotScalar>;

/// The value as a scalar, if it serialises as one.
pub(super) fn scalar<T: Serialize + ?Sized>(value: &T) -> Scalar {
    value.serialize(ScalarSerializer)
}

struct ScalarSerializer;

macro_rules! numbers {
    ($($method:ident($number:ty) => $variant:ident,)*) => {$(
        fn $method(self, value: $number) -> Scalar {
            Ok(Some(Value::$variant(value.into())))
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

impl Serializer for ScalarSerializer {
    type Ok = Option<Value>;
    type Error = NotScalar;
    type SerializeSeq = Impossible<Self::Ok, NotScalar>;
    type SerializeTuple = Impossible<Self::Ok, NotScalar>;
    type SerializeTupleStruct = Impossible<Self::Ok, NotScalar>;
    type SerializeTupleVariant = Impossible<Self::Ok, NotScalar>;
    type SerializeMap = Impossible<Self::Ok, NotScalar>;
    type SerializeStruct = Impossible<Self::Ok, NotScalar>;
    type SerializeStructVariant = Impossible<Self::Ok, NotScalar>;

    numbers! {
        serialize_bool(bool) => Bool,
        serialize_i8(i8) => I64,
        serialize_i16(i16) => I64,
        serialize_i32(i32) => I64,
        serialize_i64(i64) => I64,
        serialize_u8(u8) => I64,
        serialize_u16(u16) => I64,
        serialize_u32(u32) => I64,
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

    /// OpenTelemetry has no unsigned numbers; what does not fit is told as text rather than wrongly.
    fn serialize_u64(self, value: u64) -> Scalar {
        Ok(Some(i64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::I64)))
    }

    fn serialize_f32(self, value: f32) -> Scalar {
        self.serialize_f64(value.into())
    }

    /// As in JSON, and because Phoenix drops them, NaN and infinities are null.
    fn serialize_f64(self, value: f64) -> Scalar {
        Ok(value.is_finite().then_some(Value::F64(value)))
    }

    fn serialize_char(self, value: char) -> Scalar {
        Ok(Some(Value::from(value.to_string())))
    }

    fn serialize_str(self, value: &str) -> Scalar {
        Ok(Some(Value::from(value.to_owned())))
    }

    fn serialize_bytes(self, _: &[u8]) -> Scalar {
        Err(NotScalar)
    }

    fn serialize_none(self) -> Scalar {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Scalar {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Scalar {
        Ok(None)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Scalar {
        Ok(None)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Scalar {
        Ok(Some(Value::from(variant)))
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
