//! The only place that prints. Results go to standard output, everything else to standard error.

// This is the place (invariant 6).
#![allow(clippy::print_stdout, clippy::print_stderr)]

use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Where words go, and in which form.
pub(crate) struct Printer {
    json: bool,
}

impl Printer {
    /// For people, or (`json`) for programs.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }
    /// Whether programs read along.
    pub(crate) fn json(&self) -> bool {
        self.json
    }
    /// Whether a person watches standard error.
    pub(crate) fn is_live(&self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }
    /// A line of the result, for people.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if !self.json {
            // A reader that has seen enough (`| head`) is no reason to fail.
            let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
        }
    }
    /// A remark on the way, for people.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
        }
    }
    /// The result, for programs: one JSON document on standard output.
    pub(crate) fn data(&self, value: &impl Serialize) {
        if self.json {
            let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }
    /// An error: on standard error, for people and programs alike.
    pub(crate) fn complain(&self, text: impl AsRef<str>) {
        let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
    }
}

/// Sends the libraries' log to standard error: warnings by default, more by `-v`, or as `BAKUSOKU_LOG` says.
pub(crate) fn log_to_stderr(verbose: u8) {
    let level = ["warn", "info", "debug", "trace"][usize::from(verbose.min(3))];
    let filter = tracing_subscriber::EnvFilter::try_from_env("BAKUSOKU_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
