//! The noise covariance on the page.

use crate::report::page::{card, note, plots};
use crate::report::plot::Plot;
use crate::report::units::{display_unit, type_order};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// Noise covariance of one channel type.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CovarianceData {
    /// Channel type.
    pub(crate) ch_type: String,
    /// Eigenvalues, largest first (unit²).
    pub(crate) eigenvalues: Vec<f64>,
    /// Rank assumed.
    pub(crate) rank: usize,
    /// Samples behind it.
    pub(crate) n_samples: u64,
}

/// Eigenvalues of the noise covariance and its rank.
pub(super) fn drawn(covariances: &[CovarianceData]) -> Markup {
    let mut ordered: Vec<&CovarianceData> = covariances.iter().collect();
    ordered.sort_by_key(|covariance| type_order(&covariance.ch_type));
    let cards: Vec<Markup> = ordered.into_iter().map(covariance).collect();
    html! {
        (plots(&cards))
        (note("Square roots of the eigenvalues, largest first. The estimated rank is dotted in red."))
    }
}

fn covariance(covariance: &CovarianceData) -> Markup {
    let unit = display_unit(&covariance.ch_type);
    let values: Vec<f64> = covariance.eigenvalues.iter().map(|x| x.max(0.0).sqrt() * unit.factor).collect();
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * 1.6;
    let least = values.iter().copied().filter(|&x| x > 0.0).fold(most, f64::min).max(most * 1e-7) / 1.6;
    let mut plot = Plot::new((0.0, values.len() as f64), (least, most), true);
    plot.vertical(covariance.rank as f64, "#d92d20", "2 3");
    let points = values.iter().enumerate().filter(|(_, x)| **x > 0.0).map(|(i, &x)| (i as f64 + 1.0, x));
    plot.line(points, "#1d4ed8", 1.6, 1.0);
    let heading = html! {
        (unit.name) " · rank " (covariance.rank) " of " (values.len()) ", " (covariance.n_samples) " samples"
    };
    let drawn = plot.finish("Number of the eigenvalue", unit.unit, &format!("Covariance spectrum of {}", unit.name));
    card(&heading, &drawn)
}
