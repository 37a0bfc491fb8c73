//! The projector of given vectors.

use bakusoku_core::{ChannelType, Error, Info, Par, Picks, Projector, Result};
use bakusoku_math::linalg::{self, Accumulate};
use ndarray::{Array2, ArrayViewMut2, s};
use std::collections::{HashMap, HashSet};

/// A projector over channels.
#[derive(Clone, Debug)]
pub struct Ssp {
    /// Orthonormal basis of what is taken out, `(n_channels, n_proj)`.
    vectors: Array2<f64>,
    /// Channels that any of the vectors touches.
    touched: Vec<usize>,
    /// The rows of `vectors` that belong to them.
    dense: Array2<f64>,
}

impl Ssp {
    fn new(vectors: Array2<f64>) -> Self {
        let touched: Vec<usize> =
            (0..vectors.nrows()).filter(|&ch| vectors.row(ch).iter().any(|&x| x != 0.0)).collect();
        let dense = vectors.select(ndarray::Axis(0), &touched);
        Self { vectors, touched, dense }
    }
    /// How many directions are taken out.
    pub fn n_proj(&self) -> usize {
        self.vectors.ncols()
    }
    /// Orthonormal basis of what is taken out, `(n_channels, n_proj)`.
    pub fn vectors(&self) -> &Array2<f64> {
        &self.vectors
    }
    /// Channels that change.
    pub fn touched(&self) -> &[usize] {
        &self.touched
    }
    /// As a matrix, `(n_channels, n_channels)`.
    pub fn matrix(&self) -> Array2<f64> {
        Array2::eye(self.vectors.nrows()) - self.vectors.dot(&self.vectors.t())
    }
    /// As a matrix over the channels that change.
    pub fn touched_matrix(&self) -> Array2<f64> {
        Array2::eye(self.touched.len()) - self.dense.dot(&self.dense.t())
    }
    /// Projects `data`, `(n_channels, n_times)`, in place.
    pub fn apply(&self, par: &Par, mut data: ArrayViewMut2<'_, f64>) {
        if self.n_proj() == 0 || self.touched.is_empty() || data.ncols() == 0 {
            return;
        }
        // Where the channels follow one another, no copy is needed.
        let (first, last) = (self.touched[0], self.touched[self.touched.len() - 1]);
        if last - first + 1 == self.touched.len() {
            let part = data.slice_mut(s![first..=last, ..]);
            return self.subtract(par, part);
        }
        let mut part = data.select(ndarray::Axis(0), &self.touched);
        self.subtract(par, part.view_mut());
        for (row, &ch) in part.rows().into_iter().zip(&self.touched) {
            data.row_mut(ch).assign(&row);
        }
    }
    fn subtract(&self, par: &Par, part: ArrayViewMut2<'_, f64>) {
        let weights = linalg::matmul(par, self.dense.t(), part.view());
        linalg::matmul_into(par, part, Accumulate::Add, self.dense.view(), weights.view(), -1.0);
    }
}

/// The projector of `projs` over the channels `ch_names`; channels named in `bads` keep their values and count for
/// nothing. Active projectors are left out unless `include_active`.
///
/// Vectors are restricted to the channels that are there, scaled to length one and made orthogonal by singular values;
/// directions with a singular value up to 1 % of the largest are dropped (`mne.make_projector`).
///
/// # Errors
/// When there is no channel, when a projector names a channel twice, or when nothing would be left of the data.
pub fn make_projector(projs: &[Projector], ch_names: &[&str], bads: &[String], include_active: bool) -> Result<Ssp> {
    let n = ch_names.len();
    if n == 0 {
        return Err(Error::data("no channels given, expected at least one to make a projector of"));
    }
    let bads: HashSet<&str> = bads.iter().map(String::as_str).collect();
    let used: Vec<&Projector> = projs.iter().filter(|p| !p.active || include_active).collect();
    let mut vectors: Vec<Vec<f64>> = Vec::new();
    let mut nonzero = false;
    for projector in used {
        let index: HashMap<&str, usize> = projector.names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
        if index.len() != projector.names.len() {
            return Err(Error::data(format!("projector `{}` names a channel twice", projector.desc)));
        }
        if projector.data.ncols() != projector.names.len() {
            return Err(Error::Shape {
                what: "projector data",
                expected: vec![projector.data.nrows(), projector.names.len()],
                got: projector.data.shape().to_vec(),
            });
        }
        let pairs: Vec<(usize, usize)> = (0..n)
            .filter(|&ch| !bads.contains(ch_names[ch]))
            .filter_map(|ch| Some((ch, *index.get(ch_names[ch])?)))
            .collect();
        for row in projector.data.rows() {
            let mut vector = vec![0.0; n];
            for &(ch, from) in &pairs {
                vector[ch] = row[from];
            }
            let size = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
            if size > 0.0 {
                // MNE: an average reference still works when channels are gone.
                if size < 0.9 && (projector.kind != Projector::EEG_AVREF || pairs.len() == 1) {
                    let of = projector.data.columns().into_iter().filter(|c| c.iter().any(|&x| x != 0.0)).count();
                    tracing::warn!(
                        "projection vector `{}` has been reduced to {:.2} % of its original magnitude by subselecting \
                         {}/{of} of the original channels; if the others were bad but not marked when it was \
                         computed, it should be computed again",
                        projector.desc,
                        100.0 * size,
                        pairs.len()
                    );
                }
                vector.iter_mut().for_each(|x| *x /= size);
                nonzero = true;
            }
            vectors.push(vector);
        }
    }
    if !nonzero {
        return Ok(Ssp::new(Array2::zeros((n, 0))));
    }
    let stacked = Array2::from_shape_fn((n, vectors.len()), |(ch, v)| vectors[v][ch]);
    let svd = linalg::svd(stacked.view()).map_err(|e| Error::data(format!("projection vectors: {e}")))?;
    let n_proj = svd.s.iter().filter(|&&s| s / svd.s[0] > 1e-2).count();
    if n_proj >= n {
        return Err(Error::data(format!("{n_proj} projectors on {n} channels would leave nothing of the data")));
    }
    let mut basis = svd.u.slice(s![.., ..n_proj]).to_owned();
    // A channel that no vector touches stays exactly as it is.
    for ch in (0..n).filter(|&ch| vectors.iter().all(|v| v[ch] == 0.0)) {
        basis.row_mut(ch).fill(0.0);
    }
    Ok(Ssp::new(basis))
}

