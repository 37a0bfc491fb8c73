//! Annotations of a recording as time-stamped lists, record by record.

use bakusoku_core::Stream;

/// The lists of each record, all of one length.
pub(super) struct Lists {
    records: Vec<Vec<u8>>,
    /// Bytes of each record.
    bytes: usize,
    width: usize,
}

impl Lists {
    /// Samples of the annotation signal in a record.
    pub(super) fn samples(&self) -> usize {
        self.bytes / self.width
    }
    /// Appends the lists of a record.
    pub(super) fn put(&self, record: u64, out: &mut Vec<u8>) {
        let list = self.records.get(record as usize).map_or(&[][..], Vec::as_slice);
        out.extend(list);
        out.resize(out.len() + self.bytes - list.len(), 0);
    }
}

/// All lists. The first one of a record says when it starts; the fraction of a second at which the recording began counts in
/// all of them.
pub(super) fn lists(stream: &Stream, n_records: u64, seconds: f64, samples: u64, width: usize) -> Lists {
    let info = &stream.info;
    let fraction = info.meas_date.map_or(0.0, |(_, micros)| f64::from(micros) * 1e-6);
    let list = |onset: f64, duration: Option<f64>, text: &str| {
        let duration = duration.map_or(String::new(), |duration| format!("\x15{}", plain(duration)));
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("{}{}{duration}\x14{text}\x14\0", if onset < 0.0 { "" } else { "+" }, plain(onset)).into_bytes()
    };
    let mut records: Vec<Vec<u8>> =
        (0..n_records).map(|record| list(record as f64 * seconds + fraction, None, "")).collect();
    let mut add = |onset: f64, duration: f64, text: &str| {
        let record = (onset / seconds).floor().clamp(0.0, n_records.saturating_sub(1) as f64) as usize;
        if let Some(at) = records.get_mut(record) {
            at.extend(list(onset + fraction, Some(duration), text));
        }
    };
    let annotations = &stream.annotations;
    for (index, item) in annotations.items.iter().enumerate() {
        let onset = annotations.onset_from_first_sample(index, info.meas_date, stream.first_samp, info.sfreq);
        if item.ch_names.is_empty() {
            add(onset, item.duration, &item.description);
        }
        for name in &item.ch_names {
            add(onset, item.duration, &format!("{}@@{name}", item.description));
        }
    }
    // What fills the last record was not recorded.
    let filled = n_records * samples - stream.n_times.min(n_records * samples);
    if filled > 0 {
        add(stream.n_times as f64 / info.sfreq, filled as f64 / info.sfreq, "BAD_ACQ_SKIP");
    }
    let longest = records.iter().map(Vec::len).max().unwrap_or(0).max(1);
    Lists { records, bytes: longest.div_ceil(width) * width, width }
}

/// A time without noise of its last binary digits: picoseconds.
fn plain(seconds: f64) -> String {
    let text = format!("{seconds:.12}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
