//! What steps have to show: values of their own types, by step and recording.
//!
//! They are kept as CBOR, which has NaN and infinity.

use super::data::{RecordingFacts, RunReport, SubjectReport};
use crate::Result;
use crate::steps::events::ShownEvents;
use ciborium::Value;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

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
        for run in self.items.iter().filter(|fact| fact.step == "report").filter_map(|fact| fact.run.as_deref()) {
            if !out.contains(&run) {
                out.push(run);
            }
        }
        out
    }
    /// Fills a page's data.
    pub(crate) fn fill(&self, report: &mut SubjectReport) {
        report.runs = self.runs().into_iter().map(|run| self.run(run)).collect();
        report.evokeds = self.get("evoked", None).unwrap_or_default();
        report.drops = self.get("epochs", None);
        let room = report.runs.iter().find(|run| run.is_empty_room).map(|run| run.label.clone());
        let covariance = self.get("covariance", None).or_else(|| self.get("covariance", room.as_deref()));
        report.covariances = covariance.unwrap_or_default();
    }
    fn run(&self, label: &str) -> RunReport {
        let run = Some(label);
        let facts: RecordingFacts = self.get("report", run).unwrap_or_default();
        let events: ShownEvents = self.get("events", run).unwrap_or_default();
        let filters = ["notch_filter", "filter", "resample"].into_iter().filter_map(|step| self.get(step, run));
        RunReport {
            label: label.to_owned(),
            path: facts.path,
            is_empty_room: facts.is_empty_room,
            duration_s: facts.duration_s,
            sfreq: facts.sfreq,
            n_channels: facts.n_channels,
            bads: facts.bads,
            marked: facts.marked,
            events_source: events.source,
            events: events.counts,
            event_times: events.times,
            spectra: self.get("psd", run).unwrap_or_default(),
            filters: filters.collect(),
            line_freqs: facts.line_freqs,
            found_bads: self.get("find_bads", run),
            maxwell: self.get("maxwell_filter", run),
        }
    }
}

/// A value as it is kept.
///
/// # Errors
/// When its type can't be serialised.
pub(crate) fn to_value<T: Serialize>(value: &T) -> Result<Value> {
    Value::serialized(value).map_err(|error| std::io::Error::other(error.to_string()).into())
}
