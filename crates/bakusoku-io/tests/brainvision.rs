//! BrainVision files in every storage, and what is said where something is wrong with them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use bakusoku_core::containers::Raw;
use bakusoku_core::{ChannelType, Recording};
use bakusoku_io::ChannelRef;
use bakusoku_io::brainvision::{BrainVisionOptions, BrainVisionRaw};
use bakusoku_testing::laws;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const N_TIMES: usize = 2345;
const CHANNELS: [(&str, &str, &str); 5] =
    [("Fp1", "0.5", "µV"), ("a\\1b", "2", "mV"), ("HEOGL", "", "nV"), ("Resp", "1", "ARU"), ("Fz", "0.1", "")];

fn value(ch: usize, time: usize) -> i16 {
    ((time * 37 + ch * 1001) % 20_011) as i16 - 10_005
}

/// Writes a recording in one of the storages; the header's path.
fn write(folder: &Path, orientation: &str, format: &str, more: &str) -> PathBuf {
    let mut header =
        String::from("Brain Vision Data Exchange Header File Version 1.0\n; made for a test\n\n[Common Infos]\n");
    let (data_format, binary) = if format.starts_with("ASCII") { ("ASCII", "") } else { ("BINARY", format) };
    write!(
        header,
        "Codepage=UTF-8\nDataFile=x.eeg\nMarkerFile=x.vmrk\nDataFormat={data_format}\nDataOrientation={orientation}\n\
         NumberOfChannels={}\nSamplingInterval=2000\n{more}\n[Binary Infos]\nBinaryFormat={binary}\n",
        CHANNELS.len()
    )
    .unwrap();
    if let Some(decimal) = format.strip_prefix("ASCII") {
        write!(header, "[ASCII Infos]\nDecimalSymbol={decimal}\nSkipLines=1\nSkipColumns=1\n").unwrap();
    }
    header.push_str("[Channel Infos]\n");
    for (index, (name, resolution, unit)) in CHANNELS.iter().enumerate() {
        writeln!(header, "Ch{}={name},,{resolution},{unit}", index + 1).unwrap();
    }
    header.push_str("[Coordinates]\nCh1=1,-90,-72\nCh2=95,45,90\nCh5=1,0,0\n[Comment]\nfree text\n[no section]\n");
    std::fs::write(folder.join("x.vhdr"), header).unwrap();
    let markers = "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nDataFile=x.eeg\n[Marker Infos]\n\
                   Mk1=New Segment,,1,1,0,20240229120000123456\nMk2=Stimulus,S  1,101,1,0\nMk3=New Segment,,501,1,0\n\
                   Mk4=Comment,one\\1 two,901,25,0\nMk5=Stimulus,S  2,99999,1,0\n[Marker User Infos]\nProp1=x\n";
    std::fs::write(folder.join("x.vmrk"), markers).unwrap();
    std::fs::write(folder.join("x.eeg"), samples(orientation, format)).unwrap();
    folder.join("x.vhdr")
}

fn samples(orientation: &str, format: &str) -> Vec<u8> {
    let order: Vec<(usize, usize)> = match orientation {
        "VECTORIZED" => (0..CHANNELS.len()).flat_map(|ch| (0..N_TIMES).map(move |time| (ch, time))).collect(),
        _ => (0..N_TIMES).flat_map(|time| (0..CHANNELS.len()).map(move |ch| (ch, time))).collect(),
    };
    if let Some(decimal) = format.strip_prefix("ASCII") {
        let last = if orientation == "VECTORIZED" { N_TIMES } else { CHANNELS.len() };
        let mut text = String::from("a line to skip 1 2 3");
        for (index, (ch, time)) in order.into_iter().enumerate() {
            let between = if index % last == 0 { "\r\nname " } else { "  " };
            write!(text, "{between}{}", format!("{:.1}", f64::from(value(ch, time))).replace('.', decimal)).unwrap();
        }
        return text.into_bytes();
    }
    order
        .into_iter()
        .flat_map(|(ch, time)| match format {
            "INT_16" => value(ch, time).to_le_bytes().to_vec(),
            "INT_32" => i32::from(value(ch, time)).to_le_bytes().to_vec(),
            _ => f32::from(value(ch, time)).to_le_bytes().to_vec(),
        })
        .collect()
}

