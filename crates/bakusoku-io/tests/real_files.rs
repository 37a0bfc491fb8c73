//! Every FIFF file of the test data goes through: read, written, read again.

// A test: it fails by panicking, says on the terminal what it skips, and reads as several threads do.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr)]

use bakusoku_core::containers::Raw;
use bakusoku_core::{Info, Picks, Recording};
use bakusoku_fiff::FileId;
use bakusoku_io::fif::{self, FifRaw, RawFormat, RawOptions, RawWriter};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// The folder of test data; `None` (with a message) when it is not there.
fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = std::env::var_os("BAKUSOKU_TEST_DATA").map_or_else(|| root.join("../shared/data"), |dir| root.join(dir));
    if !dir.is_dir() {
        eprintln!("skipped: no test data at `{}`; set BAKUSOKU_TEST_DATA", dir.display());
        return None;
    }
    Some(dir)
}

fn raw_files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for folder in ["fif", "sss"] {
        for entry in std::fs::read_dir(dir.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with("raw.fif") || name.ends_with("raw_sss.fif") {
                out.push(path);
            }
        }
    }
    out.sort();
    assert!(out.len() >= 8, "{out:?}");
    out
}

/// The info that is expected after writing: ranges are one, channels are numbered.
fn expected(info: &Info, float: bool) -> Info {
    let mut info = info.clone();
    for k in 0..info.chs.len() {
        info.chs[k].scanno = k as i32 + 1;
    }
    if float {
        let ranges: Vec<f64> = info.chs.iter().map(|ch| ch.range).collect();
        assert!(info.comps.is_empty() || ranges.iter().all(|&r| r == 1.0));
        info.chs.iter_mut().for_each(|ch| ch.range = 1.0);
    }
    info.blocks.sort_by_key(|block| block.kind);
    info
}

/// Compared as text: positions that are not known are NaN.
fn same(a: &Info, b: &Info, path: &Path) {
    let (a, b) = (format!("{a:?}"), format!("{b:?}"));
    let at = a.bytes().zip(b.bytes()).position(|(x, y)| x != y);
    let near = |text: &str, at: usize| text.chars().skip(at.saturating_sub(60)).take(160).collect::<String>();
    assert!(a == b, "{}:\n{}\n{}", path.display(), near(&a, at.unwrap_or(0)), near(&b, at.unwrap_or(0)));
}

fn sorted(info: &Info) -> Info {
    let mut info = info.clone();
    info.blocks.sort_by_key(|block| block.kind);
    info
}

#[test]
fn every_raw_file_is_read_written_and_read_as_the_same() {
    let Some(dir) = data() else { return };
    let temp = tempfile::tempdir().unwrap();
    for path in raw_files(&dir) {
        let raw = FifRaw::open(&path).unwrap();
        let original = Raw::load(&raw).unwrap();
        for fmt in [RawFormat::Double, RawFormat::Single] {
            let out = temp.path().join("out_raw.fif");
            RawWriter::copy(&out, &raw, RawOptions { fmt, ..RawOptions::default() }).unwrap();
            let again = FifRaw::open(&out).unwrap();
            let (a, b) = (raw.stream(), again.stream());
            same(&sorted(&b.info), &expected(&a.info, true), &path);
            assert_eq!((a.first_samp, a.n_times, &a.gaps), (b.first_samp, b.n_times, &b.gaps), "{}", path.display());
            assert_eq!(a.annotations, b.annotations);
            let data = Raw::load(&again).unwrap();
            if fmt == RawFormat::Double || raw.format() != RawFormat::Int {
                // Integers of 16 bits and numbers of 32 bits have their place in either.
                assert!(data.data() == original.data(), "{} {fmt:?}", path.display());
            }
            let bytes = std::fs::read(&out).unwrap();
            RawWriter::copy(&out, &again, RawOptions { fmt, ..RawOptions::default() }).unwrap();
            assert!(
                std::fs::read(&out).unwrap() == bytes,
                "writing what was written changes bytes: {}",
                path.display()
            );
        }
        for fmt in [None, Some(RawFormat::Single), Some(RawFormat::Double)] {
            let out = temp.path().join("converted_raw.fif");
            fif::convert(&path, &out, fmt).unwrap();
            let again = FifRaw::open(&out).unwrap();
            same(&again.stream().info, &raw.stream().info, &path);
            assert!(Raw::load(&again).unwrap().data() == original.data(), "{}", path.display());
        }
    }
}

