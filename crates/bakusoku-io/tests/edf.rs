//! EDF and BDF files of every kind, and what is said where something is wrong with them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use bakusoku_core::containers::Raw;
use bakusoku_core::{ChannelType, Picks, Recording, Span};
use bakusoku_io::ChannelRef;
use bakusoku_io::edf::{EdfOptions, EdfRaw, StimChannel, Units, labels};
use bakusoku_testing::laws;
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// A file to be written.
struct Spec {
    bdf: bool,
    kind: &'static str,
    n_records: usize,
    listed: i64,
    /// Label, unit, samples in a record.
    signals: Vec<(&'static str, &'static str, usize)>,
    /// The lists of each annotation signal by record.
    tals: fn(usize, usize) -> Vec<u8>,
}

const LENGTH: usize = 40;

impl Default for Spec {
    fn default() -> Self {
        let signals = vec![("EEG Fp1", "uV", 50), ("EOG left", "mV", 50), ("Fp1", "uV", 50)];
        Self { bdf: false, kind: "", n_records: 7, listed: 7, signals, tals: |_, _| Vec::new() }
    }
}

fn number(signal: usize, at: usize) -> i32 {
    ((at * 37 + signal * 1001) % 3001) as i32 - 1500
}

impl Spec {
    fn bytes(&self) -> Vec<u8> {
        let n = self.signals.len();
        let mut out = if self.bdf { b"\xffBIOSEMI".to_vec() } else { b"0       ".to_vec() };
        let mut put = |text: &str, len: usize| out.extend(format!("{text:<len$}").into_bytes());
        put("S1 F 02-AUG-1951 Ada_Mustermann hand=2", 80);
        put("Startdate 29-FEB-2024 X X X", 80);
        put("01.01.24", 8);
        put("12.30.15", 8);
        put(&(256 * (n + 1)).to_string(), 8);
        put(self.kind, 44);
        put(&self.listed.to_string(), 8);
        put("0.5", 8);
        put(&n.to_string(), 4);
        let is_tal = |label: &str| label.ends_with("Annotations");
        self.signals.iter().for_each(|s| put(s.0, 16));
        self.signals.iter().for_each(|_| put("electrode", 80));
        self.signals.iter().for_each(|s| put(s.1, 8));
        self.signals.iter().for_each(|s| put(if is_tal(s.0) { "-1" } else { "-3000" }, 8));
        self.signals.iter().for_each(|s| put(if is_tal(s.0) { "1" } else { "3000,0" }, 8));
        self.signals.iter().for_each(|_| put("-1500", 8));
        self.signals.iter().for_each(|_| put("1500", 8));
        self.signals.iter().for_each(|s| put(if is_tal(s.0) { "" } else { "HP:0.1Hz LP:30Hz" }, 80));
        self.signals.iter().for_each(|s| put(&s.2.to_string(), 8));
        self.signals.iter().for_each(|_| put("", 32));
        let width = if self.bdf { 3 } else { 2 };
        for record in 0..self.n_records {
            for (signal, &(label, _, samples)) in self.signals.iter().enumerate() {
                if is_tal(label) {
                    let mut tal = (self.tals)(record, signal);
                    tal.resize(samples * width, 0);
                    out.extend(tal);
                    continue;
                }
                for k in 0..samples {
                    out.extend(&number(signal, record * samples + k).to_le_bytes()[..width]);
                }
            }
        }
        out
    }
    fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join(if self.bdf { "x.bdf" } else { "x.edf" });
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

fn open(path: &Path) -> EdfRaw {
    EdfRaw::open(path, &EdfOptions::default()).unwrap()
}

fn tals(record: usize, _signal: usize) -> Vec<u8> {
    let mut out = format!("+{:.2}\x14\x14\0", 0.25 + record as f64 * 0.5).into_bytes();
    if record == 2 {
        out.extend(b"+1.5\x150.125\x14Bl\xc3\xbcte@@EOG left\x14\0");
    }
    out
}

#[test]
fn samples_are_those_that_were_written() {
    let folder = tempfile::tempdir().unwrap();
    for bdf in [false, true] {
        for listed in [7, -1, 9] {
            let raw = open(&Spec { bdf, listed, ..Spec::default() }.write(folder.path()));
            laws::recording(&raw);
            let info = &raw.stream().info;
            assert_eq!((raw.stream().n_times, info.sfreq), (350, 100.0));
            assert_eq!(info.ch_names().collect::<Vec<_>>(), ["EEG Fp1", "EOG left", "Fp1"]);
            assert_eq!((info.highpass, info.lowpass, info.meas_date), (0.1, 30.0, Some((1_709_209_815, 0))));
            let data = Raw::load(&raw).unwrap();
            for (ch, gain) in [1e-6, 1e-3, 1e-6].into_iter().enumerate() {
                for time in 0..350 {
                    assert_eq!(data.data()[[ch, time]], f64::from(number(ch, time)) * 2.0 * gain);
                }
            }
        }
    }
    // A recording that was cut in a record: whole ones are read.
    let bytes = Spec::default().bytes();
    let path = folder.path().join("cut.edf");
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(open(&path).stream().n_times, 300);
}

#[test]
fn options_choose_channels_types_and_units() {
    let folder = tempfile::tempdir().unwrap();
    let signals = vec![("EEG Fp1", "", 50), ("EOG left", "mV", 50), ("Fp1", "uV", 50), ("STATUS", "", 50)];
    let path = Spec { bdf: true, signals, ..Spec::default() }.write(folder.path());
    let with = |options: &EdfOptions| EdfRaw::open(&path, options).unwrap();
    let names = |raw: &EdfRaw| raw.stream().info.ch_names().map(str::to_owned).collect::<Vec<_>>();
    let types = |raw: &EdfRaw| raw.stream().info.chs.iter().map(|ch| ch.ch_type()).collect::<Vec<_>>();
    use ChannelType::{Eeg, Eog, Misc, Stim};
    let raw = with(&EdfOptions::default());
    assert_eq!(types(&raw), [Eeg, Eeg, Eeg, Stim]);
    let data = Raw::load(&raw).unwrap();
    let code = |time| f64::from(number(3, time) & 0x1ffff);
    assert!((0..350).all(|time| data.data()[[3, time]] == code(time)), "codes are neither scaled nor negative");
    assert_eq!(data.data()[[0, 0]], f64::from(number(0, 0)) * 2.0);
    let inferred = EdfOptions { infer_types: true, ..EdfOptions::default() };
    assert_eq!(labels(&path, &inferred).unwrap(), ["Fp1", "left", "Fp1", "STATUS"]);
    let raw = with(&inferred);
    assert_eq!(
        (names(&raw), types(&raw)),
        (vec!["Fp1-0".into(), "left".into(), "Fp1-1".into(), "STATUS".into()], vec![Eeg, Eog, Eeg, Stim])
    );
    let raw = with(&EdfOptions { exclude: vec!["Fp1".into()], ..inferred.clone() });
    assert_eq!(names(&raw), ["left", "STATUS"]);
    let raw = with(&EdfOptions { exclude: vec!["Fp1-1".into()], exclude_after_unique: true, ..inferred.clone() });
    assert_eq!(names(&raw), ["Fp1-0", "left", "STATUS"]);
    let raw = with(&EdfOptions { include: vec!["STATUS".into()], stim_channel: StimChannel::None, ..inferred });
    assert_eq!((names(&raw), types(&raw)), (vec!["STATUS".into()], vec![Eeg]));
    let raw = with(&EdfOptions {
        eog: ChannelRef::names(&["Fp1"]),
        misc: vec![ChannelRef::Index(-1)],
        stim_channel: StimChannel::These(ChannelRef::names(&["eog LEFT"])),
        units: Units::All("uV".into()),
        include: vec!["EEG Fp1".into(), "Fp1".into(), "STATUS".into()],
        ..EdfOptions::default()
    });
    assert_eq!(types(&raw), [Eeg, Eog, Eeg], "places count all signals of the file, as in MNE");
    assert!((Raw::load(&raw).unwrap().data()[[0, 0]] - f64::from(number(0, 0)) * 2e-6).abs() < 1e-15);
    let error =
        EdfRaw::open(&path, &EdfOptions { units: Units::All("uV".into()), ..EdfOptions::default() }).unwrap_err();
    assert_eq!(error.to_string(), "`units` must be `mV` for channel `EOG left`, as the file says, got `uV`");
    let raw = with(&EdfOptions { misc: vec![ChannelRef::Index(2)], ..EdfOptions::default() });
    assert_eq!(types(&raw), [Eeg, Eeg, Misc, Stim]);
    let none = EdfRaw::open(&path, &EdfOptions { include: vec!["Oz".into()], ..EdfOptions::default() }).unwrap_err();
    assert!(none.to_string().contains("without any of the channels that were chosen"), "{none}");
}

#[test]
fn annotations_count_from_the_first_record() {
    let folder = tempfile::tempdir().unwrap();
    let signals =
        vec![("EOG left", "uV", 50), ("EDF Annotations", "", 30), ("Fp1", "uV", 50), ("EDF Annotations", "", 30)];
    let raw = open(&Spec { kind: "EDF+C", signals, tals, ..Spec::default() }.write(folder.path()));
    laws::recording(&raw);
    assert_eq!(raw.stream().info.meas_date, Some((1_709_209_815, 250_000)));
    let [one] = &raw.stream().annotations.items[..] else { panic!("{:?}", raw.stream().annotations) };
    assert_eq!((one.onset, one.duration, one.description.as_str()), (1.25, 0.125, "Blüte"));
    assert_eq!(one.ch_names, ["EOG left", "EOG left"]);
    assert_eq!(Raw::load(&raw).unwrap().data()[[1, 349]], f64::from(number(2, 349)) * 2.0 * 1e-6);
}

#[test]
fn records_that_do_not_follow_each_other_leave_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let signals = vec![("Fp1", "uV", 50), ("slow", "uV", 10), ("Trigger", "", 10), ("BDF Annotations", "", 30)];
    let late: fn(usize, usize) -> Vec<u8> =
        |record, _| format!("+{}\x14\x14\0", record as f64 * 0.5 + if record > 2 { 1.03 } else { 0.0 }).into_bytes();
    let spec = Spec { bdf: true, kind: "BDF+D", signals: signals.clone(), tals: late, ..Spec::default() };
    let raw = open(&spec.write(folder.path()));
    laws::recording(&raw);
    assert_eq!((raw.stream().n_times, &raw.stream().gaps[..]), (453, &[Span::new(150, 253)][..]));
    let item = &raw.stream().annotations.items[0];
    assert_eq!((item.onset, item.duration, item.description.as_str()), (1.5, 1.03, "BAD_ACQ_SKIP"));
    let data = Raw::load(&raw).unwrap();
    assert_eq!(data.data()[[0, 253]], f64::from(number(0, 150)) * 2.0 * 1e-6);
    assert!(data.data().slice(ndarray::s![.., 150..253]).iter().all(|&x| x == 0.0));
    assert_eq!(data.data()[[2, 9]], f64::from(number(2, 1) & 0x1ffff));
    assert_eq!(data.data()[[2, 10]], f64::from(number(2, 2) & 0x1ffff));
    let back: fn(usize, usize) -> Vec<u8> = |record, _| format!("+{}\x14\x14\0", 5 - record).into_bytes();
    let path = Spec { bdf: true, kind: "BDF+D", signals, tals: back, ..Spec::default() }.write(folder.path());
    let error = EdfRaw::open(path, &EdfOptions::default()).unwrap_err().to_string();
    assert!(
        error.ends_with("has one that starts at 4 s, expected a record that starts at 5.500000 s or later"),
        "{error}"
    );
}

