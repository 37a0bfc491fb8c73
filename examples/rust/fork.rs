//! Two pass bands of one recording in one pass, and what the second one costs.
//!
//! ```text
//! bakusoku simulate data --subjects 1 --duration 180
//! cargo run --release --package bakusoku --example fork -- data/sub-01/meg/*_meg.fif
//! ```

// A program for the terminal.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use bakusoku::prelude::*;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Notches, each pass band, 250 Hz, a file for each.
fn analyze(raw: &dyn Recording, bands: &[(f64, f64)], folder: &Path, cx: &Cx) -> Result<f64> {
    let start = Instant::now();
    let notch = Notch::new(NotchParams::new(vec![50.0, 100.0, 150.0]));
    let filters: Vec<Filter> =
        bands.iter().map(|(low, high)| Filter::new(FilterParams::new(Some(*low), Some(*high)))).collect();
    let slower = Resample::new(ResampleParams::new(250.0));
    let mut flow = Flow::new(raw.stream());
    let notched = flow.add(NodeId::SOURCE, "notch", &notch)?;
    let mut ends = Vec::new();
    for (index, filter) in filters.iter().enumerate() {
        let filtered = flow.add(notched, format!("filter {index}"), filter)?;
        ends.push(flow.add(filtered, format!("resample {index}"), &slower)?);
    }
    let mut writers = Vec::new();
    for (index, end) in ends.iter().enumerate() {
        let path = folder.join(format!("{}_{index}_raw.fif", bands.len()));
        writers.push(RawWriter::create(&path, flow.stream(*end), RawOptions::default())?);
    }
    for (end, writer) in ends.into_iter().zip(&mut writers) {
        flow.tap(end, "write", writer);
    }
    flow.run(raw, cx)?;
    Ok(start.elapsed().as_secs_f64())
}

fn main() -> Result<()> {
    let file: PathBuf = std::env::args_os().nth(1).ok_or("expected a recording, as data/x_raw.fif")?.into();
    let raw = read_raw(&file)?;
    let pool = Pool::new(Budget::detect()?)?;
    let cx = Cx::new(pool.par(), SpillDir::find(None)?);
    let folder = std::env::temp_dir().join(format!("bakusoku-fork-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let (wide, slow) = ((0.1, 40.0), (0.1, 10.0));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        times[0].push(analyze(&*raw, &[wide], &folder, &cx)?);
        times[1].push(analyze(&*raw, &[wide, slow], &folder, &cx)?);
    }
    // The fork gives what the plain flow gives.
    let same = std::fs::read(folder.join("1_0_raw.fif"))? == std::fs::read(folder.join("2_0_raw.fif"))?;
    std::fs::remove_dir_all(&folder)?;
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (one, two) = (median(&mut times[0]), median(&mut times[1]));
    println!("one pass band {one:.2} s, two {two:.2} s: ratio {:.2}; the same bytes: {same}", two / one);
    Ok(())
}
