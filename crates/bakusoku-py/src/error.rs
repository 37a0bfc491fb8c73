//! One map from the engine's errors to Python's: the classes of `bakusoku._exceptions`, each also the built-in error
//! that MNE-Python raises in its place.

use bakusoku_core::Error;
use pyo3::PyErr;
use pyo3::exceptions::PyKeyboardInterrupt;

pyo3::import_exception!(bakusoku._exceptions, BakusokuError);
pyo3::import_exception!(bakusoku._exceptions, DataError);
pyo3::import_exception!(bakusoku._exceptions, ParameterError);

/// The Python error of an engine's error: its text, the texts of its causes, and the hint.
pub(crate) fn to_python(error: Error) -> PyErr {
    if error.is_cancelled() {
        return PyKeyboardInterrupt::new_err(());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    if let Some(hint) = error.hint() {
        text = format!("{text} (hint: {hint})");
    }
    match innermost(&error) {
        Error::Parameter { .. }
        | Error::NoChannel { .. }
        | Error::Pick { .. }
        | Error::Range { .. }
        | Error::Shape { .. }
        | Error::Frames { .. } => ParameterError::new_err(text),
        Error::Data { .. } => DataError::new_err(text),
        _ => BakusokuError::new_err(text),
    }
}

/// The error below the names of nodes and channels.
fn innermost(error: &Error) -> &Error {
    match error {
        Error::Node { source, .. } | Error::Channel { source, .. } => innermost(source),
        error => error,
    }
}

/// A parameter that is not what was expected.
pub(crate) fn parameter(name: &'static str, expected: impl Into<String>, got: impl std::fmt::Display) -> PyErr {
    to_python(Error::parameter(name, expected, got))
}

/// The Python error of a reader's or writer's error.
pub(crate) fn file_error(error: bakusoku_io::Error) -> PyErr {
    let mut text = error.to_string();
    if let Some(hint) = error.hint() {
        text = format!("{text} (hint: {hint})");
    }
    match error {
        bakusoku_io::Error::Core(error) => to_python(error),
        // Python has a class for each kind: FileNotFoundError, PermissionError, …
        bakusoku_io::Error::PartMissing { .. } => pyo3::exceptions::PyFileNotFoundError::new_err(text),
        error => match error.os_error() {
            Some(source) => std::io::Error::new(source.kind(), text).into(),
            None => DataError::new_err(text),
        },
    }
}
