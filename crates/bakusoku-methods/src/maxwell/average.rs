//! One head position for several recordings.

use bakusoku_core::{CoordFrame, Error, HeadPositions, Result, Span, Stream, Transform};
use bakusoku_math::linalg;
use ndarray::Array2;

/// The mean position of the head over recordings, weighted with time; stretches annotated as bad do not count
/// (`mne.preprocessing.compute_average_dev_head_t`).
///
/// # Errors
/// When there are no positions during good stretches, or their times do not ascend.
pub fn average_dev_head_t(runs: &[(&Stream, &HeadPositions)]) -> Result<Transform> {
    let (mut trans, mut outer, mut total) = ([0.0; 3], Array2::<f64>::zeros((4, 4)), 0.0);
    for (stream, positions) in runs {
        let sfreq = stream.sfreq();
        let first_time = stream.first_samp as f64 / sfreq;
        let sample = |time: f64| ((time - first_time) * sfreq).round_ties_even().max(0.0) as u64;
        let mut bad = stream.annotated(&["bad"]);
        bad.extend(stream.gaps.iter().copied());
        let good = Span::complement(&bad, stream.n_times);
        if !positions.items.windows(2).all(|pair| pair[0].time < pair[1].time) {
            return Err(Error::parameter("head_pos", "times in ascending order", "others"));
        }
        for (index, at) in positions.items.iter().enumerate() {
            let start = sample(at.time);
            let stop = positions.items.get(index + 1).map_or(stream.n_times, |next| sample(next.time));
            let span = Span::new(start, stop.min(stream.n_times));
            let n: u64 = good.iter().filter_map(|part| part.intersect(span)).map(|part| part.len()).sum();
            let weight = n as f64 / sfreq;
            let [x, y, z] = at.quat;
            let q = [(1.0 - x * x - y * y - z * z).max(0.0).sqrt(), x, y, z];
            for i in 0..4 {
                for j in 0..4 {
                    outer[[i, j]] += weight * q[i] * q[j];
                }
            }
            (0..3).for_each(|i| trans[i] += weight * at.trans[i]);
            total += weight;
        }
    }
    if total <= 0.0 {
        return Err(Error::data("there are no head positions during good stretches, so there is no mean position"));
    }
    // Markley et al. (2007): the largest eigenvector of the sum of outer products.
    let (_, vectors) = linalg::eigh(outer.view()).map_err(|error| Error::data(error.to_string()))?;
    let q = vectors.column(3);
    let sign = if q.iter().find(|x| **x != 0.0).is_some_and(|x| *x < 0.0) { -1.0 } else { 1.0 };
    let quat = [sign * q[1], sign * q[2], sign * q[3]];
    let trans = trans.map(|x| x / total);
    Ok(Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, quat, trans))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::info_of;
    use bakusoku_core::{Annotation, Annotations, HeadPosition};
    use std::sync::Arc;

    #[test]
    fn positions_count_by_their_time() {
        let items = vec![Annotation { onset: 1.0, duration: 2.0, description: "BAD_x".into(), ch_names: Vec::new() }];
        let stream = Stream {
            info: Arc::new(info_of(&["mag"], 100.0)),
            first_samp: 500,
            n_times: 800,
            gaps: Vec::new(),
            annotations: Annotations { orig_time: None, items },
        };
        let at = |time: f64, z: f64| HeadPosition::from_row([time, 0.1, 0.0, 0.0, 0.0, 0.0, z, 1.0, 0.0, 0.0]);
        let positions = HeadPositions { items: vec![at(5.0, 0.01), at(9.0, 0.05), at(20.0, 9.0)] };
        let mean = average_dev_head_t(&[(&stream, &positions)]).unwrap();
        // 4 s less the 2 s that are bad, then 4 s.
        assert!((mean.matrix[2][3] - (2.0 * 0.01 + 4.0 * 0.05) / 6.0).abs() < 1e-15);
        assert!((mean.quat()[0] - 0.1).abs() < 1e-12);
        assert!(average_dev_head_t(&[]).unwrap_err().to_string().contains("no head positions"));
    }
}
