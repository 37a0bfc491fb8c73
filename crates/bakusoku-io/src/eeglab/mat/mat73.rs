//! MAT files of version 7.3: HDF5 behind 512 bytes of header. Arrays are data sets with reversed dimensions and an
//! attribute `MATLAB_class`; structs are groups; cells, and the fields of an array of structs, are data sets of
//! references.

use super::budget::Budget;
use super::{DEEPEST, Kind, Place, Records, SMALL, Stored, Value, Variables, Want, Wanted};
use crate::{Error, Result};
use hdf5_pure::{AttrValue, DType, Datatype, DatatypeByteOrder, File, Group, Object};
use std::path::Path;

/// Bytes that an open object takes in memory.
const OBJECT: u64 = 1 << 10;

/// An array of numbers in an open file.
#[derive(Clone)]
pub(in crate::eeglab) struct Dataset(hdf5_pure::Dataset);

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dataset")
    }
}

impl Dataset {
    /// The bytes of rows in HDF5's sense, which are MATLAB's last dimension.
    pub(in crate::eeglab) fn rows(&self, path: &Path, start: u64, n: u64) -> Result<Vec<u8>> {
        self.0.read_raw_rows(start, n).map_err(|error| wrong(path, "data", error))
    }
}

fn wrong(path: &Path, object: &str, source: hdf5_pure::Error) -> Error {
    Error::Hdf5 { path: path.to_owned(), object: object.to_owned(), source: Box::new(source) }
}

/// Reads what is wanted.
pub(super) fn read(path: &Path, wanted: Wanted) -> Result<Variables> {
    let file = File::open_streaming(path).map_err(|error| wrong(path, "/", error))?;
    let len = file.file_size();
    let mut parser = Parser { path, wanted, len, budget: Budget::new(path, len), names: Vec::new() };
    let root = file.root();
    let mut all = Vec::new();
    for (name, object) in parser.members(&root, "/")? {
        // What MATLAB keeps for itself.
        if name.starts_with('#') {
            continue;
        }
        parser.names.push(name.clone());
        let want = wanted(&parser.names);
        let value = if want == Want::Nothing { None } else { Some(parser.value(object, want, 0)?) };
        parser.names.pop();
        all.push((name, value));
    }
    Ok(Variables { all })
}

struct Parser<'p> {
    path: &'p Path,
    wanted: Wanted,
    /// Bytes of the file.
    len: u64,
    budget: Budget<'p>,
    names: Vec<String>,
}

