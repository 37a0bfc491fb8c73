//! Interpolation as a step, and of averages.

use super::make_interpolation_matrix;
use crate::headshape::fit_sphere_to_headshape;
use bakusoku_core::containers::Evoked;
use bakusoku_core::{Bound, ChannelType, Error, Info, LinearMap, Method, Picks, Result, Segment, Span, Stream};
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Centre of the sphere on which the electrodes are thought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// That of a sphere fitted to the digitised head shape.
    #[default]
    Auto,
    /// This point of the head frame (m).
    At([f64; 3]),
}

/// Interpolates bad EEG channels (`raw.interpolate_bads`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InterpolateBads {
    /// Whether interpolated channels are no longer bad.
    pub reset_bads: bool,
    /// Centre of the sphere.
    pub origin: Origin,
    /// Bad channels that stay as they are.
    pub exclude: Vec<String>,
}

impl Default for InterpolateBads {
    fn default() -> Self {
        Self { reset_bads: true, origin: Origin::Auto, exclude: Vec::new() }
    }
}

impl InterpolateBads {
    /// The channels that are interpolated, and those that they are made of.
    pub fn channels(&self, info: &Info) -> (Picks, Picks) {
        let eeg = Picks::types(info, &[ChannelType::Eeg], false);
        let wanted = |index: &usize| !self.exclude.contains(&info.chs[*index].name);
        let (bad, good): (Vec<usize>, Vec<usize>) = eeg.iter().filter(wanted).partition(|&index| info.is_bad(index));
        let picks = |indices| Picks::new(indices, info.n_channels()).expect("indices of these channels");
        (picks(bad), picks(good))
    }

    /// Bad data channels that this method can't interpolate: they stay bad.
    pub fn left_bad<'a>(&self, info: &'a Info) -> Vec<&'a str> {
        let others = (0..info.n_channels()).filter(|&index| {
            let ch_type = info.chs[index].ch_type();
            info.is_bad(index) && ch_type.is_data() && ch_type != ChannelType::Eeg
        });
        others
            .map(|index| info.chs[index].name.as_str())
            .filter(|name| !self.exclude.iter().any(|e| e == name))
            .collect()
    }

    /// What is known afterwards.
    ///
    /// # Errors
    /// As [`matrix`](Self::matrix).
    pub fn info(&self, info: &Info) -> Result<Info> {
        let (bad, good) = self.channels(info);
        self.positions(info, &bad, &good)?;
        let left = self.left_bad(info);
        if !left.is_empty() {
            tracing::warn!("only bad EEG channels are interpolated; {} stay bad", left.join(", "));
        }
        let mut out = info.clone();
        if self.reset_bads {
            out.bads.retain(|name| !bad.iter().any(|index| &info.chs[index].name == name));
        }
        Ok(out)
    }

    /// Positions relative to the origin (m), of the bad channels and of the good ones.
    fn positions(&self, info: &Info, bad: &Picks, good: &Picks) -> Result<[Vec<[f64; 3]>; 2]> {
        if bad.is_empty() {
            return Ok([Vec::new(), Vec::new()]);
        }
        let nowhere: Vec<&str> = bad
            .iter()
            .chain(good.iter())
            .map(|index| &info.chs[index])
            .filter(|ch| {
                let place = &ch.loc[..3];
                place.iter().all(|x| x.abs() <= 1e-16) || place.iter().any(|x| !x.is_finite())
            })
            .map(|ch| ch.name.as_str())
            .collect();
        if !nowhere.is_empty() {
            return Err(Error::Data {
                message: format!("no position is known of {}, expected one of every EEG channel", nowhere.join(", ")),
                hint: Some("set a montage, or exclude these channels".into()),
            });
        }
        if good.is_empty() {
            return Err(Error::data("all EEG channels are bad, expected some good ones to interpolate the others"));
        }
        let origin = match self.origin {
            Origin::At(point) if point.iter().all(|x| x.is_finite()) => point,
            Origin::At(point) => return Err(Error::parameter("origin", "three numbers (m)", format!("{point:?}"))),
            Origin::Auto => {
                let fit = fit_sphere_to_headshape(info, None)?;
                fit.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                fit.origin_head
            }
        };
        let places = |picks: &Picks| -> Vec<[f64; 3]> {
            picks.iter().map(|index| std::array::from_fn(|i| info.chs[index].loc[i] - origin[i])).collect()
        };
        Ok([places(bad), places(good)])
    }

    /// The channels that are interpolated, those that they are made of, and the matrix between them.
    ///
    /// # Errors
    /// When the position of an electrode is not known (it is named), none is good, or no sphere can be fitted.
    pub fn matrix(&self, info: &Info) -> Result<(Picks, Picks, Array2<f64>)> {
        let (bad, good) = self.channels(info);
        let [to, from] = self.positions(info, &bad, &good)?;
        if bad.is_empty() {
            return Ok((bad, good, Array2::zeros((0, 0))));
        }
        let matrix = make_interpolation_matrix(&from, &to)?;
        tracing::info!("interpolating {} of {} EEG channels", bad.len(), bad.len() + good.len());
        Ok((bad, good, matrix))
    }
}

