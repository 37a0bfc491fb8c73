//! The independent components that a set may hold.

use super::mat::{Stored, Value};
use super::set::Set;
use crate::Result;
use ndarray::Array2;
use std::path::Path;

/// Independent components as EEGLAB keeps them: `weights · sphere · samples` are their time courses.
#[derive(Clone, Debug, PartialEq)]
pub struct EeglabIca {
    /// Unmixing after sphering (`icaweights`), `(n_components, n_channels)`.
    pub weights: Array2<f64>,
    /// Sphering (`icasphere`), `(n_channels, n_channels)`; an identity where the set has none.
    pub sphere: Array2<f64>,
    /// The components' topographies (`icawinv`), `(n_channels, n_components)`, if the set has them.
    pub winv: Option<Array2<f64>>,
    /// The channels (`icachansind`), as indices from 0; all where the set does not say it.
    pub channels: Vec<usize>,
}

/// Reads the independent components of a set; `None` where it has none.
///
/// # Errors
/// When the set can't be read or is damaged, or its matrices do not fit together.
pub fn read_ica(path: impl AsRef<Path>) -> Result<Option<EeglabIca>> {
    let set = Set::read(path.as_ref())?;
    let Some(weights) = matrix(&set, "icaweights")? else { return Ok(None) };
    let n = weights.ncols();
    let sphere = matrix(&set, "icasphere")?.unwrap_or_else(|| Array2::eye(n));
    let winv = matrix(&set, "icawinv")?;
    let channels = match matrix(&set, "icachansind")? {
        None => (0..n).collect(),
        Some(indices) => {
            let index = |value: &f64| {
                // MATLAB counts from 1.
                let sound = value.fract() == 0.0 && *value >= 1.0 && *value <= set.n_channels as f64;
                let wrong =
                    || set.wrong("icachansind", &format!("channels 1 to {}", set.n_channels), format!("`{value}`"));
                sound.then(|| *value as usize - 1).ok_or_else(wrong)
            };
            indices.iter().map(index).collect::<Result<Vec<usize>>>()?
        }
    };
    let shape = |matrix: &Array2<f64>| format!("{} × {}", matrix.nrows(), matrix.ncols());
    if channels.len() != n {
        let expected = format!("{} columns, one for each channel of `icachansind`", channels.len());
        return Err(set.wrong("icaweights", &expected, shape(&weights)));
    }
    if sphere.dim() != (n, n) {
        return Err(set.wrong("icasphere", &format!("{n} × {n} numbers"), shape(&sphere)));
    }
    if let Some(winv) = winv.as_ref().filter(|winv| winv.dim() != (n, weights.nrows())) {
        return Err(set.wrong("icawinv", &format!("{n} × {} numbers", weights.nrows()), shape(winv)));
    }
    Ok(Some(EeglabIca { weights, sphere, winv, channels }))
}

fn matrix(set: &Set, name: &str) -> Result<Option<Array2<f64>>> {
    let Some(value) = set.get(name) else { return Ok(None) };
    let (dims, values) = match value {
        Value::Numbers { dims, values, .. } => (dims.clone(), values.clone()),
        Value::Stored(stored) => (stored.dims.clone(), read(set, name, stored)?),
        other => return Err(set.wrong(name, "a matrix of numbers", other.described())),
    };
    let [rows, columns] = dims[..] else {
        return Err(set.wrong(name, "a matrix of numbers", format!("{} dimensions", dims.len())));
    };
    // Column by column.
    let transposed = Array2::from_shape_vec((columns as usize, rows as usize), values);
    match transposed {
        Ok(transposed) => Ok(Some(transposed.reversed_axes())),
        Err(_) => Err(set.wrong(name, &format!("{rows} × {columns} numbers"), value.described())),
    }
}

fn read(set: &Set, name: &str, stored: &Stored) -> Result<Vec<f64>> {
    let most = set.n_channels * set.n_channels * 8;
    if stored.n_bytes() > most {
        let expected = format!("at most one row and column for each of {} channels", set.n_channels);
        return Err(set.wrong(name, &expected, Value::Stored(stored.clone()).described()));
    }
    stored.read(&set.path)
}
