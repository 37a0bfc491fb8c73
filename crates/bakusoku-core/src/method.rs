//! A method: parameters only, until it is bound to a stream.

use crate::{Factored, LinearMap, Need, Operator, Result, RowKernel, Stream};

/// What a method becomes when it is bound to a stream.
pub enum Bound {
    /// Works row by row.
    Rows(Box<dyn RowKernel>),
    /// Works column by column.
    Columns(Box<dyn Operator>),
    /// Is a matrix over channels.
    Matrix(LinearMap),
}

/// A method with its parameters, as a step of a study or Python's arguments give them.
pub trait Method: Send + Sync {
    /// Name, as the study's step and in errors.
    fn name(&self) -> &'static str;
    /// What the stream will be afterwards; cheap, from headers only. All parameter errors come from here.
    ///
    /// # Errors
    /// When parameters make no sense for this stream.
    fn output(&self, input: &Stream) -> Result<Stream>;
    /// What it takes beside the rows or blocks in hand, asked before anything runs. Only where that is more than what its
    /// [operator](Operator::held_bytes) or [kernel](RowKernel::scratch_bytes) says.
    fn need(&self, input: &Stream, threads: usize) -> Need {
        let _ = (input, threads);
        Need::default()
    }
    /// Computes coefficients for this stream.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    fn bind(&self, input: &Stream) -> Result<Bound>;
    /// The same with a last matrix left out, where what comes out is a matrix times fewer rows; `None` where it isn't. Used
    /// in place of [`bind`](Self::bind) when row methods follow that may go before the matrix.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    fn factor(&self, input: &Stream) -> Result<Option<Factored>> {
        let _ = input;
        Ok(None)
    }
}
