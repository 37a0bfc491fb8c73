//! What can go wrong when a recording is simulated.

/// What can go wrong when a recording is simulated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A parameter has a value that makes no sense.
    #[error("`{name}` must be {expected}, got {got}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What would have been right.
        expected: &'static str,
        /// What was given.
        got: String,
    },
}

impl SimError {
    /// What a person could do about it, if anything is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Parameter { name: "meg", .. } => Some("leave `meg` or `eeg` on; an empty room has no EEG"),
            Self::Parameter { .. } => None,
        }
    }
}
