//! `study.toml`: flat keys, mne-bids-pipeline's names and defaults, every value checked before anything runs.
//!
//! [`keys::all`] is the one table; TOML has no null, so `"none"` is None, in pairs `["none", 0]`.

mod checks;
pub mod document;
mod error;
pub mod keys;
mod kind;
mod parse;
pub mod pipeline;
mod remarks;
mod value;

pub use checks::Checks;
pub use error::{ConfigError, Invalid, Problem};
pub use kind::{Field, Kind};
pub use value::Value;

use crate::report::data::ConfigEntry;
use crate::step::Registry;
use error::nearest;
use keys::{Key, Support};
use parse::{Node, NodeValue, Problems};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A checked configuration: every key has a value.
#[derive(Clone, Debug)]
pub struct Config {
    path: PathBuf,
    /// [`keys::all`], then those that registered steps bring.
    keys: Arc<Vec<Key>>,
    /// In the order of `keys`: value, and whether the file says it.
    values: Vec<(Value, bool)>,
}

impl Config {
    /// Reads and checks a study file.
    ///
    /// # Errors
    /// When it can't be read, or says something that can't be meant.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with(path, &crate::steps::builtin())
    }
    /// The same, with the keys and checks of these steps.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(path: &Path, registry: &Registry) -> Result<Self, ConfigError> {
        let text = bakusoku_files::read_utf8(path)?;
        Self::parse_with(path, &text, registry)
    }

    /// Checks the text of a study file; `path` stands in errors, and relative paths count from its folder.
    ///
    /// # Errors
    /// When it says something that can't be meant.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        Self::parse_with(path, text, &crate::steps::builtin())
    }
    /// The same, with the keys and checks of these steps.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with(path: &Path, text: &str, registry: &Registry) -> Result<Self, ConfigError> {
        let mut problems = Problems::new(text);
        let mut keys = keys::all().to_vec();
        for key in registry.iter().flat_map(|step| step.keys()) {
            if !keys.iter().any(|other| other.name == key.name) {
                keys.push(*key);
            }
        }
        keys::sort(&mut keys);
        let keys = Arc::new(keys);
        let values = check(text, &keys, registry, &mut problems);
        match values {
            Some(values) if problems.is_empty() => Ok(Self { path: path.to_owned(), keys, values }),
            _ => Err(ConfigError::Invalid(Box::new(problems.into_invalid(path)))),
        }
    }

    /// Sets a key that holds a text, as a command line has it instead of the file.
    pub fn set_text(&mut self, name: &str, text: impl Into<String>) {
        let index = self.keys.iter().position(|key| key.name == name).expect("only keys of the table are set");
        self.values[index] = (Value::Str(text.into()), true);
    }
    /// The study file.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// The folder from which relative paths count.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }
    /// A path of the study file, from the folder of the file, without parts that mean nothing (`.`); `~` is the home
    /// folder.
    pub fn beside(&self, path: impl AsRef<Path>) -> PathBuf {
        let home = || std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let path = match path.as_ref().strip_prefix("~") {
            Ok(rest) => home().map_or_else(|| path.as_ref().to_owned(), |home| home.join(rest)),
            Err(_) => path.as_ref().to_owned(),
        };
        let whole: PathBuf = self.folder().join(path).components().filter(|part| *part != Component::CurDir).collect();
        if whole.as_os_str().is_empty() { PathBuf::from(".") } else { whole }
    }
    /// The value of a key of the table.
    pub fn get(&self, name: &str) -> &Value {
        let index = self.keys.iter().position(|key| key.name == name).expect("only keys of the table are asked for");
        &self.values[index].0
    }
    /// A number, `None` for "none" and "auto".
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).as_f64()
    }
    /// A text, `None` for "none".
    pub fn text(&self, name: &str) -> Option<&str> {
        let value = self.get(name);
        if value.is_none() { None } else { value.as_str() }
    }
    /// A truth value.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or(false)
    }
    /// Numbers: a list, one number, or none.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        let value = self.get(name);
        match value.as_list() {
            Some(items) => items.iter().filter_map(Value::as_f64).collect(),
            None => value.as_f64().into_iter().collect(),
        }
    }
    /// A pair of numbers in which each may be "none"; `None` for "none".
    pub fn pair(&self, name: &str) -> Option<(Option<f64>, Option<f64>)> {
        match self.get(name).as_list()? {
            [a, b] => Some((a.as_f64(), b.as_f64())),
            _ => None,
        }
    }
    /// A list of names; `None` for "all".
    pub fn names(&self, name: &str) -> Option<Vec<String>> {
        self.get(name).as_list().map(|_| self.get(name).texts())
    }
    /// Limits by channel type.
    pub fn limits(&self, name: &str) -> Vec<(String, f64)> {
        let table = self.get(name).as_table().unwrap_or(&[]);
        table.iter().filter_map(|(key, value)| Some((key.clone(), value.as_f64()?))).collect()
    }
    /// Conditions: name, and the code or `trial_type` behind it.
    pub fn conditions(&self) -> Vec<(String, Value)> {
        match self.get("conditions") {
            Value::Table(items) => items.clone(),
            value @ Value::List(_) => value.texts().into_iter().map(|text| (text.clone(), Value::Str(text))).collect(),
            _ => Vec::new(),
        }
    }
    /// Contrasts: name, conditions, weights.
    pub fn contrasts(&self) -> Vec<(String, Vec<String>, Vec<f64>)> {
        let items = self.get("contrasts").as_list().unwrap_or(&[]);
        items
            .iter()
            .map(|item| match item {
                Value::Table(_) => {
                    let conditions = item.get("conditions").map(Value::texts).unwrap_or_default();
                    let weights = item.get("weights").and_then(Value::as_list).unwrap_or(&[]);
                    let name = item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                    (name, conditions, weights.iter().filter_map(Value::as_f64).collect())
                }
                _ => {
                    let conditions = item.texts();
                    (conditions.join(" - "), conditions, vec![1.0, -1.0])
                }
            })
            .collect()
    }
    /// Names of subjects, sessions or runs without the prefix that BIDS writes (`sub-`, `ses-`, `run-`); `None` for "all".
    pub fn labels(&self, name: &str, prefix: &str) -> Option<Vec<String>> {
        let strip = |name: String| name.strip_prefix(prefix).map_or(name.clone(), Into::into);
        self.names(name).map(|names| names.into_iter().map(strip).collect())
    }
    /// What the study file says of subjects one by one: subject and entry of `[subject.XX]`.
    pub fn subjects_with_exceptions(&self) -> impl Iterator<Item = (&str, &Value)> {
        let table = self.get("subject").as_table().unwrap_or(&[]);
        table.iter().map(|(name, entry)| (name.strip_prefix("sub-").unwrap_or(name), entry))
    }
    /// Bad channels that the study file names for a subject.
    pub fn bads(&self, subject: &str) -> Vec<String> {
        let entries = self.subjects_with_exceptions().filter(|(name, _)| *name == subject);
        entries.filter_map(|(_, entry)| entry.get("bads")).flat_map(Value::texts).collect()
    }
    /// Runs to leave out, by subject.
    pub fn runs_to_exclude(&self) -> Vec<(String, Vec<String>)> {
        let general = self.get("exclude_runs").as_table().unwrap_or(&[]).iter();
        let general = general.map(|(name, runs)| (name.strip_prefix("sub-").unwrap_or(name), runs));
        let own = self.subjects_with_exceptions().filter_map(|(name, entry)| Some((name, entry.get("exclude_runs")?)));
        let strip = |run: String| run.strip_prefix("run-").map_or(run.clone(), Into::into);
        own.chain(general)
            .map(|(name, runs)| (name.to_owned(), runs.texts().into_iter().map(strip).collect()))
            .collect()
    }
    /// Runs of a subject to leave out.
    pub fn excluded_runs(&self, subject: &str) -> Vec<String> {
        self.runs_to_exclude().into_iter().filter(|(name, _)| name == subject).flat_map(|(_, runs)| runs).collect()
    }
    /// The values of some keys as a type of the caller's; `"none"` reads as `None`.
    ///
    /// # Errors
    /// When the type does not fit the keys.
    pub(crate) fn read<K: serde::de::DeserializeOwned>(&self, keys: &[&str]) -> crate::Result<K> {
        fn without_none(value: serde_json::Value) -> serde_json::Value {
            match value {
                serde_json::Value::String(text) if text == "none" => serde_json::Value::Null,
                serde_json::Value::Array(items) => items.into_iter().map(without_none).collect(),
                serde_json::Value::Object(items) => {
                    items.into_iter().map(|(key, value)| (key, without_none(value))).collect()
                }
                value => value,
            }
        }
        serde_json::from_value(without_none(self.own(keys))).map_err(|error| {
            let hint = "this is a fault of the step that reads them: please report it";
            crate::Error::data(format!("the keys {} do not read: {error}", keys.join(", ")), hint)
        })
    }
    /// The values of some keys, for an output's key and sidecar.
    pub fn own(&self, keys: &[&str]) -> serde_json::Value {
        serde_json::Value::Object(keys.iter().map(|key| ((*key).to_owned(), self.get(key).to_json())).collect())
    }
    /// The resolved configuration, keys that are supported.
    pub fn entries(&self) -> Vec<ConfigEntry> {
        self.keys
            .iter()
            .zip(&self.values)
            .map(|(key, (value, given))| ConfigEntry {
                key: key.name.into(),
                value: value.to_string(),
                is_default: !given,
            })
            .collect()
    }
    /// Whether the file itself says the key.
    pub fn is_given(&self, name: &str) -> bool {
        self.keys.iter().zip(&self.values).any(|(key, (_, given))| key.name == name && *given)
    }
}

