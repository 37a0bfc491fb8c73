//! Values of `study.toml`, checked and without their place in the file.

use serde::Serialize;
use serde_json::json;
use std::fmt;

/// A value of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Str(String),
    /// A list.
    List(Vec<Value>),
    /// A table, in the order of the file.
    Table(Vec<(String, Value)>),
}

impl Value {
    /// Whether it is `"none"`.
    pub fn is_none(&self) -> bool {
        matches!(self, Value::Str(text) if text == "none")
    }
    /// As a number; whole numbers count.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Float(x) => Some(*x),
            Value::Int(x) => Some(*x as f64),
            _ => None,
        }
    }
    /// As a whole number.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(x) => Some(*x),
            _ => None,
        }
    }
    /// As a text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }
    /// As a truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(x) => Some(*x),
            _ => None,
        }
    }
    /// As a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }
    /// As a table.
    pub fn as_table(&self) -> Option<&[(String, Value)]> {
        match self {
            Value::Table(items) => Some(items),
            _ => None,
        }
    }
    /// The entry of a table.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_table()?.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
    /// Its texts, when it is a list of texts or a single text.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Value::Str(text) => vec![text.clone()],
            Value::List(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    }
    /// As JSON, for keys and sidecars; numbers that are equal are written alike (`40` and `40.0`).
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Bool(x) => json!(x),
            Value::Int(x) => json!(*x as f64),
            Value::Float(x) => json!(x),
            Value::Str(text) => json!(text),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Table(items) => {
                serde_json::Value::Object(items.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { format!("{name:?}") }
}

/// As TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(x) => write!(f, "{x}"),
            Value::Int(x) => write!(f, "{x}"),
            // `{:?}` keeps the point (`40.0`) and writes small numbers as `4e-12`.
            Value::Float(x) => write!(f, "{x:?}"),
            Value::Str(text) => write!(f, "{text:?}"),
            Value::List(items) => {
                write!(f, "[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                write!(f, "]")
            }
            Value::Table(items) if items.is_empty() => write!(f, "{{}}"),
            Value::Table(items) => {
                write!(f, "{{ ")?;
                for (index, (name, item)) in items.iter().enumerate() {
                    write!(f, "{}{} = {item}", if index == 0 { "" } else { ", " }, key(name))?;
                }
                write!(f, " }}")
            }
        }
    }
}
