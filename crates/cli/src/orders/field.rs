//! The fields of a flat line, and which column of a file holds which.

use std::fmt;
use std::str::FromStr;

/// What a column can say about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Member,
    Reference,
    Amount,
    Placed,
    Paid,
    Fulfilled,
    Cancelled,
    At,
    Version,
    Currency,
    Redeem,
    Refunded,
    Returned,
    Quantity,
    Product,
    Category,
    Discount,
    Coupon,
    Shipping,
    Tax,
}

impl Field {
    pub(crate) const ALL: [Self; 20] = [
        Self::Member,
        Self::Reference,
        Self::Amount,
        Self::Placed,
        Self::Paid,
        Self::Fulfilled,
        Self::Cancelled,
        Self::At,
        Self::Version,
        Self::Currency,
        Self::Redeem,
        Self::Refunded,
        Self::Returned,
        Self::Quantity,
        Self::Product,
        Self::Category,
        Self::Discount,
        Self::Coupon,
        Self::Shipping,
        Self::Tax,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Reference => "reference",
            Self::Amount => "amount",
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Fulfilled => "fulfilled",
            Self::Cancelled => "cancelled",
            Self::At => "at",
            Self::Version => "version",
            Self::Currency => "currency",
            Self::Redeem => "redeem",
            Self::Refunded => "refunded",
            Self::Returned => "returned",
            Self::Quantity => "quantity",
            Self::Product => "product",
            Self::Category => "category",
            Self::Discount => "discount",
            Self::Coupon => "coupon",
            Self::Shipping => "shipping",
            Self::Tax => "tax",
        }
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// `field=column`: a header's name, or a position from 1 where there is no header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub(crate) field: Field,
    pub(crate) column: String,
}

impl FromStr for Mapped {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, column) = text.split_once('=').ok_or("allowed is field=column, for example amount=Total")?;
        let field = Field::named(field.trim())
            .ok_or_else(|| format!("there is no field {field}; allowed are {}", Field::names()))?;
        if column.is_empty() {
            return Err("the column has no name; allowed is field=column, for example amount=Total".to_owned());
        }
        Ok(Self { field, column: column.to_owned() })
    }
}

/// Which column holds which field. A field that is not mapped is looked for under its own name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping {
    columns: Vec<Mapped>,
}

impl Mapping {
    /// # Errors
    /// When a field is mapped twice.
    pub(crate) fn new(columns: Vec<Mapped>) -> Result<Self, MappingFault> {
        for (index, it) in columns.iter().enumerate() {
            if columns[..index].iter().any(|other| other.field == it.field) {
                return Err(MappingFault(format!("--map names the field {} twice", it.field.name())));
            }
        }
        Ok(Self { columns })
    }

    /// The name of the column of a field.
    pub(crate) fn column(&self, field: Field) -> &str {
        self.columns.iter().find(|it| it.field == field).map_or(field.name(), |it| &it.column)
    }

    pub(crate) fn is_given(&self, field: Field) -> bool {
        self.columns.iter().any(|it| it.field == field)
    }

    /// The position of each field's column under a header.
    ///
    /// # Errors
    /// When a mapped column is not there, or one that is needed.
    pub(crate) fn under(&self, header: &[String]) -> Result<Positions, MappingFault> {
        let mut positions = Positions::default();
        for field in Field::ALL {
            let wanted = self.column(field);
            let exact = header.iter().position(|it| it == wanted);
            let found = exact.or_else(|| header.iter().position(|it| it.eq_ignore_ascii_case(wanted)));
            let twins = |it: &&String| found.is_some_and(|found| **it == header[found]);
            if 1 < header.iter().filter(twins).count() {
                return Err(MappingFault(format!("two columns are named {wanted}; allowed is one for each field")));
            }
            if found.is_none() && self.is_given(field) {
                let columns = header.join(", ");
                return Err(MappingFault(format!("there is no column {wanted}; the header has: {columns}")));
            }
            positions.0[field.index()] = found;
        }
        positions.complete(&format!("the header has: {}", header.join(", ")))
    }

    /// The positions themselves, where there is no header.
    ///
    /// # Errors
    /// When a column is no number, or one that is needed is not given.
    pub(crate) fn without_header(&self) -> Result<Positions, MappingFault> {
        let mut positions = Positions::default();
        for it in &self.columns {
            let position = it.column.parse::<usize>().ok().filter(|it| (1..=10_000).contains(it));
            let position = position.ok_or_else(|| {
                MappingFault(format!("{} is no position; without a header, columns are numbers from 1", it.column))
            })?;
            positions.0[it.field.index()] = Some(position - 1);
        }
        positions.complete("without a header, every column is given by --map field=position")
    }
}

/// The position of each field's column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Positions([Option<usize>; Field::ALL.len()]);

impl Positions {
    pub(crate) fn of(&self, field: Field) -> Option<usize> {
        self.0[field.index()]
    }

    pub(crate) fn widest(&self) -> usize {
        self.0.iter().flatten().max().map_or(0, |it| it + 1)
    }

    fn complete(self, seen: &str) -> Result<Self, MappingFault> {
        for field in [Field::Member, Field::Amount, Field::Placed] {
            if self.of(field).is_none() {
                let name = field.name();
                return Err(MappingFault(format!("no column holds {name}; name it with --map {name}=…; {seen}")));
            }
        }
        Ok(self)
    }
}

/// The columns of the file do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MappingFault(pub(crate) String);

impl fmt::Display for MappingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MappingFault {}

#[test]
fn columns_are_found_by_name_or_position() {
    let mapping = |texts: &[&str]| {
        Mapping::new(texts.iter().map(|it| it.parse().expect("a mapping")).collect()).expect("no field twice")
    };
    let header = ["Customer", "Placed", "Total"].map(str::to_owned);
    let found = mapping(&["member=Customer", "amount=Total"]).under(&header).expect("they are there");
    assert_eq!((found.of(Field::Member), found.of(Field::Placed), found.of(Field::Paid)), (Some(0), Some(1), None));
    assert!(mapping(&["member=Customer"]).under(&header).is_err(), "no amount");
    let twice = ["Customer", "Placed", "Total", "Total"].map(str::to_owned);
    assert!(mapping(&["member=Customer", "amount=Total"]).under(&twice).is_err(), "which Total?");
    assert!(mapping(&["member=Customer", "amount=Placed"]).under(&twice).is_ok(), "a column that is not used");
    assert!(mapping(&["member=Customer", "amount=Sum"]).under(&header).is_err(), "no such column");
    let found = mapping(&["member=2", "amount=4", "placed=1"]).without_header().expect("three positions");
    assert_eq!((found.of(Field::Amount), found.widest()), (Some(3), 4));
    assert!(mapping(&["member=0", "amount=4", "placed=1"]).without_header().is_err());
    assert!("amounts=Total".parse::<Mapped>().is_err());
    assert!("amount".parse::<Mapped>().is_err());
}
