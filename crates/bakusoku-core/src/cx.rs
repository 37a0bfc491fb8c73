//! What running code may ask of the engine.

use bakusoku_pool::{Bytes, Cancel, Par, SpillDir};
use std::sync::Arc;

/// Told how far a run has come: a share between 0 and 1, and what is being done.
pub type Progress = Arc<dyn Fn(f64, &str) + Send + Sync>;

/// What running code may ask of the engine: threads, a place to spill, whether to stop.
#[derive(Clone)]
pub struct Cx {
    /// How inner work is spread.
    pub par: Par,
    /// Whether to stop.
    pub cancel: Cancel,
    /// Memory that the runner may use for rows and blocks in hand.
    pub memory: Bytes,
    /// Where the matrix is transposed.
    pub spill: SpillDir,
    /// Told how far it is; quiet by default.
    pub progress: Option<Progress>,
}

impl Cx {
    /// A context for the given threads and spill folder, with 128 MB for rows and blocks.
    pub fn new(par: Par, spill: SpillDir) -> Self {
        Self { par, cancel: Cancel::new(), memory: Bytes(128_000_000), spill, progress: None }
    }
    /// Tells how far it is.
    pub fn report(&self, share: f64, what: &str) {
        if let Some(progress) = &self.progress {
            progress(share, what);
        }
    }
}
