//! Files that are something else, split, moved, or in numbers that lose: what is said, and what is kept.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use bakusoku_core::ChannelType::{Eeg, Mag, Stim};
use bakusoku_core::containers::{Covariance, Raw};
use bakusoku_fiff::POINTER_POS;
use bakusoku_io::fif::{self, FifRaw, RawFormat, RawOptions, RawWriter, convert};
use bakusoku_io::open_recording;
use bakusoku_testing::noise;
use ndarray::Array2;
use std::path::Path;

/// Noise in units of the sensors, which is far below a calibration of 1.
fn small(scale: f64) -> Raw {
    let (stream, data) = noise(&[Mag, Mag, Eeg, Stim], 100.0, 3000, 3).into_parts();
    let data = Array2::from_shape_fn(data.dim(), |(k, t)| if k == 3 { data[[k, t]] } else { data[[k, t]] * scale });
    Raw::new(stream, data).unwrap()
}

fn samples(path: &Path) -> Array2<f64> {
    Raw::load(&FifRaw::open(path).unwrap()).unwrap().data().clone()
}

#[test]
fn integers_get_calibrations_that_suit_the_samples() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("in_raw.fif"), dir.path().join("out_raw.fif"));
    RawWriter::copy(&input, &small(1e-12), RawOptions { fmt: RawFormat::Double, ..RawOptions::default() }).unwrap();
    let before = samples(&input);
    for (fmt, limit) in [(RawFormat::Short, 32767.0), (RawFormat::Int, 2147483647.0)] {
        convert(&input, &output, Some(fmt)).unwrap();
        let after = samples(&output);
        for (k, (a, b)) in before.rows().into_iter().zip(after.rows()).enumerate() {
            let largest = a.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            let off = a.iter().zip(b).fold(0.0f64, |most, (x, y)| most.max((x - y).abs()));
            // Half a step, and the rounding of the calibration to 32 bits.
            assert!(off <= 0.51 * largest / limit, "{} channel {k}: {off:e} of {largest:e}", fmt.name());
            assert!(k != 3 || off == 0.0, "stimulus codes are kept");
        }
        // Once integers, nothing is lost any more.
        let again = dir.path().join("again_raw.fif");
        convert(&output, &again, Some(RawFormat::Double)).unwrap();
        convert(&again, &input.with_file_name("back_raw.fif"), Some(fmt)).unwrap();
        assert_eq!(samples(&input.with_file_name("back_raw.fif")), after);
    }
}

#[test]
fn what_integers_would_lose_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x_raw.fif");
    let options = RawOptions { fmt: RawFormat::Short, ..RawOptions::default() };
    let error = RawWriter::copy(&path, &small(1e-12), options).unwrap_err().to_string();
    assert!(error.contains("channel `") && error.contains("would be 0"), "{error}");
    let error = RawWriter::copy(&path, &small(1e9), options).unwrap_err().to_string();
    assert!(error.contains("fmt = \"short\"") && error.contains("more than 32767 times"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let (stream, mut data) = small(1e-12).into_parts();
    data[[1, 250]] = f64::NAN;
    RawWriter::copy(&path, &Raw::new(stream, data).unwrap(), RawOptions::default()).unwrap();
    let error = convert(&path, &dir.path().join("y_raw.fif"), Some(RawFormat::Int)).unwrap_err();
    assert!(error.to_string().contains("NaN at 2.500 s"), "{error}");
    assert!(error.hint().unwrap().contains("single"));
    assert!(!dir.path().join("y_raw.fif").exists());
}

#[test]
fn a_file_of_another_kind_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x-cov.fif");
    let cov = Covariance {
        names: vec!["EEG 001".into()],
        data: Array2::eye(1),
        bads: vec![],
        projs: vec![],
        nfree: 10,
        method: "empirical".into(),
    };
    fif::write_covariance(&path, &cov, fif::FileId::CONSTANT).unwrap();
    let error = bakusoku_io::open(&path).map(drop).unwrap_err();
    assert!(error.to_string().ends_with("x-cov.fif` is a covariance, not a recording"), "{error}");
    assert!(!error.hint().unwrap().contains("damaged"));
}

#[test]
fn parts_know_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let recording = noise(&[Eeg; 100], 100.0, 10_000, 1);
    let path = dir.path().join("raw.fif");
    let options = RawOptions { split_size: 5 << 19, ..RawOptions::default() };
    let written = RawWriter::copy(&path, &recording, options).unwrap();
    assert!(written.len() > 2);
    let opened = open_recording(&path).unwrap();
    assert_eq!((opened.paths, opened.previous), (written.clone(), None));
    let part = open_recording(&written[1]).unwrap();
    assert_eq!(part.previous.as_deref(), Some(path.as_path()));
    assert_eq!(part.paths, written[1..]);
}

#[test]
fn a_chain_of_tags_may_go_back_but_not_loop() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x_raw.fif");
    RawWriter::copy(&path, &noise(&[Eeg, Stim], 100.0, 500, 1), RawOptions::default()).unwrap();
    let expected = samples(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let word = |bytes: &[u8], at: usize| i32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    // Without a directory the chain is walked.
    bytes[POINTER_POS as usize..POINTER_POS as usize + 4].copy_from_slice(&(-1i32).to_be_bytes());
    let (mut at, mut previous) = (0, 0);
    // FIFF_SFREQ
    while word(&bytes, at) != 201 {
        previous = at;
        at += 16 + word(&bytes, at + 8) as usize;
    }
    let end = at + 16 + word(&bytes, at + 8) as usize;
    let mut moved = bytes[at..end].to_vec();
    moved[12..16].copy_from_slice(&(end as i32).to_be_bytes());
    // The last tag would lead on to the moved one.
    let (mut last, mut next) = (0, 0);
    while next < bytes.len() {
        last = next;
        next += 16 + word(&bytes, next + 8) as usize;
    }
    bytes[last + 12..last + 16].copy_from_slice(&(-1i32).to_be_bytes());
    let place = bytes.len() as i32;
    bytes[previous + 12..previous + 16].copy_from_slice(&place.to_be_bytes());
    bytes.extend(&moved);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(samples(&path), expected);
    // A loop.
    let back = bytes.len() - moved.len() + 12;
    bytes[back..back + 4].copy_from_slice(&(previous as i32).to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let error = bakusoku_io::open(&path).map(drop).unwrap_err().to_string();
    assert!(error.contains("a chain of tags that visits each byte once"), "{error}");
}

#[test]
fn a_link_that_was_not_fetched_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x_raw.fif");
    std::os::unix::fs::symlink(".git/annex/objects/SHA256E-x", &path).unwrap();
    let error = bakusoku_io::open(&path).map(drop).unwrap_err();
    assert!(error.to_string().contains("was not fetched"), "{error}");
    assert!(error.hint().unwrap().contains("datalad get"));
    let error = FifRaw::open(&path).unwrap_err();
    assert!(error.to_string().contains("was not fetched"), "{error}");
}
