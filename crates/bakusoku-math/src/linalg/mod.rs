//! Linear algebra on `ndarray` views: products, symmetric eigenproblems, singular values, QR, pseudo-inverse.
//!
//! Everything is `f64`. Products are cut into tiles of fixed size, which [`Par`](bakusoku_pool::Par) spreads; a tile
//! never shares an output with another one, so that results do not depend on the number of threads. Decompositions are
//! small (channels by channels) and run in the caller.
//!
//! | function | counterpart |
//! |---|---|
//! | [`matmul`], [`matmul_into`], [`matmul_to_rows`] | `numpy.dot` |
//! | [`gram_into`], [`gram`] | `numpy.dot(x, x.T)` (BLAS `syrk`) |
//! | [`eigh`] | `scipy.linalg.eigh`: eigenvalues ascending |
//! | [`svd`], [`svdvals`] | `scipy.linalg.svd(full_matrices=False)`: singular values descending |
//! | [`qr`], [`qr_r`], [`qr_r_pivoted`] | `scipy.linalg.qr(mode="economic")` |
//! | [`pinv`] | `numpy.linalg.pinv` |
//! | [`solve`] | `numpy.linalg.solve` |
//! | [`expm`] | `scipy.linalg.expm` |
//! | [`ln_abs_det`] | `numpy.linalg.slogdet(a)[1]` |
//! | [`symmetric_decorrelation`] | what FastICA does to its directions |
//! | [`cholesky`] | `scipy.linalg.cholesky` |
//! | [`inverse_upper`] | `scipy.linalg.solve_triangular` with the identity |
//! | [`orthogonal_complement`] | `scipy.linalg.null_space` of the transpose |

mod factor;
mod functions;
mod product;
mod triangular;
mod view;

pub use factor::{LinalgError, RowSpace, Svd, eigh, pinv, qr, qr_r, qr_r_pivoted, solve, svd, svdvals};
pub use functions::{expm, ln_abs_det, symmetric_decorrelation};
pub use product::{Accumulate, gram, gram_into, matmul, matmul_into, matmul_to_rows, mirror_lower};
pub use triangular::{cholesky, inverse_upper, orthogonal_complement};
