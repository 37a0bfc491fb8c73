//! Fine calibration, cross-talk and head positions: real files, round trips, and what is no such file.

// A test: it fails by panicking, and says on the terminal what it skips.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr)]

use bakusoku_core::{CrossTalk, FineCalibration, HeadPosition, HeadPositions, SensorCalibration};
use bakusoku_fiff::FileId;
use bakusoku_io::maxfilter::*;
use ndarray::Array2;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// The folder of test data; `None` (with a message) when it is not there.
fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = std::env::var_os("BAKUSOKU_TEST_DATA").map_or_else(|| root.join("../shared/data"), |dir| root.join(dir));
    if !dir.is_dir() {
        eprintln!("skipped: no test data at `{}`; set BAKUSOKU_TEST_DATA", dir.display());
        return None;
    }
    Some(dir.join("sss"))
}

#[test]
fn real_files_are_read_written_and_read_as_the_same() {
    let Some(dir) = data() else { return };
    let temp = tempfile::tempdir().unwrap();
    for (name, n_imbalance) in [("sss_cal_3053.dat", 1), ("sss_cal_3053_3d.dat", 3)] {
        let calibration = read_fine_calibration(dir.join(name)).unwrap();
        assert_eq!(calibration.sensors.len(), 306);
        assert_eq!(calibration.sensors[0].name, "MEG0113");
        assert_eq!(calibration.sensors[0].imbalance.len(), n_imbalance);
        assert_eq!(calibration.sensors[2].imbalance.len(), 1);
        assert_eq!(calibration.sensors[0].loc[..3], [-0.1066, 0.0464, -0.0604]);
        let out = temp.path().join(name);
        write_fine_calibration(&out, &calibration).unwrap();
        assert_eq!(read_fine_calibration(&out).unwrap(), calibration);
    }
    let cross_talk = read_cross_talk(dir.join("ct_sparse.fif")).unwrap();
    assert_eq!(cross_talk.decoupler.dim(), (306, 306));
    assert_eq!(cross_talk.ch_names[305], "MEG2641");
    assert_eq!(cross_talk.creator.as_deref(), Some("create_ct_matrix 1.0"));
    assert_eq!(cross_talk.date, Some((967_766_400, 0)));
    assert!((0..306).all(|k| (cross_talk.decoupler[[k, k]] - 1.0).abs() < 0.05));
    let out = temp.path().join("ct.fif");
    write_cross_talk(&out, &cross_talk, FileId::CONSTANT).unwrap();
    assert_eq!(read_cross_talk(&out).unwrap(), cross_talk);

    let positions = read_head_pos(dir.join("test_move_anon_raw.pos")).unwrap();
    assert_eq!(
        positions.items[0].to_row(),
        [9.0, 0.0735, 0.01097, 0.04017, 0.00752, -0.01957, 0.07441, 0.99957, 0.00133, 0.00183]
    );
    let out = temp.path().join("x.pos");
    write_head_pos(&out, &positions).unwrap();
    assert_eq!(read_head_pos(&out).unwrap(), positions);
}

/// What a reader says of a file with this content.
fn complaint<T: std::fmt::Debug>(content: &[u8], read: impl Fn(&Path) -> bakusoku_io::Result<T>) -> String {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("file");
    std::fs::write(&path, content).unwrap();
    read(&path).unwrap_err().to_string()
}

