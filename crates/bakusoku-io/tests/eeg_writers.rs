//! What is written as BrainVision, EDF or BDF is read as it was.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use bakusoku_core::ChannelType::{Eeg, Eog, Misc, Stim};
use bakusoku_core::containers::Raw;
use bakusoku_core::{Annotation, Recording};
use bakusoku_io::{convert, open};
use bakusoku_testing::noise;
use std::path::Path;
use std::sync::Arc;

fn recording(sfreq: f64) -> Raw {
    let (mut stream, mut data) = noise(&[Eeg, Eeg, Eog, Stim, Misc], sfreq, 1234, 7).into_parts();
    data.rows_mut().into_iter().take(3).for_each(|mut row| row *= 2e-5);
    let info = Arc::make_mut(&mut stream.info);
    info.meas_date = Some((1_709_209_815, 123_456));
    (info.highpass, info.lowpass) = (0.5, 40.0);
    stream.annotations.orig_time = info.meas_date;
    let item = |onset: f64, duration: f64, description: &str, ch_names: &[&str]| Annotation {
        onset,
        duration,
        description: description.into(),
        ch_names: ch_names.iter().map(|name| (*name).to_owned()).collect(),
    };
    stream.annotations.items = vec![
        item(0.5, 0.0, "Stimulus/S  1", &[]),
        item(1.0, 0.25, "Blüte, 脳波", &["EEG 001", "EOG 003"]),
        item(2.0, 1.0, "BAD blink", &[]),
    ];
    Raw::new(stream, data).unwrap()
}

fn to(recording: &Raw, folder: &Path, name: &str) -> Box<dyn Recording> {
    let path = folder.join(name);
    let writer = bakusoku_io::WRITERS.iter().find(|writer| name.ends_with(writer.extension)).unwrap();
    assert_eq!((writer.write)(&path, recording).unwrap(), (writer.files)(&path));
    open(&path).unwrap()
}

#[test]
fn samples_rates_and_dates_come_back() {
    let folder = tempfile::tempdir().unwrap();
    for sfreq in [250.0, 1000.0 / 3.0, 512.5] {
        let original = recording(sfreq);
        for (name, step) in [("x.vhdr", 0.0), ("x.edf", 1.0 / 65_534.0), ("x.bdf", 1.0 / 16_777_214.0)] {
            let again = to(&original, folder.path(), name);
            let (a, b) = (original.stream(), again.stream());
            assert_eq!(a.info.sfreq, b.info.sfreq, "{name}");
            assert_eq!((a.info.meas_date, a.n_channels()), (b.info.meas_date, b.n_channels()), "{name}");
            let data = Raw::load(&*again).unwrap();
            let mut spans = [0.0f64; 5];
            for (k, row) in original.data().rows().into_iter().enumerate() {
                let of_type = if k < 2 { 0..2 } else { k..k + 1 };
                let all = of_type.flat_map(|k| original.data().row(k).to_vec());
                let (low, high) = all.fold((0.0f64, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
                spans[k] = high - low;
                for (t, value) in row.iter().enumerate() {
                    let off = (data.data()[[k, t]] - value).abs();
                    // Half a step, and the rounding of the range to eight characters; or that of 32 bits.
                    let allowed = if step == 0.0 { value.abs() * 2e-7 } else { 0.51 * spans[k] * step };
                    assert!(off <= allowed, "{name} {k} {t}: {off:e}");
                }
            }
            if name == "x.vhdr" {
                assert_eq!(b.n_times, a.n_times);
                continue;
            }
            assert_eq!((b.info.highpass, b.info.lowpass), (0.5, 40.0));
            let last = b.annotations.items.last().unwrap();
            let filled = b.n_times > a.n_times;
            assert_eq!(filled, last.description == "BAD_ACQ_SKIP", "{sfreq}");
            assert!(data.data().row(3).iter().take(1234).eq(original.data().row(3).iter()), "codes stay");
        }
    }
}

#[test]
fn annotations_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let original = recording(250.0);
    let marks = |recording: &dyn Recording| -> Vec<(f64, f64, String, Vec<String>)> {
        let items = recording.stream().annotations.items.clone();
        items.into_iter().map(|item| (item.onset, item.duration, item.description, item.ch_names)).collect()
    };
    let (edf, bv) = (to(&original, folder.path(), "x.edf"), to(&original, folder.path(), "x.vhdr"));
    assert_eq!(marks(&*edf)[..3], marks(&original)[..]);
    let found = marks(&*bv);
    let texts: Vec<(f64, f64, &str)> = found.iter().map(|mark| (mark.0, mark.1, mark.2.as_str())).collect();
    assert_eq!(
        texts,
        [
            (0.5, 0.0, "Stimulus/S  1"),
            (1.0, 0.248, "Comment/Blüte, 脳波"),
            (1.0, 0.248, "Comment/Blüte, 脳波"),
            (2.0, 1.0, "Bad Interval/BAD blink")
        ]
    );
    assert_eq!(bv.stream().annotated(&["bad"]).len(), 1);
}

#[test]
fn names_say_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    to(&recording(250.0), folder.path(), "x.vhdr");
    assert_eq!(convert(&at("x.vhdr"), &at("y.EDF"), None).unwrap(), [at("y.EDF")]);
    assert_eq!(convert(&at("y.EDF"), &at("z_raw.fif"), None).unwrap(), [at("z_raw.fif")]);
    let data = |name: &str| Raw::load(&*open(at(name)).unwrap()).unwrap();
    assert!(data("z_raw.fif").data().iter().zip(data("y.EDF").data()).all(|(a, b)| (a - b).abs() <= 1e-7 * b.abs()));
    let error = convert(&at("x.vhdr"), &at("x.cnt"), None).unwrap_err();
    assert!(error.to_string().ends_with("does not end as a format that is written: .fif, .fif.gz, .vhdr, .edf, .bdf"));
    let (mut stream, mut samples) = recording(250.0).into_parts();
    Arc::make_mut(&mut stream.info).chs[0].name = "a name beyond sixteen".into();
    let long = Raw::new(stream.clone(), samples.clone()).unwrap();
    let error = bakusoku_io::edf::write_edf(&at("a.edf"), &long).unwrap_err().to_string();
    assert!(
        error.contains("a channel's name can't be written: `a name beyond sixteen`, expected at most 16"),
        "{error}"
    );
    samples[[1, 250]] = f64::NAN;
    Arc::make_mut(&mut stream.info).chs[0].name = "a".into();
    let broken = Raw::new(stream, samples).unwrap();
    let error = bakusoku_io::edf::write_bdf(&at("a.bdf"), &broken).unwrap_err().to_string();
    assert!(error.contains("channel `EEG 002` is NaN at 1.000 s"), "{error}");
    assert!(!at("a.edf").exists() && !at("a.bdf").exists());
}
