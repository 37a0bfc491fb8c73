//! A small simulated study from end to end: outputs, resume, one subject that fails, the same bytes.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use bakusoku_bids::{DataType, Entities, layout};
use bakusoku_core::Recording;
use bakusoku_io::fif::{self, RawOptions, RawWriter};
use bakusoku_sim::{EVENT_ID, Simulation, SimulationParams, TASK, subject_label};
use bakusoku_study::report::data::Status;
use bakusoku_study::{Outcome, RunOptions, Study};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TOML: &str = r#"
bids_root = "."
ch_types = ["meg", "eeg"]
notch_freq = [50, 100]
l_freq = 1.0
h_freq = 40.0
raw_resample_sfreq = 125.0
conditions = { auditory = 1, visual = 2 }
epochs_tmax = 0.4
contrasts = [["auditory", "visual"]]
noise_cov = "none"
interpolate_bads_grand_average = false
psd = { fmax = 60, n_fft = 256 }
"#;

fn name(subject: u32, run: Option<u32>) -> Entities {
    let mut entities = Entities::unit(&subject_label(subject), None);
    entities.task = Some(TASK.into());
    entities.run = run.map(|run| format!("{run:02}"));
    entities
}

fn simulate(root: &Path, subjects: u32, runs: u32) {
    for subject in 1..=subjects {
        for run in 1..=runs {
            let params = SimulationParams { duration: 12.0, sfreq: 250.0, subject, run, ..SimulationParams::default() };
            let recording = Simulation::new(params).unwrap();
            let entities = name(subject, (runs > 1).then_some(run));
            let path = layout::recording_path(root, &entities, DataType::Meg);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            RawWriter::copy(&path, &recording, RawOptions::default()).unwrap();
            let names = EVENT_ID.map(|(name, code)| (name.to_owned(), code));
            let events = recording.events();
            layout::write_sidecars(root, &entities, DataType::Meg, recording.stream(), Some((&events, &names)))
                .unwrap();
        }
    }
    layout::write_dataset(root, "Simulated", "Simulated.\n", &[]).unwrap();
}

fn study(root: &Path, text: &str) -> Study {
    let path = root.join("study.toml");
    fs_err::write(&path, text).unwrap();
    Study::load(&path).unwrap()
}

fn run(study: &Study, n_jobs: usize) -> Outcome {
    let options = RunOptions { n_jobs: Some(n_jobs), ..RunOptions::default() };
    let outcome = study.run(&options, Arc::new(|_| ())).unwrap();
    for subject in &outcome.report.subjects {
        if let Some(failure) = &subject.failure {
            eprintln!("{}: {failure:?}", subject.label);
        }
    }
    outcome
}

/// Names and contents of all data files.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "fif" || extension == "h5") {
                out.insert(path.strip_prefix(root).unwrap().to_owned(), fs_err::read(&path).unwrap());
            }
        }
    }
    out
}

