//! Independent components in a study: heart and eyes are found in everybody, and people have the last word.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use bakusoku_bids::{DataType, Entities, layout};
use bakusoku_core::Recording;
use bakusoku_io::fif::{self, RawOptions, RawWriter};
use bakusoku_sim::{EVENT_ID, Simulation, SimulationParams, TASK, subject_label};
use bakusoku_study::report::data::Status;
use bakusoku_study::{Outcome, RunOptions, Study};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TOML: &str = r#"
bids_root = "."
ch_types = ["meg", "eeg"]
l_freq = 0.1
h_freq = 40.0
raw_resample_sfreq = 125.0
conditions = { auditory = 1, visual = 2 }
epochs_tmax = 0.4
noise_cov = "none"
psd = "none"
spatial_filter = "ica"
ica_n_components = 40
ica_ecg_threshold = 0.3
"#;

fn simulate(root: &Path) {
    for subject in 1..=2 {
        let params =
            SimulationParams { duration: 80.0, sfreq: 250.0, subject, faults: false, ..SimulationParams::default() };
        let recording = Simulation::new(params).unwrap();
        let mut entities = Entities::unit(&subject_label(subject), None);
        entities.task = Some(TASK.into());
        let path = layout::recording_path(root, &entities, DataType::Meg);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        RawWriter::copy(&path, &recording, RawOptions::default()).unwrap();
        let names = EVENT_ID.map(|(name, code)| (name.to_owned(), code));
        let events = recording.events();
        layout::write_sidecars(root, &entities, DataType::Meg, recording.stream(), Some((&events, &names))).unwrap();
    }
    layout::write_dataset(root, "Simulated", "Simulated.\n", &[]).unwrap();
}

fn run(root: &Path, text: &str, n_jobs: usize) -> Outcome {
    let path = root.join("study.toml");
    fs_err::write(&path, text).unwrap();
    let options = RunOptions { n_jobs: Some(n_jobs), ..RunOptions::default() };
    let outcome = Study::load(&path).unwrap().run(&options, Arc::new(|_| ())).unwrap();
    for subject in &outcome.report.subjects {
        if let Some(failure) = &subject.failure {
            eprintln!("{}: {failure:?}", subject.label);
        }
    }
    outcome
}

fn file(root: &Path, subject: u32, name: &str) -> PathBuf {
    let label = subject_label(subject);
    root.join(format!("derivatives/bakusoku/sub-{label}/meg/sub-{label}_task-{TASK}_{name}"))
}

#[test]
fn heart_and_eyes_are_found_and_an_edit_of_the_table_stays() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    simulate(root);
    assert_eq!(run(root, TOML, 2).count(Status::Done), 2);
    for subject in [1, 2] {
        let ica = fif::read_ica(&file(root, subject, "ica.fif")).unwrap();
        assert_eq!(ica.n_components(), 40);
        for label in ["ecg", "eog"] {
            let found = &ica.labels.iter().find(|(name, _)| name == label).unwrap().1;
            assert!((1..=5).contains(&found.len()), "sub-{subject:02}: {label} {found:?}");
            assert!(found.iter().all(|index| ica.exclude.contains(index)));
        }
    }
    // Everything is kept.
    let (table, average) = (file(root, 1, "ica_components.tsv"), file(root, 1, "ave.fif"));
    let (before, ica) = (fs_err::read(&average).unwrap(), fs_err::read(file(root, 1, "ica.fif")).unwrap());
    let text = fs_err::read_to_string(&table).unwrap();
    assert!(text.starts_with("component\ttype\tdescription\tstatus\tstatus_description\tecg_score\teog_score ("));
    assert_eq!(text.lines().count(), 41);
    let edited = text.replace("\tbad\t", "\tgood\t");
    fs_err::write(&table, &edited).unwrap();
    let outcome = run(root, TOML, 2);
    assert_eq!((outcome.count(Status::Done), outcome.count(Status::UpToDate)), (1, 1));
    assert_eq!(fs_err::read_to_string(&table).unwrap(), edited);
    assert_eq!(fs_err::read(file(root, 1, "ica.fif")).unwrap(), ica, "nothing is decomposed again");
    let cleaned = fs_err::read(&average).unwrap();
    assert_ne!(cleaned, before);
    assert!(run(root, TOML, 2).is_up_to_date());
    // As without components taken out.
    let without = tempfile::tempdir().unwrap();
    simulate(without.path());
    run(without.path(), &TOML.replace("spatial_filter = \"ica\"", ""), 2);
    let kept = fif::read_evoked(&average).unwrap();
    let plain = fif::read_evoked(&file(without.path(), 1, "ave.fif")).unwrap();
    for (kept, plain) in kept.iter().zip(&plain) {
        let most = plain.data.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        assert!((&kept.data - &plain.data).iter().all(|d| d.abs() <= 1e-6 * most));
    }
    // What is written wrongly is named.
    fs_err::write(&table, edited.replacen("\tgood\t", "\tgone\t", 1)).unwrap();
    let outcome = run(root, TOML, 2);
    let failure = outcome.report.subjects.iter().find_map(|subject| subject.failure.clone());
    assert!(format!("{failure:?}").contains("line 2: the status is `gone`"), "{failure:?}");
}

#[test]
fn threads_change_no_byte() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (dir, n_jobs) in [(&one, 1), (&two, 3)] {
        simulate(dir.path());
        assert_eq!(run(dir.path(), TOML, n_jobs).count(Status::Done), 2);
    }
    for name in ["ica.fif", "ica_components.tsv", "ave.fif", "epo.fif"] {
        let read = |root: &Path| fs_err::read(file(root, 2, name)).unwrap();
        assert!(read(one.path()) == read(two.path()), "{name}");
    }
}
