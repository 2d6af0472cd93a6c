//! CSV as shops export it: a header row or positions, commas or another separator, quotes, UTF-8 with or without a byte
//! order mark, any line ends. Lines are counted as an editor counts them.

use std::io::{Chain, Cursor, Read};

use super::counted::{Counted, Counts};
use super::field::{Field, Mapping, MappingFault, Positions};
use super::flat::Flat;
use super::{LINE_BYTES_MAX, Trouble};

pub(crate) struct CsvFile<R: Read> {
    reader: csv::Reader<Chain<Cursor<Vec<u8>>, Counted<R>>>,
    counts: Counts,
    positions: Positions,
    /// Cells of the header, and then of every line.
    width: Option<usize>,
    record: csv::ByteRecord,
    /// Bytes of the byte order mark, which the reader of CSV has not seen.
    skipped: u64,
    /// The row number among the orders: the reference where no column holds one.
    row: u64,
}

/// How the file is written.
pub(crate) struct CsvShape {
    pub(crate) header: bool,
    pub(crate) separator: u8,
}

/// Why a file cannot be read at all.
#[derive(Debug)]
pub(crate) enum CsvFault {
    Read(std::io::Error),
    Columns(MappingFault),
}

impl<R: Read> CsvFile<R> {
    /// Reads the header, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read, or its columns do not fit.
    pub(crate) fn open(inner: R, shape: &CsvShape, mapping: &Mapping) -> Result<Self, CsvFault> {
        let counts = Counts::default();
        counts.allow(LINE_BYTES_MAX as u64);
        let mut counted = Counted::new(inner, counts.clone());
        let start = start(&mut counted).map_err(CsvFault::Read)?;
        let skipped = counts.bytes() - start.len() as u64;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(shape.separator)
            // With CRLF the carriage return stays in the last cell, which is trimmed; so lines are counted right.
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(1 << 16)
            .from_reader(Cursor::new(start).chain(counted));
        let mut record = csv::ByteRecord::new();
        let (positions, width) = if shape.header {
            reader.read_byte_record(&mut record).map_err(|it| CsvFault::Read(it.into()))?;
            let header: Option<Vec<String>> =
                record.iter().map(|it| std::str::from_utf8(it).ok().map(|it| it.trim().to_owned())).collect();
            let unusable = |problem: &str| CsvFault::Columns(MappingFault(problem.to_owned()));
            let header = header.ok_or_else(|| unusable("the header is not UTF-8; save the file as CSV UTF-8"))?;
            if header.iter().all(String::is_empty) {
                return Err(unusable("the file is empty; allowed is a header row and one order a line"));
            }
            if let [only] = header.as_slice()
                && let Some(other) = [';', '\t', ',', '|'].into_iter().find(|it| only.contains(*it))
            {
                let name = if other == '\t' { "tab".to_owned() } else { format!("'{other}'") };
                return Err(unusable(&format!("the header has one column, {only}; say --separator {name}")));
            }
            (mapping.under(&header).map_err(CsvFault::Columns)?, Some(header.len()))
        } else {
            (mapping.without_header().map_err(CsvFault::Columns)?, None)
        };
        Ok(Self { reader, counts, positions, width, record, skipped, row: 0 })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.counts.bytes()
    }

    pub(crate) fn next(&mut self) -> std::io::Result<Option<Result<Flat, Trouble>>> {
        loop {
            self.counts.allow(LINE_BYTES_MAX as u64);
            if !self.reader.read_byte_record(&mut self.record)? {
                return Ok(None);
            }
            if self.record.len() == 1 && self.record[0].iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.row += 1;
            return Ok(Some(self.flat(self.line())));
        }
    }

    /// The line on which the record begins, counted back from where the reader stands.
    fn line(&self) -> u64 {
        let inside: usize = self.record.iter().map(|it| it.iter().filter(|byte| **byte == b'\n').count()).sum();
        let closed = !self.is_at_end() || self.counts.last() == b'\n' && !self.is_cut_off();
        self.reader.position().line().saturating_sub(inside as u64 + u64::from(closed)).max(1)
    }

    /// Whether the record is what a quote that was never closed has swallowed.
    fn is_cut_off(&self) -> bool {
        self.is_at_end() && self.counts.is_open() && self.record.iter().any(|it| it.contains(&b'\n'))
    }

    fn is_at_end(&self) -> bool {
        self.reader.position().byte() + self.skipped == self.counts.bytes()
    }

    fn flat(&mut self, line: u64) -> Result<Flat, Trouble> {
        let cells = self.record.len();
        if self.is_cut_off() {
            return Err(Trouble::at(line, "a quoted field is not closed before the end of the file; is it cut off?"));
        }
        if let Some(width) = self.width
            && cells != width
        {
            return Err(Trouble::at(line, format!("it has {cells} columns; allowed are {width}, as in the header")));
        }
        if cells < self.positions.widest() {
            let widest = self.positions.widest();
            return Err(Trouble::at(line, format!("it has {cells} columns; allowed are {widest} or more")));
        }
        self.width = Some(cells);
        let mut flat = Flat::new(line, self.row);
        for field in Field::ALL {
            if let Some(position) = self.positions.of(field) {
                let text = super::flat::text(self.record.get(position).unwrap_or_default());
                flat.set(field, text.map_err(|problem| Trouble::of(line, field.name(), problem))?);
            }
        }
        Ok(flat)
    }
}

/// The first bytes without a byte order mark.
fn start(reader: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(3);
    reader.take(3).read_to_end(&mut start)?;
    // Without a mark, every other byte of UTF-16 is a zero.
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) || start.contains(&0) {
        return Err(std::io::Error::other("the file is UTF-16; allowed is UTF-8 (save it as CSV UTF-8)"));
    }
    if start.starts_with(b"PK\x03") {
        return Err(std::io::Error::other(
            "the file is a spreadsheet or a ZIP; allowed is text (save it as CSV UTF-8)",
        ));
    }
    if start.starts_with(&[0x1f, 0x8b]) {
        return Err(std::io::Error::other(
            "the file is compressed; allowed is text (zcat FILE | guerdon import orders -)",
        ));
    }
    if start == [0xef, 0xbb, 0xbf] {
        start.clear();
    }
    Ok(start)
}
