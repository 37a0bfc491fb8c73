//! Writing a dataset: what stands beside recordings.

use crate::{DataType, Entities, Error, Result, Tsv};
use bakusoku_core::{ChannelType, Events, Stream};
use bakusoku_files::write_text;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A person of `participants.tsv`.
#[derive(Clone, Debug, Default)]
pub struct Participant {
    /// Subject, without `sub-`.
    pub subject: String,
    /// Years.
    pub age: Option<u32>,
    /// `F`, `M`.
    pub sex: Option<String>,
}

/// Writes `dataset_description.json`, `README` and `participants.tsv`.
///
/// # Errors
/// When they can't be written.
pub fn write_dataset(root: &Path, name: &str, readme: &str, people: &[Participant]) -> Result<()> {
    let description = json!({"Name": name, "BIDSVersion": "1.10.0", "DatasetType": "raw", "Authors": ["bakusoku"]});
    write_text(&root.join("dataset_description.json"), &format!("{description:#}\n"))?;
    write_text(&root.join("README"), readme)?;
    let rows = people.iter().map(|person| {
        let na = || "n/a".to_owned();
        vec![
            format!("sub-{}", person.subject),
            person.age.map_or_else(na, |age| age.to_string()),
            person.sex.clone().unwrap_or_else(na),
        ]
    });
    Ok(write_text(&root.join("participants.tsv"), &Tsv::format(&["participant_id", "age", "sex"], rows))?)
}

/// The path of a recording: `root/sub-01/[ses-02/]meg/sub-01_…_meg.fif`.
pub fn recording_path(root: &Path, entities: &Entities, data_type: DataType) -> PathBuf {
    let folder = crate::Derivatives::new(root).folder(entities, data_type);
    folder.join(entities.file_name(data_type.name(), ".fif"))
}

/// Writes the sidecars of a recording: `*_meg.json`, `*_channels.tsv`, `*_coordsystem.json`, and `*_events.tsv` where
/// `events` are given. `names` maps codes to `trial_type`; `stim_channel` is what they were recorded on.
///
/// # Errors
/// When they can't be written.
pub fn write_sidecars(
    root: &Path,
    entities: &Entities,
    data_type: DataType,
    stream: &Stream,
    events: Option<(&Events, &[(String, i64)])>,
) -> Result<()> {
    let folder = recording_path(root, entities, data_type);
    let folder = folder.parent().ok_or_else(|| Error::NoDataset { path: root.to_owned() })?;
    let file = |suffix: &str, extension: &str| folder.join(entities.file_name(suffix, extension));
    write_text(&file(data_type.name(), ".json"), &format!("{:#}\n", recording_json(entities, data_type, stream)))?;
    write_text(&file("channels", ".tsv"), &channels_tsv(stream))?;
    let spaceless = Entities::unit(entities.subject.as_deref().unwrap_or("unknown"), entities.session.as_deref());
    let coordinates = match data_type {
        DataType::Meg => json!({
            "MEGCoordinateSystem": "ElektaNeuromag", "MEGCoordinateUnits": "m",
            "HeadCoilCoordinateSystem": "ElektaNeuromag", "HeadCoilCoordinateUnits": "m",
            "DigitizedHeadPointsCoordinateSystem": "ElektaNeuromag", "DigitizedHeadPointsCoordinateUnits": "m",
        }),
        DataType::Eeg => json!({"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"}),
    };
    write_text(&folder.join(spaceless.file_name("coordsystem", ".json")), &format!("{coordinates:#}\n"))?;
    if let Some((events, names)) = events {
        write_text(&file("events", ".tsv"), &events_tsv(stream, events, names))?;
    }
    Ok(())
}

fn count(stream: &Stream, types: &[ChannelType]) -> usize {
    stream.info.chs.iter().filter(|ch| types.contains(&ch.ch_type())).count()
}

fn recording_json(entities: &Entities, data_type: DataType, stream: &Stream) -> Value {
    let info = &stream.info;
    let line = info.line_freq.map_or_else(|| json!("n/a"), |freq| json!(freq));
    let mut out = json!({
        "TaskName": entities.task.as_deref().unwrap_or("n/a"),
        "SamplingFrequency": info.sfreq,
        "PowerLineFrequency": line,
        "SoftwareFilters": "n/a",
        "RecordingDuration": stream.n_times as f64 / info.sfreq,
        "RecordingType": "continuous",
        "EEGChannelCount": count(stream, &[ChannelType::Eeg]),
        "EOGChannelCount": count(stream, &[ChannelType::Eog]),
        "ECGChannelCount": count(stream, &[ChannelType::Ecg]),
        "EMGChannelCount": count(stream, &[ChannelType::Emg]),
        "MiscChannelCount": count(stream, &[ChannelType::Misc]),
        "TriggerChannelCount": count(stream, &[ChannelType::Stim]),
    });
    if data_type == DataType::Meg {
        out["DewarPosition"] = json!("upright");
        out["DigitizedLandmarks"] = json!(!info.dig.is_empty());
        out["DigitizedHeadPoints"] = json!(!info.dig.is_empty());
        out["MEGChannelCount"] = json!(count(stream, &[ChannelType::Mag, ChannelType::Grad]));
        out["MEGREFChannelCount"] = json!(count(stream, &[ChannelType::RefMeg]));
    } else {
        out["EEGReference"] = json!("n/a");
    }
    out
}

fn channels_tsv(stream: &Stream) -> String {
    use ChannelType::*;
    let info = &stream.info;
    let number = |x: f64| if x.is_finite() { format!("{x}") } else { "n/a".into() };
    let rows = info.chs.iter().map(|ch| {
        let (kind, units) = match ch.ch_type() {
            Mag => ("MEGMAG", "T"),
            Grad => ("MEGGRADPLANAR", "T/m"),
            RefMeg => ("MEGREFMAG", "T"),
            Eeg => ("EEG", "V"),
            Eog => ("EOG", "V"),
            Ecg => ("ECG", "V"),
            Emg => ("EMG", "V"),
            Stim => ("TRIG", "V"),
            _ => ("MISC", "n/a"),
        };
        let status = if info.bads.contains(&ch.name) { "bad" } else { "good" };
        vec![
            ch.name.clone(),
            kind.into(),
            units.into(),
            number(info.highpass),
            number(info.lowpass),
            number(info.sfreq),
            status.into(),
        ]
    });
    Tsv::format(&["name", "type", "units", "low_cutoff", "high_cutoff", "sampling_frequency", "status"], rows)
}

fn events_tsv(stream: &Stream, events: &Events, names: &[(String, i64)]) -> String {
    let rows = events.iter().map(|event| {
        let sample = event.sample - stream.first_samp;
        let name = names.iter().find(|(_, code)| *code == event.code).map_or("n/a", |(name, _)| name.as_str());
        vec![
            format!("{}", sample as f64 / stream.sfreq()),
            "0".into(),
            name.into(),
            event.code.to_string(),
            sample.to_string(),
        ]
    });
    Tsv::format(&["onset", "duration", "trial_type", "value", "sample"], rows)
}
