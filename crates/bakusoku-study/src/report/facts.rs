//! What steps have to show: values of their own types, by step and recording.
//!
//! They are kept as CBOR, which has NaN and infinity.

use super::data::{RecordingFacts, SubjectReport};
use crate::Result;
use ciborium::Value;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The step that describes recordings.
const REPORT: &str = crate::steps::report::ABOUT.name;

/// A value that a step shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fact {
    pub(crate) step: String,
    pub(crate) run: Option<String>,
    pub(crate) value: Value,
}

/// All values that the steps of a unit show.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    pub(crate) items: Vec<Fact>,
}

impl Facts {
    /// What a step shows of a recording, or of all together.
    pub fn get<T: DeserializeOwned>(&self, step: &str, run: Option<&str>) -> Option<T> {
        let found = self.items.iter().find(|fact| fact.step == step && fact.run.as_deref() == run)?;
        found.value.deserialized().ok()
    }
    /// The recordings of which something is shown, in order.
    pub fn runs(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for run in self.items.iter().filter(|fact| fact.step == REPORT).filter_map(|fact| fact.run.as_deref()) {
            if !out.contains(&run) {
                out.push(run);
            }
        }
        out
    }
    /// What is known of a recording from its header.
    pub(crate) fn recording(&self, run: &str) -> RecordingFacts {
        self.get(REPORT, Some(run)).unwrap_or_default()
    }
    /// What the index shows of the recordings.
    pub(crate) fn fill(&self, report: &mut SubjectReport) {
        let recordings = self.runs().into_iter().map(|run| self.recording(run)).filter(|facts| !facts.is_empty_room);
        (report.n_recordings, report.recorded_s) = (0, 0.0);
        let mut bads = BTreeSet::new();
        for facts in recordings {
            report.n_recordings += 1;
            report.recorded_s += facts.duration_s;
            bads.extend(facts.bads.into_iter().map(|(name, _)| name));
        }
        report.bads = bads.into_iter().collect();
    }
}

/// A value as it is kept.
///
/// # Errors
/// When its type can't be serialised.
pub(crate) fn to_value<T: Serialize>(value: &T) -> Result<Value> {
    Value::serialized(value).map_err(|error| std::io::Error::other(error.to_string()).into())
}
