//! Where the head was, in samples of the recording.

use bakusoku_core::{CoordFrame, Error, HeadPosition, HeadPositions, Result, Transform};
use bakusoku_math::linalg;
use ndarray::Array2;

/// A head position from a sample on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Control {
    /// The sample, counted from the start of the recording.
    pub sample: u64,
    /// The position.
    pub at: HeadPosition,
    /// From the device to the head frame.
    pub dev_head_t: Transform,
}

/// Head positions, in ascending order; the first one holds from sample 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Positions {
    pub controls: Vec<Control>,
}

/// The mean position of a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Average {
    /// Quaternion (three elements) and translation (m).
    pub row: [f64; 6],
    /// From the device to the head frame.
    pub dev_head_t: Transform,
    /// Positions that the window covers.
    pub n_positions: usize,
}

impl Positions {
    /// The positions of a recording: before the first of `given` (and without any) the recording's own. Also a warning,
    /// when there is one.
    ///
    /// Of several that fall on one sample the last one counts.
    ///
    /// # Errors
    /// When times do not ascend, or lie before the recording, or a number is not finite.
    pub(super) fn new(
        given: Option<&HeadPositions>,
        dev_head_t: Option<&Transform>,
        first_samp: i64,
        sfreq: f64,
    ) -> Result<(Self, Option<String>)> {
        let items: &[HeadPosition] = given.map_or(&[], |given| &given.items);
        let first_time = first_samp as f64 / sfreq;
        if items.iter().any(|item| item.to_row()[..7].iter().any(|x| !x.is_finite())) {
            return Err(Error::parameter(
                "head_pos",
                "of finite times, quaternions and translations",
                "NaN or infinity",
            ));
        }
        if !items.windows(2).all(|pair| pair[0].time < pair[1].time) {
            let (a, b) = items
                .windows(2)
                .map(|pair| (pair[0].time, pair[1].time))
                .find(|(a, b)| a >= b)
                .unwrap_or((f64::NAN, f64::NAN));
            return Err(Error::parameter(
                "head_pos",
                "of time points that are unique and in ascending order",
                format!("{b:.4} s after {a:.4} s"),
            ));
        }
        // MaxFilter writes milliseconds.
        let earliest = ((first_time - 1e-3) * sfreq).round_ties_even() / sfreq - 0.5 / sfreq;
        if let Some(first) = items.first()
            && first.time < earliest
        {
            return Err(Error::parameter(
                "head_pos",
                format!("of time points not before the first sample of the recording ({first_time:.4} s)"),
                format!("{:.4} s", first.time),
            ));
        }
        let own = || -> Result<HeadPosition> {
            let identity = Transform::identity(CoordFrame::DEVICE, CoordFrame::HEAD);
            let t = dev_head_t.unwrap_or(&identity);
            check_rotation(t)?;
            let trans = [t.matrix[0][3], t.matrix[1][3], t.matrix[2][3]];
            Ok(HeadPosition { time: first_time, quat: t.quat(), trans, gof: 0.0, err: 0.0, velocity: 0.0 })
        };
        let mut controls: Vec<Control> = Vec::with_capacity(items.len() + 1);
        if items.first().is_none_or(|first| first.time - first_time >= 0.5 / sfreq) {
            controls.push(Control::new(0, own()?));
        }
        for (index, &item) in items.iter().enumerate() {
            let sample = ((item.time - first_time) * sfreq).round_ties_even().max(0.0) as u64;
            // The first one counts from the start, however its time was rounded.
            let sample = if controls.is_empty() && index == 0 { 0 } else { sample };
            if controls.last().is_some_and(|last| last.sample == sample) {
                controls.pop();
            }
            controls.push(Control::new(sample, item));
        }
        let farthest = controls
            .iter()
            .map(|control| control.at.trans.iter().map(|x| x * x).sum::<f64>().sqrt())
            .fold(0.0, f64::max);
        let warning = (farthest > 1.0).then(|| {
            format!(
                "Found a distance greater than 1 m ({farthest:.3} m) from the device origin, positions may be invalid \
                 and Maxwell filtering could fail"
            )
        });
        Ok((Self { controls }, warning))
    }

    /// The position that holds at a sample, as an index.
    pub(super) fn holding(&self, sample: u64) -> usize {
        self.controls.partition_point(|control| control.sample <= sample).max(1) - 1
    }