#[test]
fn what_is_no_calibration_is_refused_with_its_line() {
    let good = format!("113 {}\n", ["0.5"; 13].join(" "));
    let cases: Vec<(Vec<u8>, [&str; 2])> = vec![
        (Vec::new(), ["not a byte", "fine calibration"]),
        (b"# nothing\n\n   \n".to_vec(), ["no line", "a line a sensor"]),
        (format!("{good}112 1 2 3\n").into_bytes(), ["line 2", "14 or 16 entries"]),
        (format!("# x\n{}", good.replace("0.5\n", "half\n")).into_bytes(), ["line 2", "`half`"]),
        (good.replacen("0.5", "nan", 1).into_bytes(), ["line 1", "`nan`"]),
        (format!("{good}{good}").into_bytes(), ["line 2", "`MEG0113`, which line 1 has"]),
        ([good.as_bytes(), b"\xff\xfe"].concat(), ["line 2", "0xff at byte 56"]),
    ];
    for (content, parts) in cases {
        let message = complaint(&content, |path| read_fine_calibration(path));
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    let message = read_fine_calibration("/nonexistent/x.dat").unwrap_err().to_string();
    assert!(message.contains("/nonexistent/x.dat"), "{message}");
}

#[test]
fn what_is_no_position_is_refused_with_its_line() {
    let row = "1 0 0 0 0 0 0.05 1 0 0\n";
    for (content, parts) in [
        (String::new(), ["not a byte", "head positions"]),
        (format!("Time\n{row}2 0 0\n"), ["line 3", "10 numbers"]),
        (format!("Time\n{}", row.replace("0.05", "x")), ["line 2", "`x`"]),
        (format!("Time\n{}", row.replace("0.05", "inf")), ["line 2", "`inf`"]),
    ] {
        let message = complaint(content.as_bytes(), |path| read_head_pos(path));
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    // Without a heading the first position counts.
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.pos");
    std::fs::write(&path, row).unwrap();
    assert_eq!(read_head_pos(&path).unwrap().items.len(), 1);
    std::fs::write(&path, "Time\n").unwrap();
    assert!(read_head_pos(&path).unwrap().items.is_empty());
}

#[test]
fn what_is_no_cross_talk_is_refused() {
    assert!(complaint(b"abc", |path| read_cross_talk(path)).contains("not a FIFF file"));
    let Some(dir) = data() else { return };
    let message = read_cross_talk(dir.join("test_move_anon_erm_devOrigin_raw_sss.fif")).unwrap_err().to_string();
    assert!(message.contains("expected a cross-talk matrix"), "{message}");
    // Every byte cut off, and many bytes changed: an error or a matrix, never a panic.
    let bytes = std::fs::read(dir.join("ct_sparse.fif")).unwrap();
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("cut.fif");
    for k in 0..200 {
        std::fs::write(&path, &bytes[..bytes.len() * k / 200]).unwrap();
        assert!(read_cross_talk(&path).is_err());
        let mut changed = bytes.clone();
        changed[bytes.len() * k / 200] ^= 0x40;
        std::fs::write(&path, &changed).unwrap();
        _ = read_cross_talk(&path);
    }
}

#[test]
fn a_matrix_without_channels_is_not_written() {
    let temp = tempfile::tempdir().unwrap();
    let cross_talk =
        CrossTalk { ch_names: vec!["a".into()], decoupler: Array2::zeros((2, 2)), creator: None, date: None };
    let path = temp.path().join("x.fif");
    let message = write_cross_talk(&path, &cross_talk, FileId::CONSTANT).unwrap_err().to_string();
    assert!(message.contains("1 channels") && !path.exists(), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_an_error_or_a_result(content in proptest::collection::vec(any::<u8>(), 0..400)) {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("file");
        std::fs::write(&path, &content).unwrap();
        _ = read_fine_calibration(&path);
        _ = read_head_pos(&path);
        prop_assert!(read_cross_talk(&path).is_err());
    }

    #[test]
    fn any_calibration_and_positions_come_back(values in proptest::collection::vec(-1_000_000i32..1_000_000, 13 * 3), rows in proptest::collection::vec(-100_000i32..100_000, 20)) {
        let temp = tempfile::tempdir().unwrap();
        let sensors = values.chunks(13).enumerate().map(|(k, values)| SensorCalibration {
            name: format!("MEG{:04}", 111 + k),
            loc: std::array::from_fn(|i| f64::from(values[i]) / 1e6),
            imbalance: vec![f64::from(values[12]) / 1e6],
        });
        let calibration = FineCalibration { sensors: sensors.collect() };
        let path = temp.path().join("x.dat");
        write_fine_calibration(&path, &calibration).unwrap();
        prop_assert_eq!(read_fine_calibration(&path).unwrap(), calibration);
        let items = rows.chunks(10).map(|row| {
            HeadPosition::from_row(std::array::from_fn(|i| if i == 0 { f64::from(row[i]) / 1e3 } else { f64::from(row[i]) / 1e5 }))
        });
        let positions = HeadPositions { items: items.collect() };
        let path = temp.path().join("x.pos");
        write_head_pos(&path, &positions).unwrap();
        prop_assert_eq!(read_head_pos(&path).unwrap(), positions);
    }
}
