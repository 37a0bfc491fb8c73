//! A value of MATLAB.

use super::{Place, Stored};

/// A value of MATLAB.
#[derive(Clone, Debug)]
pub(in crate::eeglab) enum Value {
    /// Numbers that were read, column by column.
    Numbers {
        /// Rows, columns, pages, …
        dims: Vec<u64>,
        /// The numbers.
        values: Vec<f64>,
        /// Whether they are stored as integers.
        integers: bool,
    },
    /// Numbers that are still in the file.
    Stored(Stored),
    /// An array of characters, row by row.
    Text(Vec<String>),
    /// A cell array, column by column.
    Cell(Vec<Value>),
    /// A struct or an array of structs.
    Struct(Records),
    /// Something that no set of EEGLAB needs.
    Other,
}

/// An array of structs.
#[derive(Clone, Debug, Default)]
pub(in crate::eeglab) struct Records {
    /// Names of the fields.
    pub(in crate::eeglab) fields: Vec<String>,
    /// For each struct the values of its fields, `Other` where they are not wanted.
    pub(in crate::eeglab) items: Vec<Vec<Value>>,
}

impl Records {
    /// The field of each struct.
    pub(in crate::eeglab) fn column(&self, field: &str) -> Option<impl Iterator<Item = &Value>> {
        let at = self.fields.iter().position(|name| name == field)?;
        Some(self.items.iter().map(move |item| item.get(at).unwrap_or(&Value::Other)))
    }
    /// The field of the only struct, or of the first one.
    pub(in crate::eeglab) fn get(&self, field: &str) -> Option<&Value> {
        self.column(field)?.next()
    }
}

impl Value {
    /// No numbers, no characters, no cells, no structs: MATLAB's `[]`, `''`, `{}`.
    pub(in crate::eeglab) fn is_empty(&self) -> bool {
        match self {
            Self::Numbers { values, .. } => values.is_empty(),
            Self::Stored(stored) => stored.n_values() == 0,
            Self::Text(rows) => rows.iter().all(String::is_empty),
            Self::Cell(cells) => cells.is_empty(),
            Self::Struct(records) => records.items.is_empty(),
            Self::Other => true,
        }
    }
    /// The only number, also from a cell of its own.
    pub(in crate::eeglab) fn number(&self) -> Option<f64> {
        match self {
            Self::Numbers { values, .. } if values.len() == 1 => values.first().copied(),
            Self::Cell(cells) if cells.len() == 1 => cells.first()?.number(),
            _ => None,
        }
    }
    /// The only text, also from a cell of its own.
    pub(in crate::eeglab) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(rows) if rows.len() == 1 => rows.first().map(String::as_str),
            Self::Cell(cells) if cells.len() == 1 => cells.first()?.text(),
            _ => None,
        }
    }
    /// The structs, if it is an array of them.
    pub(in crate::eeglab) fn records(&self) -> Option<&Records> {
        match self {
            Self::Struct(records) => Some(records),
            Self::Cell(cells) if cells.len() == 1 => cells.first()?.records(),
            _ => None,
        }
    }
    /// As text, as Python's `str` shows a number, a text, or an empty array: numbers that are stored as integers without
    /// a point, others with one.
    pub(in crate::eeglab) fn shown(&self) -> String {
        match self {
            Self::Text(rows) => match rows.as_slice() {
                [row] if !row.is_empty() => row.clone(),
                [] => "[]".into(),
                rows if rows.iter().all(String::is_empty) => "[]".into(),
                rows => rows.join("/"),
            },
            Self::Numbers { values, integers, .. } => match values.as_slice() {
                [] => "[]".into(),
                [value] => number_shown(*value, *integers),
                values => values.iter().map(|&value| number_shown(value, *integers)).collect::<Vec<_>>().join("/"),
            },
            Self::Cell(cells) => match cells.as_slice() {
                [] => "[]".into(),
                cells => cells.iter().map(Self::shown).collect::<Vec<_>>().join("/"),
            },
            Self::Stored(_) | Self::Struct(_) | Self::Other => "[]".into(),
        }
    }
    /// Text in a few words: what it is.
    pub(in crate::eeglab) fn described(&self) -> String {
        let of = |dims: &[u64]| dims.iter().map(u64::to_string).collect::<Vec<_>>().join(" × ");
        match self {
            Self::Numbers { values, .. } if values.len() == 1 => format!("`{}`", values[0]),
            Self::Numbers { dims, .. } => format!("an array of {} numbers", of(dims)),
            Self::Stored(Stored {
                dims, place: Place::File { .. } | Place::Inflated { .. } | Place::Hdf5(_), ..
            }) => {
                format!("an array of {} numbers", of(dims))
            }
            Self::Text(rows) if rows.len() == 1 => format!("the text `{}`", rows[0]),
            Self::Text(rows) => format!("{} lines of text", rows.len()),
            Self::Cell(cells) => format!("a cell array of {}", cells.len()),
            Self::Struct(records) => format!("{} structs", records.items.len()),
            Self::Other => "something else".into(),
        }
    }
}

fn number_shown(value: f64, integer: bool) -> String {
    if integer {
        return format!("{value:.0}");
    }
    match value {
        value if value.is_nan() => "nan".into(),
        value => format!("{value:?}"),
    }
}