    /// The mean position over samples: rotations by the largest eigenvector of the sum of outer products (Markley et al.
    /// 2007), each weighted with its number of samples.
    ///
    /// # Errors
    /// When the eigenvectors are not found.
    pub(super) fn average(&self, start: u64, stop: u64) -> Result<Average> {
        let (first, last) = (self.holding(start), self.holding(stop - 1));
        let n_positions = last - first + 1;
        if first == last {
            let Control { at, dev_head_t, .. } = &self.controls[first];
            let row = [at.quat[0], at.quat[1], at.quat[2], at.trans[0], at.trans[1], at.trans[2]];
            return Ok(Average { row, dev_head_t: *dev_head_t, n_positions });
        }
        let (mut trans, mut outer) = ([0.0; 3], Array2::<f64>::zeros((4, 4)));
        let total = (stop - start) as f64;
        for index in first..=last {
            let from = self.controls[index].sample.max(start);
            let to = self.controls.get(index + 1).map_or(stop, |next| next.sample.min(stop));
            let weight = (to - from) as f64 / total;
            let at = &self.controls[index].at;
            let [x, y, z] = at.quat;
            let q = [(1.0 - x * x - y * y - z * z).max(0.0).sqrt(), x, y, z];
            for i in 0..4 {
                for j in 0..4 {
                    outer[[i, j]] += weight * q[i] * q[j];
                }
            }
            (0..3).for_each(|i| trans[i] += weight * at.trans[i]);
        }
        let (_, vectors) = linalg::eigh(outer.view()).map_err(|error| Error::data(error.to_string()))?;
        let q = vectors.column(3);
        let sign = if q.iter().find(|x| **x != 0.0).is_some_and(|x| *x < 0.0) { -1.0 } else { 1.0 };
        let quat = [sign * q[1], sign * q[2], sign * q[3]];
        let dev_head_t = Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, quat, trans);
        let row = [quat[0], quat[1], quat[2], trans[0], trans[1], trans[2]];
        Ok(Average { row, dev_head_t, n_positions })
    }
}

impl Control {
    fn new(sample: u64, at: HeadPosition) -> Self {
        Self { sample, at, dev_head_t: at.dev_head_t() }
    }
}

fn check_rotation(t: &Transform) -> Result<()> {
    let m = &t.matrix;
    let determinant = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
    if (determinant - 1.0).abs() <= 1e-3 {
        return Ok(());
    }
    Err(Error::data(format!("dev_head_t: Matrix is not a pure rotation, got determinant {determinant} != 1")))
}

/// Whether two positions count as the same (`numpy.allclose(a, b, atol=1e-7)`).
pub(super) fn close(a: &[f64; 6], b: &[f64; 6]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-7 + 1e-5 * b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(rows: &[(f64, [f64; 3], [f64; 3])]) -> HeadPositions {
        let row = |&(time, quat, trans): &(f64, [f64; 3], [f64; 3])| HeadPosition {
            time,
            quat,
            trans,
            gof: 1.0,
            err: 0.0,
            velocity: 0.0,
        };
        HeadPositions { items: rows.iter().map(row).collect() }
    }

    #[test]
    fn the_recordings_own_position_comes_first_unless_another_one_does() {
        let own = Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, [0.0, 0.1, 0.0], [0.0, 0.0, 0.04]);
        let given = positions(&[(11.0, [0.0; 3], [0.01, 0.0, 0.0]), (11.0004, [0.1, 0.0, 0.0], [0.02, 0.0, 0.0])]);
        let (found, warning) = Positions::new(Some(&given), Some(&own), 10_000, 1000.0).unwrap();
        let samples: Vec<u64> = found.controls.iter().map(|c| c.sample).collect();
        assert_eq!((samples, warning), (vec![0, 1000], None));
        assert_eq!(found.controls[1].at.trans[0], 0.02, "the last of one sample counts");
        let (found, _) = Positions::new(Some(&given), Some(&own), 11_000, 1000.0).unwrap();
        assert_eq!(found.controls.len(), 1);
        assert!(Positions::new(Some(&given), Some(&own), 12_000, 1000.0).is_err());
        let (found, _) = Positions::new(None, None, 5, 1000.0).unwrap();
        assert_eq!(found.controls[0].at.quat, [0.0; 3]);
        let far = positions(&[(0.0, [0.0; 3], [1.5, 0.0, 0.0])]);
        assert!(Positions::new(Some(&far), None, 0, 100.0).unwrap().1.unwrap().contains("1 m"));
        let back = positions(&[(1.0, [0.0; 3], [0.0; 3]), (1.0, [0.0; 3], [0.0; 3])]);
        assert!(Positions::new(Some(&back), None, 0, 100.0).is_err());
    }

    #[test]
    fn means_weigh_samples_and_lie_between() {
        let half = (0.2f64).sin();
        let given = positions(&[(0.0, [0.0; 3], [0.0; 3]), (1.0, [0.0, 0.0, half], [0.03, 0.0, 0.0])]);
        let (found, _) = Positions::new(Some(&given), None, 0, 100.0).unwrap();
        let even = found.average(0, 200).unwrap();
        assert_eq!(even.n_positions, 2);
        // Half of a turn of 0.4 about z.
        assert!((even.row[2] - (0.1f64).sin()).abs() < 1e-12);
        assert!((even.row[3] - 0.015).abs() < 1e-16);
        assert_eq!(found.average(100, 150).unwrap().n_positions, 1);
        assert_eq!(found.average(50, 150).unwrap().n_positions, 2);
        assert!((found.average(0, 400).unwrap().row[3] - 0.0225).abs() < 1e-16);
    }
}
