//! Runs a study without the command line: `cargo run --release -p bakusoku-study --example run_study -- study.toml`.
#![allow(clippy::print_stdout)]

use bakusoku_study::{RunOptions, Study};
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a study file")?;
    let outcome = Study::load(path)?.run(&RunOptions::default(), Arc::new(|_| ()))?;
    for subject in &outcome.report.subjects {
        println!("{}: {:?} in {:.2} s", subject.label, subject.status, subject.wall_s);
        if let Some(failure) = &subject.failure {
            println!("  {}", failure.messages.join("\n  caused by: "));
        }
    }
    println!(
        "{} ({:.2} s, peak {} MB)",
        outcome.index.display(),
        outcome.report.wall_s,
        outcome.report.peak_memory / 1_000_000
    );
    std::process::exit(outcome.exit_status().into());
}
