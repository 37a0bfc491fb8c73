//! What can go wrong with a study.

use crate::config::ConfigError;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a study.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The study file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The dataset.
    #[error(transparent)]
    Bids(#[from] bakusoku_bids::Error),
    /// A recording or a result.
    #[error(transparent)]
    Io(#[from] bakusoku_io::Error),
    /// A method, a recording, or the runner.
    #[error(transparent)]
    Core(#[from] bakusoku_core::Error),
    /// A file as such.
    #[error(transparent)]
    Text(#[from] bakusoku_files::Error),
    /// The engine.
    #[error(transparent)]
    Pool(#[from] bakusoku_pool::PoolError),
    /// A file or folder; the source names it.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// Nothing to analyse.
    #[error("{message}")]
    Empty {
        /// What was looked for, and where.
        message: String,
        /// What could be done.
        hint: Option<String>,
    },
    /// The data do not allow what the study asks.
    #[error("{message}")]
    Data {
        /// What is wrong.
        message: String,
        /// What could be done.
        hint: Option<String>,
    },
    /// A step failed.
    #[error("{step} failed")]
    Step {
        /// The step.
        step: &'static str,
        /// The recording concerned.
        run: Option<String>,
        /// Why.
        #[source]
        source: Box<Error>,
    },
}

impl Error {
    /// A complaint about the data, with what could be done.
    pub(crate) fn data(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Data { message: message.into(), hint: Some(hint.into()) }
    }
    /// What could be done, if anything is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint().map(Into::into),
            Self::Bids(error) => error.hint().map(Into::into),
            Self::Io(error) => error.hint().map(Into::into),
            Self::Core(error) => core_hint(error),
            Self::Pool(error) => error.hint().map(Into::into),
            Self::Text(error) => error.hint().map(Into::into),
            Self::Empty { hint, .. } | Self::Data { hint, .. } => hint.clone(),
            Self::Step { source, .. } => source.hint(),
            Self::File(error) => match error.kind() {
                std::io::ErrorKind::StorageFull => {
                    Some("free space on the disk, then run the study again: what is done stays done".into())
                }
                std::io::ErrorKind::PermissionDenied => Some("check the permissions of the folder".into()),
                _ => None,
            },
        }
    }
    /// Whether the cause is a wish to stop.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) | Self::Io(bakusoku_io::Error::Core(error)) => error.is_cancelled(),
            Self::Step { source, .. } => source.is_cancelled(),
            _ => false,
        }
    }
    /// Message and causes, outermost first.
    pub fn chain(&self) -> Vec<String> {
        let mut out = vec![self.to_string()];
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            let text = error.to_string();
            if out.last() != Some(&text) {
                out.push(text);
            }
            source = error.source();
        }
        out
    }
}

/// The hint of what a reader or writer said inside an error of the core.
fn core_hint(error: &bakusoku_core::Error) -> Option<String> {
    use bakusoku_core::Error as Core;
    match error {
        Core::Read(source) | Core::Write(source) => {
            source.downcast_ref::<bakusoku_io::Error>().and_then(|error| error.hint()).map(Into::into)
        }
        Core::Channel { source, .. } => core_hint(source),
        Core::Pool(error) => error.hint().map(Into::into),
        _ => error.hint().map(Into::into),
    }
}
