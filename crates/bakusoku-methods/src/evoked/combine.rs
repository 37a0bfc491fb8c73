//! Weighted sums of averages: contrasts, averages over conditions and over people.

use super::same_channels::same_channels;
use bakusoku_core::containers::Evoked;
use bakusoku_core::{Error, Result};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How averages are weighted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weights {
    /// All alike, the sum being one.
    Equal,
    /// By the number of epochs, the sum being one.
    Nave,
    /// As given, one for each.
    Given(Vec<f64>),
}

/// The weighted sum of averages (`mne.combine_evoked`); a contrast is `Weights::Given(vec![1.0, -1.0])`.
///
/// `nave` becomes the number of epochs that would give the same variance: `1 / Σ (wᵢ² / naveᵢ)`.
///
/// # Errors
/// When there is none, or they differ in channels or times.
pub fn combine_evoked(all: &[&Evoked], weights: &Weights) -> Result<Evoked> {
    let Some(first) = all.first() else {
        return Err(Error::data("no averages to combine, expected at least one"));
    };
    let n = all.len() as f64;
    let weights: Vec<f64> = match weights {
        Weights::Equal => vec![1.0 / n; all.len()],
        Weights::Nave => {
            let total: f64 = all.iter().map(|e| e.nave).sum();
            all.iter().map(|e| e.nave / total).collect()
        }
        Weights::Given(weights) => weights.clone(),
    };
    if weights.len() != all.len() {
        return Err(Error::parameter("weights", format!("{} numbers, one for each average", all.len()), weights.len()));
    }
    let mut data = Array2::zeros(first.data.dim());
    for (evoked, &weight) in all.iter().zip(&weights) {
        data = data + &ordered(first, evoked)? * weight;
    }
    let variance: f64 = all.iter().zip(&weights).map(|(e, w)| w * w / e.nave).sum();
    let mut info = (*first.info).clone();
    for bad in all[1..].iter().flat_map(|e| &e.info.bads) {
        if !info.bads.contains(bad) {
            info.bads.push(bad.clone());
        }
    }
    Ok(Evoked {
        info: Arc::new(info),
        comment: comment(all, &weights),
        nave: 1.0 / variance,
        first: first.first,
        baseline: first.baseline,
        data,
    })
}

/// The data of `evoked` with its channels in the order of `first`.
fn ordered(first: &Evoked, evoked: &Evoked) -> Result<Array2<f64>> {
    if evoked.data.ncols() != first.data.ncols()
        || evoked.times().iter().zip(first.times()).any(|(a, b)| (a - b).abs() >= 1e-7)
    {
        return Err(Error::data(format!(
            "`{}` and `{}` do not have the same times, expected the same for all averages",
            first.comment, evoked.comment
        )));
    }
    if evoked.info.ch_names().eq(first.info.ch_names()) {
        return Ok(evoked.data.clone());
    }
    let picks =
        same_channels(&evoked.info, first.info.ch_names()).filter(|picks| picks.len() == evoked.info.n_channels());
    let Some(picks) = picks else {
        return Err(Error::data(format!(
            "`{}` and `{}` do not have the same channels, expected the same for all averages",
            first.comment, evoked.comment
        )));
    };
    tracing::warn!("order of channels differs, reordering channels");
    Ok(evoked.data.select(ndarray::Axis(0), picks.as_slice()))
}

/// MNE's name of a combination: `auditory - visual`, `0.500 × a + 0.500 × b`.
fn comment(all: &[&Evoked], weights: &[f64]) -> String {
    let mut out = String::new();
    for (index, (evoked, &weight)) in all.iter().zip(weights).enumerate() {
        let name = match evoked.comment.as_str() {
            "" => "unknown".to_owned(),
            name if name.contains(" + ") => format!("({name})"),
            name => name.to_owned(),
        };
        let sign = if weight >= 0.0 { "" } else { "-" };
        // numpy.isclose(abs(w), 1)
        let factor =
            if (weight.abs() - 1.0).abs() <= 1e-8 + 1e-5 { String::new() } else { format!("{:.3} × ", weight.abs()) };
        if index == 0 {
            out += &format!("{sign}{factor}{name}");
        } else {
            out += &format!(" {} {factor}{name}", if sign.is_empty() { "+" } else { sign });
        }
    }
    out.replace(" - - ", " + ")
}

