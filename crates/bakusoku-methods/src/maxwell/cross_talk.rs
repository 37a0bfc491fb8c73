//! Cross-talk between sensors.

use super::calibrate::clean;
use super::sensors::Sensors;
use bakusoku_core::{CrossTalk, Error, Result};
use ndarray::Array2;
use std::collections::HashMap;

/// The correction for the good sensors, `(n_good, n_good)`, and the channels of the matrix that are not there.
///
/// # Errors
/// When a sensor is missing in the matrix.
pub(super) fn decoupler(sensors: &Sensors, cross_talk: &CrossTalk) -> Result<(Array2<f64>, Vec<String>)> {
    let n = cross_talk.ch_names.len();
    if cross_talk.decoupler.dim() != (n, n) {
        return Err(Error::Shape {
            what: "cross_talk",
            expected: vec![n, n],
            got: cross_talk.decoupler.shape().to_vec(),
        });
    }
    let index: HashMap<String, usize> =
        cross_talk.ch_names.iter().enumerate().map(|(i, name)| (clean(name), i)).collect();
    let at: Vec<Option<usize>> = sensors.chs.iter().map(|ch| index.get(&clean(&ch.name)).copied()).collect();
    let mut missing: Vec<&str> =
        sensors.chs.iter().zip(&at).filter(|(_, at)| at.is_none()).map(|(ch, _)| ch.name.as_str()).collect();
    if !missing.is_empty() {
        missing.sort_unstable();
        return Err(Error::data(format!("Missing MEG channels in cross-talk matrix:\n{missing:?}")));
    }
    let at: Vec<usize> = at.into_iter().flatten().collect();
    let mut extra: Vec<String> = (0..n).filter(|i| !at.contains(i)).map(|i| cross_talk.ch_names[i].clone()).collect();
    extra.sort();
    let good = &sensors.good;
    let matrix =
        Array2::from_shape_fn((good.len(), good.len()), |(i, j)| cross_talk.decoupler[[at[good[i]], at[good[j]]]]);
    Ok((matrix, extra))
}
