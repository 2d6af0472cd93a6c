//! Values on their way into statements, and out of rows.

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::sql::value::{Value, ValueRef};
use crate::sql::{Columns, Result};

type Refused = Box<dyn std::error::Error + Sync + Send>;

/// How rows are bound to a statement: the one row, or a column of all rows to each placeholder.
pub(super) type Bind = for<'a> fn(&'a [Vec<Value>]) -> Vec<Column<'a>>;

pub(super) fn is_bound_once(rows: &[Vec<Value>]) -> Vec<Column<'_>> {
    rows.iter().flatten().map(|it| Column::One(Bound(it.as_ref()))).collect()
}

pub(super) fn is_bound_in_arrays(rows: &[Vec<Value>]) -> Vec<Column<'_>> {
    let width = rows.first().map_or(0, Vec::len);
    let column = |index: usize| rows.iter().map(|it| Bound(it[index].as_ref())).collect();
    (0..width).map(|index| Column::Many(column(index))).collect()
}

/// What is bound to a placeholder.
#[derive(Debug)]
pub(super) enum Column<'a> {
    One(Bound<'a>),
    Many(Vec<Bound<'a>>),
}

impl ToSql for Column<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Refused> {
        match self {
            Self::One(it) => it.to_sql(kind, out),
            Self::Many(all) => all.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The name of a kind of value in casts; nothing for one that no table of ours holds.
pub(super) fn kind_of(kind: &Type) -> Option<&'static str> {
    match *kind {
        Type::INT8 => Some("bigint"),
        Type::BYTEA => Some("bytea"),
        Type::TEXT => Some("text"),
        _ => None,
    }
}

/// A value on its way into a statement.
#[derive(Debug)]
pub(crate) struct Bound<'a>(pub(crate) ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Refused> {
        match (self.0, kind) {
            (ValueRef::Null, _) => Ok(IsNull::Yes),
            (ValueRef::Integer(it), &Type::INT8) => it.to_sql(kind, out),
            (ValueRef::Integer(it), &Type::INT4) => i32::try_from(it)?.to_sql(kind, out),
            (ValueRef::Text(it), &Type::TEXT) => std::str::from_utf8(it)?.to_sql(kind, out),
            (ValueRef::Blob(it), &Type::BYTEA) => it.to_sql(kind, out),
            (_, _) => Err(format!("a value does not fit a parameter of the type {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value as it lies in a row.
struct Raw<'a>(ValueRef<'a>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> std::result::Result<Self, Refused> {
        Ok(Self(match *kind {
            Type::INT8 => ValueRef::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => ValueRef::Integer(i32::from_sql(kind, raw)?.into()),
            Type::BOOL => ValueRef::Integer(bool::from_sql(kind, raw)?.into()),
            Type::BYTEA => ValueRef::Blob(raw),
            _ => ValueRef::Text(raw),
        }))
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Refused> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT)
    }
}

impl Columns for Row {
    fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        Ok(self.try_get::<_, Raw<'_>>(index)?.0)
    }
}