/// The nearest of the names that could have been meant.
pub(crate) fn nearest_name<'n>(name: &str, among: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    nearest(name, among)
}

/// Parses and checks; problems are collected.
fn check(
    text: &str,
    keys: &Arc<Vec<Key>>,
    registry: &Registry,
    problems: &mut Problems<'_>,
) -> Option<Vec<(Value, bool)>> {
    let root = parse::parse(text, problems)?;
    let NodeValue::Table(entries) = &root.value else { return None };
    let mut values: Vec<(Value, bool)> = keys.iter().map(|key| (default(key), false)).collect();
    let mut spans: HashMap<&'static str, Range<usize>> = HashMap::new();
    for (name, node) in entries {
        let Some(index) = keys.iter().position(|key| key.name == name.text) else {
            if let Some(answer) = pipeline::find(&name.text) {
                pipeline::reply(answer, name, &node.value, problems);
                continue;
            }
            let hint =
                nearest(&name.text, keys.iter().map(|key| key.name)).map(|near| format!("did you mean `{near}`?"));
            let hint = hint.or_else(|| Some("`bakusoku init` writes a file with all keys".into()));
            problems.add(&name.span, format!("unknown key `{}`", name.text), "unknown", hint);
            continue;
        };
        let key = &keys[index];
        spans.insert(key.name, node.span.clone());
        let Some(value) = key.kind.check(key.name, node, problems) else { continue };
        if let Support::NotValues(not, instead) = key.support
            && not.contains(&value.to_string().as_str())
        {
            problems.add(
                &node.span,
                format!("{} = {value} is not supported yet", key.name),
                "not supported yet",
                Some(instead.into()),
            );
            continue;
        }
        values[index] = (value, true);
    }
    if problems.is_empty() {
        let config = Config { path: PathBuf::new(), keys: keys.clone(), values };
        checks::across(&config, &spans, problems);
        let mut checks = Checks::new(&config, &spans, problems);
        registry.iter().for_each(|step| step.check(&mut checks));
        values = config.values;
    }
    Some(values)
}

fn default(key: &Key) -> Value {
    toml_value(key, key.default)
}

/// A value of the table, which stands there as TOML.
fn toml_value(key: &Key, text: &str) -> Value {
    let text = format!("x = {text}");
    let mut problems = Problems::new(&text);
    let node = parse::parse(&text, &mut problems);
    let value = match node {
        Some(Node { value: NodeValue::Table(entries), .. }) => {
            entries.first().and_then(|(_, node)| key.kind.check(key.name, node, &mut problems))
        }
        _ => None,
    };
    value.unwrap_or_else(|| panic!("the default of `{}` in the table of keys must be a valid value", key.name))
}

#[cfg(test)]
mod tests;
