//! `examples/rust/average.rs` as a newcomer runs it: over simulated recordings, one of which is broken.

// A test: it fails by panicking, and runs a program.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use bakusoku::methods::epochs::EventRepeated;
use bakusoku::prelude::*;
use bakusoku::sim::{Simulation, SimulationParams};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The example, which cargo builds before it runs the tests of a package.
fn example(files: &[&Path]) -> Output {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join("examples").join("average");
    assert!(path.is_file(), "`{}` is not built: `cargo test` without `--test` builds it", path.display());
    Command::new(path).args(files).env("BAKUSOKU_NUM_THREADS", "2").output().unwrap()
}

fn recording(folder: &Path, subject: u32) -> PathBuf {
    let params = SimulationParams { duration: 20.0, sfreq: 250.0, subject, eeg: false, ..SimulationParams::default() };
    let path = folder.join(format!("{subject:02}_raw.fif"));
    RawWriter::copy(&path, &Simulation::new(params).unwrap(), RawOptions::default()).unwrap();
    path
}

/// The same average by functions on arrays, all in memory.
fn by_arrays(file: &Path, condition: &str) -> Evoked {
    let raw = Raw::load(&*read_raw(file).unwrap()).unwrap();
    let events = FindEvents::default().run(&raw).unwrap();
    let event_id = vec![("auditory".to_owned(), 1), ("visual".to_owned(), 2)];
    let params = EpochsParams {
        tmin: -0.1,
        tmax: 0.4,
        baseline: Some((None, Some(0.0))),
        event_repeated: EventRepeated::Error,
        ..EpochsParams::default()
    };
    let plan = EpochsPlan::new(raw.stream(), &events, Some(&event_id), None, &params).unwrap();
    let band = FilterParams::new(Some(1.0), Some(40.0));
    let par = Par::serial();
    let filtered = filter_data(&par, raw.data().view(), raw.stream().sfreq(), &band).unwrap();
    average(&epochs_from_array(filtered.view(), &plan, &par).unwrap(), Some(condition)).unwrap()
}

/// Time and size of the largest deflection of a magnetometer.
fn peak(evoked: &Evoked) -> (f64, f64) {
    let mut largest = (0.0, 0.0_f64);
    for ch in Picks::types(&evoked.info, &[ChannelType::Mag], true).iter() {
        for (time, value) in evoked.times().into_iter().zip(evoked.data.row(ch)) {
            if value.abs() > largest.1 {
                largest = (time, value.abs());
            }
        }
    }
    largest
}

#[test]
fn the_example_averages_everybody_whose_file_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let good = [recording(dir.path(), 1), recording(dir.path(), 2)];
    let whole = std::fs::read(&good[0]).unwrap();
    let broken = dir.path().join("03_raw.fif");
    std::fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    let absent = dir.path().join("04_raw.fif");

    let output = example(&[&good[0], &broken, &good[1], &absent]);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{err}");
    let mut lines = out.lines();
    for condition in ["auditory", "visual"] {
        let [a, b] = [&good[0], &good[1]].map(|file| by_arrays(file, condition));
        let (time, size) = peak(&grand_average(&[&a, &b], true).unwrap());
        assert_eq!(
            lines.next().unwrap(),
            format!("{condition}: 2 people, largest at {time:.3} s ({size:.1e} T)"),
            "{out}"
        );
        // The simulated responses come within these times.
        assert!((0.05..0.3).contains(&time), "{time}");
    }
    assert_eq!(lines.next(), None);
    let told: Vec<&str> = err.lines().filter(|line| line.starts_with("left out: ")).collect();
    assert_eq!(told.len(), 2, "{err}");
    assert!(told[0].contains("03_raw.fif") && told[0].contains("at byte"), "{err}");
    assert!(told[1].contains("04_raw.fif") && told[1].contains("No such file"), "{err}");
}

#[test]
fn without_a_recording_it_says_what_is_missing() {
    let output = example(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("expected some recordings"));
}
