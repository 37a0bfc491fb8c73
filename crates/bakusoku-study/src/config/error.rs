//! What can be wrong with `study.toml`, with the place where it is wrong.

use std::ops::Range;
use std::path::PathBuf;

/// What can be wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file can't be read, or is not UTF-8.
    #[error("could not read the study file")]
    Read(#[from] bakusoku_files::Error),
    /// The file says something that can't be meant; all such places at once.
    #[error("{}", .0.summary())]
    Invalid(Box<Invalid>),
}

/// The text of a configuration and everything that is wrong in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The file.
    pub path: PathBuf,
    /// Its text: spans count its bytes.
    pub text: String,
    /// What is wrong, in the order of the text; never empty.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// A few words to be put under the place.
    pub label: String,
    /// The place, in bytes of the text.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What could be done.
    pub hint: Option<String>,
}

impl Invalid {
    fn summary(&self) -> String {
        let Some(first) = self.problems.first() else { return format!("`{}` is not valid", self.path.display()) };
        let more = match self.problems.len() - 1 {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        format!("`{}` line {}, column {}: {}{more}", self.path.display(), first.line, first.column, first.message)
    }
}

impl ConfigError {
    /// What could be done about the first problem.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Invalid(invalid) => invalid.problems.first()?.hint.as_deref(),
            Self::Read(error) => error.hint().or(Some("`bakusoku init` writes a study file")),
        }
    }
    /// All problems, where the file could be read.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid(invalid) => &invalid.problems,
            Self::Read(_) => &[],
        }
    }
}

/// Line and column (in characters), both from 1, of a byte of a text.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// The nearest of the names that could have been meant.
pub(crate) fn nearest<'n>(name: &str, among: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let close = |other: &str| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    among
        .map(|other| (close(other), other))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}
