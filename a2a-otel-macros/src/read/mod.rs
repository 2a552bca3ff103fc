//! Stage one reads what the user wrote: the attribute macro's arguments and the function below it.

pub(crate) mod args;
pub(crate) mod expr;
pub(crate) mod function;
pub(crate) mod types;
