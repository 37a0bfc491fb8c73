//! Stretches around events.

use crate::{Event, Info};
use ndarray::Array3;
use std::sync::Arc;

/// Stretches around events that were kept (MNE's `Epochs`).
#[derive(Clone, Debug)]
pub struct Epochs {
    /// Channels.
    pub info: Arc<Info>,
    /// The events kept, one per epoch.
    pub events: Vec<Event>,
    /// Names and codes of the conditions, in order.
    pub event_id: Vec<(String, i64)>,
    /// Which of the original events each epoch is.
    pub selection: Vec<usize>,
    /// For every original event why it was dropped; empty: kept.
    pub drop_log: Vec<Vec<String>>,
    /// Sample of the first column, relative to the event (after decimation).
    pub first: i64,
    /// Start (s).
    pub tmin: f64,
    /// Baseline that was subtracted (s), if any; open ends are resolved.
    pub baseline: Option<(f64, f64)>,
    /// `(n_epochs, n_channels, n_times)`, SI units.
    pub data: Array3<f64>,
}