#[test]
fn a_study_runs_resumes_and_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    simulate(root, 2, 2);
    let results = root.join("derivatives/bakusoku");
    let first = study(root, TOML);
    let outcome = run(&first, 2);
    assert_eq!((outcome.exit_status(), outcome.count(Status::Done)), (0, 2), "{:?}", outcome.report.groups);
    let made = files(&results);
    let names: Vec<String> = made.keys().map(|path| path.to_string_lossy().into_owned()).collect();
    let expected = [
        "sub-01/meg/sub-01_task-audiovisual_ave.fif",
        "sub-01/meg/sub-01_task-audiovisual_epo.fif",
        "sub-01/meg/sub-01_task-audiovisual_run-01_proc-filt_raw.fif",
        "sub-01/meg/sub-01_task-audiovisual_run-01_psd.h5",
        "sub-01/meg/sub-01_task-audiovisual_run-02_proc-filt_raw.fif",
        "sub-average/meg/sub-average_task-audiovisual_ave.fif",
    ];
    for name in expected {
        assert!(names.iter().any(|other| other == name), "{name} is not among {names:?}");
    }
    assert_eq!(made.len(), 2 * 6 + 1);
    let report = &outcome.report.subjects[0];
    assert_eq!(fif::read_evoked(&results.join("sub-01/meg/sub-01_task-audiovisual_ave.fif")).unwrap().len(), 3);
    assert_eq!(report.cell("averaged").unwrap().len(), 2);
    assert_eq!((report.n_recordings, report.cell("epochs kept").unwrap().len()), (2, 1));
    assert!(outcome.index.is_file() && results.join(&report.page).is_file());
    assert!(outcome.report.groups[0].sections[0].1.contains("mean of 2 subjects"));

    // Nothing to do.
    let again = run(&first, 2);
    assert!(again.is_up_to_date(), "{:?}", again.written);
    assert!(first.status(&RunOptions::default()).unwrap().plan.due().next().is_none());

    // One output gone: it alone is made again, with the same bytes, by another number of threads.
    let gone = results.join("sub-02/meg/sub-02_task-audiovisual_epo.fif");
    fs_err::remove_file(&gone).unwrap();
    let repaired = run(&first, 1);
    assert_eq!(repaired.written, ["sub-02/meg/sub-02_task-audiovisual_epo.fif"]);
    assert!(made == files(&results), "bytes differ");

    // Another configuration and back.
    let other = study(root, &TOML.replace("epochs_tmax = 0.4", "epochs_tmax = 0.3"));
    let changed = run(&other, 2);
    assert!(
        changed.written.iter().all(|path| path.ends_with("_epo.fif") || path.ends_with("_ave.fif")),
        "{:?}",
        changed.written
    );
    assert!(made != files(&results));
    let back = study(root, TOML);
    run(&back, 2);
    assert!(made == files(&results), "bytes differ after switching there and back");

    // Everything anew on one thread.
    fs_err::remove_dir_all(&results).unwrap();
    run(&back, 1);
    assert!(made == files(&results), "bytes differ with one thread");

    // What is no longer asked for is listed, and removed on request.
    let fewer = study(root, &TOML.replace("psd = { fmax = 60, n_fft = 256 }", "psd = \"none\""));
    let stale = fewer.status(&RunOptions::default()).unwrap().stale;
    assert_eq!(stale.iter().filter(|stale| stale.path.extension().is_some_and(|e| e == "h5")).count(), 4);
    let options = RunOptions { prune: true, ..RunOptions::default() };
    fewer.run(&options, Arc::new(|_| ())).unwrap();
    assert!(!files(&results).keys().any(|path| path.extension().is_some_and(|e| e == "h5")));
}

#[test]
fn parts_and_then_the_groups_give_what_one_run_gives() {
    let dir = tempfile::tempdir().unwrap();
    simulate(dir.path(), 3, 1);
    let whole = study(dir.path(), &format!("{TOML}deriv_root = \"whole\"\n"));
    run(&whole, 2);
    let parted = study(dir.path(), &format!("{TOML}deriv_root = \"parted\"\n"));
    let options = |part, only_units| RunOptions { part, only_units, n_jobs: Some(1), ..RunOptions::default() };
    let labels =
        |outcome: &Outcome| outcome.report.subjects.iter().map(|subject| subject.label.clone()).collect::<Vec<_>>();
    for (part, expected) in [((1, 2), vec!["sub-01", "sub-03"]), ((2, 2), vec!["sub-02"])] {
        let outcome = parted.run(&options(Some(part), true), Arc::new(|_| ())).unwrap();
        assert_eq!((labels(&outcome), outcome.exit_status()), (expected.iter().map(ToString::to_string).collect(), 0));
        assert!(!outcome.index.exists() && outcome.report.groups.is_empty());
    }
    let outcome = parted.run(&RunOptions { only_groups: true, ..options(None, false) }, Arc::new(|_| ())).unwrap();
    assert_eq!((outcome.count(Status::UpToDate), outcome.exit_status()), (3, 0));
    assert!(outcome.index.exists());
    assert_eq!(files(&dir.path().join("whole")), files(&dir.path().join("parted")));
}

