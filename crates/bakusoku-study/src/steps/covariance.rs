//! Noise covariance from a stretch of the epochs, or from the empty room.

use super::Step;
use crate::config::Config;
use crate::report::data::CovarianceData;
use bakusoku_core::containers::Covariance;
use bakusoku_core::{ChannelType, Info};
use bakusoku_math::linalg;
use bakusoku_methods::covariance::{CovarianceParams, CovarianceSink, Rank, info_rank};
use ndarray::Array2;

pub(crate) const STEP: Step = Step {
    name: "covariance",
    revision: 1,
    keys: &["noise_cov", "noise_cov_method", "cov_rank"],
    doc: "Noise covariance from a stretch of the epochs, or from the empty room (_cov.fif).",
};

/// What computes the covariance that the study asks for, from epochs as they come.
pub(crate) fn sink(config: &Config) -> CovarianceSink {
    let (tmin, tmax) = config.pair("noise_cov").unwrap_or((None, None));
    CovarianceSink::new(CovarianceParams { tmin, tmax, rank: Rank::Info, ..CovarianceParams::default() })
}

/// Eigenvalues by channel type, for the report.
pub(crate) fn by_type(cov: &Covariance, info: &Info, types: &[ChannelType]) -> Vec<CovarianceData> {
    let ranks = info_rank(info, false).unwrap_or_default();
    let mut out = Vec::new();
    for ch_type in types {
        let rows: Vec<usize> = (0..cov.names.len())
            .filter(|&row| info.index_of(&cov.names[row]).is_some_and(|ch| info.chs[ch].ch_type() == *ch_type))
            .collect();
        if rows.is_empty() {
            continue;
        }
        // Scaled to about one, so that the decomposition is as accurate as it can be.
        let scale = rows.iter().map(|&row| cov.data[[row, row]]).fold(0.0, f64::max);
        if scale.is_nan() || scale <= 0.0 {
            continue;
        }
        let part = Array2::from_shape_fn((rows.len(), rows.len()), |(i, j)| cov.data[[rows[i], rows[j]]] / scale);
        let Ok((values, _)) = linalg::eigh(part.view()) else { continue };
        let mut eigenvalues: Vec<f64> = values.iter().map(|value| value * scale).collect();
        eigenvalues.sort_by(|a, b| b.total_cmp(a));
        let named = |name: &str| ranks.iter().find(|(other, _)| other == name).map(|(_, rank)| *rank);
        let rank = named(ch_type.name()).or_else(|| named("meg")).unwrap_or(rows.len()).min(rows.len());
        out.push(CovarianceData {
            ch_type: ch_type.name().into(),
            eigenvalues,
            rank,
            n_samples: (cov.nfree + 1).max(0) as u64,
        });
    }
    out
}
