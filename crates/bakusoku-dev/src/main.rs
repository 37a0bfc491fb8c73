//! `cargo dev`: the checks that keep the architecture as it is drawn, and the documents that are made from code.
//!
//! ```text
//! cargo dev check-layers        arrows between crates point down only; who may name which library
//! cargo dev check-sizes         no source file over 600 lines
//! cargo dev generate [--check]  writes the documents made from code (or says which are stale)
//! ```

// A tool for the terminal: it prints, reads the tree, and asks cargo for metadata.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod generate;
mod layers;
mod licenses;
mod sizes;
mod tree;

use anyhow::{Result, bail};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The message alone: `main` that returns the error would add a backtrace.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["check-layers"] => layers::check(),
        ["check-sizes"] => sizes::check(),
        ["generate"] => generate::run(false),
        ["generate", "--check"] => generate::run(true),
        _ => bail!("expected `check-layers`, `check-sizes` or `generate [--check]`, got `{}`", arguments.join(" ")),
    }
}
