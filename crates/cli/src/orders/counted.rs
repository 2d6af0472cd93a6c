//! A reader that counts: bytes for the progress bar, quotes to know whether the last quoted field was ever closed, and the
//! bytes since the last record, so that one field without an end cannot fill the memory.

use std::cell::Cell;
use std::io::{Error, Read, Result};
use std::rc::Rc;

#[derive(Clone, Default)]
pub(crate) struct Counts {
    bytes: Rc<Cell<u64>>,
    quotes: Rc<Cell<u64>>,
    allowed: Rc<Cell<u64>>,
    last: Rc<Cell<u8>>,
}

impl Counts {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// The last byte that was read.
    pub(crate) fn last(&self) -> u8 {
        self.last.get()
    }

    /// Whether a quote was opened and not closed in what was read.
    pub(crate) fn is_open(&self) -> bool {
        self.quotes.get() % 2 == 1
    }

    /// The next record may need so many bytes.
    pub(crate) fn allow(&self, bytes: u64) {
        self.allowed.set(self.bytes.get() + bytes);
    }
}

pub(crate) struct Counted<R> {
    inner: R,
    counts: Counts,
}

impl<R> Counted<R> {
    pub(crate) fn new(inner: R, counts: Counts) -> Self {
        Self { inner, counts }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.counts.allowed.get() < self.counts.bytes.get() {
            return Err(Error::other("a line is longer than 1 MiB; is a quote left open?"));
        }
        let read = self.inner.read(buffer)?;
        if let Some(last) = buffer[..read].last() {
            self.counts.last.set(*last);
        }
        let quotes = buffer[..read].iter().filter(|it| **it == b'"').count();
        self.counts.bytes.set(self.counts.bytes.get() + u64::try_from(read).unwrap_or(0));
        self.counts.quotes.set(self.counts.quotes.get() + u64::try_from(quotes).unwrap_or(0));
        Ok(read)
    }
}
