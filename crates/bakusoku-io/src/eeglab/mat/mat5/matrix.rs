//! A variable, field or cell: `miMATRIX`.

use super::super::budget::Budget;
use super::super::{DEEPEST, Kind, Place, Records, SMALL, Stored, Value, Want, Wanted};
use super::input::{Input, Tag};
use super::{MI_MATRIX, text};
use crate::Result;
use std::path::Path;

/// Bytes that a value takes in memory, beside what it holds.
const NODE: u64 = 96;
/// Most bytes of a name in a sound file (MATLAB's own limit is 63).
const LONGEST_NAME: u64 = 256;

/// Bytes that come out of one compressed byte at most.
const MOST_INFLATED: u64 = 1032;

const MI_INT8: u32 = 1;
const MI_INT32: u32 = 5;
const MI_UINT32: u32 = 6;

const CELL: u32 = 1;
const STRUCT: u32 = 2;
const OBJECT: u32 = 3;
const CHAR: u32 = 4;
/// `mxDOUBLE` to `mxUINT64`.
const NUMBERS: std::ops::RangeInclusive<u32> = 6..=15;

fn kind(type_: u32) -> Option<Kind> {
    Some(match type_ {
        1 => Kind::I8,
        2 => Kind::U8,
        3 => Kind::I16,
        4 => Kind::U16,
        5 => Kind::I32,
        6 => Kind::U32,
        7 => Kind::F32,
        9 => Kind::F64,
        12 => Kind::I64,
        13 => Kind::U64,
        _ => return None,
    })
}

/// Parses variables, and keeps what is wanted of them.
pub(super) struct Parser<'p> {
    wanted: Wanted,
    budget: Budget<'p>,
    /// The names that lead to where the parser is.
    names: Vec<String>,
}

impl<'p> Parser<'p> {
    pub(super) fn new(path: &'p Path, len: u64, wanted: Wanted) -> Self {
        Self { wanted, budget: Budget::new(path, len), names: Vec::new() }
    }

    /// A variable of the file; `None` for one without a name, which MATLAB keeps for itself.
    pub(super) fn variable(&mut self, input: &mut Input, tag: &Tag) -> Result<Option<(String, Option<Value>)>> {
        self.names.clear();
        let end = tag.at + tag.len;
        if tag.len == 0 {
            return Ok(None);
        }
        let (class, dims, name) = self.head(input, end)?;
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
        self.names.push(name.clone());
        let want = (self.wanted)(&self.names);
        let value = if want == Want::Nothing { None } else { Some(self.content(input, class, dims, end, want, 0)?) };
        Ok(Some((name, value)))
    }

    /// Class, dimensions and name; the content comes next.
    fn head(&mut self, input: &mut Input, end: u64) -> Result<(u32, Vec<u64>, Option<String>)> {
        let start = input.pos();
        let flags = input.element_of(&[MI_UINT32], "flags of an array", end, &mut self.budget)?;
        let Some(&flags) = flags.first_chunk::<4>() else {
            return Err(input.wrong(start, "8 bytes of flags of an array", format!("{} bytes", flags.len())));
        };
        let flags = if input.big_endian() { u32::from_be_bytes(flags) } else { u32::from_le_bytes(flags) };
        let class = flags & 0xff;
        if class == 17 {
            // Objects of newer classes have names in place of dimensions.
            return Ok((class, Vec::new(), None));
        }
        let start = input.pos();
        let dims = input.element_of(&[MI_INT32], "dimensions of an array", end, &mut self.budget)?;
        let dims: Vec<i64> = Kind::I32.decode(&dims, input.big_endian()).into_iter().map(|n| n as i64).collect();
        let product = dims.iter().try_fold(1u64, |all, &n| all.checked_mul(u64::try_from(n).ok()?));
        if dims.len() < 2 || product.is_none_or(|n| n > 1 << 48) {
            return Err(input.wrong(start, "two or more dimensions of an array", format!("{dims:?}")));
        }
        let start = input.pos();
        let name = input.element_of(&[MI_INT8, 2, 16], "a name", end, &mut self.budget)?;
        if name.len() as u64 > LONGEST_NAME {
            return Err(input.wrong(
                start,
                format!("a name of at most {LONGEST_NAME} bytes"),
                format!("{} bytes", name.len()),
            ));
        }
        let dims = dims.into_iter().map(|n| n as u64).collect();
        Ok((class, dims, Some(String::from_utf8_lossy(&name).into_owned())))
    }

    /// A cell or a field.
    fn inner(&mut self, input: &mut Input, end: u64, want: Want, depth: usize) -> Result<Value> {
        let tag = input.tag(end)?;
        if tag.type_ != MI_MATRIX {
            return Err(input.wrong(tag.start, "an array (type 14)", format!("an element of type {}", tag.type_)));
        }
        self.budget.take(NODE, input.file_pos())?;
        let value = if want == Want::Nothing {
            Value::Other
        } else if tag.len == 0 {
            Value::Numbers { dims: vec![0, 0], values: Vec::new(), integers: false }
        } else {
            let end = tag.at + tag.len;
            let (class, dims, _) = self.head(input, end)?;
            self.content(input, class, dims, end, want, depth)?
        };
        input.skip_to(tag.next)?;
        Ok(value)
    }

