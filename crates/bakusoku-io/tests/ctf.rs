//! CTF folders.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../../../fuzz/ctf/seeds.rs"]
mod seeds;

use bakusoku_core::containers::Raw;
use bakusoku_core::{ChannelType, DigKind, Recording};
use bakusoku_io::ctf::{CtfOptions, CtfRaw};
use bakusoku_io::{open, open_recording};
use bakusoku_testing::laws;
use std::path::PathBuf;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("input.ds");
    std::fs::create_dir(&path).unwrap();
    for (ending, bytes) in seeds::ENDINGS.iter().zip(seeds::files()) {
        std::fs::write(path.join(ending), bytes).unwrap();
    }
    (temp, path)
}

#[test]
fn a_recording_in_two_parts_obeys_the_laws() {
    let (_temp, path) = folder();
    let opened = open_recording(&path).unwrap();
    assert_eq!(opened.paths.len(), seeds::ENDINGS.len());
    assert!(opened.paths[1].ends_with("input.1_meg4"));
    let stream = opened.recording.stream();
    assert_eq!(stream.n_times as usize, 4 * seeds::TRIAL);
    laws::recording(&*opened.recording);
    let raw = Raw::load(&*opened.recording).unwrap();
    for ((ch, t), &x) in raw.data().indexed_iter() {
        assert_eq!(x, f64::from(seeds::sample(ch, t)) * stream.info.chs[ch].cal, "channel {ch}, sample {t}");
    }
}

#[test]
fn the_header_is_read() {
    let (_temp, path) = folder();
    let recording = open(&path).unwrap();
    let info = &recording.stream().info;
    let types: Vec<_> = info.chs.iter().map(|ch| ch.ch_type()).collect();
    use ChannelType::{Eeg, Mag, Misc, RefMeg, Stim};
    assert_eq!(types, [Misc, RefMeg, RefMeg, Mag, Mag, Eeg, Stim, Misc]);
    assert_eq!((info.sfreq, info.lowpass, info.highpass), (600.0, 150.0, 0.5));
    assert_eq!(info.meas_date, Some((1_367_330_592, 0)));
    // The reference's coils lie side by side: off-diagonal, and its place is between them.
    assert_eq!(info.chs[2].coil_type, 5004);
    assert_eq!(info.comps.iter().map(|comp| comp.data.dim()).collect::<Vec<_>>(), [(2, 2), (1, 2)]);
    assert!(info.dev_head_t.is_some() && info.ctf_head_t.is_some());
    let n = |kind| info.dig.iter().filter(|point| point.kind == kind).count();
    assert_eq!((n(DigKind::Cardinal), n(DigKind::Eeg), n(DigKind::Extra)), (4, 1, 3));
    let marked: Vec<_> = recording.stream().annotations.items.iter().map(|item| item.description.as_str()).collect();
    assert_eq!(marked, ["stim", "bad_blink", "stim", "response"]);
}

#[test]
fn names_are_cleaned_and_trials_marked_where_asked() {
    let (_temp, path) = folder();
    let raw =
        CtfRaw::open(&path, &CtfOptions { clean_names: true, mark_trials: true, ..CtfOptions::default() }).unwrap();
    let stream = raw.stream();
    assert_eq!(stream.info.chs[3].name, "MLC11");
    assert_eq!(stream.info.comps[0].row_names, ["MLC11", "MRC11"]);
    assert_eq!(stream.info.comps[0].col_names, ["BG1", "G11"]);
    // Between the second and the third trial alone.
    assert_eq!(stream.segments(&["edge"]).len(), 2);
}

#[test]
fn folders_that_are_none_say_so() {
    let temp = tempfile::tempdir().unwrap();
    let error = open(temp.path()).map(drop).unwrap_err();
    assert!(error.to_string().contains("is a folder that no format has"), "{error}");
    let error = CtfRaw::open(temp.path(), &CtfOptions::default()).unwrap_err();
    assert!(error.to_string().contains("a folder without a header (`.res4`), not a recording"), "{error}");
}
