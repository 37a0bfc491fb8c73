//! `channels.tsv`.

use crate::{Result, Tsv};
use bakusoku_core::ChannelType;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What a `channels.tsv` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelsTable {
    /// The file.
    pub path: PathBuf,
    /// Its rows, in order.
    pub rows: Vec<ChannelRow>,
    /// Whether it has the column `status`; without it, it says nothing about bad channels.
    pub has_status: bool,
    /// How the file was read, where that is worth a remark.
    pub remark: Option<String>,
}

/// A line of `channels.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRow {
    /// Name.
    pub name: String,
    /// Type as written (`MEGMAG`, `EEG`, …).
    pub kind: String,
    /// Type in MNE's words, where it has one.
    pub ch_type: Option<ChannelType>,
    /// Unit as written.
    pub units: Option<String>,
    /// Whether `status` is `bad`.
    pub bad: bool,
    /// Line, from 1.
    pub line: usize,
}

/// MNE's channel type for a type of `channels.tsv`.
pub fn channel_type(kind: &str) -> Option<ChannelType> {
    use ChannelType::*;
    // As mne-bids reads them (`config.py`, MNE from BIDS types).
    Some(match kind.to_ascii_uppercase().as_str() {
        "MEGMAG" => Mag,
        "MEGGRADPLANAR" | "MEGGRADAXIAL" => Grad,
        "MEGREFMAG" | "MEGREFGRADAXIAL" | "MEGREFGRADPLANAR" => RefMeg,
        "EEG" => Eeg,
        "EOG" | "VEOG" | "HEOG" => Eog,
        "ECG" => Ecg,
        "EMG" => Emg,
        "TRIG" => Stim,
        "SEEG" => Seeg,
        "ECOG" => Ecog,
        "DBS" => Dbs,
        "HLU" => Chpi,
        "SYSCLOCK" => Syst,
        "RESP" => Resp,
        "GSR" => Gsr,
        "TEMP" => Temperature,
        "MISC" | "OTHER" | "PPG" | "PUPIL" | "EYEGAZE" | "AUDIO" | "PD" | "DAC" | "ADC" | "MEGOTHER" => Misc,
        _ => return None,
    })
}

/// Reads `channels.tsv`.
///
/// # Errors
/// When it can't be read or is not such a table.
pub fn read_channels(path: &Path) -> Result<ChannelsTable> {
    let tsv = Tsv::read(path)?;
    let name = tsv.require("name")?;
    let (kind, units, status) = (tsv.column("type"), tsv.column("units"), tsv.column("status"));
    let cell = |row: &[String], column: Option<usize>| {
        column.map(|c| row[c].clone()).filter(|text| !text.is_empty() && text != "n/a")
    };
    let mut rows: Vec<ChannelRow> = Vec::with_capacity(tsv.rows.len());
    let mut seen = HashSet::new();
    for (line, row) in &tsv.rows {
        let bad = match cell(row, status).as_deref() {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("good") => false,
            Some(text) if text.eq_ignore_ascii_case("bad") => true,
            Some(text) => return Err(tsv.error(*line, format!("`status` must be good or bad, got `{text}`"))),
        };
        if !seen.insert(row[name].as_str()) {
            return Err(tsv.error(*line, format!("channel `{}` is listed twice", row[name])));
        }
        let kind = cell(row, kind).unwrap_or_default();
        rows.push(ChannelRow {
            name: row[name].clone(),
            ch_type: channel_type(&kind),
            kind,
            units: cell(row, units),
            bad,
            line: *line,
        });
    }
    Ok(ChannelsTable { path: path.to_owned(), rows, has_status: status.is_some(), remark: tsv.remark() })
}

impl ChannelsTable {
    /// What it says about a channel: bad or good, or nothing.
    pub fn is_bad(&self, name: &str) -> Option<bool> {
        self.rows.iter().find(|row| self.has_status && row.name == name).map(|row| row.bad)
    }
    /// An error about one of its lines.
    pub fn error(&self, line: usize, message: String) -> crate::Error {
        crate::Error::Tsv { path: self.path.clone(), line, message }
    }
}
