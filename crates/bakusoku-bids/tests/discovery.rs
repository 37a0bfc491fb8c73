//! Discovery in layouts written to a temporary folder, and what is said about wrong sidecars.
#![allow(clippy::unwrap_used)]

use bakusoku_bids::{DataType, Dataset, Derivatives, Entities, FilePattern, Query, sidecar};
use std::path::Path;

fn touch(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

#[test]
fn recordings_are_found_and_split_files_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for name in [
        "sub-01/meg/sub-01_task-av_run-01_meg.fif",
        "sub-01/meg/sub-01_task-av_run-02_split-01_meg.fif",
        "sub-01/meg/sub-01_task-av_run-02_split-02_meg.fif",
        "sub-01/meg/sub-01_task-rest_meg.fif",
        "sub-01/meg/sub-01_task-av_run-01_proc-tsss_meg.fif",
        "sub-01/meg/sub-01_acq-crosstalk_meg.fif",
        "sub-02/ses-b/meg/sub-02_ses-b_task-av_meg.fif",
        "sub-emptyroom/ses-20260101/meg/sub-emptyroom_ses-20260101_task-noise_meg.fif",
    ] {
        touch(root, name, "");
    }
    let dataset = Dataset::open(root).unwrap();
    assert_eq!(dataset.subjects().unwrap(), ["01", "02"]);
    let query = Query { task: Some("av".into()), ..Query::default() };
    let found = dataset.recordings("01", &query).unwrap();
    let labels: Vec<_> = found.iter().map(|found| (found.entities.run_label(), found.parts.len())).collect();
    assert_eq!(labels, [("task-av_run-01".to_owned(), 1), ("task-av_run-02".to_owned(), 2)]);
    let found = dataset.recordings("02", &query).unwrap();
    assert_eq!(found[0].entities.session.as_deref(), Some("b"));
    let query = Query { processing: Some("tsss".into()), ..Query::default() };
    assert_eq!(dataset.recordings("01", &query).unwrap().len(), 1);
}

#[test]
fn a_file_in_another_subjects_folder_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    touch(dir.path(), "sub-01/meg/sub-02_task-av_meg.fif", "");
    let error = Dataset::open(dir.path()).unwrap().recordings("01", &Query::default()).unwrap_err();
    assert!(error.to_string().contains("whose subject or session is another"), "{error}");
}

#[test]
fn patterns_find_files_by_fields() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["data/anna/1_raw.fif", "data/anna/2_raw.fif", "data/bo/1_raw.fif", "data/bo/notes.txt"] {
        touch(dir.path(), name, "");
    }
    let pattern = FilePattern::parse("data/{subject}/{run}_raw.fif").unwrap();
    let found = pattern.find(dir.path(), DataType::Meg).unwrap();
    let labels: Vec<_> = found.iter().map(|found| found.entities.to_string()).collect();
    assert_eq!(labels, ["sub-anna_run-1", "sub-anna_run-2", "sub-bo_run-1"]);
    let error = FilePattern::parse("data/{subject}/*_raw.fif").unwrap().find(dir.path(), DataType::Meg).unwrap_err();
    assert!(error.to_string().contains("add a field that tells them apart"), "{error}");
}

#[test]
fn sidecars_are_inherited_and_the_nearest_wins() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    touch(root, "sub-01/meg/sub-01_task-av_run-01_meg.fif", "");
    touch(root, "task-av_events.tsv", "onset\tduration\n1.0\t0\n");
    let recording = root.join("sub-01/meg/sub-01_task-av_run-01_meg.fif");
    let (entities, _, _) = Entities::parse("sub-01_task-av_run-01_meg.fif").unwrap();
    let find = || sidecar::find(root, &recording, &entities, "events", ".tsv").unwrap().unwrap();
    assert!(find().ends_with("task-av_events.tsv"));
    touch(root, "sub-01/meg/sub-01_task-av_events.tsv", "onset\tduration\n");
    touch(root, "sub-01/meg/sub-01_task-rest_events.tsv", "onset\tduration\n");
    assert!(find().ends_with("sub-01_task-av_events.tsv"));
    touch(root, "sub-01/meg/sub-01_task-av_run-01_events.tsv", "onset\tduration\ttrial_type\tvalue\n0.5\tn/a\tgo\t3\n");
    let events = sidecar::read_events(&find()).unwrap();
    assert_eq!(
        (events[0].onset, events[0].value, events[0].trial_type.as_deref(), events[0].line),
        (0.5, Some(3), Some("go"), 2)
    );
}

#[test]
fn wrong_tables_are_named_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let says = |text: &str, read: &dyn Fn(&Path) -> bakusoku_bids::Error| {
        touch(dir.path(), "x.tsv", text);
        read(&dir.path().join("x.tsv")).to_string()
    };
    let channels = |path: &Path| sidecar::read_channels(path).unwrap_err();
    let events = |path: &Path| sidecar::read_events(path).unwrap_err();
    assert!(
        says("name\tstatus\nA\tgood\nB\tbroken\n", &channels)
            .ends_with("line 3: `status` must be good or bad, got `broken`")
    );
    assert!(says("name\tstatus\nA\n", &channels).ends_with("line 2: has 1 columns, expected 2 as in the first line"));
    assert!(says("nam\n", &channels).ends_with("line 1: has no column `name`, only nam"));
    assert!(
        says("onset\tduration\nsoon\t1\n", &events).ends_with("line 2: `onset` must be a number or n/a, got `soon`")
    );
}

#[test]
fn results_are_named_as_mne_bids_pipeline_names_them() {
    let results = Derivatives::new("out");
    let (mut entities, _, _) = Entities::parse("sub-01_ses-b_task-av_run-02_meg.fif").unwrap();
    entities.processing = Some("filt".into());
    assert_eq!(
        results.path(&entities, DataType::Meg, "raw", ".fif"),
        Path::new("out/sub-01/ses-b/meg/sub-01_ses-b_task-av_run-02_proc-filt_raw.fif")
    );
}
