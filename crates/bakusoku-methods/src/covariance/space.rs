//! The space in which the data have variance, and the blocks of it that are regularised each on its own.

use super::channels::Group;
use bakusoku_core::{ChannelType, Error, Info, Par, Result};
use bakusoku_math::linalg;
use ndarray::{Array2, s};

/// What is regularised together: a type of channels, or what is left of a group.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Type of channels, or `meg`.
    pub(super) name: &'static str,
    /// Its dimensions.
    pub(super) dims: Vec<usize>,
}

/// An orthonormal basis of the space of the data's rank.
///
/// Where a type of channels has full rank, its dimensions are its channels. Where it has not, they are any basis of what
/// is left: all that is computed in it depends on the space alone. Magnetometers and gradiometers that depend on one
/// another (after a Maxwell filter) are one block. MNE-Python gives each dimension of such a space to one of the types by
/// its number, although the basis that it takes from LAPACK is decided by rounding errors; it also counts the first of
/// them more than once.
#[derive(Clone, Debug)]
pub(super) struct Space {
    /// `(n_channels, n_dims)`; `None`: the channels themselves.
    basis: Option<Array2<f64>>,
    pub(super) blocks: Vec<Block>,
}

impl Space {
    /// From the directions without variance of each group, `(n_rows, any)`.
    pub(super) fn new(info: &Info, groups: &[(&Group, Option<Array2<f64>>)]) -> Result<Self> {
        let n = info.n_channels();
        let all_full = groups.iter().all(|(_, null)| null.is_none());
        let (mut columns, mut blocks) = (Vec::new(), Vec::<Block>::new());
        for (group, null) in groups {
            for (name, part, basis) in parts(info, group, null.as_ref())? {
                let first = columns.len();
                for column in basis.columns() {
                    let mut whole = vec![0.0; n];
                    column.iter().zip(&part).for_each(|(x, &row)| whole[row] = *x);
                    columns.push(whole);
                }
                let dims = if all_full { part } else { (first..columns.len()).collect() };
                blocks.push(Block { name, dims });
            }
        }
        let basis = Array2::from_shape_fn((n, columns.len()), |(i, j)| columns[j][i]);
        Ok(Self { basis: (!all_full).then_some(basis), blocks })
    }

    /// Number of dimensions.
    pub(super) fn n_dims(&self) -> usize {
        self.blocks.iter().map(|block| block.dims.len()).sum()
    }

    /// Samples in this space.
    pub(super) fn project(&self, par: &Par, x: ndarray::ArrayView2<'_, f64>) -> Array2<f64> {
        match &self.basis {
            None => x.to_owned(),
            Some(basis) => linalg::matmul(par, basis.t(), x),
        }
    }

    /// A sum of `x xᵀ` over channels, in this space.
    pub(super) fn reduce(&self, par: &Par, gram: Array2<f64>) -> Array2<f64> {
        match &self.basis {
            None => gram,
            Some(basis) => {
                let half = linalg::matmul(par, basis.t(), gram.view());
                symmetric(linalg::matmul(par, half.view(), basis.view()))
            }
        }
    }

    /// A covariance in this space, over channels.
    pub(super) fn expand(&self, par: &Par, covariance: Array2<f64>) -> Array2<f64> {
        match &self.basis {
            None => covariance,
            Some(basis) => {
                let half = linalg::matmul(par, basis.view(), covariance.view());
                symmetric(linalg::matmul(par, half.view(), basis.t()))
            }
        }
    }
}

/// Without what rounding made different on both sides of the diagonal.
fn symmetric(a: Array2<f64>) -> Array2<f64> {
    (&a + &a.t()) * 0.5
}

type Part = (&'static str, Vec<usize>, Array2<f64>);

/// The blocks of a group: name, rows, and a basis of what is left of them.
fn parts(info: &Info, group: &Group, null: Option<&Array2<f64>>) -> Result<Vec<Part>> {
    let of_type = |ch_type: ChannelType| -> Vec<usize> {
        (0..group.rows.len()).filter(|&i| info.chs[group.rows[i]].ch_type() == ch_type).collect()
    };
    let types: Vec<(&'static str, Vec<usize>)> = match group.name {
        "meg" => [ChannelType::Mag, ChannelType::Grad].map(|t| (t.name(), of_type(t))).to_vec(),
        name => vec![(name, (0..group.rows.len()).collect())],
    };
    let rows = |places: &[usize]| -> Vec<usize> { places.iter().map(|&i| group.rows[i]).collect() };
    let Some(null) = null else {
        return Ok(types.iter().map(|(name, places)| (*name, rows(places), Array2::eye(places.len()))).collect());
    };
    let gone = null.dot(&null.t());
    let left = Array2::eye(group.rows.len()) - &gone;
    let together = |a: &[usize], b: &[usize]| a.iter().any(|&i| b.iter().any(|&j| gone[[i, j]].abs() > 1e-8));
    let types = match types.as_slice() {
        [(_, a), (_, b)] if together(a, b) => vec![(group.name, (0..group.rows.len()).collect())],
        _ => types,
    };
    let mut out = Vec::new();
    for (name, places) in types {
        let part = Array2::from_shape_fn((places.len(), places.len()), |(i, j)| left[[places[i], places[j]]]);
        // Eigenvalues of a projector are 0 and 1.
        let (values, vectors) = linalg::eigh(part.view()).map_err(|e| Error::data(e.to_string()))?;
        let first = values.iter().position(|&value| value > 0.5).unwrap_or(values.len());
        out.push((name, rows(&places), vectors.slice(s![.., first..]).to_owned()));
    }
    Ok(out)
}
