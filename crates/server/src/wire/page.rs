//! Lists: a page of data, and the cursor that leads to the next one.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Answer, Problem};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    /// Send it as `after` for the next page; nothing when this is the last one.
    pub(crate) next: Option<String>,
}

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// How many: 1 to 200; left out: 50.
    #[param(minimum = 1, maximum = 200)]
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 200;

impl Paging {
    /// How many are asked for.
    pub(crate) fn limit(&self) -> Answer<usize> {
        let limit = self.limit.unwrap_or(LIMIT);
        if limit == 0 || LIMIT_MAX < limit {
            return Err(Problem::invalid("limit", format!("{limit} cannot stand here"), "1 to 200"));
        }
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// The cursor; nothing for the first page.
    pub(crate) fn cursor<T: FromStr>(&self) -> Answer<Option<T>> {
        let no_cursor =
            |it: &str| Problem::invalid("after", format!("\"{it}\" is no cursor"), "the next of the page before");
        self.after.as_deref().map(|it| it.parse().map_err(|_| no_cursor(it))).transpose()
    }
}

impl<T> Page<T> {
    /// Of one element more than a page has: the last of the page is the cursor.
    pub(crate) fn of(mut data: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = limit < data.len();
        data.truncate(limit);
        let next = if more { data.last().map(cursor) } else { None };
        Self { data, next }
    }

    /// All there is.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self { data, next: None }
    }
}
