//! The laws of formats: one line for each.
#![allow(clippy::unwrap_used)]

use bakusoku_core::ChannelType::{Eeg, Grad, Mag, Stim};
use bakusoku_io::fif::{FifRaw, RawFormat, RawOptions, RawWriter};
use bakusoku_testing::{laws, noise};

#[test]
fn fif() {
    let temp = tempfile::tempdir().unwrap();
    let recording = noise(&[Grad, Mag, Eeg, Eeg, Stim], 100.0, 2345, 1);
    for fmt in [RawFormat::Short, RawFormat::Int, RawFormat::Single, RawFormat::Double] {
        let path = temp.path().join(format!("{}_raw.fif", fmt.name()));
        RawWriter::copy(&path, &recording, RawOptions { fmt, ..RawOptions::default() }).unwrap();
        laws::recording(&FifRaw::open(&path).unwrap());
    }
}
