//! Decompositions (`*_ica.fif`): matrices in double precision, and texts that hold JSON.

use super::file::open_fiff;
use super::info::{Header, read_info, write_info, write_meas_start, write_outside};
use super::output::Output;
use crate::{Error, Result};
use bakusoku_core::ChannelType;
use bakusoku_core::containers::{Ica, IcaFit};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{FileId, Matrix, RawTag, Wrong};
use bakusoku_math::linalg;
use ndarray::{Array1, Array2};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Reads a decomposition, of MNE-Python or of bakusoku.
///
/// # Errors
/// When the file can't be read, holds no decomposition, or one whose matrices do not fit one another.
pub fn read_ica(path: &Path) -> Result<Ica> {
    let fiff = open_fiff(path)?;
    let (info, _) = read_info(&fiff)?;
    let block = fiff.root().find(FIFFB_MNE_ICA).ok_or_else(|| Error::Content {
        path: path.to_owned(),
        expected: "an independent component analysis".into(),
        got: "none".into(),
    })?;
    let matrix = |kind| -> Result<Array2<f64>> {
        let name = bakusoku_fiff::constants::tag_name(kind);
        let entry = block.entry(kind).ok_or_else(|| fiff.missing(&name, block))?;
        Ok(fiff.get(entry, |tag| tag.matrix()?.into_2d())?)
    };
    let vector = |kind| -> Result<Array1<f64>> {
        let name = bakusoku_fiff::constants::tag_name(kind);
        let entry = block.entry(kind).ok_or_else(|| fiff.missing(&name, block))?;
        Ok(fiff.get(entry, |tag| match tag.matrix()? {
            Matrix::Dense { data, .. } => Ok(Array1::from(data)),
            Matrix::Sparse(_) => Err(Wrong::new("a vector", "a sparse matrix")),
        })?)
    };
    let text = |kind| -> Result<HashMap<String, Value>> {
        let Some(entry) = block.entry(kind) else { return Ok(HashMap::new()) };
        Ok(fiff.get(entry, |tag| parse(&tag.text()?))?)
    };
    let (asked, misc) = (text(FIFF_MNE_ICA_INTERFACE_PARAMS)?, text(FIFF_MNE_ICA_MISC_PARAMS)?);
    let unmixing = matrix(FIFF_MNE_ICA_MATRIX)?;
    let n = unmixing.nrows();
    let (pre_whitener, pca_components) = (matrix(FIFF_MNE_ICA_WHITENER)?, matrix(FIFF_MNE_ICA_PCA_COMPONENTS)?);
    // MNE keeps a mean of one channel as a matrix like any other.
    let (mean, variance) = (vector(FIFF_MNE_ICA_PCA_MEAN)?, vector(FIFF_MNE_ICA_PCA_EXPLAINED_VAR)?);
    let names = fiff.find(block, FIFF_MNE_ROW_NAMES, RawTag::names)?;
    let info = match &names {
        Some(names) if !info.ch_names().eq(names.iter().map(String::as_str)) => {
            let picks = bakusoku_core::Picks::names(&info, names)
                .map_err(|error| wrong(path, "channels that the file describes", &error.to_string()))?;
            info.pick(&picks)
        }
        _ => info,
    };
    let n_channels = info.n_channels();
    let fits = unmixing.ncols() == n
        && pca_components.ncols() == pre_whitener.nrows()
        && mean.len() == pre_whitener.nrows()
        && variance.len() == pca_components.nrows()
        && n <= pca_components.nrows()
        && (pre_whitener.dim() == (n_channels, 1) || pre_whitener.ncols() == n_channels);
    if !fits {
        let got = format!(
            "{:?} of {n_channels} channels, {:?} and {:?}",
            pre_whitener.dim(),
            pca_components.dim(),
            unmixing.dim()
        );
        return Err(wrong(path, "a whitener, principal components and an unmixing matrix that fit one another", &got));
    }
    let mixing = linalg::pinv(unmixing.view(), 1e-15)
        .map_err(|error| wrong(path, "an unmixing matrix of numbers", &error.to_string()))?;
    let exclude = match block.entry(FIFF_MNE_ICA_BADS) {
        Some(entry) if entry.size > 0 => fiff.get(entry, RawTag::ints)?,
        _ => Vec::new(),
    };
    let exclude: Vec<usize> = exclude.into_iter().map(|k| usize::try_from(k).unwrap_or(usize::MAX)).collect();
    if let Some(index) = exclude.iter().find(|&&index| index >= n) {
        return Err(wrong(path, &format!("components below {n} to exclude"), &index.to_string()));
    }
    let reject = match block.entry(FIFF_MNE_EPOCHS_REJECT_FLAT) {
        Some(entry) => limits(&fiff.get(entry, RawTag::text)?),
        None => None,
    };
    let string = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Ica {
        info: Arc::new(info),
        pre_whitener,
        pca_mean: mean,
        pca_components,
        pca_explained_variance: variance,
        unmixing_matrix: unmixing,
        mixing_matrix: mixing,
        exclude,
        labels: labels(misc.get("labels_")),
        fit: IcaFit {
            method: string(misc.get("method")),
            n_components: asked.get("n_components").and_then(Value::as_f64),
            n_pca_components: asked.get("n_pca_components").and_then(Value::as_f64),
            n_samples: misc.get("n_samples_").and_then(Value::as_u64),
            n_iter: misc.get("n_iter_").and_then(Value::as_u64),
            current_fit: string(asked.get("current_fit")),
            fit_params: misc.get("fit_params").filter(|value| value.is_object()).map(Value::to_string),
            reject,
        },
    })
}

