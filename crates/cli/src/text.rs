//! Figures and columns as people read them. Widths are counted in characters; no colours, so that output can be piped.

use engine::Points;

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count, grouped.
pub(crate) fn count(number: u64) -> String {
    grouped(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A count with its noun: `1 line`, `2 lines`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Points with a sign, for a history: `+250`, `-40`; nothing for none.
pub(crate) fn signed(points: Points) -> String {
    match points.get() {
        0 => String::new(),
        it if 0 < it => format!("+{}", grouped(it)),
        it => grouped(it),
    }
}

/// Rows of cells, aligned; the last column is not padded.
pub(crate) struct Columns {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// One letter a column: `l` to the left, `r` to the right.
    pub(crate) fn new(alignment: &str) -> Self {
        Self { right: alignment.chars().map(|it| it == 'r').collect(), rows: Vec::new() }
    }

    pub(crate) fn row<I: IntoIterator<Item = S>, S: Into<String>>(&mut self, cells: I) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub(crate) fn print(&self, indent: &str) {
        print!("{}", self.text(indent));
    }

    fn text(&self, indent: &str) -> String {
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|it| it.chars().count()).max();
        let widths: Vec<usize> = (0..self.right.len()).map(|it| width(it).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::from(indent);
            for (index, cell) in row.iter().enumerate() {
                let width = widths.get(index).copied().unwrap_or(0);
                let gap = if index == 0 { "" } else { "  " };
                if self.right.get(index).copied().unwrap_or(false) {
                    line.push_str(&format!("{gap}{cell:>width$}"));
                } else {
                    line.push_str(&format!("{gap}{cell:<width$}"));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[test]
fn figures_are_grouped_by_thousands() {
    for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")] {
        assert_eq!(grouped(number), text);
    }
    assert_eq!(counted(1, "line"), "1 line");
    assert_eq!(counted(2000, "line"), "2,000 lines");
    assert_eq!(signed(Points::new(250)), "+250");
    assert_eq!(signed(Points::new(-250)), "-250");
}

#[test]
fn columns_line_up() {
    let mut columns = Columns::new("lrl");
    columns.row(["earned", "5", "a sale"]);
    columns.row(["redeemed, é", "-1,000", ""]);
    assert_eq!(columns.text(" "), " earned            5  a sale\n redeemed, é  -1,000\n");
}