#[test]
fn pieces_are_as_the_whole_for_any_picks_and_threads() {
    let Some(dir) = data() else { return };
    for path in raw_files(&dir) {
        let raw = FifRaw::open(&path).unwrap();
        let whole = Raw::load(&raw).unwrap();
        let n = raw.stream().n_channels();
        let picks = Picks::new((0..n).rev().step_by(3).collect(), n).unwrap();
        let n_times = raw.stream().n_times;
        std::thread::scope(|scope| {
            for (start, stop) in
                [(0, 1), (n_times / 3, n_times / 3 + 77), (n_times - 5, n_times), (7, n_times - 1), (5, 5)]
            {
                let (raw, picks, whole) = (&raw, &picks, &whole);
                scope.spawn(move || {
                    let mut out = Array2::from_elem((picks.len(), (stop - start) as usize), f64::NAN);
                    raw.read(start..stop, picks, out.view_mut()).unwrap();
                    for (row, pick) in out.outer_iter().zip(picks.iter()) {
                        assert_eq!(row, whole.data().slice(ndarray::s![pick, start as usize..stop as usize]));
                    }
                });
            }
        });
    }
}

#[test]
fn every_other_file_is_read_written_and_read_as_the_same() {
    let Some(dir) = data() else { return };
    let dir = dir.join("fif");
    let temp = tempfile::tempdir().unwrap();
    let id = FileId::from_key(b"key");
    let out = |name: &str| temp.path().join(name);

    let evoked = fif::read_evoked(&dir.join("test-ave.fif.gz")).unwrap();
    fif::write_evoked(&out("x-ave.fif"), &evoked, id).unwrap();
    let again = fif::read_evoked(&out("x-ave.fif")).unwrap();
    assert_eq!(evoked.len(), again.len());
    for (a, b) in evoked.iter().zip(&again) {
        assert_eq!((&a.comment, a.nave, a.first, a.baseline), (&b.comment, b.nave, b.first, b.baseline));
        let largest = a.data.iter().zip(&b.data).map(|(x, y)| (x - y).abs() / x.abs().max(1e-300)).fold(0.0, f64::max);
        assert!(largest <= f64::from(f32::EPSILON), "{largest}");
    }

    let cov = fif::read_covariance(&dir.join("sample_audvis-cov.fif")).unwrap();
    fif::write_covariance(&out("x-cov.fif.gz"), &cov, id).unwrap();
    let again = fif::read_covariance(&out("x-cov.fif.gz")).unwrap();
    assert_eq!((&cov.names, &cov.bads, &cov.projs, cov.nfree), (&again.names, &again.bads, &again.projs, again.nfree));
    assert_eq!(cov.data, again.data);

    let events = fif::read_events(&dir.join("test-eve.fif")).unwrap();
    assert!(!events.is_empty());
    fif::write_events(&out("x-eve.fif"), &events, id).unwrap();
    assert_eq!(fif::read_events(&out("x-eve.fif")).unwrap(), events);

    for name in ["test-proj.fif.gz", "sample_audvis_ecg-proj.fif", "sample_audvis_eog-proj.fif"] {
        let projs = fif::read_projections(&dir.join(name)).unwrap();
        assert!(!projs.is_empty());
        fif::write_projections(&out("x-proj.fif"), &projs, id).unwrap();
        assert_eq!(fif::read_projections(&out("x-proj.fif")).unwrap(), projs);
    }
}

#[test]
fn the_cross_talk_matrix_is_sparse_and_close_to_the_identity() {
    use bakusoku_fiff::constants::{FIFF_DECOUPLER_MATRIX, FIFFB_CHANNEL_DECOUPLER};
    let Some(dir) = data() else { return };
    let fiff = fif::open_fiff(&dir.join("sss/ct_sparse.fif")).unwrap();
    let node = fiff.root().find(FIFFB_CHANNEL_DECOUPLER).unwrap();
    let matrix = fiff.need(node, FIFF_DECOUPLER_MATRIX, |tag| tag.matrix()?.into_2d()).unwrap();
    assert_eq!(matrix.dim(), (306, 306));
    for k in 0..306 {
        assert!((matrix[[k, k]] - 1.0).abs() < 0.05, "{k}: {}", matrix[[k, k]]);
    }
}
