//! The values that go into statements and come out of rows: whole numbers, text, bytes, and none.

use std::sync::Arc;

use rusqlite::types as sqlite;

use super::{Error, Result};

/// A value that lies in a row or waits to be bound. Text is looked at only where it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueRef<'a> {
    Null,
    Integer(i64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

/// A value that is kept until it is bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Value {
    pub(crate) fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(it) => Self::Integer(it),
            ValueRef::Text(it) => Self::Text(it.to_vec()),
            ValueRef::Blob(it) => Self::Blob(it.to_vec()),
        }
    }

    pub(super) fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Integer(it) => ValueRef::Integer(*it),
            Self::Text(it) => ValueRef::Text(it),
            Self::Blob(it) => ValueRef::Blob(it),
        }
    }
}

/// A column holds something else than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch(pub(crate) &'static str);

pub(crate) trait FromSql: Sized {
    fn read(value: ValueRef<'_>) -> std::result::Result<Self, Mismatch>;
}

pub(crate) trait ToSql {
    fn value(&self) -> Result<ValueRef<'_>>;
}

impl<'a> ValueRef<'a> {
    /// Nothing for a kind of value that no column of ours holds.
    pub(super) fn of_sqlite(value: sqlite::ValueRef<'a>) -> Option<Self> {
        match value {
            sqlite::ValueRef::Null => Some(Self::Null),
            sqlite::ValueRef::Integer(it) => Some(Self::Integer(it)),
            sqlite::ValueRef::Text(it) => Some(Self::Text(it)),
            sqlite::ValueRef::Blob(it) => Some(Self::Blob(it)),
            sqlite::ValueRef::Real(_) => None,
        }
    }

    pub(crate) fn as_i64(self) -> std::result::Result<i64, Mismatch> {
        if let Self::Integer(it) = self { Ok(it) } else { Err(Mismatch("a whole number")) }
    }

    pub(crate) fn as_str(self) -> std::result::Result<&'a str, Mismatch> {
        match self {
            Self::Text(it) => std::str::from_utf8(it).map_err(|_| Mismatch("text")),
            Self::Null | Self::Integer(_) | Self::Blob(_) => Err(Mismatch("text")),
        }
    }

    pub(crate) fn as_blob(self) -> std::result::Result<&'a [u8], Mismatch> {
        if let Self::Blob(it) = self { Ok(it) } else { Err(Mismatch("bytes")) }
    }

    pub(crate) fn as_blob_or_null(self) -> std::result::Result<Option<&'a [u8]>, Mismatch> {
        if self == Self::Null { Ok(None) } else { self.as_blob().map(Some) }
    }
}

/// A value on its way into a statement of SQLite.
pub(super) struct Bound<'a>(pub(super) ValueRef<'a>);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<sqlite::ToSqlOutput<'_>> {
        Ok(sqlite::ToSqlOutput::Borrowed(match self.0 {
            ValueRef::Null => sqlite::ValueRef::Null,
            ValueRef::Integer(it) => sqlite::ValueRef::Integer(it),
            ValueRef::Text(it) => sqlite::ValueRef::Text(it),
            ValueRef::Blob(it) => sqlite::ValueRef::Blob(it),
        }))
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl FromSql for $number {
            fn read(value: ValueRef<'_>) -> std::result::Result<Self, Mismatch> {
                value.as_i64()?.try_into().map_err(|_| Mismatch("a number of that size"))
            }
        }

        impl ToSql for $number {
            fn value(&self) -> Result<ValueRef<'_>> {
                i64::try_from(*self).map(ValueRef::Integer).map_err(|_| Error::TooLarge)
            }
        }
    )*};
}

numbers!(i64, i32, i16, u8, u16, u32, u64, usize);

impl FromSql for bool {
    fn read(value: ValueRef<'_>) -> std::result::Result<Self, Mismatch> {
        Ok(value.as_i64()? != 0)
    }
}

impl FromSql for String {
    fn read(value: ValueRef<'_>) -> std::result::Result<Self, Mismatch> {
        value.as_str().map(Self::from)
    }
}

impl FromSql for Arc<str> {
    fn read(value: ValueRef<'_>) -> std::result::Result<Self, Mismatch> {
        value.as_str().map(Self::from)
    }
}

impl FromSql for Vec<u8> {
    fn read(value: ValueRef<'_>) -> std::result::Result<Self, Mismatch> {
        value.as_blob().map(Self::from)
    }
}

impl<const N: usize> FromSql for [u8; N] {
    fn read(value: ValueRef<'_>) -> std::result::Result<Self, Mismatch> {
        value.as_blob()?.try_into().map_err(|_| Mismatch("bytes of that length"))
    }
}

impl<T: FromSql> FromSql for Option<T> {
    fn read(value: ValueRef<'_>) -> std::result::Result<Self, Mismatch> {
        if value == ValueRef::Null { Ok(None) } else { T::read(value).map(Some) }
    }
}

impl ToSql for Value {
    fn value(&self) -> Result<ValueRef<'_>> {
        Ok(self.as_ref())
    }
}

impl ToSql for bool {
    fn value(&self) -> Result<ValueRef<'_>> {
        Ok(ValueRef::Integer(i64::from(*self)))
    }
}

impl ToSql for str {
    fn value(&self) -> Result<ValueRef<'_>> {
        Ok(ValueRef::Text(self.as_bytes()))
    }
}

impl ToSql for String {
    fn value(&self) -> Result<ValueRef<'_>> {
        self.as_str().value()
    }
}

impl ToSql for [u8] {
    fn value(&self) -> Result<ValueRef<'_>> {
        Ok(ValueRef::Blob(self))
    }
}

impl ToSql for Vec<u8> {
    fn value(&self) -> Result<ValueRef<'_>> {
        self.as_slice().value()
    }
}

impl<const N: usize> ToSql for [u8; N] {
    fn value(&self) -> Result<ValueRef<'_>> {
        self.as_slice().value()
    }
}

impl<T: ToSql> ToSql for Option<T> {
    fn value(&self) -> Result<ValueRef<'_>> {
        self.as_ref().map_or(Ok(ValueRef::Null), T::value)
    }
}

impl<T: ToSql + ?Sized> ToSql for &T {
    fn value(&self) -> Result<ValueRef<'_>> {
        (**self).value()
    }
}

impl<T: ToSql + ?Sized> ToSql for Arc<T> {
    fn value(&self) -> Result<ValueRef<'_>> {
        (**self).value()
    }
}