fn wrong(path: &Path, expected: &str, got: &str) -> Error {
    Error::Content { path: path.to_owned(), expected: expected.to_owned(), got: got.to_owned() }
}

/// `key:JSON;key:JSON`, as MNE writes them. A semicolon inside a text belongs to it.
fn parse(text: &str) -> std::result::Result<HashMap<String, Value>, Wrong> {
    let mut out = HashMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let bad = || Wrong::new("names and JSON, separated by colons and semicolons", format!("`{rest}`"));
        let (key, after) = rest.split_once(':').ok_or_else(bad)?;
        let (mut inside, mut escaped) = (false, false);
        let stop = after.find(|c| {
            let ends = c == ';' && !inside;
            inside ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let stop = stop.unwrap_or(after.len());
        // Python writes numbers that are no JSON.
        let value = serde_json::from_str(&after[..stop]).unwrap_or(Value::Null);
        out.insert(key.to_owned(), value);
        rest = after[stop..].strip_prefix(';').unwrap_or("");
    }
    Ok(out)
}

fn labels(value: Option<&Value>) -> Vec<(String, Vec<usize>)> {
    let Some(Value::Object(labels)) = value else { return Vec::new() };
    labels
        .iter()
        .map(|(name, list)| {
            let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
            (name.clone(), list.iter().filter_map(Value::as_u64).map(|index| index as usize).collect())
        })
        .collect()
}

fn limits(text: &str) -> Option<Vec<(ChannelType, f64)>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let limits = value.get("reject")?.as_object()?;
    Some(limits.iter().filter_map(|(name, limit)| Some((ChannelType::from_name(name)?, limit.as_f64()?))).collect())
}

/// A number as MNE has it: whole, or a share below 1.
fn number(value: Option<f64>) -> Value {
    match value {
        Some(value) if value.fract() == 0.0 => Value::from(value as i64),
        Some(value) => Value::from(value),
        None => Value::Null,
    }
}