impl Method for InterpolateBads {
    fn name(&self) -> &'static str {
        "interpolate_bads"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        Ok(Stream { info: Arc::new(self.info(&input.info)?), ..input.clone() })
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let (bad, good, weights) = self.matrix(&input.info)?;
        let mut channels: Vec<usize> =
            if bad.is_empty() { Vec::new() } else { bad.iter().chain(good.iter()).collect() };
        channels.sort_unstable();
        let place = |index: usize| channels.binary_search(&index).expect("the channel is among them");
        let mut matrix = Array2::eye(channels.len());
        for (row, ch) in bad.iter().enumerate() {
            let mut out = matrix.row_mut(place(ch));
            out.fill(0.0);
            good.iter().zip(weights.row(row)).for_each(|(from, weight)| out[place(from)] = *weight);
        }
        let segments = vec![Segment::Process(Span::new(0, input.n_times))];
        Ok(Bound::Matrix(LinearMap { channels, matrix, offset: None, segments, finite: false }))
    }
}

/// An average with its bad EEG channels interpolated (`evoked.interpolate_bads`).
///
/// # Errors
/// As [`InterpolateBads::matrix`].
pub fn interpolate_evoked(evoked: &Evoked, params: &InterpolateBads) -> Result<Evoked> {
    let (bad, good, weights) = params.matrix(&evoked.info)?;
    let mut out = evoked.clone();
    if bad.is_empty() {
        return Ok(out);
    }
    let samples = weights.dot(&evoked.data.select(Axis(0), good.as_slice()));
    for (row, ch) in samples.rows().into_iter().zip(bad.iter()) {
        out.data.row_mut(ch).assign(&row);
    }
    out.info = Arc::new(params.info(&evoked.info)?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epochs::{EpochMut, EpochOperator, EpochsHeader, MatrixOperator};
    use crate::testing::{info_of, numbers};
    use bakusoku_core::{Event, Par};

    fn info() -> Info {
        let mut types = vec!["eeg"; 20];
        types.extend(["mag", "eog"]);
        let mut info = info_of(&types, 100.0);
        for (k, ch) in info.chs.iter_mut().enumerate() {
            let (z, angle) = (0.1 - 0.006 * k as f64, 2.4 * k as f64);
            ch.loc[..3].copy_from_slice(&[0.07 * angle.cos(), 0.07 * angle.sin(), z]);
        }
        info.bads = ["eeg 003", "eeg 011", "mag 020", "eog 021"].map(str::to_owned).to_vec();
        info
    }

    fn params() -> InterpolateBads {
        InterpolateBads { origin: Origin::At([0.0, 0.0, 0.04]), ..Default::default() }
    }

    #[test]
    fn recordings_epochs_and_averages_are_interpolated_alike() {
        let (info, data) = (Arc::new(info()), numbers(22, 9, 5));
        let evoked =
            Evoked { info: info.clone(), comment: "a".into(), nave: 3.0, first: 0, baseline: None, data: data.clone() };
        let average = interpolate_evoked(&evoked, &params()).unwrap();
        assert_eq!(average.info.bads, ["mag 020", "eog 021"]);
        for row in (0..22).filter(|&row| row != 3 && row != 11) {
            assert_eq!(average.data.row(row), data.row(row), "only bad EEG channels change");
        }
        let header = EpochsHeader {
            info,
            event_id: Vec::new(),
            first: 0,
            n_times: 9,
            raw_sfreq: 100.0,
            baseline: None,
            n_events: 1,
        };
        let mut operator = MatrixOperator::new(Box::new(params()));
        assert_eq!(operator.bind(&header).unwrap().info.bads, ["mag 020", "eog 021"]);
        let mut epoch = data;
        let event = Event { sample: 0, previous: 0, code: 1 };
        let mut lent = EpochMut { event, selection: 0, index: 0, data: &mut epoch, reasons: Vec::new() };
        operator.apply(&mut lent, &Par::serial()).unwrap();
        assert!((&epoch - &average.data).iter().all(|d| d.abs() < 1e-15));
        // What is bad stays bad if it is to.
        let kept = InterpolateBads { reset_bads: false, exclude: vec!["eeg 011".into()], ..params() };
        let kept = interpolate_evoked(&evoked, &kept).unwrap();
        assert_eq!((kept.info.bads.len(), kept.data.row(11)), (4, evoked.data.row(11)));
    }

    #[test]
    fn electrodes_without_a_position_are_named() {
        let mut info = info();
        info.chs[7].loc = [0.0; 12];
        info.chs[11].loc[1] = f64::NAN;
        let error = params().info(&info).unwrap_err().to_string();
        assert!(error.contains("eeg 011, eeg 007"), "{error}");
        info.bads = vec!["mag 020".into()];
        assert!(params().info(&info).is_ok(), "nothing to interpolate, nothing to ask for");
        let error = InterpolateBads::default().info(&self::info()).unwrap_err().to_string();
        assert!(error.contains("digitization"), "{error}");
    }
}
