//! Sets of EEGLAB, in every storage.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../../../fuzz/eeglab/mat.rs"]
mod mat;
#[path = "../../../fuzz/eeglab/seeds.rs"]
mod seeds;

use bakusoku_core::containers::Raw;
use bakusoku_core::{ChannelType, DigKind};
use bakusoku_io::eeglab::{EeglabOptions, EeglabRaw, EogChannels, MontageUnits, read_epochs, read_ica};
use bakusoku_io::{ChannelRef, open, open_recording};
use bakusoku_testing::laws;
use mat::{Value, mat5};
use std::path::PathBuf;

/// Writes all seeds: a folder, and each set's name and path.
fn sets() -> (tempfile::TempDir, Vec<(String, PathBuf)>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("input.fdt"), seeds::beside()).unwrap();
    let mut out = Vec::new();
    for (name, bytes) in seeds::all() {
        let path = folder.path().join(format!("{name}.set"));
        std::fs::write(&path, bytes).unwrap();
        out.push((name, path));
    }
    (folder, out)
}

#[test]
fn every_storage_obeys_the_laws_and_has_the_same_content() {
    let (_folder, sets) = sets();
    for (name, path) in sets.iter().filter(|(name, _)| !name.contains("epochs")) {
        let opened = open_recording(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(opened.paths.len(), if name == "beside" { 2 } else { 1 }, "{name}");
        laws::recording(&*opened.recording);
        let stream = opened.recording.stream();
        let info = &stream.info;
        assert_eq!((stream.n_times as usize, info.sfreq, info.lowpass), (seeds::TIMES, 250.0, 125.0), "{name}");
        assert_eq!(info.ch_names().collect::<Vec<_>>(), ["Fp1", "Cz µ", "VEOG"], "{name}");
        assert_eq!(info.chs[2].ch_type(), ChannelType::Eog);
        // The nose is EEGLAB's x and MNE's y; millimetres are guessed.
        let near = |a: &[f64], b: [f64; 3]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-12);
        assert!(near(&info.chs[0].loc[..3], [-0.025, 0.080, -0.003]), "{name}: {:?}", info.chs[0].loc);
        assert!(info.chs[2].loc.iter().all(|x| x.is_nan()));
        let nasion = info.dig.iter().find(|point| point.kind == DigKind::Cardinal && point.ident == 2).unwrap();
        assert!(near(&nasion.r, [0.0, 0.085, -0.030]), "{name}: {:?}", nasion.r);
        assert_eq!(info.dig.iter().filter(|point| point.kind == DigKind::Eeg).count(), 2);
        let marked: Vec<_> = stream
            .annotations
            .items
            .iter()
            .map(|item| (item.onset * 250.0, item.duration * 250.0, item.description.as_str()))
            .collect();
        let seven = "7.0";
        let expected = [(5.0, 0.0, "square"), (25.5, 0.0, seven), (45.5, 14.5, "boundary")];
        for (a, b) in marked.iter().zip(expected) {
            assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9 && a.2 == b.2, "{name}: {a:?} {b:?}");
        }
        let raw = Raw::load(&*opened.recording).unwrap();
        for ((ch, t), &x) in raw.data().indexed_iter() {
            assert_eq!(x, f64::from(seeds::sample(ch, t)) * 1e-6, "{name}: channel {ch}, sample {t}");
        }
    }
}

#[test]
fn epochs_have_their_samples_names_and_times() {
    let (_folder, sets) = sets();
    for (name, path) in sets.iter().filter(|(name, _)| name.contains("epochs")) {
        let error = open(path).map(drop).unwrap_err();
        assert!(error.to_string().contains("a set of epochs (3 trials), not a recording"), "{error}");
        let epochs = read_epochs(path, &EeglabOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(epochs.data.dim(), (3, seeds::CHANNELS, seeds::TIMES / 3));
        assert_eq!((epochs.first, epochs.tmin), (-5, -0.02));
        assert_eq!(epochs.event_id, [("square".to_owned(), 1)]);
        assert_eq!(epochs.events.iter().map(|event| event.sample).collect::<Vec<_>>(), [5, 25, 45], "{name}");
        for ((trial, ch, t), &x) in epochs.data.indexed_iter() {
            assert_eq!(x, f64::from(seeds::sample(ch, trial * seeds::TIMES / 3 + t)) * 1e-6, "{name}");
        }
    }
}

#[test]
fn independent_components_are_read() {
    let (_folder, sets) = sets();
    for (name, path) in &sets {
        let ica = read_ica(path).unwrap().unwrap_or_else(|| panic!("{name} has components"));
        assert_eq!(ica.weights, ndarray::array![[1.0, 0.0, 0.5], [0.0, 1.0, 0.25]], "{name}");
        assert_eq!(ica.sphere.diag().to_vec(), [1.0, 2.0, 3.0]);
        assert_eq!((ica.channels, ica.winv), (vec![0, 1, 2], None));
    }
}

#[test]
fn options_are_obeyed() {
    let (_folder, sets) = sets();
    let path = &sets[0].1;
    let types = |eog| {
        let options = EeglabOptions { eog, montage_units: MontageUnits::Centimetres };
        let raw = EeglabRaw::open(path, &options).unwrap();
        let info = bakusoku_core::Recording::stream(&raw).info.clone();
        (info.chs.iter().map(|ch| ch.ch_type().name()).collect::<Vec<_>>(), info.chs[1].loc[2])
    };
    assert_eq!(types(EogChannels::These(vec![ChannelRef::Index(0)])), (vec!["eog", "eeg", "eog"], 0.85));
    assert_eq!(types(EogChannels::Auto).0, ["eeg", "eeg", "eog"]);
}

#[test]
fn files_that_are_no_sets_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.set");
    let message = |bytes: Vec<u8>| {
        std::fs::write(&path, bytes).unwrap();
        open(&path).map(drop).unwrap_err().to_string()
    };
    let other = message(mat5(&[("a", Value::number(1.0)), ("b", Value::Text("x"))], false, false));
    assert!(
        other.contains("is a MATLAB file with the variables a, b, and no set of EEGLAB, not a recording"),
        "{other}"
    );
    let several = message(mat5(&[("ALLEEG", Value::number(1.0))], false, true));
    assert!(several.contains("is a file of several sets of EEGLAB (`ALLEEG`)"), "{several}");
    let lacking = message(mat5(&[("srate", Value::number(100.0))], false, false));
    assert!(lacking.contains("`EEG.data` is missing, expected a field of every set of EEGLAB"), "{lacking}");
    let (_, sound) = &seeds::all()[0];
    let cut = message(sound[..sound.len() / 2].to_vec());
    assert!(cut.contains("byte 128 has an element of type 14 that ends at byte"), "{cut}");
    let order = message([&sound[..126], b"??", &sound[128..]].concat());
    assert!(order.contains("byte 126 has the bytes 3f 3f, expected `IM` or `MI`, the byte order"), "{order}");
}
