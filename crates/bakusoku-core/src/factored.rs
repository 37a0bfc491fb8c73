//! A column method that ends with a matrix, with the matrix left out.

use crate::{Operator, Par};
use bakusoku_math::linalg;
use ndarray::{Array2, ArrayView2, Axis};

/// What a method becomes whose output is a matrix times fewer rows, when somebody else multiplies: row methods that do the
/// same to all channels may go before the matrix, and then have fewer rows to work on.
pub struct Factored {
    /// The method, but for the matrix: emits the rows that `expansion` takes.
    pub operator: Box<dyn Operator>,
    /// What makes the method's output of them.
    pub expansion: Expansion,
}

/// Some channels of a stream from components, of which there are fewer; the other channels as they are.
///
/// The rows that it takes are the components, then the other channels in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Expansion {
    channels: Vec<usize>,
    matrix: Array2<f64>,
    others: Vec<usize>,
}

impl Expansion {
    /// Makes `channels` (ascending) of a stream of `n_channels` by `matrix`, `(channels.len(), n_components)`.
    ///
    /// # Panics
    /// When the matrix does not fit the channels.
    pub fn new(channels: Vec<usize>, matrix: Array2<f64>, n_channels: usize) -> Self {
        assert_eq!(matrix.nrows(), channels.len(), "each channel must have a row");
        let others = (0..n_channels).filter(|ch| channels.binary_search(ch).is_err()).collect();
        Self { channels, matrix, others }
    }
    /// The channels made of components.
    pub fn channels(&self) -> &[usize] {
        &self.channels
    }
    /// The channels that come as they are.
    pub fn others(&self) -> &[usize] {
        &self.others
    }
    /// Components.
    pub fn n_components(&self) -> usize {
        self.matrix.ncols()
    }
    /// Rows that it takes.
    pub fn n_rows(&self) -> usize {
        self.matrix.ncols() + self.others.len()
    }
    /// Channels that it gives.
    pub fn n_channels(&self) -> usize {
        self.channels.len() + self.others.len()
    }
    /// All channels, `(n_channels, n)`, from the rows, `(n_rows, n)`.
    ///
    /// # Panics
    /// When there are more or fewer rows.
    pub fn expand(&self, par: &Par, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        assert_eq!(rows.nrows(), self.n_rows(), "there must be a row for each component and each other channel");
        let mut out = Array2::zeros((self.n_channels(), rows.ncols()));
        let (components, others) = rows.split_at(Axis(0), self.n_components());
        linalg::matmul_to_rows(par, out.view_mut(), &self.channels, self.matrix.view(), components);
        others.rows().into_iter().zip(&self.others).for_each(|(row, &ch)| out.row_mut(ch).assign(&row));
        out
    }
}
