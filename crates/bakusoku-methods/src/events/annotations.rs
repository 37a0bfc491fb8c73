//! Events from annotations, and conditions by name.

use bakusoku_core::{Error, Event, Events, Result, Stream};

/// Events from annotations (`mne.events_from_annotations` with rounding): one at each onset.
///
/// Without `event_id`, descriptions get the codes 1, 2, … in sorted order; with it, only those named count. What starts
/// with `bad` or `edge` (any case) never does. Returns the events and the codes used, in sorted order of the names.
///
/// # Errors
/// When there are annotations, but none that count.
pub fn events_from_annotations(
    stream: &Stream,
    event_id: Option<&[(String, i64)]>,
) -> Result<(Events, Vec<(String, i64)>)> {
    let items = &stream.annotations.items;
    if items.is_empty() {
        return Ok((Vec::new(), event_id.map(<[_]>::to_vec).unwrap_or_default()));
    }
    let mut names: Vec<&str> = items.iter().map(|item| item.description.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut used: Vec<(String, i64)> = Vec::new();
    for name in names {
        let lower = name.to_lowercase();
        if lower.starts_with("bad") || lower.starts_with("edge") {
            continue;
        }
        let code = match event_id {
            None => Some(used.len() as i64 + 1),
            Some(event_id) => event_id.iter().find(|(key, _)| key == name).map(|(_, code)| *code),
        };
        used.extend(code.map(|code| (name.to_owned(), code)));
    }
    if used.is_empty() {
        return Err(Error::Data {
            message: "none of the annotations is among the events asked for".into(),
            hint: Some(format!("there are: {}", descriptions(stream))),
        });
    }
    let shift = shift_to_first_sample(stream);
    let events = items
        .iter()
        .filter_map(|item| {
            let (_, code) = used.iter().find(|(name, _)| *name == item.description)?;
            let sample = ((item.onset_in_whole_microseconds() + shift) * stream.sfreq()).round_ties_even() as i64;
            Some(Event { sample: sample + stream.first_samp, previous: 0, code: *code })
        })
        .collect();
    Ok((events, used))
}

fn descriptions(stream: &Stream) -> String {
    let mut names: Vec<_> = stream.annotations.items.iter().map(|item| format!("`{}`", item.description)).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

/// What is added to onsets (s) so that they count from the first sample. Python's dates are whole microseconds, so MNE
/// rounds the time of the first sample to them.
fn shift_to_first_sample(stream: &Stream) -> f64 {
    match (stream.annotations.orig_time, stream.info.meas_date) {
        (Some(orig), Some(meas)) => {
            let first_time = (stream.first_samp as f64 / stream.sfreq() * 1e6).round_ties_even();
            let micros = (orig.0 - meas.0) as f64 * 1e6 + f64::from(orig.1 - meas.1) - first_time;
            micros / 1e6
        }
        _ => 0.0,
    }
}

/// The codes that a condition's name stands for: those of every name among whose parts (between `/`) are all parts of the
/// condition, as in `epochs["auditory"]` of MNE. `auditory` finds `auditory` and `auditory/left`, and so does
/// `left/auditory`.
///
/// # Errors
/// When no name fits.
pub fn matching_codes(event_id: &[(String, i64)], condition: &str) -> Result<Vec<i64>> {
    let wanted: Vec<&str> = condition.split('/').collect();
    let codes: Vec<i64> = event_id
        .iter()
        .filter(|(name, _)| wanted.iter().all(|part| name.split('/').any(|tag| tag == *part)))
        .map(|(_, code)| *code)
        .collect();
    if codes.is_empty() {
        let names: Vec<_> = event_id.iter().map(|(name, _)| format!("`{name}`")).collect();
        return Err(Error::Data {
            message: format!("condition `{condition}` is not among the events, expected one of {}", names.join(", ")),
            hint: None,
        });
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bakusoku_core::{Annotation, Annotations, Info};
    use std::sync::Arc;

    fn stream() -> Stream {
        let item = |onset, description: &str| Annotation {
            onset,
            duration: 0.0,
            description: description.into(),
            ch_names: Vec::new(),
        };
        Stream {
            info: Arc::new(Info { sfreq: 1000.0, meas_date: Some((100, 0)), ..Info::default() }),
            first_samp: 5000,
            n_times: 10_000,
            gaps: Vec::new(),
            annotations: Annotations {
                orig_time: Some((100, 0)),
                items: vec![
                    item(6.0004, "visual"),
                    item(6.5, "BAD_x"),
                    item(7.0015, "audio/left"),
                    item(8.0, "visual"),
                ],
            },
        }
    }

    #[test]
    fn annotations_become_events_by_sorted_names() {
        let (events, used) = events_from_annotations(&stream(), None).unwrap();
        assert_eq!(used, [("audio/left".to_owned(), 1), ("visual".to_owned(), 2)]);
        assert_eq!(events.iter().map(|e| (e.sample, e.code)).collect::<Vec<_>>(), [(6000, 2), (7002, 1), (8000, 2)]);
        let only = [("visual".to_owned(), 7)];
        let (events, used) = events_from_annotations(&stream(), Some(&only)).unwrap();
        assert_eq!((events.len(), used.as_slice()), (2, only.as_slice()));
        assert!(events_from_annotations(&stream(), Some(&[("tactile".to_owned(), 1)])).is_err());
    }

    #[test]
    fn conditions_match_by_their_parts() {
        let event_id = [("audio/left".to_owned(), 1), ("audio/right".to_owned(), 2), ("visual".to_owned(), 3)];
        assert_eq!(matching_codes(&event_id, "audio").unwrap(), [1, 2]);
        assert_eq!(matching_codes(&event_id, "left/audio").unwrap(), [1]);
        assert_eq!(matching_codes(&event_id, "visual").unwrap(), [3]);
        assert!(matching_codes(&event_id, "aud").is_err());
        // A name that is itself a kind is a group with the others, and so are merged events.
        let event_id =
            [("face", 1), ("face/left", 2), ("x", 3), ("face/x", 4)].map(|(name, code)| (name.to_owned(), code));
        assert_eq!(matching_codes(&event_id, "face").unwrap(), [1, 2, 4]);
        assert_eq!(matching_codes(&event_id, "x").unwrap(), [3, 4]);
        assert_eq!(matching_codes(&event_id, "x/face").unwrap(), [4]);
    }
}