fn open(path: &Path) -> Result<BrainVisionRaw, bakusoku_io::Error> {
    BrainVisionRaw::open(path, &BrainVisionOptions::default())
}

#[test]
fn every_storage_gives_the_same_samples() {
    let folder = tempfile::tempdir().unwrap();
    for orientation in ["MULTIPLEXED", "VECTORIZED"] {
        for format in ["INT_16", "INT_32", "IEEE_FLOAT_32", "ASCII.", "ASCII,"] {
            let raw = open(&write(folder.path(), orientation, format, "")).unwrap();
            let stream = raw.stream();
            assert_eq!((stream.n_times, stream.info.sfreq), (N_TIMES as u64, 500.0), "{orientation} {format}");
            laws::recording(&raw);
            let data = Raw::load(&raw).unwrap();
            for (ch, scale) in [0.5e-6, 2e-3, 1e-9, 1.0, 0.1e-6].into_iter().enumerate() {
                for time in 0..N_TIMES {
                    let expected = f64::from(value(ch, time)) * scale;
                    let got = data.data()[[ch, time]];
                    assert!(
                        (got - expected).abs() <= 1e-15 * expected.abs(),
                        "{orientation} {format} {ch} {time}: {got}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_header_is_understood_as_mne_does() {
    let folder = tempfile::tempdir().unwrap();
    let raw = open(&write(folder.path(), "MULTIPLEXED", "INT_16", "")).unwrap();
    let info = &raw.stream().info;
    let types: Vec<(&str, ChannelType)> = info.chs.iter().map(|ch| (ch.name.as_str(), ch.ch_type())).collect();
    use ChannelType::{Eeg, Eog, Misc};
    assert_eq!(types, [("Fp1", Eeg), ("a,b", Eeg), ("HEOGL", Eog), ("Resp", Misc), ("Fz", Eeg)]);
    assert_eq!(info.meas_date, Some((1_709_208_000, 123_456)));
    assert_eq!((info.highpass, info.lowpass), (0.0, 250.0));
    assert!((info.chs[1].loc[1] - 0.095 * 0.5f64.sqrt()).abs() < 1e-12 && info.chs[2].loc[0].is_nan());
    assert_eq!((info.dig.len(), info.dig[5].r[2]), (6, 0.095));
    let marks: Vec<(f64, f64, &str)> = raw
        .stream()
        .annotations
        .items
        .iter()
        .map(|item| (item.onset, item.duration, item.description.as_str()))
        .collect();
    assert_eq!(marks, [(0.2, 0.002, "Stimulus/S  1"), (1.0, 0.002, "New Segment/"), (1.8, 0.05, "Comment/one, two")]);
    let options = BrainVisionOptions {
        eog: vec![ChannelRef::Index(-1)],
        misc: Some(ChannelRef::names(&["Fp1"])),
        scale: 1e3,
        ignore_marker_types: true,
    };
    let raw = BrainVisionRaw::open(folder.path().join("x.vhdr"), &options).unwrap();
    let types: Vec<ChannelType> = raw.stream().info.chs.iter().map(|ch| ch.ch_type()).collect();
    assert_eq!(types, [Misc, Eeg, Eeg, Eeg, Eog]);
    assert_eq!(raw.stream().info.chs[1].range, 1.0);
    assert_eq!(raw.stream().annotations.items[0].description, "S  1");
}

#[test]
fn renamed_files_are_found_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "MULTIPLEXED", "INT_16", "");
    let at = |name: &str| folder.path().join(name);
    for end in ["vhdr", "vmrk", "eeg"] {
        std::fs::rename(at(&format!("x.{end}")), at(&format!("sub-01_eeg.{end}"))).unwrap();
    }
    let raw = open(&at("sub-01_eeg.vhdr")).unwrap();
    assert_eq!(raw.paths(), [at("sub-01_eeg.vhdr"), at("sub-01_eeg.vmrk"), at("sub-01_eeg.eeg")]);
    assert_eq!(raw.stream().annotations.items.len(), 3);
    // Two that could be it: neither is taken.
    std::fs::copy(at("sub-01_eeg.eeg"), at("sub-01_eeg.dat")).unwrap();
    let error = open(&at("sub-01_eeg.vhdr")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` line 6 names `x.eeg`, which is not there; exactly one of `sub-01_eeg.eeg`, `sub-01_eeg.dat`, \
             `sub-01_eeg.avg`, `sub-01_eeg.seg` would be taken instead",
            at("sub-01_eeg.vhdr").display()
        )
    );
    assert!(error.hint().unwrap().contains("one folder"));
    let header = std::fs::read_to_string(at("sub-01_eeg.vhdr")).unwrap().replace("=x.eeg", "=C:\\rec\\$b.DAT");
    std::fs::write(&path, header).unwrap();
    std::fs::rename(at("sub-01_eeg.dat"), at("X.dat")).unwrap();
    let raw = open(&path).unwrap();
    assert_eq!(raw.paths(), [path, at("X.dat")]);
    assert!(raw.stream().annotations.items.is_empty() && raw.stream().info.meas_date.is_none());
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "MULTIPLEXED", "INT_16", "");
    let header = std::fs::read_to_string(&path).unwrap();
    for (from, to, expected) in [
        (
            "NumberOfChannels=5",
            "NumberOfChannels=6",
            "line 10 has 6, but no line `Ch6=` in the section [Channel Infos]",
        ),
        (
            "NumberOfChannels=5",
            "NumberOfChannels=-1",
            "line 10 has `-1`, expected a number of channels from 1 to 65536",
        ),
        ("SamplingInterval=2000", "SamplingInterval=0", "line 11 has `0`, expected microseconds between two samples"),
        ("SamplingInterval=2000", "", "line 4 has a section [Common Infos] without it, expected `SamplingInterval=`"),
        ("=MULTIPLEXED", "=SIDEWAYS", "line 9 has `SIDEWAYS`, expected `MULTIPLEXED` or `VECTORIZED`"),
        ("=INT_16", "=INT_12", "line 14 has `INT_12`, expected `INT_16`, `INT_32` or `IEEE_FLOAT_32`"),
        (",0.5,", ",half,", "line 16 has `Fp1,,half,µV`, expected `name,reference,resolution,unit`"),
        ("Ch2=a", "Ch1=a", "line 17 has it for the second time, expected `Ch1` once"),
        ("Ch2=a", "Ch0=a", "line 17 has `Ch0`, expected `Ch<number>=`, counted from 1"),
        ("Ch5=1,0,0", "Ch5=1,0", "line 24 has `1,0`, expected `radius,theta,phi`"),
    ] {
        assert!(header.contains(from), "{from}");
        std::fs::write(&path, header.replacen(from, to, 1)).unwrap();
        let error = bakusoku_io::open(&path).err().unwrap().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
    std::fs::write(&path, &header).unwrap();
    std::fs::write(folder.path().join("x.eeg"), [0; 9]).unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("holds 9 bytes, expected 10 bytes or more, one sample of 5 channels"), "{error}");
    write(folder.path(), "VECTORIZED", "INT_16", "DataPoints=2346");
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("expected 2346 samples of 5 channels (23460 bytes)"), "{error}");
    write(folder.path(), "MULTIPLEXED", "ASCII.", "");
    let text = std::fs::read_to_string(folder.path().join("x.eeg")).unwrap();
    std::fs::write(folder.path().join("x.eeg"), text.replacen("\r\nname", "\r\nname 7", 1)).unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("x.eeg` line 2 has 6 numbers, expected 5 samples, one a channel"), "{error}");
    std::fs::write(folder.path().join("x.eeg"), text.replacen("-10005.0", "abc", 1)).unwrap();
    let error = Raw::load(&open(&path).unwrap()).unwrap_err();
    let error = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.contains("x.eeg` byte 27 has `abc`, expected a number"), "{error}");
    let error = bakusoku_io::open(folder.path().join("x.vmrk")).err().unwrap().to_string();
    assert!(error.contains("marker file of a BrainVision recording, whose header (.vhdr) is to be opened"), "{error}");
    let markers = std::fs::read_to_string(folder.path().join("x.vmrk")).unwrap();
    std::fs::write(folder.path().join("x.vmrk"), markers.replace(",101,", ",1o1,")).unwrap();
    let error = open(&write_header(folder.path(), &header)).unwrap_err().to_string();
    assert!(
        error.contains("x.vmrk` line 6 has `Stimulus,S  1,1o1,1,0`, expected `type,description,position"),
        "{error}"
    );
}

fn write_header(folder: &Path, header: &str) -> PathBuf {
    std::fs::write(folder.join("x.vhdr"), header).unwrap();
    folder.join("x.vhdr")
}