#[test]
fn slower_channels_have_the_rate_of_the_fastest_one() {
    let folder = tempfile::tempdir().unwrap();
    let signals = vec![("fast", "uV", 50), ("slow", "uV", 10)];
    let path = Spec { signals, n_records: LENGTH, listed: LENGTH as i64, ..Spec::default() }.write(folder.path());
    // A slow wave in place of the slower channel.
    let mut bytes = std::fs::read(&path).unwrap();
    let wave = |t: f64| 1000.0 * (t * std::f64::consts::TAU * 3.0 / (LENGTH as f64 * 0.5)).sin();
    for record in 0..LENGTH {
        for k in 0..10 {
            let at = 256 * 3 + record * 120 + 100 + k * 2;
            let value = wave((record * 10 + k) as f64 / 20.0).round() as i16;
            bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let raw = open(&path);
    laws::recording(&raw);
    let data = Raw::load(&raw).unwrap();
    for time in 0..LENGTH * 50 {
        let expected = wave(time as f64 / 100.0) * 2e-6;
        assert!((data.data()[[1, time]] - expected).abs() < 2e-6, "{time}");
    }
    let alone = EdfRaw::open(&path, &EdfOptions { exclude: vec!["fast".into()], ..EdfOptions::default() }).unwrap();
    assert_eq!((alone.stream().info.sfreq, alone.stream().n_times), (20.0, 10 * LENGTH as u64));
}

#[test]
fn long_records_are_read_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let signals = vec![("a", "uV", 300_000), ("b", "uV", 300_000), ("c", "uV", 300_000)];
    let path = Spec { bdf: true, signals, n_records: 2, ..Spec::default() }.write(folder.path());
    let raw = open(&path);
    let mut out = Array2::zeros((2, 400_000));
    raw.read(100_000..500_000, &Picks::new(vec![2, 0], 3).unwrap(), out.view_mut()).unwrap();
    for time in (0..400_000).step_by(777) {
        assert_eq!(out[[0, time]], f64::from(number(2, time + 100_000)) * 2.0 * 1e-6);
        assert_eq!(out[[1, time]], f64::from(number(0, time + 100_000)) * 2.0 * 1e-6);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_byte() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = Spec::default().bytes();
    let path = folder.path().join("x.edf");
    for (at, text, expected) in [
        (184, "1000    ", "byte 184 has `1000`, expected 1024, the bytes of a header of 3 signals"),
        (244, "abc     ", "byte 244 has `abc`, expected the seconds of a record, 0 or more"),
        (244, "-1      ", "byte 244 has `-1`, expected the seconds of a record, 0 or more"),
        (252, "0   ", "byte 252 has `0`, expected a number of signals above 0"),
        (252, "99\x01 ", "byte 252 has `99.`, expected a number of signals above 0"),
        (256 + 104 * 3 + 8, "low     ", "byte 576 has `low`, expected a number"),
        (256 + 120 * 3 + 8, "nan     ", "byte 624 has `nan`, expected a number"),
        (256 + 216 * 3 + 16, "0       ", "byte 920 has `0`, expected a number of samples in a record above 0"),
        (256 + 216 * 3 + 16, "99999999", "x.edf` holds 3124 bytes, expected one record of 200000198 bytes or more"),
    ] {
        let mut broken = bytes.clone();
        broken[at..at + text.len()].copy_from_slice(text.as_bytes());
        std::fs::write(&path, &broken).unwrap();
        let error = bakusoku_io::open(&path).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
    std::fs::write(&path, &bytes[..300]).unwrap();
    let error = bakusoku_io::open(&path).err().unwrap().to_string();
    assert!(error.contains("holds 300 bytes, expected a header of 1024 bytes"), "{error}");
    let signals = vec![("EDF Annotations", "", 30)];
    let error =
        bakusoku_io::open(Spec { kind: "EDF+C", signals, ..Spec::default() }.write(folder.path())).err().unwrap();
    assert!(error.to_string().ends_with("is annotations without signals, not a recording"), "{error}");
}
