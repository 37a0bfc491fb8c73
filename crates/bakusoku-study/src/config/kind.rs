//! What a value may be: one description from which checks, texts and the JSON schema are made.

use super::error::nearest;
use super::parse::{Node, NodeValue, Problems};
use super::value::Value;
use serde_json::json;

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number, at least this.
    Int(i64),
    /// Any number.
    Number,
    /// A number above zero.
    Positive,
    /// A number, zero or above.
    NotNegative,
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of any length.
    List(&'static Kind),
    /// A list of exactly these.
    Tuple(&'static [Kind]),
    /// A table with names of the user's choice.
    Map(&'static Kind),
    /// A table with these entries, none of them required.
    Table(&'static [Field]),
    /// One of these.
    Either(&'static [Kind]),
}

/// An entry of a [`Kind::Table`].
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it means.
    pub doc: &'static str,
}

impl Kind {
    /// In words: "expected …".
    pub fn expected(&self) -> String {
        match self {
            Kind::Bool => "true or false".into(),
            Kind::Int(min) => format!("a whole number, at least {min}"),
            Kind::Number => "a number".into(),
            Kind::Positive => "a number above 0".into(),
            Kind::NotNegative => "a number, 0 or above".into(),
            Kind::Text => "a text in quotes".into(),
            Kind::Word(words) => words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or "),
            Kind::List(of) => format!("a list in which each is {}", of.expected()),
            Kind::Tuple(of) => {
                let same = of.windows(2).all(|pair| pair[0].expected() == pair[1].expected());
                match of {
                    [first, ..] if same => format!("a list of {} values, each {}", of.len(), first.expected()),
                    _ => format!("[{}]", of.iter().map(Kind::expected).collect::<Vec<_>>().join(", ")),
                }
            }
            Kind::Map(of) => format!("a table {{ name = … }} in which each is {}", of.expected()),
            Kind::Table(fields) => {
                format!("a table with some of {}", fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", "))
            }
            Kind::Either(kinds) => kinds.iter().map(Kind::expected).collect::<Vec<_>>().join(", or "),
        }
    }

    /// As JSON schema.
    pub fn schema(&self) -> serde_json::Value {
        match self {
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int(min) => json!({"type": "integer", "minimum": min}),
            Kind::Number => json!({"type": "number"}),
            Kind::Positive => json!({"type": "number", "exclusiveMinimum": 0}),
            Kind::NotNegative => json!({"type": "number", "minimum": 0}),
            Kind::Text => json!({"type": "string"}),
            Kind::Word(words) => json!({"enum": words}),
            Kind::List(of) => json!({"type": "array", "items": of.schema()}),
            Kind::Tuple(of) => {
                let items: Vec<_> = of.iter().map(Kind::schema).collect();
                json!({"type": "array", "prefixItems": items, "minItems": of.len(), "maxItems": of.len()})
            }
            Kind::Map(of) => json!({"type": "object", "additionalProperties": of.schema()}),
            Kind::Table(fields) => {
                let properties: serde_json::Map<_, _> = fields
                    .iter()
                    .map(|field| {
                        let mut schema = field.kind.schema();
                        schema["description"] = json!(field.doc);
                        (field.name.to_owned(), schema)
                    })
                    .collect();
                json!({"type": "object", "properties": properties, "additionalProperties": false})
            }
            Kind::Either(kinds) => json!({"anyOf": kinds.iter().map(Kind::schema).collect::<Vec<_>>()}),
        }
    }

    /// Whether the shape (not yet the limits) fits: which alternative an error message is about.
    fn resembles(&self, node: &Node) -> bool {
        match (self, &node.value) {
            (Kind::Bool, NodeValue::Bool(_)) | (Kind::Text | Kind::Word(_), NodeValue::Str(_)) => true,
            (Kind::Int(_) | Kind::Number | Kind::Positive | Kind::NotNegative, NodeValue::Int(_)) => true,
            (Kind::Number | Kind::Positive | Kind::NotNegative, NodeValue::Float(_)) => true,
            (Kind::List(of), NodeValue::List(items)) => items.iter().all(|item| of.resembles(item)),
            (Kind::Tuple(of), NodeValue::List(items)) => items.len() == of.len(),
            (Kind::Map(_) | Kind::Table(_), NodeValue::Table(_)) => true,
            (Kind::Either(kinds), _) => kinds.iter().any(|kind| kind.resembles(node)),
            _ => false,
        }
    }

    /// Checks a value; what is wrong is added to `problems`, by `name` of the key.
    pub(crate) fn check(&self, name: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Value> {
        let wrong = |problems: &mut Problems<'_>| {
            problems.add(
                &node.span,
                format!("`{name}` must be {}, got {}", self.expected(), node.value.describe()),
                "not what is expected here",
                None,
            );
            None
        };
        match (self, &node.value) {
            (Kind::Bool, NodeValue::Bool(x)) => Some(Value::Bool(*x)),
            (Kind::Int(min), NodeValue::Int(x)) if x >= min => Some(Value::Int(*x)),
            (Kind::Number, NodeValue::Int(x)) => Some(Value::Int(*x)),
            (Kind::Number, NodeValue::Float(x)) if x.is_finite() => Some(Value::Float(*x)),
            (Kind::Positive, NodeValue::Int(x)) if *x > 0 => Some(Value::Int(*x)),
            (Kind::Positive, NodeValue::Float(x)) if *x > 0.0 && x.is_finite() => Some(Value::Float(*x)),
            (Kind::NotNegative, NodeValue::Int(x)) if *x >= 0 => Some(Value::Int(*x)),
            (Kind::NotNegative, NodeValue::Float(x)) if *x >= 0.0 && x.is_finite() => Some(Value::Float(*x)),
            (Kind::Text, NodeValue::Str(text)) => Some(Value::Str(text.clone())),
            (Kind::Word(words), NodeValue::Str(text)) if words.contains(&text.as_str()) => {
                Some(Value::Str(text.clone()))
            }
            (Kind::Word(words), NodeValue::Str(text)) => {
                let hint = nearest(text, words.iter().copied()).map(|word| format!("did you mean {word:?}?"));
                problems.add(
                    &node.span,
                    format!("`{name}` must be {}, got {text:?}", self.expected()),
                    "not one of these",
                    hint,
                );
                None
            }
            (Kind::List(of), NodeValue::List(items)) => {
                let values: Vec<_> = items.iter().map(|item| of.check(name, item, problems)).collect();
                values.into_iter().collect::<Option<Vec<_>>>().map(Value::List)
            }
            (Kind::Tuple(of), NodeValue::List(items)) if of.len() == items.len() => {
                let values: Vec<_> =
                    of.iter().zip(items).map(|(kind, item)| kind.check(name, item, problems)).collect();
                values.into_iter().collect::<Option<Vec<_>>>().map(Value::List)
            }
            (Kind::Map(of), NodeValue::Table(entries)) => {
                let values: Vec<_> = entries
                    .iter()
                    .map(|(key, item)| {
                        Some((key.text.clone(), of.check(&format!("{name}.{}", key.text), item, problems)?))
                    })
                    .collect();
                values.into_iter().collect::<Option<Vec<_>>>().map(Value::Table)
            }
            (Kind::Table(fields), NodeValue::Table(entries)) => {
                let mut values = Vec::new();
                let mut fine = true;
                for (key, item) in entries {
                    let Some(field) = fields.iter().find(|field| field.name == key.text) else {
                        let names = fields.iter().map(|field| field.name);
                        let hint = belongs_above(name, &key.text)
                            .or_else(|| nearest(&key.text, names.clone()).map(|near| format!("did you mean `{near}`?")))
                            .unwrap_or_else(|| format!("expected one of {}", names.collect::<Vec<_>>().join(", ")));
                        problems.add(&key.span, format!("`{name}` has no entry `{}`", key.text), "unknown", Some(hint));
                        fine = false;
                        continue;
                    };
                    match field.kind.check(&format!("{name}.{}", key.text), item, problems) {
                        Some(value) => values.push((key.text.clone(), value)),
                        None => fine = false,
                    }
                }
                fine.then_some(Value::Table(values))
            }
            (Kind::Either(kinds), _) => {
                // The first alternative that takes it; else the complaint of the only one that resembles it.
                for kind in *kinds {
                    let mut quiet = problems.quiet();
                    if let Some(value) = kind.check(name, node, &mut quiet) {
                        return Some(value);
                    }
                }
                let close: Vec<_> = kinds.iter().filter(|kind| kind.resembles(node)).collect();
                match close[..] {
                    [kind] if !matches!(kind, Kind::Word(_)) => kind.check(name, node, problems),
                    _ => wrong(problems),
                }
            }
            _ => wrong(problems),
        }
    }
}
/// What to say of a key of the file that stands below the header of a table.
fn belongs_above(table: &str, key: &str) -> Option<String> {
    let is_key = super::keys::all().iter().any(|known| known.name == key);
    let header = table == "run" || table.starts_with("subject.");
    (is_key && header).then(|| format!("`{key}` belongs above the first `[…]`: what follows `[{table}]` is part of it"))
}
