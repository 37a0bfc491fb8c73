//! Numbers that a study gives are those of `tests/revisions.txt`, unless a step has a new revision: else results on
//! people's disks would count as up to date though they would come out differently now.
//!
//! After a change that is meant: raise the step's `revision`, then `BAKUSOKU_BLESS=1 cargo test --release --test revisions`.
#![allow(clippy::unwrap_used)]

use bakusoku_bids::{DataType, Entities, layout};
use bakusoku_core::{ChannelType, Picks, Recording};
use bakusoku_io::fif::{self, RawOptions, RawWriter};
use bakusoku_sim::{EVENT_ID, Simulation, SimulationParams, TASK};
use bakusoku_study::{RunOptions, Study, steps};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const STUDIES: &[(&str, &str)] = &[
    (
        "eeg",
        "ch_types = [\"eeg\"]\nnotch_freq = [50]\nl_freq = 0.5\nraw_resample_sfreq = 150\ninterpolate_bads = true\n\
         reject = { eeg = 4e-4 }\nnoise_cov_method = \"shrunk\"\ncontrasts = [[\"auditory\", \"visual\"]]\nepochs_decim = 2\n",
    ),
    (
        "meg",
        "ch_types = [\"meg\"]\nfind_noisy_channels_meg = true\nfind_flat_channels_meg = true\nuse_maxwell_filter = true\n\
         mf_st_duration = 5\nmf_cal_missing = \"ignore\"\nmf_ctc_missing = \"ignore\"\nnoise_cov_method = \"ledoit_wolf\"\n",
    ),
];

/// What is the same as long as the numbers are: a sum with weights, and one of squares, six digits of each.
fn print(values: impl Iterator<Item = f64>) -> String {
    let (mut sum, mut squares) = (0.0, 0.0);
    for (i, x) in values.enumerate() {
        sum += x * (i % 101) as f64;
        squares += x * x;
    }
    format!("{sum:.5e} {squares:.5e}")
}

fn of_file(path: &Path, types: &[ChannelType]) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    Some(if name.ends_with("_raw.fif") {
        let raw = bakusoku_io::open_recording(path).unwrap().recording;
        let stream = raw.stream();
        let picks = Picks::types(&stream.info, types, false);
        let mut data = ndarray::Array2::zeros((picks.len(), stream.n_times as usize));
        raw.read(0..stream.n_times, &picks, data.view_mut()).unwrap();
        print(data.into_iter())
    } else if name.ends_with("_ave.fif") {
        print(fif::read_evoked(path).unwrap().into_iter().flat_map(|evoked| evoked.data.into_iter()))
    } else if name.ends_with("_cov.fif") {
        print(fif::read_covariance(path).unwrap().data.into_iter())
    } else if name.ends_with("_epo.fif") {
        let epochs = fif::read_epochs(path).unwrap();
        let picks = Picks::types(&epochs.info, types, false);
        print(epochs.data.select(ndarray::Axis(1), picks.as_slice()).into_iter())
    } else if name.ends_with("_bads.tsv") {
        fs_err::read_to_string(path).unwrap().lines().skip(1).collect::<Vec<_>>().join(", ")
    } else {
        return None;
    })
}

fn files(folder: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
    out.sort();
}

#[test]
fn other_numbers_have_another_revision() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for subject in [1, 2] {
        let mut entities = Entities::unit(&format!("{subject:02}"), None);
        entities.task = Some(TASK.into());
        let params = SimulationParams { duration: 20.0, sfreq: 300.0, subject, ..SimulationParams::default() };
        let recording = Simulation::new(params).unwrap();
        let path = layout::recording_path(root, &entities, DataType::Meg);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        RawWriter::copy(&path, &recording, RawOptions::default()).unwrap();
        let names = EVENT_ID.map(|(name, code)| (name.to_owned(), code));
        let events = recording.events();
        layout::write_sidecars(root, &entities, DataType::Meg, recording.stream(), Some((&events, &names))).unwrap();
    }
    layout::write_dataset(root, "Simulated", "Simulated.\n", &[]).unwrap();
    let mut got: BTreeMap<String, String> = BTreeMap::new();
    for (name, keys) in STUDIES {
        let path = root.join(format!("{name}.toml"));
        let text = format!(
            "bids_root = \".\"\ndata_type = \"meg\"\nderiv_root = \"{name}\"\nconditions = [\"auditory\", \"visual\"]\n{keys}"
        );
        fs_err::write(&path, text).unwrap();
        let outcome = Study::load(&path).unwrap().run(&RunOptions::default(), Arc::new(|_| ())).unwrap();
        assert_eq!(outcome.exit_status(), 0, "{name}: {:?}", outcome.report.subjects[0].failure);
        let types: &[ChannelType] =
            if *name == "eeg" { &[ChannelType::Eeg] } else { &[ChannelType::Mag, ChannelType::Grad] };
        let mut all = Vec::new();
        files(&root.join(name), &mut all);
        for path in all {
            if let Some(print) = of_file(&path, types) {
                got.insert(path.strip_prefix(root).unwrap().display().to_string(), print);
            }
        }
    }
    let registry = steps::builtin();
    let revisions: Vec<String> =
        registry.iter().map(|step| format!("{} {}", step.about().name, step.about().revision)).collect();
    let text = format!(
        "revisions: {}\n{}\n",
        revisions.join(", "),
        got.iter().map(|(file, print)| format!("{file}: {print}")).collect::<Vec<_>>().join("\n")
    );
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/revisions.txt");
    let old = fs_err::read_to_string(&golden).unwrap_or_default();
    let head = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    if std::env::var_os("BAKUSOKU_BLESS").is_some() && head(&old) != head(&text) {
        fs_err::write(&golden, text).unwrap();
        return;
    }
    assert_eq!(head(&old), head(&text), "a revision changed: take the new numbers with BAKUSOKU_BLESS=1");
    for (old, new) in old.lines().zip(text.lines()) {
        assert!(is_same(old, new), "numbers changed without a new revision of their step\n{old}\n{new}");
    }
    assert_eq!(old.lines().count(), text.lines().count(), "other files than in {}", golden.display());
}

/// The same words and numbers, to rounding.
fn is_same(a: &str, b: &str) -> bool {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    a.len() == b.len()
        && a.iter().zip(&b).all(|(a, b)| match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(x), Ok(y)) => (x - y).abs() <= 2e-4 * x.abs().max(y.abs()),
            _ => a == b,
        })
}