    fn content(
        &mut self,
        input: &mut Input,
        class: u32,
        dims: Vec<u64>,
        end: u64,
        want: Want,
        depth: usize,
    ) -> Result<Value> {
        if depth > DEEPEST {
            return Err(input.wrong(
                input.pos(),
                format!("at most {DEEPEST} arrays inside one another"),
                "more of them",
            ));
        }
        let n: u64 = dims.iter().product();
        match class {
            CELL => {
                let mut cells = Vec::new();
                for _ in 0..n {
                    cells.push(self.inner(input, end, want, depth + 1)?);
                }
                Ok(Value::Cell(cells))
            }
            STRUCT => self.records(input, n, end, depth).map(Value::Struct),
            CHAR => {
                let tag = input.tag(end)?;
                let bytes = input.take(tag.len, &mut self.budget)?;
                self.budget.take(4 * tag.len, input.file_pos())?;
                match text::characters(tag.type_, &bytes, input.big_endian()) {
                    Some(codes) => Ok(Value::Text(text::rows(&codes, dims[0]))),
                    None => Err(input.wrong(tag.start, "characters", format!("an element of type {}", tag.type_))),
                }
            }
            class if NUMBERS.contains(&class) => self.numbers(input, dims, end, want),
            OBJECT | 5 | 16 | 17 => Ok(Value::Other),
            class => Err(input.wrong(input.pos(), "a class of arrays (1 to 17)", class.to_string())),
        }
    }

    fn numbers(&mut self, input: &mut Input, dims: Vec<u64>, end: u64, want: Want) -> Result<Value> {
        let tag = input.tag(end)?;
        let Some(kind) = kind(tag.type_) else {
            return Err(input.wrong(tag.start, "numbers", format!("an element of type {}", tag.type_)));
        };
        let big_endian = input.big_endian();
        let place = match input.element() {
            None => Place::File { at: tag.at },
            Some(element) => Place::Inflated { element: element.clone(), at: tag.at },
        };
        let stored = Stored { dims, kind, big_endian, place };
        if stored.n_bytes() != tag.len {
            let n = stored.n_values();
            return Err(input.wrong(
                tag.start,
                format!("{} bytes for {n} numbers", stored.n_bytes()),
                format!("{} bytes", tag.len),
            ));
        }
        if let Some(element) = input.element() {
            // zlib packs at most so much into a byte.
            let most = (element.end - element.start).saturating_mul(MOST_INFLATED);
            if tag.len > most {
                let got = format!("{} bytes", tag.len);
                return Err(input.wrong(tag.start, format!("at most {most} bytes from so short a variable"), got));
            }
        }
        if want == Want::Place || tag.len > SMALL {
            return Ok(Value::Stored(stored));
        }
        self.budget.take(8 * stored.n_values(), input.file_pos())?;
        let values = kind.decode(&input.take(tag.len, &mut self.budget)?, big_endian);
        Ok(Value::Numbers { dims: stored.dims, values, integers: kind.is_integer() })
    }

    fn records(&mut self, input: &mut Input, n: u64, end: u64, depth: usize) -> Result<Records> {
        let start = input.pos();
        let length = input.element_of(&[MI_INT32], "the length of names of fields", end, &mut self.budget)?;
        let length = Kind::I32.decode(&length, input.big_endian()).first().map_or(0, |&n| n as i64);
        let Some(length) = u64::try_from(length).ok().filter(|n| (1..=LONGEST_NAME).contains(n)) else {
            return Err(input.wrong(
                start,
                format!("a length of names of 1 to {LONGEST_NAME} bytes"),
                length.to_string(),
            ));
        };
        let names = input.element_of(&[MI_INT8, 2], "names of fields", end, &mut self.budget)?;
        let fields: Vec<String> = names
            .chunks_exact(length as usize)
            .map(|name| String::from_utf8_lossy(name.split(|&b| b == 0).next().unwrap_or_default()).into_owned())
            .collect();
        self.budget.take(64 * fields.len() as u64, input.file_pos())?;
        let wants: Vec<Want> = fields
            .iter()
            .map(|field| {
                self.names.push(field.clone());
                let want = (self.wanted)(&self.names);
                self.names.pop();
                want
            })
            .collect();
        let mut items = Vec::new();
        for _ in 0..if fields.is_empty() { 0 } else { n } {
            let mut item = Vec::new();
            self.budget.take(24, input.file_pos())?;
            for (field, &want) in fields.iter().zip(&wants) {
                if want == Want::Nothing {
                    let tag = input.tag(end)?;
                    input.skip_to(tag.next)?;
                    continue;
                }
                self.names.push(field.clone());
                let value = self.inner(input, end, want, depth + 1);
                self.names.pop();
                item.push(value?);
            }
            items.push(item);
        }
        let fields = fields.into_iter().zip(wants).filter(|(_, want)| *want != Want::Nothing).map(|(field, _)| field);
        Ok(Records { fields: fields.collect(), items })
    }
}