impl Parser<'_> {
    fn wrong(&self, source: hdf5_pure::Error) -> Error {
        wrong(self.path, &self.names.join("."), source)
    }
    fn unexpected(&self, expected: impl Into<String>, got: impl Into<String>) -> Error {
        Error::Field {
            path: self.path.to_owned(),
            field: self.names.join("."),
            expected: expected.into(),
            got: got.into(),
        }
    }

    /// What is in a group and wanted, by name.
    fn members(&mut self, group: &Group, of: &str) -> Result<Vec<(String, Object)>> {
        let mut out = Vec::new();
        let path = self.path;
        let names = |names: Result<Vec<String>, hdf5_pure::Error>| names.map_err(|error| wrong(path, of, error));
        for (is_group, name) in names(group.datasets())?
            .into_iter()
            .map(|name| (false, name))
            .chain(names(group.groups())?.into_iter().map(|name| (true, name)))
        {
            self.budget.take(OBJECT, 0)?;
            let object = if is_group {
                group.group(&name).map(Object::Group)
            } else {
                self.names.push(name.clone());
                let want = (self.wanted)(&self.names);
                self.names.pop();
                if want == Want::Nothing && of != "/" {
                    continue;
                }
                group.dataset(&name).map(|set| Object::Dataset(Box::new(set)))
            };
            match object {
                Ok(object) => out.push((name, object)),
                Err(error) => return Err(wrong(path, &name, error)),
            }
        }
        Ok(out)
    }

    fn value(&mut self, object: Object, want: Want, depth: usize) -> Result<Value> {
        if depth > DEEPEST {
            return Err(self.unexpected(format!("at most {DEEPEST} values inside one another"), "nested deeper"));
        }
        self.budget.take(OBJECT / 4, 0)?;
        match object {
            Object::Group(group) => self.records(&group, depth).map(Value::Struct),
            Object::Dataset(set) => self.dataset(&set, want, depth),
            _ => Ok(Value::Other),
        }
    }

    fn records(&mut self, group: &Group, depth: usize) -> Result<Records> {
        let of = self.names.join(".");
        let mut records = Records::default();
        let mut columns: Vec<Vec<Value>> = Vec::new();
        let mut is_array = false;
        for (name, object) in self.members(group, &of)? {
            self.names.push(name.clone());
            let want = (self.wanted)(&self.names);
            if want != Want::Nothing {
                let column = match &object {
                    // The fields of an array of structs are references without a class.
                    Object::Dataset(set)
                        if matches!(set.dtype(), Ok(DType::ObjectReference)) && class(&set.attrs()).is_none() =>
                    {
                        is_array = true;
                        self.references(set, want, depth)?
                    }
                    _ => vec![self.value(object, want, depth + 1)?],
                };
                records.fields.push(name);
                columns.push(column);
            }
            self.names.pop();
        }
        let n = columns.iter().map(Vec::len).max().unwrap_or(usize::from(!is_array));
        if let Some(at) = columns.iter().position(|column| column.len() != n) {
            self.names.push(records.fields[at].clone());
            return Err(self.unexpected(format!("{n} values, as its other fields have"), columns[at].len().to_string()));
        }
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        records.items = (0..n).map(|_| columns.iter_mut().filter_map(Iterator::next).collect()).collect();
        Ok(records)
    }

    /// What the references of a data set lead to.
    fn references(&mut self, set: &hdf5_pure::Dataset, want: Want, depth: usize) -> Result<Vec<Value>> {
        let shape = set.shape().map_err(|error| self.wrong(error))?;
        let n = shape.iter().try_fold(1u64, |all, &n| all.checked_mul(n)).unwrap_or(u64::MAX);
        self.budget.take(n.saturating_mul(OBJECT), 0)?;
        let objects = set.dereference().map_err(|error| self.wrong(error))?;
        objects.into_iter().map(|object| self.value(object, want, depth + 1)).collect()
    }

    fn dataset(&mut self, set: &hdf5_pure::Dataset, want: Want, depth: usize) -> Result<Value> {
        let attrs = set.attrs();
        let class = class(&attrs);
        let is_empty = attrs.as_ref().is_ok_and(|attrs| {
            attrs.get("MATLAB_empty").is_some_and(|empty| !matches!(empty, AttrValue::U8(0) | AttrValue::I32(0)))
        });
        if is_empty {
            return Ok(match class.as_deref() {
                Some("char") => Value::Text(Vec::new()),
                Some("cell") => Value::Cell(Vec::new()),
                Some("struct") => Value::Struct(Records::default()),
                _ => Value::Numbers { dims: vec![0, 0], values: Vec::new(), integers: false },
            });
        }
        let dtype = set.dtype().map_err(|error| self.wrong(error))?;
        if dtype == DType::ObjectReference {
            return self.references(set, want, depth).map(Value::Cell);
        }
        let Some(kind) = kind(&dtype) else { return Ok(Value::Other) };
        // MATLAB's dimensions are HDF5's, from back to front.
        let mut dims = set.shape().map_err(|error| self.wrong(error))?;
        dims.reverse();
        let product = dims.iter().try_fold(1u64, |all, &n| all.checked_mul(n)).filter(|&n| n < 1 << 48);
        if product.is_none() {
            return Err(self.unexpected("an array", format!("one of {dims:?} elements")));
        }
        let datatype = set.datatype().map_err(|error| self.wrong(error))?;
        let big_endian = matches!(
            datatype,
            Datatype::FixedPoint { byte_order: DatatypeByteOrder::BigEndian, .. }
                | Datatype::FloatingPoint { byte_order: DatatypeByteOrder::BigEndian, .. }
        );
        let stored = Stored { dims, kind, big_endian, place: Place::Hdf5(Dataset(set.clone())) };
        // Compressed by zlib at best; what was never written is not stored at all, and in no file that MATLAB closed.
        if stored.n_bytes() > self.len.saturating_mul(1032) {
            let got = format!("an array of {} bytes", stored.n_bytes());
            return Err(self.unexpected(format!("one that a file of {} bytes can hold", self.len), got));
        }
        let is_text = class.as_deref() == Some("char");
        if !is_text && (want == Want::Place || stored.n_bytes() > SMALL) {
            return Ok(Value::Stored(stored));
        }
        self.budget.take(stored.n_bytes().saturating_mul(8), 0)?;
        let bytes = set.read_raw().map_err(|error| self.wrong(error))?;
        let values = kind.decode(&bytes, big_endian);
        if is_text {
            let units = values.iter().map(|&unit| unit as u16);
            let codes: Vec<char> = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
            let n_rows = stored.dims.first().copied().unwrap_or(1);
            return Ok(Value::Text(super::mat5::rows(&codes, n_rows)));
        }
        Ok(Value::Numbers { dims: stored.dims, values, integers: kind.is_integer() })
    }
}

fn class(attrs: &Result<std::collections::HashMap<String, AttrValue>, hdf5_pure::Error>) -> Option<String> {
    match attrs.as_ref().ok()?.get("MATLAB_class")? {
        AttrValue::String(text) | AttrValue::AsciiString(text) => Some(text.trim_end_matches('\0').to_owned()),
        AttrValue::StringSized { value, .. } | AttrValue::AsciiStringSized { value, .. } => Some(value.clone()),
        _ => None,
    }
}

fn kind(dtype: &DType) -> Option<Kind> {
    Some(match dtype {
        DType::I8 => Kind::I8,
        DType::U8 => Kind::U8,
        DType::I16 => Kind::I16,
        DType::U16 => Kind::U16,
        DType::I32 => Kind::I32,
        DType::U32 => Kind::U32,
        DType::I64 => Kind::I64,
        DType::U64 => Kind::U64,
        DType::F32 => Kind::F32,
        DType::F64 => Kind::F64,
        _ => return None,
    })
}
