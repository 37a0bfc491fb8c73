//! Changes of a stimulus channel's value, collected piece by piece.

/// A change of value: `sample` is the first one with the new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Sample, `first_samp` included.
    pub sample: i64,
    /// Value before.
    pub before: i64,
    /// Value from this sample on.
    pub after: i64,
}

/// Collects the steps of one stimulus channel from pieces of any length.
#[derive(Clone, Debug)]
pub struct StepReader {
    first_samp: i64,
    at: i64,
    uint_cast: bool,
    first: Option<i64>,
    last: i64,
    negative: bool,
    steps: Vec<Step>,
}

impl StepReader {
    /// For a channel whose first sample is `first_samp`; with `uint_cast` values are taken as 16 bits without a sign.
    pub fn new(first_samp: i64, uint_cast: bool) -> Self {
        Self { first_samp, at: first_samp, uint_cast, first: None, last: 0, negative: false, steps: Vec::new() }
    }

    /// Number of the channel's first sample.
    pub fn first_samp(&self) -> i64 {
        self.first_samp
    }

    /// The next samples. Fractions are cut off, as NumPy's cast to integers does.
    pub fn push(&mut self, samples: &[f64]) {
        for &sample in samples {
            let mut value = sample as i64;
            if self.uint_cast {
                value = i64::from(value as u16);
            }
            if self.first.is_none() {
                self.first = Some(value);
                self.last = value;
                self.negative = value < 0;
            } else if value != self.last {
                self.steps.push(Step { sample: self.at, before: self.last, after: value });
                self.negative |= value < 0;
                self.last = value;
            }
            self.at += 1;
        }
    }

    /// First value (0 for an empty channel), the steps, and one past the last sample. Negative values were made
    /// positive; `true` says that there were some.
    pub fn finish(mut self) -> (i64, Vec<Step>, i64, bool) {
        let mut first = self.first.unwrap_or(0);
        if self.negative {
            first = first.abs();
            for step in &mut self.steps {
                (step.before, step.after) = (step.before.abs(), step.after.abs());
            }
            self.steps.retain(|step| step.before != step.after);
        }
        (first, self.steps, self.at, self.negative)
    }
}

/// Every change of a stimulus channel's value (`mne.find_stim_steps`).
///
/// With `pad_start` (`pad_stop`) a step from (to) that value is put before the first (behind the last) sample if the
/// channel begins (ends) with another one; only when there is a step at all. `merge` joins steps that are at most so
/// many samples apart: above zero the later one remains, below zero the earlier one.
pub fn find_stim_steps(
    samples: &[f64],
    first_samp: i64,
    pad_start: Option<i64>,
    pad_stop: Option<i64>,
    merge: i64,
) -> Vec<Step> {
    let mut reader = StepReader::new(first_samp, false);
    reader.push(samples);
    let end = reader.at;
    let mut steps = reader.steps;
    pad(&mut steps, pad_start, pad_stop, end);
    merge_steps(&mut steps, merge);
    steps
}

pub(super) fn pad(steps: &mut Vec<Step>, pad_start: Option<i64>, pad_stop: Option<i64>, end: i64) {
    let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else { return };
    if let Some(value) = pad_start.filter(|&value| value != first.before) {
        steps.insert(0, Step { sample: 0, before: value, after: first.before });
    }
    if let Some(value) = pad_stop.filter(|&value| value != last.after) {
        steps.push(Step { sample: end, before: last.after, after: value });
    }
}

/// Joins steps that are at most `|merge|` samples apart. All values are taken from the steps as they were, so that in
/// a row of three only neighbours are joined: as MNE's array assignment does.
pub(super) fn merge_steps(steps: &mut Vec<Step>, merge: i64) {
    if merge == 0 {
        return;
    }
    let old = steps.clone();
    let near: Vec<bool> = old.windows(2).map(|w| w[1].sample - w[0].sample <= merge.abs()).collect();
    if !near.contains(&true) {
        return;
    }
    let mut keep = vec![true; old.len()];
    for i in (0..near.len()).filter(|&i| near[i]) {
        if merge > 0 {
            steps[i + 1].before = old[i].before;
            keep[i] = false;
        } else {
            steps[i].after = old[i + 1].after;
            keep[i + 1] = false;
        }
    }
    let mut index = 0;
    steps.retain(|step| {
        index += 1;
        keep[index - 1] && step.before != step.after
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [f64; 12] = [0.0, 0.0, 5.0, 5.0, 7.0, 7.0, 0.0, 0.0, -3.0, 3.0, 3.0, 3.0];

    fn triples(steps: &[Step]) -> Vec<(i64, i64, i64)> {
        steps.iter().map(|s| (s.sample, s.before, s.after)).collect()
    }

    #[test]
    fn steps_are_found_padded_and_merged() {
        let row = &ROW[..8];
        assert_eq!(triples(&find_stim_steps(row, 100, None, None, 0)), [(102, 0, 5), (104, 5, 7), (106, 7, 0)]);
        assert_eq!(triples(&find_stim_steps(&row[..5], 0, Some(1), Some(0), 0))[..1], [(0, 1, 0)]);
        assert_eq!(triples(&find_stim_steps(&row[..5], 0, None, Some(0), 0))[2..], [(5, 7, 0)]);
        // MNE 1.13: find_stim_steps with merge=2 and merge=-2.
        assert_eq!(triples(&find_stim_steps(row, 0, None, None, 2)), [(6, 5, 0)]);
        assert_eq!(triples(&find_stim_steps(row, 0, None, None, -2)), [(2, 0, 7)]);
        assert!(find_stim_steps(&[4.0; 9], 0, Some(0), Some(0), 0).is_empty());
    }

    #[test]
    fn pieces_are_as_good_as_the_whole_and_signs_go() {
        for cut in 0..=ROW.len() {
            let mut reader = StepReader::new(0, false);
            reader.push(&ROW[..cut]);
            reader.push(&ROW[cut..]);
            let (first, steps, end, negative) = reader.finish();
            assert_eq!((first, end, negative), (0, 12, true));
            assert_eq!(triples(&steps), [(2, 0, 5), (4, 5, 7), (6, 7, 0), (8, 0, 3)]);
        }
    }
}
