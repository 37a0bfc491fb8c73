//! Compensation matrices of the header.

use super::info::name;
use super::res4::{Coefficients, Res4};
use crate::{Error, Result};
use bakusoku_core::{Channel, Compensator};
use ndarray::Array2;

/// A matrix for each kind of compensation; a sensor or reference that the recording does not have is left out.
///
/// The numbers are the header's own, as FIFF files hold them: against stored samples, not against T.
pub(super) fn compensators(res4: &Res4, chs: &[Channel]) -> Result<Vec<Compensator>> {
    let place = |sensor: &str| res4.channels.iter().position(|ch| ch.name == sensor);
    let mut rows: Vec<(&Coefficients, usize)> =
        res4.coefficients.iter().filter_map(|row| Some((row, place(&row.sensor)?))).collect();
    if rows.len() < res4.coefficients.len() {
        let n = res4.coefficients.len() - rows.len();
        tracing::warn!("`{}`: {n} compensation records are of sensors that it does not have", res4.path.display());
    }
    rows.sort_by_key(|(row, at)| (row.kind, *at));
    let mut out = Vec::new();
    for group in rows.chunk_by(|(a, _), (b, _)| a.kind == b.kind) {
        let Some((first, _)) = group.first() else { continue };
        if let Some((other, _)) = group.iter().find(|(row, _)| row.references != first.references) {
            return Err(Error::Field {
                path: res4.path.clone(),
                field: format!("compensation of {}", other.sensor),
                expected: format!("the references of {}: {}", first.sensor, first.references.join(", ")),
                got: other.references.join(", "),
            });
        }
        let columns: Vec<(usize, usize)> =
            first.references.iter().enumerate().filter_map(|(k, reference)| Some((k, place(reference)?))).collect();
        let data = Array2::from_shape_fn((group.len(), columns.len()), |(i, j)| group[i].0.values[columns[j].0]);
        let named = |at: usize| chs.get(at).map_or_else(|| name(&res4.channels[at].name), |ch| ch.name.clone());
        out.push(Compensator {
            kind: first.kind,
            save_calibrated: false,
            row_names: group.iter().map(|&(_, at)| named(at)).collect(),
            col_names: columns.iter().map(|&(_, at)| named(at)).collect(),
            data,
        });
    }
    Ok(out)
}
