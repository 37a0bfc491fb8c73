//! The only place that prints. Results go to standard output, everything else to standard error.

// This is the place (invariant 6).
#![allow(clippy::print_stdout, clippy::print_stderr)]

use indicatif::MultiProgress;
use serde::Serialize;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Prints for people or for programs.
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
        !self.json && io::stderr().is_terminal()
    }
    /// A line of the result, for people.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            // A reader that has seen enough (`| head`) is no reason to fail.
            let _ = writeln!(io::stdout(), "{}", text.as_ref());
        }
    }
    /// A remark on standard error, for people.
    pub(crate) fn info(&self, text: impl AsRef<str>) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{}", text.as_ref());
        }
    }
    /// The result, for programs: one JSON document on standard output.
    pub(crate) fn json_document<T: Serialize>(&self, value: impl FnOnce() -> T) {
        if self.json {
            let text =
                serde_json::to_string_pretty(&value()).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
            let _ = writeln!(io::stdout(), "{text}");
        }
    }
    /// An error: on standard error, for people and programs alike.
    pub(crate) fn error(&self, text: impl AsRef<str>) {
        let _ = writeln!(io::stderr(), "{}", text.as_ref());
    }
}

/// The bars on the terminal. What is logged while they are shown goes above them.
pub(crate) fn screen() -> &'static MultiProgress {
    static SCREEN: OnceLock<MultiProgress> = OnceLock::new();
    SCREEN.get_or_init(MultiProgress::new)
}

/// Sends the libraries' log to standard error: warnings by default, more by `-v`, or as `BAKUSOKU_LOG` says.
pub(crate) fn log_to_stderr(verbose: u8) {
    let level = ["warn", "info", "debug", "trace"][usize::from(verbose.min(3))];
    let filter = tracing_subscriber::EnvFilter::try_from_env("BAKUSOKU_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogWriter)
        .with_ansi(false)
        .fmt_fields(format::debug_fn(|writer, field, value| match field.name() {
            // Messages, and spans that only name what is at work.
            "message" | "unit" | "run" | "file" => write!(writer, "{value:?}"),
            name => write!(writer, "{name}={value:?}"),
        }))
        .event_format(LogLine::default())
        .try_init();
}

/// Standard error, above the bars.
struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        screen().suspend(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// `warning: sub-01: run-01: message`, each warning once.
#[derive(Default)]
struct LogLine {
    warned: Mutex<HashSet<String>>,
}

/// Warnings that are remembered; later ones may come twice.
const REMEMBERED: usize = 10_000;

impl<S, N> FormatEvent<S, N> for LogLine
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, cx: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> std::fmt::Result {
        let level = *event.metadata().level();
        let mut line = match level {
            Level::ERROR => "error: ".to_owned(),
            Level::WARN => "warning: ".to_owned(),
            level => format!("{}: ", level.as_str().to_lowercase()),
        };
        for span in cx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map_or("", |fields| fields.fields.as_str());
            if !fields.is_empty() {
                write!(line, "{fields}: ")?;
            }
        }
        cx.format_fields(Writer::new(&mut line), event)?;
        if level == Level::WARN
            && let Ok(mut warned) = self.warned.lock()
            && (warned.contains(&line) || (warned.len() < REMEMBERED && !warned.insert(line.clone())))
        {
            return Ok(());
        }
        writeln!(out, "{line}")
    }
}