#[test]
fn one_subject_that_fails_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    simulate(root, 3, 1);
    let path = layout::recording_path(root, &name(2, None), DataType::Meg);
    let bytes = fs_err::read(&path).unwrap();
    fs_err::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let outcome = run(&study(root, TOML), 2);
    assert_eq!((outcome.exit_status(), outcome.count(Status::Done), outcome.count(Status::Failed)), (1, 2, 1));
    let failure = outcome.report.subjects[1].failure.as_ref().unwrap();
    let text = failure.messages.join(": ");
    assert!(text.contains("sub-02_task-audiovisual_meg.fif") && text.contains("byte"), "{text}");
    let results = root.join("derivatives/bakusoku");
    assert!(!files(&results).keys().any(|path| path.starts_with("sub-02")));
    assert_eq!(outcome.report.groups[0].missing[0].0, "sub-02");
    assert!(files(&results).keys().any(|path| path.starts_with("sub-average")));
}

#[test]
fn recordings_without_a_layout_are_found_by_a_pattern() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let params = SimulationParams { duration: 8.0, sfreq: 250.0, eeg: false, ..SimulationParams::default() };
    let recording = Simulation::new(params).unwrap();
    fs_err::create_dir_all(root.join("data/anna")).unwrap();
    RawWriter::copy(root.join("data/anna/1_raw.fif"), &recording, RawOptions::default()).unwrap();
    let text = TOML
        .replace("bids_root = \".\"", "files = \"data/{subject}/{run}_raw.fif\"")
        .replace("[\"meg\", \"eeg\"]", "[\"meg\"]");
    let outcome = run(&study(root, &text), 2);
    assert_eq!(outcome.exit_status(), 0);
    let page =
        fs_err::read_to_string(root.join("derivatives/bakusoku").join(&outcome.report.subjects[0].page)).unwrap();
    assert!(page.contains("from stimulus channel"));
    assert!(root.join("derivatives/bakusoku/sub-anna/meg/sub-anna_ave.fif").is_file());
}

#[test]
fn what_is_wrong_with_a_study_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let says = |text: &str| study(root, text).plan(&RunOptions::default()).unwrap_err().to_string();
    assert!(says(TOML).starts_with("no recording found in"), "{}", says(TOML));
    simulate(root, 1, 1);
    let unknown = TOML.replace("bids_root = \".\"", "bids_root = \".\"\nsubjects = [\"09\"]");
    assert_eq!(says(&unknown), "`subjects` names the subject `09`, which is not in the dataset");
    // Exceptions that match nothing would change nothing, without a word.
    let with = |text: &str| TOML.replace("bids_root = \".\"", &format!("bids_root = \".\"\n{text}"));
    for (key, text) in [
        ("exclude_subjects", "exclude_subjects = [\"77\"]"),
        ("exclude_runs", "exclude_runs = { 9 = [\"01\"] }"),
        ("exclude_runs", "exclude_runs = { 01 = [\"07\"] }"),
    ] {
        assert!(says(&with(text)).starts_with(&format!("`{key}` names the ")), "{}", says(&with(text)));
    }
    assert!(says(&format!("{TOML}\n[subject.1]\nbads = [\"MEG 0111\"]\n")).starts_with("`[subject.…]` names"));
    // The prefixes that BIDS writes are taken off.
    let said = format!("{}\n[subject.sub-01]\nbads = [\"MEG 0111\"]\n", with("subjects = [\"sub-01\"]"));
    let study_ = study(root, &said);
    assert_eq!(study_.config().bads("01"), ["MEG 0111"]);
    assert_eq!(study_.plan(&RunOptions::default()).unwrap().units.len(), 1);
    let bad = format!("{TOML}\n[subject.01]\nbads = [\"MEG 9999\"]\n");
    let plan = study(root, &bad).plan(&RunOptions::default()).unwrap();
    let failure = plan.units[0].failure.clone().unwrap();
    assert!(failure.messages.join(": ").contains("names bad channel \"MEG 9999\""), "{failure:?}");
    let missing = TOML.replace("visual = 2", "visual = 7");
    let outcome = run(&study(root, &missing), 1);
    let failure = outcome.report.subjects[0].failure.clone().unwrap();
    assert!(failure.messages.join(": ").contains("no event of condition `visual` (code 7) found"), "{failure:?}");
}
