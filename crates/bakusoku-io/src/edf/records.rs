//! Where records stand in the recording's time.

use super::header::Header;
use crate::{Error, Result};
use bakusoku_core::Span;
use std::path::Path;

/// Most samples of one recording: no file holds as many, but gaps could claim them.
const MAX_TIMES: u64 = 1 << 34;

/// Records that follow each other without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Sample of the recording at which it starts.
    pub(super) start: u64,
    /// Its first record.
    pub(super) record: u64,
    pub(super) n_records: u64,
}

/// Where records stand in the recording's time.
#[derive(Debug)]
pub(super) struct Records {
    /// Samples of a record, of the channels with most of them.
    pub(super) per_record: u64,
    pub(super) runs: Vec<Run>,
    pub(super) n_times: u64,
}

impl Records {
    /// `starts`: when each record starts (s), where that counts.
    pub(super) fn new(
        path: &Path,
        header: &Header,
        per_record: u64,
        sfreq: f64,
        starts: &[Option<f64>],
    ) -> Result<Self> {
        let n_records = header.n_records;
        if !header.discontinuous {
            let runs = vec![Run { start: 0, record: 0, n_records }];
            return Ok(Self { per_record, runs, n_times: n_records * per_record });
        }
        let wrong = |record: u64, expected: String, got: String| {
            let bytes = header.record_samples * header.width;
            Error::Byte { path: path.to_owned(), at: header.data_at + record * bytes, expected, got }
        };
        let first = starts.first().copied().flatten().unwrap_or(0.0);
        let (mut runs, mut n_times): (Vec<Run>, u64) = (Vec::new(), 0);
        for record in 0..n_records {
            let Some(start) = starts.get(record as usize).copied().flatten() else {
                let expected = "the time at which a record starts, as in every record of a discontinuous file";
                return Err(wrong(record, expected.into(), "none".into()));
            };
            let at = ((start - first) * sfreq).round();
            if at < n_times as f64 {
                let expected = format!("a record that starts at {:.6} s or later", first + n_times as f64 / sfreq);
                return Err(wrong(record, expected, format!("one that starts at {start} s")));
            }
            if at >= (MAX_TIMES - per_record.min(MAX_TIMES)) as f64 {
                let got = format!("one that starts at {start} s");
                return Err(wrong(record, format!("a recording of at most {MAX_TIMES} samples"), got));
            }
            let at = at as u64;
            match runs.last_mut() {
                Some(run) if at == n_times => run.n_records += 1,
                _ => runs.push(Run { start: at, record, n_records: 1 }),
            }
            n_times = at + per_record;
        }
        Ok(Self { per_record, runs, n_times })
    }
    /// What lies between the runs.
    pub(super) fn gaps(&self) -> Vec<Span> {
        let ends = self.runs.iter().map(|run| run.start + run.n_records * self.per_record);
        ends.zip(self.runs.iter().skip(1)).map(|(end, next)| Span::new(end, next.start)).collect()
    }
}
