//! Bad channels: flat ones, and those that the others do not explain.

mod explained;
mod search;
mod sink;

pub use sink::FindBads;

use super::params::MaxwellParams;
use super::report::MaxwellReport;
use bakusoku_core::{Error, Info, Par, Result, Segment, Span};
use ndarray::{Array2, ArrayView2, s};
use search::Search;

/// Intervals that are looked at together, for each thread.
const BATCH: usize = 4;

/// Parameters of `mne.preprocessing.find_bad_channels_maxwell`, with its defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct FindBadsParams {
    /// A channel is noisy when its score is at least this: standard deviations from the mean of all channels.
    pub limit: f64,
    /// Length of an interval (s).
    pub duration: f64,
    /// Intervals in which a channel has to be noisy or flat.
    pub min_count: usize,
    /// The basis, cross-talk and head positions. Windows, destination and `st_only` are not asked for.
    pub maxwell: MaxwellParams,
}

impl Default for FindBadsParams {
    fn default() -> Self {
        Self { limit: 7.0, duration: 5.0, min_count: 5, maxwell: MaxwellParams::default() }
    }
}

/// What one interval showed.
#[derive(Clone, Debug, PartialEq)]
pub struct BadsInterval {
    /// Its samples, counted from the start of the recording.
    pub span: Span,
    /// Channels that were flat in it.
    pub flat: Vec<String>,
    /// Channels that were noisy in it, the worst first; of flat ones nothing is known.
    pub noisy: Vec<String>,
}

/// Bad channels, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct BadChannels {
    /// Noisy channels.
    pub noisy: Vec<String>,
    /// Flat channels.
    pub flat: Vec<String>,
    /// MEG channels: the rows of the scores.
    pub ch_names: Vec<String>,
    /// Intervals that were looked at. The search ends with one in which all channels are flat.
    pub intervals: Vec<BadsInterval>,
    /// How many intervals the recording has.
    pub n_intervals: usize,
    /// Whether all channels were flat at the end of the search.
    pub all_flat: bool,
    /// First and last sample of each interval (s), `(n_intervals, 2)`; NaN where it was not looked at.
    pub bins: Array2<f64>,
    /// Smallest standard deviation of each channel in each interval (T, T/m), `(n_meg, n_intervals)`; NaN for channels
    /// that were bad before.
    pub scores_flat: Array2<f64>,
    /// Below this a channel is flat (T, T/m).
    pub limits_flat: Vec<f64>,
    /// Score of each channel in each interval, of the last round in which it took part, `(n_meg, n_intervals)`.
    pub scores_noisy: Array2<f64>,
    /// From this on a channel is noisy; NaN for channels that never took part.
    pub limits_noisy: Vec<f64>,
    /// What was used.
    pub report: MaxwellReport,
}

/// Finds channels that are flat or noisy in at least `min_count` intervals of a recording `data`,
/// `(n_channels, n_times)`, which should be low-passed (MNE: at 40 Hz), of which `segments` say what is looked at.
///
/// In each interval the channels' peak-to-peak distance to what the basis explains of them is compared with that of the
/// others; the worst is left out while it is an outlier. A channel that was flat once is left out of all that follows.
///
/// The numbers are those of `mne.preprocessing.find_bad_channels_maxwell`, but for what MNE fails at: `mc_interp` counts,
/// and extended directions do when channels are left out.
///
/// # Errors
/// When parameters make no sense, do not fit the recording, or samples of good MEG channels are not finite.
pub fn find_bad_channels_maxwell(
    par: &Par,
    info: &Info,
    first_samp: i64,
    segments: &[Segment],
    data: ArrayView2<'_, f64>,
    params: &FindBadsParams,
) -> Result<BadChannels> {
    if data.nrows() != info.n_channels() {
        let expected = vec![info.n_channels(), data.ncols()];
        return Err(Error::Shape { what: "data", expected, got: data.shape().to_vec() });
    }
    let mut search = Search::new(info, first_samp, segments, params)?;
    while !search.ahead().is_empty() {
        let ahead = search.ahead().iter().take(BATCH * par.threads());
        let samples: Vec<ArrayView2<'_, f64>> = ahead.map(|span| data.slice(s![.., span.range()])).collect();
        search.see(par, &samples)?;
    }
    Ok(search.finish())
}
