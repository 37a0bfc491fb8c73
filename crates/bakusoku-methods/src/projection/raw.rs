//! Principal directions of a recording, as projectors: of the empty room, for SSP or an extended Maxwell basis.

use crate::covariance::{RawCovarianceParams, RawCovarianceSink, raw_covariance_plan};
use crate::epochs::EpochsPlan;
use bakusoku_core::{ChannelType, Error, Picks, Projector, Result, Stream};
use bakusoku_math::linalg;
use ndarray::{Axis, s};
use serde::{Deserialize, Serialize};

/// The parameters of `mne.compute_proj_raw(meg="combined")`, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawProjParams {
    /// How many directions, over magnetometers and gradiometers together.
    pub n_meg: usize,
    /// Length of the pieces that are rejected or used (s).
    pub duration: f64,
    /// Largest range of values by channel type (SI units) of a piece that is used.
    pub reject: Vec<(ChannelType, f64)>,
    /// Smallest range of values by channel type (SI units) of a piece that is used.
    pub flat: Vec<(ChannelType, f64)>,
}

impl Default for RawProjParams {
    fn default() -> Self {
        Self { n_meg: 2, duration: 1.0, reject: Vec::new(), flat: Vec::new() }
    }
}

/// The pieces of a recording, as epochs for the [`RawCovarianceSink`] that [`raw_projectors`] takes.
///
/// # Errors
/// When no piece fits.
pub fn raw_projectors_plan(stream: &Stream, params: &RawProjParams) -> Result<EpochsPlan> {
    let sfreq = stream.sfreq();
    let pieces = RawCovarianceParams {
        tstep: Some((params.duration * sfreq).round_ties_even() / sfreq),
        reject: params.reject.clone(),
        flat: params.flat.clone(),
        ..Default::default()
    };
    raw_covariance_plan(stream, &pieces)
}

/// The strongest directions of the good MEG channels of a recording, one projector each, the strongest first: of the sum
/// of `x xᵀ` without taking a mean out, in SI units, as MNE-Python does.
///
/// # Errors
/// When no piece of the recording was used, or it has no good MEG channel.
pub fn raw_projectors(sums: RawCovarianceSink, stream: &Stream, params: &RawProjParams) -> Result<Vec<Projector>> {
    let (info, gram) = sums.into_gram()?;
    let meg = Picks::types(&info, &[ChannelType::Mag, ChannelType::Grad], true);
    if meg.is_empty() {
        return Err(Error::data("no good MEG channel found, expected at least one for projectors"));
    }
    let names: Vec<String> = meg.iter().map(|ch| info.chs[ch].name.clone()).collect();
    let gram = gram.select(Axis(0), meg.as_slice()).select(Axis(1), meg.as_slice());
    let svd = linalg::svd(gram.view()).map_err(|error| Error::data(error.to_string()))?;
    let total = svd.s.sum();
    let stop = stream.n_times as f64 / stream.sfreq();
    let projector = |k: usize| Projector {
        kind: Projector::FIELD,
        active: false,
        desc: format!("meg-Raw-{:.3}-{stop:.3}-PCA-{:02}", 0.0, k + 1),
        names: names.clone(),
        data: svd.u.slice(s![.., k]).insert_axis(Axis(0)).to_owned(),
        explained_var: Some(svd.s[k] / total),
    };
    Ok((0..params.n_meg.min(names.len())).map(projector).collect())
}
