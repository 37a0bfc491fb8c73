//! What can go wrong between a recording and a result.

use crate::CoordFrame;
use bakusoku_pool::Cancelled;
use ndarray::ArrayView1;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a recording and a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter has a value that makes no sense.
    #[error("`{name}` must be {expected}, got {got}")]
    Parameter {
        /// The parameter, by the name under which it was given.
        name: &'static str,
        /// What would have been right.
        expected: String,
        /// What was given.
        got: String,
    },
    /// A channel was named that is not there.
    #[error("channel `{name}` is not among the {among} channels of the recording")]
    NoChannel {
        /// The name asked for.
        name: String,
        /// How many channels there are.
        among: usize,
    },
    /// A channel index too large.
    #[error("channel index {index} is out of range, expected one below {n_channels}")]
    Pick {
        /// The index.
        index: usize,
        /// Number of channels.
        n_channels: usize,
    },
    /// Samples were asked for that the recording does not have.
    #[error("samples {start}..{stop} were asked for, the recording has 0..{n_times}")]
    Range {
        /// First sample asked for.
        start: u64,
        /// One past the last one.
        stop: u64,
        /// Samples there are.
        n_times: u64,
    },
    /// An array of another shape than agreed.
    #[error("`{what}` has shape {got:?}, expected {expected:?}")]
    Shape {
        /// Which array.
        what: &'static str,
        /// What was expected.
        expected: Vec<usize>,
        /// What came.
        got: Vec<usize>,
    },
    /// Two transformations do not meet.
    #[error("transformations do not meet: expected one from {expected:?}, got one from {got:?}")]
    Frames {
        /// The frame that was reached.
        expected: CoordFrame,
        /// The frame in which the next one starts.
        got: CoordFrame,
    },
    /// The data themselves do not allow what was asked.
    #[error("{message}")]
    Data {
        /// What is wrong with them, and where.
        message: String,
        /// What could be done, if anything.
        hint: Option<String>,
    },
    /// Reading a recording failed.
    #[error("could not read the recording")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Writing a result failed.
    #[error("could not write the result")]
    Write(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A node of a flow, or a tap, failed.
    #[error("{node} failed")]
    Node {
        /// Its name.
        node: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// A node of a flow failed on a channel.
    #[error("{node} failed on channel `{channel}`")]
    Channel {
        /// Its name.
        node: String,
        /// The channel.
        channel: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// The engine could not give what was needed (memory, disk, spill file).
    #[error(transparent)]
    Pool(#[from] bakusoku_pool::PoolError),
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Whether all are finite, without a branch for each: zero times a number is zero, times anything else NaN.
fn all_finite(samples: &[f64]) -> bool {
    let (chunks, rest) = samples.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x * 0.0;
        }
    }
    lanes.iter().all(|&lane| lane == 0.0) && rest.iter().all(|x| x.is_finite())
}

impl Error {
    /// A parameter error.
    pub fn parameter(name: &'static str, expected: impl Into<String>, got: impl std::fmt::Display) -> Self {
        Self::Parameter { name, expected: expected.into(), got: got.to_string() }
    }
    /// An error about the data, without a hint.
    pub fn data(message: impl Into<String>) -> Self {
        Self::Data { message: message.into(), hint: None }
    }
    /// Nothing when all `samples` of channel `name`, from sample `start` on, are finite.
    ///
    /// # Errors
    /// Names the channel and the time of the first one that is not.
    pub fn check_finite(samples: ArrayView1<'_, f64>, name: &str, start: u64, sfreq: f64) -> Result<()> {
        let finite = match samples.as_slice() {
            Some(samples) => all_finite(samples),
            None => samples.iter().all(|x| x.is_finite()),
        };
        if finite {
            return Ok(());
        }
        let at = samples.iter().position(|x| !x.is_finite()).unwrap_or(0);
        let sample = start + at as u64;
        let (value, time) = (samples[at], sample as f64 / sfreq);
        Err(Self::Data {
            message: format!("channel `{name}` is {value} at {time:.3} s (sample {sample}), expected finite samples"),
            hint: Some("mark the channel as bad, or the stretch by an annotation that is skipped".into()),
        })
    }
    /// Wraps a reader's error.
    pub fn read(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Read(source.into())
    }
    /// Wraps a writer's error.
    pub fn write(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Write(source.into())
    }
    /// The node of a flow (or the tap) that failed, by its name; `None` where it was the source or the engine.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Node { node, .. } | Self::Channel { node, .. } => Some(node),
            _ => None,
        }
    }
    /// Says which node failed, where that is not said yet.
    #[must_use]
    pub fn at_node(self, node: &str) -> Self {
        if self.node().is_some() || self.is_cancelled() {
            return self;
        }
        Self::Node { node: node.to_owned(), source: Box::new(self) }
    }
    /// The error of a node without the node's name, where it is not about a channel: for those who say the name themselves.
    #[must_use]
    pub fn without_node(self) -> Self {
        match self {
            Self::Node { source, .. } => *source,
            other => other,
        }
    }
    /// What a person could do about it, if anything is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Data { hint, .. } => hint.as_deref(),
            Self::Node { source, .. } | Self::Channel { source, .. } => source.hint(),
            _ => None,
        }
    }
    /// Whether the cause is a wish to stop rather than a failure.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_) => true,
            Self::Node { source, .. } | Self::Channel { source, .. } => source.is_cancelled(),
            _ => false,
        }
    }
}
