//! Events that are not found but made.

use bakusoku_core::{Error, Event, Events, Result, Stream};

/// Moves events as `raw.resample(events=...)` does: `ratio` is the new sampling frequency over the old one;
/// `new_first_samp` and `new_n_times` are the resampled recording's.
///
/// The sample is rounded half to even and never lies behind the end (MNE 1.13, `BaseRaw._resample_raw`).
pub fn resample_events(events: &[Event], ratio: f64, new_first_samp: i64, new_n_times: u64) -> Events {
    let last = new_first_samp + new_n_times as i64 - 1;
    events
        .iter()
        .map(|event| {
            let sample = (event.sample as f64 * ratio).round_ties_even() as i64;
            Event { sample: sample.min(last), ..*event }
        })
        .collect()
}

/// Events of code `code` every `duration` seconds from `start` on, as long as one more fits before `stop` (s; the end
/// of the recording unless told).
///
/// # Errors
/// When none fits.
pub fn make_fixed_length_events(
    stream: &Stream,
    code: i64,
    start: f64,
    stop: Option<f64>,
    duration: f64,
) -> Result<Events> {
    if duration.is_nan() || duration <= 0.0 {
        return Err(Error::parameter("duration", "above 0 s", duration));
    }
    let (sfreq, first_samp) = (stream.sfreq(), stream.first_samp);
    let end = first_samp + stream.n_times as i64;
    let sample = |time: f64| (time * sfreq).round_ties_even() as i64 + first_samp;
    let start = sample(start);
    let stop = stop.map_or(end + first_samp, sample).min(end) - (sfreq * duration).round_ties_even() as i64;
    // numpy.arange(start, stop + 1, step).astype(int)
    let step = sfreq * duration;
    let n = (((stop + 1 - start) as f64) / step).ceil().max(0.0) as i64;
    let start = start as f64;
    let delta = (start + step) - start;
    let events: Events =
        (0..n).map(|i| Event { sample: (start + i as f64 * delta) as i64, previous: 0, code }).collect();
    if events.is_empty() {
        return Err(Error::data(format!(
            "no event of {duration} s fits into the recording of {} s",
            stream.n_times as f64 / sfreq
        )));
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampled_events_are_rounded_to_even_and_stay_inside() {
        let event = |sample| Event { sample, previous: 0, code: 1 };
        let moved = resample_events(&[event(1002), event(1006), event(1999), event(2003)], 0.25, 250, 250);
        assert_eq!(moved.iter().map(|e| e.sample).collect::<Vec<_>>(), [250, 252, 499, 499]);
    }
}
