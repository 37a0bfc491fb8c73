//! A law of studies: what a unit takes, memory and disk, is no more than its plan said, and not far below it.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, clippy::disallowed_methods, clippy::unwrap_used)]

use bakusoku_bids::{DataType, Entities, layout};
use bakusoku_core::Recording;
use bakusoku_io::fif::{RawOptions, RawWriter};
use bakusoku_sim::{EVENT_ID, Simulation, SimulationParams, TASK};
use bakusoku_study::{RunOptions, Study};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts what is allocated.
struct Counting;
static NOW: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

// SAFETY: all calls go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size() as u64, Ordering::Relaxed) + layout.size() as u64;
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes of this process's unlinked files: its temporary data.
fn temporary() -> u64 {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return 0 };
    let size = |path: std::path::PathBuf| {
        let target = std::fs::read_link(&path).ok()?;
        let is_spill = target.to_string_lossy().ends_with("(deleted)");
        is_spill.then(|| std::fs::metadata(&path).ok().map(|meta| meta.len())).flatten()
    };
    entries.flatten().filter_map(|entry| size(entry.path())).sum()
}

fn written(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |path: &Path| if path.is_dir() { written(path) } else { path.metadata().map_or(0, |meta| meta.len()) };
    entries.flatten().map(|entry| size(&entry.path())).sum()
}

/// What `f` takes at most: memory beyond what there was, disk for temporary data and results.
fn taken(results: &Path, f: impl FnOnce()) -> (u64, u64) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let (over, disk) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                disk.fetch_max(temporary() + written(results), Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        f();
        over.store(true, Ordering::Relaxed);
    });
    (PEAK.load(Ordering::Relaxed) - before, disk.load(Ordering::Relaxed))
}

const STUDIES: &[(&str, &str)] = &[
    ("plain", ""),
    ("raw only", "conditions = \"none\"\n"),
    ("no files but averages", "save_filtered_raw = false\nsave_epochs = false\npsd = \"none\"\nnoise_cov = \"none\"\n"),
    ("notches and resampling", "notch_freq = [50, 100]\nl_freq = 0.5\nraw_resample_sfreq = 150\n"),
    ("long epochs", "epochs_tmin = -1\nepochs_tmax = 3\nl_freq = 1\n"),
    ("shrunk", "noise_cov_method = \"shrunk\"\nl_freq = 1\n"),
    ("interpolated", "interpolate_bads = true\nreject = { eeg = 4e-4 }\nflat = { eeg = 1e-9 }\n"),
    (
        "search and tSSS",
        "find_noisy_channels_meg = true\nfind_flat_channels_meg = true\nuse_maxwell_filter = true\nmf_st_duration = 5\n\
         mf_cal_missing = \"ignore\"\nmf_ctc_missing = \"ignore\"\nl_freq = 1\nraw_resample_sfreq = 100\n",
    ),
];

#[test]
fn a_unit_takes_no_more_than_its_plan_said() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for run in [1, 2] {
        let mut entities = Entities::unit("01", None);
        entities.task = Some(TASK.into());
        entities.run = Some(run.to_string());
        let params = SimulationParams { duration: 40.0, sfreq: 300.0, ..SimulationParams::default() };
        let recording = Simulation::new(params).unwrap();
        let path = layout::recording_path(root, &entities, DataType::Meg);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        RawWriter::copy(&path, &recording, RawOptions::default()).unwrap();
        let names = EVENT_ID.map(|(name, code)| (name.to_owned(), code));
        let events = recording.events();
        layout::write_sidecars(root, &entities, DataType::Meg, recording.stream(), Some((&events, &names))).unwrap();
    }
    layout::write_dataset(root, "Simulated", "Simulated.\n", &[]).unwrap();
    for (index, (name, keys)) in STUDIES.iter().enumerate() {
        let results = root.join(format!("out{index}"));
        let conditions = if keys.contains("conditions") { "" } else { "conditions = [\"auditory\", \"visual\"]\n" };
        let text = format!(
            "ch_types = [\"meg\", \"eeg\"]\nbids_root = \".\"\ndata_type = \"meg\"\nderiv_root = \"out{index}\"\n{conditions}{keys}\n[run]\nn_jobs = 1\n"
        );
        let path = root.join(format!("{index}.toml"));
        fs_err::write(&path, text).unwrap();
        let study = Study::load(&path).unwrap();
        let need = study.plan(&RunOptions::default()).unwrap().units[0].need;
        let (memory, disk) = taken(&results, || {
            let outcome = study.run(&RunOptions::default(), Arc::new(|_| ())).unwrap();
            assert_eq!(outcome.exit_status(), 0, "{name}: {:?}", outcome.report.subjects[0].failure);
        });
        println!("{name}: memory {memory} of {}, disk {disk} of {}", need.memory.0, need.disk.0);
        assert!(memory <= need.memory.0 && need.memory.0 <= 2 * memory, "{name}: memory {memory} of {}", need.memory.0);
        assert!(disk <= need.disk.0 && need.disk.0 <= 2 * disk, "{name}: disk {disk} of {}", need.disk.0);
    }
}
