//! Averages many recordings in parallel: what is done to one is a closure, and `Pool` maps it over all.
//!
//! ```text
//! cargo run --release --package bakusoku --example average -- data/*_raw.fif
//! ```

// A program for the terminal.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use bakusoku::prelude::*;
use std::error::Error;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Codes on the stimulus channel that are averaged.
const CONDITIONS: [(&str, i64); 2] = [("auditory", 1), ("visual", 2)];

/// Reads, filters and averages one recording. A few channels or blocks of it are in memory at a time, never the whole.
fn analyze(cx: &TaskContext, file: &Path) -> Result<Vec<Evoked>> {
    let raw = read_raw(file)?;
    let events = FindEvents::default().run(&*raw)?;
    let conditions = CONDITIONS.map(|(name, code)| (name.to_owned(), code)).to_vec();

    let filter = Filter::new(FilterParams::new(Some(1.0), Some(40.0)));
    let params = EpochsParams { tmin: -0.1, tmax: 0.4, ..EpochsParams::default() };
    let mut flow = Flow::new(raw.stream());
    let filtered = flow.add(NodeId::SOURCE, "filter", &filter)?;
    let plan = EpochsPlan::new(flow.stream(filtered), &events, Some(&conditions), None, &params)?;

    let mut average = EvokedSink::of_each();
    let mut epochs = EpochsSink::new(plan, vec![&mut average]);
    flow.tap(filtered, "epochs", &mut epochs);
    flow.run(&*raw, &Cx::new(cx.par().clone(), SpillDir::find(None)?))?;
    Ok(average.into_evokeds())
}

fn main() -> Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        return Err("expected some recordings, as data/*_raw.fif".into());
    }
    let pool = Pool::new(Budget::detect()?)?;
    let outcomes =
        pool.tasks(&files).label(|file| file.display().to_string()).try_outcomes(|cx, file| analyze(cx, file));

    // A recording that fails is told, and leaves the others alone.
    let mut people = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(evokeds) => people.push(evokeds),
            Err(error) => eprintln!("left out: {}", told(&error)),
        }
    }
    for (index, (name, _)) in CONDITIONS.iter().enumerate() {
        let all: Vec<&Evoked> = people.iter().map(|evokeds| &evokeds[index]).collect();
        let grand = grand_average(&all, true)?;
        let (time, size) = peak(&grand);
        println!("{name}: {} people, largest at {time:.3} s ({size:.1e} T)", all.len());
    }
    Ok(())
}

/// Where the magnetometers deflect most: time (s) and size (T).
fn peak(evoked: &Evoked) -> (f64, f64) {
    let magnetometers = Picks::types(&evoked.info, &[ChannelType::Mag], true);
    let mut largest = (f64::NAN, 0.0);
    for (time, column) in evoked.times().into_iter().zip(evoked.data.columns()) {
        let size = magnetometers.iter().map(|ch| column[ch].abs()).fold(0.0, f64::max);
        if size > largest.1 {
            largest = (time, size);
        }
    }
    largest
}

/// An error with its causes.
fn told(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