/// The projector of all that `info` holds, bad channels left out.
///
/// # Errors
/// As [`make_projector`].
pub fn make_projector_info(info: &Info, include_active: bool) -> Result<Ssp> {
    let names: Vec<&str> = info.ch_names().collect();
    make_projector(&info.projs, &names, &info.bads, include_active)
}

/// The average reference of the good EEG channels as a projector.
///
/// # Errors
/// When there is no good EEG channel.
pub fn make_eeg_average_ref_proj(info: &Info, activate: bool) -> Result<Projector> {
    let picks = Picks::types(info, &[ChannelType::Eeg], true);
    if picks.is_empty() {
        return Err(Error::data("no good EEG channel found, expected at least one for an average reference"));
    }
    let n = picks.len();
    Ok(Projector {
        kind: Projector::EEG_AVREF,
        active: activate,
        desc: "Average EEG reference".into(),
        names: picks.iter().map(|index| info.chs[index].name.clone()).collect(),
        data: Array2::from_elem((1, n), 1.0 / (n as f64).sqrt()),
        explained_var: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn projector(names: &[&str], data: Array2<f64>, active: bool) -> Projector {
        Projector {
            kind: Projector::FIELD,
            active,
            desc: "PCA".into(),
            names: names.iter().map(|&n| n.to_owned()).collect(),
            data,
            explained_var: None,
        }
    }

    #[test]
    fn a_projector_is_idempotent_takes_its_vectors_out_and_spares_bads() {
        let names = ["a", "b", "c", "d", "e"];
        let projs = [
            projector(&["e", "a", "b", "x"], array![[0.6, 0.8, 0.0, 0.0], [0.0, 0.6, 0.8, 0.0]], false),
            // The same direction again: dropped.
            projector(&["a", "e"], array![[0.8, 0.6]], true),
        ];
        let ssp = make_projector(&projs, &names, &["d".to_owned()], true).unwrap();
        assert_eq!(ssp.n_proj(), 2);
        let p = ssp.matrix();
        assert!((&p.dot(&p) - &p).iter().all(|d| d.abs() < 1e-15));
        assert!((&p - &p.t()).iter().all(|d| d.abs() < 1e-15));
        let gone = p.dot(&array![0.8, 0.0, 0.0, 0.0, 0.6]);
        assert!(gone.iter().all(|x| x.abs() < 1e-15));
        assert_eq!(ssp.touched(), [0, 1, 4]);
        let data = Array2::from_shape_fn((5, 7), |(i, j)| ((i * 7 + j) as f64).sin());
        let mut applied = data.clone();
        ssp.apply(&Par::serial(), applied.view_mut());
        assert!((&applied - &p.dot(&data)).iter().all(|d| d.abs() < 1e-15));
        assert_eq!(applied.row(3), data.row(3));
        assert_eq!(make_projector(&projs[1..], &names, &[], false).unwrap().n_proj(), 0);
    }

    #[test]
    fn nonsense_is_refused() {
        let twice = projector(&["a", "a"], array![[1.0, 0.0]], false);
        assert!(make_projector(&[twice], &["a", "b"], &[], true).unwrap_err().to_string().contains("twice"));
        let all = projector(&["a"], array![[1.0]], false);
        assert!(make_projector(&[all], &["a"], &[], true).unwrap_err().to_string().contains("nothing"));
        assert!(make_projector(&[], &[], &[], true).is_err());
    }
}
