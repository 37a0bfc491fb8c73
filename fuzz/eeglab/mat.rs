//! Writes MATLAB files: version 5 by hand, 7.3 by the HDF5 library.

use flate2::{Compression, write::ZlibEncoder};
use hdf5_pure::{AttrValue, FileBuilder, GroupBuilder};
use std::io::Write;

/// A value.
#[derive(Clone)]
pub(crate) enum Value {
    /// Numbers as they are stored: class and type of MATLAB, dimensions, little-endian bytes of so many each.
    Stored(u32, u32, Vec<i32>, Vec<u8>, usize),
    Text(&'static str),
    /// An array of structs: names of fields, and for each struct their values.
    Structs(Vec<&'static str>, Vec<Vec<Value>>),
}

impl Value {
    pub(crate) fn number(x: f64) -> Self {
        Self::Stored(6, 9, vec![1, 1], x.to_le_bytes().to_vec(), 8)
    }
    pub(crate) fn empty() -> Self {
        Self::Stored(6, 9, vec![0, 0], Vec::new(), 8)
    }
    pub(crate) fn matrix(rows: usize, values: &[f64]) -> Self {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self::Stored(6, 9, vec![rows as i32, (values.len() / rows) as i32], bytes, 8)
    }
    pub(crate) fn singles(dims: Vec<i32>, values: &[f32]) -> Self {
        Self::Stored(7, 7, dims, values.iter().flat_map(|x| x.to_le_bytes()).collect(), 4)
    }
    pub(crate) fn shorts(dims: Vec<i32>, values: &[i16]) -> Self {
        Self::Stored(10, 3, dims, values.iter().flat_map(|x| x.to_le_bytes()).collect(), 2)
    }
}

/// A MAT file of version 5, in either byte order, its variables compressed or not.
pub(crate) fn mat5(variables: &[(&str, Value)], big_endian: bool, compressed: bool) -> Vec<u8> {
    let writer = Mat5 { big_endian };
    let mut out = b"MATLAB 5.0 MAT-file, made for tests".to_vec();
    out.resize(124, b' ');
    out.extend(writer.word(0x0100)[if big_endian { 2..4 } else { 0..2 }].iter());
    out.extend(if big_endian { b"MI" } else { b"IM" });
    for (name, value) in variables {
        let matrix = writer.matrix(name, value);
        if !compressed {
            out.extend(matrix);
            continue;
        }
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&matrix).expect("memory can be written");
        let packed = encoder.finish().expect("as before");
        out.extend(writer.word(15).into_iter().chain(writer.word(packed.len() as u32)));
        out.extend(packed);
    }
    out
}

struct Mat5 {
    big_endian: bool,
}

impl Mat5 {
    fn word(&self, word: u32) -> [u8; 4] {
        if self.big_endian { word.to_be_bytes() } else { word.to_le_bytes() }
    }
    fn element(&self, kind: u32, data: &[u8]) -> Vec<u8> {
        if (1..=4).contains(&data.len()) {
            let mut out = self.word((data.len() as u32) << 16 | kind).to_vec();
            out.extend(data);
            out.resize(8, 0);
            return out;
        }
        let mut out = [self.word(kind), self.word(data.len() as u32)].concat();
        out.extend(data);
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }
    fn matrix(&self, name: &str, value: &Value) -> Vec<u8> {
        let (class, dims) = match value {
            Value::Stored(class, _, dims, _, _) => (*class, dims.clone()),
            Value::Text(text) => (4, vec![1, text.chars().count() as i32]),
            Value::Structs(_, items) => (2, vec![1, items.len() as i32]),
        };
        let dims: Vec<u8> = dims.iter().flat_map(|&n| self.word(n as u32)).collect();
        let mut out = self.element(6, &[self.word(class), [0; 4]].concat());
        out.extend(self.element(5, &dims));
        out.extend(self.element(1, name.as_bytes()));
        match value {
            Value::Stored(_, kind, _, bytes, size) => {
                let mut bytes = bytes.clone();
                if self.big_endian {
                    bytes.chunks_mut(*size).for_each(<[u8]>::reverse);
                }
                out.extend(self.element(*kind, &bytes));
            }
            Value::Text(text) => {
                let units = text.encode_utf16();
                let bytes: Vec<u8> = match self.big_endian {
                    true => units.flat_map(u16::to_be_bytes).collect(),
                    false => units.flat_map(u16::to_le_bytes).collect(),
                };
                out.extend(self.element(4, &bytes));
            }
            Value::Structs(fields, items) => {
                out.extend(self.element(5, &self.word(32)));
                let mut names = Vec::new();
                for field in fields {
                    names.extend(field.as_bytes());
                    names.resize(names.len().next_multiple_of(32), 0);
                }
                out.extend(self.element(1, &names));
                items.iter().flatten().for_each(|value| out.extend(self.matrix("", value)));
            }
        }
        [self.word(14).to_vec(), self.word(out.len() as u32).to_vec(), out].concat()
    }
}

/// A MAT file of version 7.3.
pub(crate) fn mat73(variables: &[(&str, Value)]) -> Vec<u8> {
    let mut header = b"MATLAB 7.3 MAT-file, made for tests".to_vec();
    header.resize(124, b' ');
    header.extend(b"\0\x02IM");
    header.resize(512, 0);
    let mut file = FileBuilder::new();
    file.with_userblock(512);
    file.with_userblock_content(&header);
    let mut refs = file.create_group("#refs#");
    let mut n_refs = 0;
    let mut eeg = file.create_group("EEG");
    class(&mut eeg, "struct");
    for (name, value) in variables {
        put(&mut eeg, &mut refs, &mut n_refs, name, value);
    }
    file.add_group(refs.finish());
    file.add_group(eeg.finish());
    file.finish().expect("memory can be written")
}

fn class(group: &mut GroupBuilder, class: &str) {
    group.set_attr("MATLAB_class", AttrValue::AsciiString(class.into()));
}

fn put(group: &mut GroupBuilder, refs: &mut GroupBuilder, n_refs: &mut usize, name: &str, value: &Value) {
    let attr = |text: &str| AttrValue::AsciiString(text.into());
    match value {
        Value::Stored(_, _, dims, ..) if dims.contains(&0) => {
            let set = group.create_dataset(name);
            set.with_u64_data(&[0, 0]).set_attr("MATLAB_class", attr("double"));
            set.set_attr("MATLAB_empty", AttrValue::U8(1));
        }
        Value::Stored(_, kind, dims, bytes, _) => {
            let shape: Vec<u64> = dims.iter().rev().map(|&n| n as u64).collect();
            let set = group.create_dataset(name);
            let set = match kind {
                3 => set.with_i16_data(&bytes.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b)).collect::<Vec<_>>()),
                7 => set.with_f32_data(&bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect::<Vec<_>>()),
                _ => set.with_f64_data(&bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect::<Vec<_>>()),
            };
            set.with_shape(&shape).set_attr("MATLAB_class", attr("double"));
        }
        Value::Text(text) => {
            let units: Vec<u16> = text.encode_utf16().collect();
            let set = group.create_dataset(name);
            set.with_u16_data(&units).with_shape(&[units.len() as u64, 1]).set_attr("MATLAB_class", attr("char"));
        }
        Value::Structs(fields, items) => {
            let mut inner = group.create_group(name);
            class(&mut inner, "struct");
            for (at, field) in fields.iter().enumerate() {
                if let [item] = items.as_slice() {
                    put(&mut inner, refs, n_refs, field, &item[at]);
                    continue;
                }
                let mut paths = Vec::new();
                for item in items {
                    let path = format!("r{n_refs}");
                    *n_refs += 1;
                    let mut none = 0;
                    put_ref(refs, &mut none, &path, &item[at]);
                    paths.push(format!("#refs#/{path}"));
                }
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                inner.create_dataset(field).with_path_references(&paths).with_shape(&[paths.len() as u64, 1]);
            }
            group.add_group(inner.finish());
        }
    }
}

/// What a reference leads to: numbers or a text.
fn put_ref(refs: &mut GroupBuilder, none: &mut usize, name: &str, value: &Value) {
    if matches!(value, Value::Structs(..)) {
        return;
    }
    let mut unused = FileBuilder::new().create_group("unused");
    put(refs, &mut unused, none, name, value);
}