/// The mean over people (`mne.grand_average` without interpolation): channels bad in any of them are left out with
/// `drop_bads`, or stay and are marked bad; only channels that all have remain. `nave` is the number of people.
///
/// # Errors
/// When there is none, no channel is left, or times differ.
pub fn grand_average(all: &[&Evoked], drop_bads: bool) -> Result<Evoked> {
    let Some(first) = all.first() else {
        return Err(Error::data("no averages for a grand average, expected at least one"));
    };
    let bad = |name: &str| drop_bads && all.iter().any(|e| e.info.bads.iter().any(|b| b == name));
    // A name that repeats stays as often as all have it.
    let count = |e: &Evoked, name: &str| e.info.ch_names().filter(|other| *other == name).count();
    let mut names: Vec<&str> = Vec::new();
    for name in first.info.ch_names().filter(|name| !bad(name)) {
        let before = names.iter().filter(|other| **other == name).count();
        if all.iter().all(|e| count(e, name) > before) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(Error::data("no channel is good in all averages, expected at least one"));
    }
    let picked = all
        .iter()
        .map(|e| {
            let missing = || Error::data(format!("`{}` lacks channels of the others", e.comment));
            let picks = same_channels(&e.info, names.iter().copied()).ok_or_else(missing)?;
            let info = Arc::new(e.info.pick(&picks));
            Ok(Evoked { info, data: e.data.select(ndarray::Axis(0), picks.as_slice()), ..(*e).clone() })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut out = combine_evoked(&picked.iter().collect::<Vec<_>>(), &Weights::Equal)?;
    out.nave = all.len() as f64;
    out.comment = format!("Grand average (n = {})", all.len());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::info_of;
    use ndarray::array;

    fn evoked(comment: &str, nave: f64, value: f64) -> Evoked {
        Evoked {
            info: Arc::new(info_of(&["grad", "eeg"], 100.0)),
            comment: comment.into(),
            nave,
            first: -1,
            baseline: None,
            data: array![[value, 2.0, 3.0], [1.0, -value, 0.0]],
        }
    }

    #[test]
    fn weights_comments_and_nave_are_mne_s() {
        let (a, b) = (evoked("a", 30.0, 1.0), evoked("b", 60.0, 4.0));
        let contrast = combine_evoked(&[&a, &b], &Weights::Given(vec![1.0, -1.0])).unwrap();
        assert_eq!(contrast.comment, "a - b");
        assert_eq!(contrast.nave, 1.0 / (1.0 / 30.0 + 1.0 / 60.0));
        assert_eq!(contrast.data, array![[-3.0, 0.0, 0.0], [0.0, 3.0, 0.0]]);
        let mean = combine_evoked(&[&a, &b], &Weights::Equal).unwrap();
        assert_eq!(mean.comment, "0.500 × a + 0.500 × b");
        let by_nave = combine_evoked(&[&a, &b], &Weights::Nave).unwrap();
        assert!((by_nave.nave - 90.0).abs() < 1e-12 && (by_nave.data[[0, 0]] - 3.0).abs() < 1e-15);
        assert_eq!(
            combine_evoked(&[&mean, &b], &Weights::Given(vec![1.0, 1.0])).unwrap().comment,
            "(0.500 × a + 0.500 × b) + b"
        );
        assert!(combine_evoked(&[&a, &b], &Weights::Given(vec![1.0])).is_err());
    }

    #[test]
    fn a_grand_average_drops_what_is_bad_in_anyone() {
        let (a, mut b) = (evoked("a", 30.0, 1.0), evoked("b", 60.0, 4.0));
        Arc::make_mut(&mut b.info).bads = vec!["eeg 001".into()];
        let grand = grand_average(&[&a, &b], true).unwrap();
        assert_eq!((grand.data.dim(), grand.nave), ((1, 3), 2.0));
        assert_eq!(grand.data[[0, 0]], 2.5);
        let kept = grand_average(&[&a, &b], false).unwrap();
        assert_eq!((kept.data.nrows(), kept.info.bads.len()), (2, 1));
        assert_eq!(kept.comment, "Grand average (n = 2)");
    }

    #[test]
    fn channels_whose_names_repeat_stay_apart() {
        let (mut a, mut b) = (evoked("a", 30.0, 1.0), evoked("b", 60.0, 4.0));
        for e in [&mut a, &mut b] {
            let info = Arc::make_mut(&mut e.info);
            info.chs[1].name = info.chs[0].name.clone();
        }
        let grand = grand_average(&[&a, &b], true).unwrap();
        assert_eq!(grand.data, array![[2.5, 2.0, 3.0], [1.0, -2.5, 0.0]]);
    }
}
