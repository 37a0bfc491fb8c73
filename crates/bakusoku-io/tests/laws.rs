//! The laws of formats: one line for each.
#![allow(clippy::unwrap_used)]

use bakusoku_core::ChannelType::{Eeg, Grad, Mag, Stim};
use bakusoku_core::containers::Raw;
use bakusoku_io::FORMATS;
use bakusoku_io::fif::{FifRaw, RawFormat, RawOptions, RawWriter};
use bakusoku_testing::{laws, noise};
use std::sync::Arc;

/// A format that gets a line in `FORMATS` gets one here.
#[test]
fn every_format_obeys_the_laws() {
    for format in FORMATS {
        match format.name {
            "FIFF" => fif(),
            // In tests/brainvision.rs, edf.rs, eeglab.rs and ctf.rs, for every storage.
            "BrainVision" | "EDF" | "BDF" | "EEGLAB" | "CTF" => {}
            name => panic!("no law is called for {name}"),
        }
    }
}

fn fif() {
    let temp = tempfile::tempdir().unwrap();
    let (mut stream, data) = noise(&[Grad, Mag, Eeg, Eeg, Stim], 100.0, 2345, 1).into_parts();
    // Integers are multiples of the calibration.
    let chs = Arc::make_mut(&mut stream.info).chs.iter_mut();
    chs.filter(|ch| ch.ch_type() != Stim).for_each(|ch| ch.cal = 1e-3);
    let recording = Raw::new(stream, data).unwrap();
    for fmt in [RawFormat::Short, RawFormat::Int, RawFormat::Single, RawFormat::Double] {
        let path = temp.path().join(format!("{}_raw.fif", fmt.name()));
        RawWriter::copy(&path, &recording, RawOptions { fmt, ..RawOptions::default() }).unwrap();
        laws::recording(&FifRaw::open(&path).unwrap());
    }
}