fn serialize(entries: &[(&str, Value)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    entries.join(";")
}

/// Writes a decomposition, `*-ica.fif` or `*_ica.fif`, as MNE-Python does.
///
/// # Errors
/// When it can't be written.
pub fn write_ica(path: &Path, ica: &Ica, id: FileId) -> Result<()> {
    let fit = &ica.fit;
    let text_or_null = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let params = fit.fit_params.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let names = |(name, list): &(String, Vec<usize>)| (name.clone(), Value::from(list.clone()));
    let labels: Map<String, Value> = ica.labels.iter().map(names).collect();
    let is_noise = ica.pre_whitener.ncols() != 1;
    let asked = serialize(&[
        ("noise_cov", if is_noise { Value::from("Covariance") } else { Value::Null }),
        ("n_components", number(fit.n_components)),
        ("n_pca_components", number(fit.n_pca_components)),
        ("max_pca_components", Value::Null),
        ("current_fit", if fit.current_fit.is_empty() { Value::from("raw") } else { text_or_null(&fit.current_fit) }),
        ("allow_ref_meg", Value::from(ica.info.chs.iter().any(|ch| ch.ch_type() == ChannelType::RefMeg))),
    ]);
    let misc = serialize(&[
        ("n_samples_", fit.n_samples.map_or(Value::Null, Value::from)),
        ("labels_", Value::Object(labels)),
        ("method", text_or_null(&fit.method)),
        ("n_iter_", fit.n_iter.map_or(Value::Null, Value::from)),
        ("fit_params", params),
    ]);
    let too_large = |index: &usize| Error::Unwritable {
        path: path.to_owned(),
        what: "the components to exclude",
        expected: format!("numbers below {}", ica.n_components()),
        got: index.to_string(),
    };
    if let Some(index) = ica.exclude.iter().find(|&&index| index >= ica.n_components()) {
        return Err(too_large(index));
    }
    let exclude: Vec<i32> = ica.exclude.iter().map(|&index| index as i32).collect();
    let ch_names: Vec<&str> = ica.info.ch_names().collect();
    let mut out = Output::create(path, id)?;
    write_meas_start(&mut out, &ica.info)?;
    write_info(&mut out, &ica.info, Header::PROCESSED)?;
    out.write(|fif| {
        fif.end_block()?;
        fif.start_block(FIFFB_MNE_ICA)?;
        fif.text(FIFF_MNE_ICA_INTERFACE_PARAMS, &asked)?;
        fif.names(FIFF_MNE_ROW_NAMES, &ch_names)?;
        fif.text(FIFF_MNE_ICA_MISC_PARAMS, &misc)?;
        fif.double_matrix(FIFF_MNE_ICA_WHITENER, ica.pre_whitener.view())?;
        fif.double_matrix(FIFF_MNE_ICA_PCA_COMPONENTS, ica.pca_components.view())?;
        fif.double_vector(FIFF_MNE_ICA_PCA_MEAN, ica.pca_mean.view())?;
        fif.double_vector(FIFF_MNE_ICA_PCA_EXPLAINED_VAR, ica.pca_explained_variance.view())?;
        fif.double_matrix(FIFF_MNE_ICA_MATRIX, ica.unmixing_matrix.view())?;
        fif.ints(FIFF_MNE_ICA_BADS, &exclude)?;
        if let Some(reject) = &fit.reject {
            let limits: Map<String, Value> =
                reject.iter().map(|(ch_type, limit)| (ch_type.name().to_owned(), Value::from(*limit))).collect();
            let mut object = Map::new();
            object.insert("reject".into(), Value::Object(limits));
            fif.text(FIFF_MNE_EPOCHS_REJECT_FLAT, &Value::Object(object).to_string())?;
        }
        fif.end_block()?;
        write_outside(fif, &ica.info)
    })?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bakusoku_core::{Channel, Info};

    fn ica() -> Ica {
        let chs = (0..4).map(|k| Channel::new(format!("EEG {k}"), ChannelType::Eeg)).collect();
        let info = Info { sfreq: 250.0, lowpass: 40.0, highpass: 1.0, chs, ..Info::default() }.number_channels();
        let unmixing = Array2::from_shape_fn((3, 3), |(i, j)| f64::from(u8::from(i == j)) + 0.1 * (i + 2 * j) as f64);
        Ica {
            info: Arc::new(info),
            pre_whitener: Array2::from_elem((4, 1), 1e-5 / 3.0),
            pca_mean: Array1::from(vec![0.1, -0.2, 0.3, 1.0 / 3.0]),
            pca_components: Array2::from_shape_fn((4, 4), |(i, j)| ((i * 4 + j) as f64).sin()),
            pca_explained_variance: Array1::from(vec![3.0, 1.0, 0.5, 0.01]),
            mixing_matrix: linalg::pinv(unmixing.view(), 1e-15).unwrap(),
            unmixing_matrix: unmixing,
            exclude: vec![2, 0],
            labels: vec![("ecg".into(), vec![2]), ("eog/0/EOG: 1; 2".into(), vec![0])],
            fit: IcaFit {
                method: "picard".into(),
                n_components: Some(0.99),
                n_pca_components: Some(4.0),
                n_samples: Some(12_345),
                n_iter: Some(17),
                current_fit: "epochs".into(),
                fit_params: Some(r#"{"ortho":false}"#.into()),
                reject: Some(vec![(ChannelType::Eeg, 1e-4)]),
            },
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub-01_ica.fif");
        let mut written = ica();
        for exclude in [vec![2, 0], Vec::new()] {
            written.exclude = exclude;
            write_ica(&path, &written, FileId::CONSTANT).unwrap();
            let read = read_ica(&path).unwrap();
            assert!(read.info.ch_names().eq(written.info.ch_names()));
            assert_eq!(read.pre_whitener, written.pre_whitener);
            assert_eq!(read.pca_mean, written.pca_mean);
            assert_eq!(read.pca_components, written.pca_components);
            assert_eq!(read.pca_explained_variance, written.pca_explained_variance);
            assert_eq!(read.unmixing_matrix, written.unmixing_matrix);
            assert_eq!(read.mixing_matrix, written.mixing_matrix);
            assert_eq!(read.exclude, written.exclude);
            assert_eq!(read.labels, written.labels);
            assert_eq!(read.fit, written.fit);
        }
        written.exclude = vec![3];
        assert!(write_ica(&path, &written, FileId::CONSTANT).unwrap_err().to_string().contains("below 3"));
    }

    #[test]
    fn files_that_hold_something_else_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub-01_ica.fif");
        let mut wrong = ica();
        wrong.pca_mean = Array1::zeros(3);
        write_ica(&path, &wrong, FileId::CONSTANT).unwrap();
        assert!(read_ica(&path).unwrap_err().to_string().contains("fit one another"));
        assert!(parse("noise_cov").is_err());
        assert_eq!(parse("a:NaN;b:[1, 2]").unwrap()["b"], serde_json::json!([1, 2]));
        assert!(read_ica(&folder.path().join("none_ica.fif")).is_err());
    }
}
