//! From TOML text to values that know their place.

use super::error::{Invalid, Problem, position};
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: NodeValue,
}

/// A key and where it stands.
pub(crate) struct NodeKey {
    pub(crate) span: Range<usize>,
    pub(crate) text: String,
}

/// What stands there.
pub(crate) enum NodeValue {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Date(String),
    List(Vec<Node>),
    Table(Vec<(NodeKey, Node)>),
}

impl NodeValue {
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Bool(x) => x.to_string(),
            Self::Int(x) => x.to_string(),
            Self::Float(x) => format!("{x:?}"),
            Self::Str(text) => format!("{text:?}"),
            Self::Date(text) => format!("the date {text}"),
            Self::List(items) => match items.len() {
                0 => "an empty list".into(),
                1 => "a list of 1 value".into(),
                n => format!("a list of {n} values"),
            },
            Self::Table(_) => "a table".into(),
        }
    }
}

/// Collects what is wrong in a text.
pub(crate) struct Problems<'t> {
    text: &'t str,
    list: Vec<Problem>,
}

impl<'t> Problems<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, list: Vec::new() }
    }
    /// Another collection over the same text, to be thrown away.
    pub(crate) fn quiet(&self) -> Problems<'t> {
        Problems { text: self.text, list: Vec::new() }
    }
    pub(crate) fn add(&mut self, span: &Range<usize>, message: impl Into<String>, label: &str, hint: Option<String>) {
        let (line, column) = position(self.text, span.start);
        self.list.push(Problem {
            message: message.into(),
            label: label.into(),
            span: span.clone(),
            line,
            column,
            hint,
        });
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
    /// What was collected, in the order of the text.
    pub(crate) fn into_invalid(mut self, path: &Path) -> Invalid {
        self.list.sort_by_key(|problem| problem.span.start);
        Invalid { path: path.to_owned(), text: self.text.to_owned(), problems: self.list }
    }
}

/// Parses a TOML text; syntax errors go to `problems`.
pub(crate) fn parse(text: &str, problems: &mut Problems<'_>) -> Option<Node> {
    match DeTable::parse(text) {
        Ok(table) => {
            let span = table.span();
            Some(Node { span, value: from_table(table.get_ref()) })
        }
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let hint = python_value(text, span.start);
            problems.add(&span, format!("this is not TOML: {}", error.message().replace('\n', ", ")), "here", hint);
            None
        }
    }
}

/// What to write for the value of a Python configuration that stands in the line.
fn python_value(text: &str, at: usize) -> Option<String> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?;
    let value = line.split_once('=')?.1.split('#').next()?;
    let words: Vec<&str> = value.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '"' | '\''))).collect();
    let toml = [("None", "\"none\""), ("True", "true"), ("False", "false")];
    let (python, toml) = toml.into_iter().find(|(python, _)| words.contains(python))?;
    Some(format!("write {toml} for Python's {python}"))
}

fn from_table(table: &DeTable<'_>) -> NodeValue {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let key = NodeKey { span: key.span(), text: key.get_ref().to_string() };
            (key, Node { span: value.span(), value: from_value(value.get_ref()) })
        })
        .collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    NodeValue::Table(entries)
}

fn from_value(value: &DeValue<'_>) -> NodeValue {
    match value {
        DeValue::String(text) => NodeValue::Str(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => NodeValue::Int(number),
            Err(_) => NodeValue::Float(number.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(number) => NodeValue::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(x) => NodeValue::Bool(*x),
        DeValue::Datetime(date) => NodeValue::Date(date.to_string()),
        DeValue::Array(items) => NodeValue::List(
            items.iter().map(|item| Node { span: item.span(), value: from_value(item.get_ref()) }).collect(),
        ),
        DeValue::Table(table) => from_table(table),
    }
}
