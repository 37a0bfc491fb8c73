//! The `bakusoku` command: it parses arguments, calls the library, and prints results. No science. It is a program, and in
//! the Python package a function behind a script of that name.
//!
//! | file | what |
//! |---|---|
//! | `args/` | arguments and their help |
//! | `commands/` | one file per command |
//! | `printer` | the only place that prints |
//! | `diagnostics` | errors as people read them |
//! | `progress` | bars on a terminal, lines elsewhere |
//! | `signals` | Ctrl-C, SIGTERM, SIGHUP |
//!
//! Exit status: 0 success, 1 some subjects failed (the others finished) or the command failed, 2 wrong usage or an
//! invalid study file, 3 a bug in bakusoku, 130 interrupted.

mod args;
mod commands;
mod diagnostics;
mod printer;
mod progress;
mod signals;

use args::Args;
use clap::Parser;
use printer::Printer;
use std::ffi::OsString;
use std::io::Write;

/// Runs the command with these arguments, the program's name first; its exit status. `launcher`: the words with which others
/// can start the same program.
pub fn run(launcher: Vec<String>, args: impl IntoIterator<Item = OsString>) -> u8 {
    let status = command(&launcher, args);
    // A program that is not Rust's own does not flush at its end.
    let _ = std::io::stdout().flush();
    status
}

fn command(launcher: &[String], args: impl IntoIterator<Item = OsString>) -> u8 {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // clap prints help and usage errors, on the stream that each belongs to.
            let _ = error.print();
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    let printer = Printer::new(args.json);
    printer::log_to_stderr(args.verbose);
    let cancel = signals::cancel_on_signals();
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commands::run(&args, launcher, &printer, &cancel)));
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => diagnostics::report(&printer, &error, cancel.is_cancelled()),
        Err(_) => {
            printer.error(
                "error: this is a bug in bakusoku (see above)\n  hint: please report it, with the command that you ran",
            );
            3
        }
    }
}
