//! Errors as people read them: what failed, why, and what could be done.

use crate::printer::Printer;
use bakusoku_study::ConfigError;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt::Write;

/// Prints an error with its causes and hint; returns the exit status that it stands for.
pub(crate) fn report(printer: &Printer, error: &anyhow::Error, interrupted: bool) -> u8 {
    if interrupted {
        printer.error("interrupted: what is finished is kept; run the same command again to go on");
        return 130;
    }
    if let Some(config) = error.chain().find_map(config_error) {
        printer.error(study_file(config));
        return 2;
    }
    if let Some(usage) = error.downcast_ref::<Usage>() {
        printer.error(format!("error: {}\n  hint: {}", usage.message, usage.hint));
        return 2;
    }
    printer.error(chain(error));
    1
}

/// A way of calling that can't be meant.
#[derive(Debug)]
pub(crate) struct Usage {
    /// What is wrong.
    pub message: String,
    /// What could be done.
    pub hint: String,
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Usage {}

fn config_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e ConfigError> {
    error.downcast_ref::<ConfigError>().or_else(|| match error.downcast_ref::<bakusoku_study::Error>() {
        Some(bakusoku_study::Error::Config(config)) => Some(config),
        _ => None,
    })
}

/// `error: …`, its causes, and the first hint on the way.
fn chain(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let message = cause.to_string();
        // A transparent wrapper says what its cause says.
        if message != last {
            let _ = write!(text, "\n  caused by: {message}");
        }
        last = message;
    }
    if let Some(hint) = error.chain().find_map(hint) {
        let _ = write!(text, "\n  hint: {hint}");
    }
    text
}

fn hint(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<bakusoku_slurm::Error>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<bakusoku_study::Error>() {
        return error.hint().map(|hint| hint.to_string());
    }
    if let Some(error) = error.downcast_ref::<bakusoku_core::Error>() {
        return error.hint().map(|hint| hint.to_string());
    }
    if let Some(error) = error.downcast_ref::<bakusoku_io::Error>() {
        return error.hint().map(|hint| hint.to_string());
    }
    if let Some(error) = error.downcast_ref::<bakusoku_pool::PoolError>() {
        return error.hint().map(|hint| hint.to_string());
    }
    None
}

/// Every problem of a study file under the line where it is.
fn study_file(error: &ConfigError) -> String {
    let ConfigError::Invalid(invalid) = error else {
        let mut text = format!("error: {error}");
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            let _ = write!(text, "\n  caused by: {cause}");
            source = cause.source();
        }
        if let Some(hint) = error.hint() {
            let _ = write!(text, "\n  hint: {hint}");
        }
        return text;
    };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_context_lines(1);
    let mut text = String::new();
    for problem in &invalid.problems {
        let _ = writeln!(
            text,
            "error: `{}` line {}, column {}: {}",
            invalid.path.display(),
            problem.line,
            problem.column,
            problem.message
        );
        let shown = Shown {
            source: NamedSource::new(invalid.path.display().to_string(), invalid.text.clone()),
            label: LabeledSpan::new(Some(problem.label.clone()), problem.span.start, problem.span.len()),
        };
        let mut picture = String::new();
        if handler.render_report(&mut picture, &shown).is_ok() {
            // The message stands above already.
            for line in picture.lines().skip_while(|line| !line.contains('╭')) {
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        if let Some(hint) = &problem.hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
    }
    text.trim_end().to_owned()
}

/// A place in a text, as miette wants it.
#[derive(Debug)]
struct Shown {
    source: NamedSource<String>,
    label: LabeledSpan,
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("study file")
    }
}

impl std::error::Error for Shown {}

impl miette::Diagnostic for Shown {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}
