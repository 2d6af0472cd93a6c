//! NDJSON: one JSON object a line. With `lines` it is a whole order in the shape of the API, otherwise flat fields as in CSV.

use std::io::{BufRead, BufReader, Read};

use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};

use super::field::{Field, Mapping};
use super::flat::{Flat, text};
use super::{LINE_BYTES_MAX, OrderLine, Shop, Trouble, whole};

pub(crate) struct NdjsonFile<R: Read> {
    reader: BufReader<R>,
    mapping: Mapping,
    /// Whether keys that are no field are left aside.
    lenient: bool,
    bytes: u64,
    line: u64,
    row: u64,
    buffer: Vec<u8>,
}

impl<R: Read> NdjsonFile<R> {
    pub(crate) fn new(inner: R, mapping: Mapping, lenient: bool) -> Self {
        Self { reader: BufReader::new(inner), mapping, lenient, bytes: 0, line: 0, row: 0, buffer: Vec::new() }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn next(&mut self, shop: &Shop) -> std::io::Result<Option<Result<OrderLine, Trouble>>> {
        loop {
            let is_whole = match self.read_line()? {
                None => return Ok(None),
                Some(is_whole) => is_whole,
            };
            self.line += 1;
            if !is_whole {
                self.row += 1;
                return Ok(Some(Err(Trouble::at(self.line, "it is longer than 1 MiB; allowed is one order a line"))));
            }
            let bytes = if self.line == 1 { without_mark(&self.buffer) } else { &self.buffer };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.row += 1;
            return Ok(Some(self.order(bytes, shop)));
        }
    }

    /// Reads a line into the buffer; `Some(false)` when it was too long and is left out.
    fn read_line(&mut self) -> std::io::Result<Option<bool>> {
        self.buffer.clear();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let read = Read::take(&mut self.reader, limit).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.bytes += u64::try_from(read).unwrap_or(0);
        if read < LINE_BYTES_MAX || self.buffer.ends_with(b"\n") {
            return Ok(Some(true));
        }
        loop {
            self.buffer.clear();
            let read = Read::take(&mut self.reader, limit).read_until(b'\n', &mut self.buffer)?;
            self.bytes += u64::try_from(read).unwrap_or(0);
            if read == 0 || self.buffer.ends_with(b"\n") {
                return Ok(Some(false));
            }
        }
    }

    fn order(&self, bytes: &[u8], shop: &Shop) -> Result<OrderLine, Trouble> {
        let here = |problem: String| Trouble::at(self.line, problem);
        let text = text(bytes).map_err(here)?;
        let object = match serde_json::from_str(&text) {
            Ok(Object { twice: Some(key), .. }) => {
                return Err(Trouble::of(self.line, key, "the key stands here twice; allowed is each key once"));
            }
            Ok(Object { keys, twice: None }) => keys,
            Err(error) if error.is_data() => {
                return Err(here("this is no JSON object; allowed is one object a line".to_owned()));
            }
            Err(error) => {
                let column = error.column();
                return Err(here(format!("column {column}: this is not JSON; allowed is one whole object a line")));
            }
        };
        if object.contains_key("lines") {
            return whole::order(self.line, self.row, &text, shop);
        }
        let mut flat = Flat::new(self.line, self.row);
        for (key, value) in &object {
            let Some(field) = Field::ALL.into_iter().find(|it| self.mapping.column(*it) == key) else {
                if self.lenient {
                    continue;
                }
                let problem = "there is no such field; map it with --map, or pass --ignore-unknown";
                return Err(Trouble::of(self.line, key, problem));
            };
            let text =
                scalar(value).ok_or_else(|| Trouble::of(self.line, field.name(), "allowed is a text or a number"))?;
            flat.set(field, text);
        }
        flat.order(shop)
    }
}

/// An object, and a key that it has twice: nobody could tell which value is meant.
#[derive(Default)]
struct Object {
    keys: Map<String, Value>,
    twice: Option<String>,
}

impl<'de> serde::Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            if object.keys.contains_key(&key) {
                object.twice.get_or_insert(key);
            } else {
                object.keys.insert(key, value);
            }
        }
        Ok(object)
    }
}

/// A number keeps the digits that people wrote: the shortest text that means it.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) if !text.contains('\0') => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes)
}
