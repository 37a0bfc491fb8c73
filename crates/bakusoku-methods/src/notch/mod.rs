//! Notch filter at given frequencies (MNE's `raw.notch_filter`, `mne.filter.notch_filter` with `method="fir"`).
//!
//! Rows are `(n_times,)` in any unit. All notches are one FIR filter that stops a band around each frequency; see
//! [`filter`](crate::filter) for design, padding and skipped annotations.

mod kernel;
mod params;
#[cfg(test)]
mod tests;

pub use kernel::notch_filter;
pub use params::NotchParams;

use crate::filter::FirRows;
use crate::picks::{choose, filtered};
use bakusoku_core::{Bound, Method, Need, Result, Stream};

/// Takes line noise and its harmonics out of the chosen channels.
#[derive(Clone, Debug, Default)]
pub struct Notch {
    /// Its parameters.
    pub params: NotchParams,
}

impl Notch {
    /// A notch filter with these parameters.
    pub fn new(params: NotchParams) -> Self {
        Self { params }
    }
}

impl Method for Notch {
    fn name(&self) -> &'static str {
        "notch_filter"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        self.params.fir(input.sfreq())?;
        choose(&input.info, self.params.picks.as_deref(), filtered)?;
        Ok(input.clone())
    }
    fn need(&self, input: &Stream, threads: usize) -> Need {
        crate::filter::need(self.params.fir(input.sfreq()).ok(), input, threads)
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let picks = choose(&input.info, self.params.picks.as_deref(), filtered)?;
        let skip: Vec<&str> = self.params.skip_by_annotation.iter().map(String::as_str).collect();
        Ok(Bound::Rows(Box::new(FirRows::new(self.params.fir(input.sfreq())?, input, &picks, &skip))))
    }
}
