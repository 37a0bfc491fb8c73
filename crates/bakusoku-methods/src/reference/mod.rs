//! EEG reference: subtracts the mean of some electrodes from all good EEG channels.
//!
//! The numbers are those of `mne.set_eeg_reference` (`projection=False`); for the average reference as a projector see
//! [`projection`](crate::projection). Bad EEG channels are neither used nor changed by the average reference, and not
//! changed by any other.

use bakusoku_core::{
    Bound, ChannelType, Error, Info, LinearMap, Method, Picks, Projector, Result, Segment, Span, Stream,
};
use bakusoku_math::stats;
use ndarray::{Array2, ArrayViewMut2, Axis};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `FIFFV_MNE_CUSTOM_REF_ON`: the data were referenced by us.
const CUSTOM_REF_ON: i32 = 1;

/// Which reference the EEG gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EegReference {
    /// The mean of all good EEG channels.
    Average,
    /// The mean of these channels.
    Channels(Vec<String>),
    /// As recorded; noted as wanted (MNE's `ref_channels=[]`).
    None,
}

/// Sets the EEG reference (`mne.set_eeg_reference`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetEegReference {
    /// Which reference the EEG gets.
    pub ref_channels: EegReference,
}

impl SetEegReference {
    /// The channels that change, and those whose mean is subtracted.
    ///
    /// # Errors
    /// When there is no good EEG channel, a channel is not there, or an inactive projector uses one of them.
    pub fn channels(&self, info: &Info) -> Result<(Picks, Picks)> {
        let to = Picks::types(info, &[ChannelType::Eeg], true);
        if to.is_empty() {
            return Err(Error::data("no good EEG channel found, expected at least one to set a reference"));
        }
        let from = match &self.ref_channels {
            EegReference::Average => to.clone(),
            EegReference::Channels(names) if names.is_empty() => {
                return Err(Error::parameter("ref_channels", "at least one channel", "none"));
            }
            EegReference::Channels(names) => Picks::names(info, names)?,
            EegReference::None => Picks::all(0),
        };
        let concerned = |name: &String| to.iter().chain(from.iter()).any(|index| &info.chs[index].name == name);
        if let Some(projector) =
            info.projs.iter().find(|p| !is_average(p) && !p.active && p.names.iter().any(concerned))
        {
            return Err(Error::Data {
                message: format!(
                    "projector `{}` is not applied yet, but works on channels of the reference",
                    projector.desc
                ),
                hint: Some("apply or remove the projectors before the reference is set".into()),
            });
        }
        Ok((to, from))
    }

    /// What is known about the data afterwards: average reference projectors are gone, the new reference is noted.
    ///
    /// # Errors
    /// As [`channels`](Self::channels).
    pub fn info(&self, info: &Info) -> Result<Info> {
        self.channels(info)?;
        let mut info = info.clone();
        info.projs.retain(|p| !is_average(p));
        info.custom_ref_applied = CUSTOM_REF_ON;
        Ok(info)
    }
}

fn is_average(projector: &Projector) -> bool {
    projector.kind == Projector::EEG_AVREF || projector.desc == "Average EEG reference"
}

impl Method for SetEegReference {
    fn name(&self) -> &'static str {
        "set_eeg_reference"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        Ok(Stream { info: Arc::new(self.info(&input.info)?), ..input.clone() })
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let (to, from) = self.channels(&input.info)?;
        let mut channels: Vec<usize> =
            if from.is_empty() { Vec::new() } else { to.iter().chain(from.iter()).collect() };
        channels.sort_unstable();
        channels.dedup();
        let share = 1.0 / from.len().max(1) as f64;
        let matrix = Array2::from_shape_fn((channels.len(), channels.len()), |(i, j)| {
            let changes = to.contains(channels[i]) && from.contains(channels[j]);
            f64::from(u8::from(i == j)) - if changes { share } else { 0.0 }
        });
        let segments = vec![Segment::Process(Span::new(0, input.n_times))];
        Ok(Bound::Matrix(LinearMap { channels, matrix, offset: None, segments, finite: false }))
    }
}

/// Subtracts the mean of the channels `from` from the channels `to`, in place, `(n_channels, n_times)`; returns what was
/// subtracted (`None` when `from` is empty).
pub fn apply_reference(mut data: ArrayViewMut2<'_, f64>, to: &[usize], from: &[usize]) -> Option<Vec<f64>> {
    if from.is_empty() {
        return None;
    }
    let reference = data.select(Axis(0), from);
    let reference: Vec<f64> = reference.columns().into_iter().map(|column| stats::mean(&column.to_vec())).collect();
    for &ch in to {
        data.row_mut(ch).iter_mut().zip(&reference).for_each(|(x, r)| *x -= r);
    }
    Some(reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::info_of;

    #[test]
    fn the_matrix_does_what_the_kernel_does() {
        let mut info = info_of(&["grad", "eeg", "eeg", "eeg", "misc", "eeg"], 100.0);
        info.bads = vec!["eeg 003".into()];
        let stream = Stream {
            info: Arc::new(info),
            first_samp: 0,
            n_times: 9,
            gaps: Vec::new(),
            annotations: Default::default(),
        };
        let data = Array2::from_shape_fn((6, 9), |(i, j)| ((i * 9 + j) as f64).cos());
        for ref_channels in [
            EegReference::Average,
            EegReference::Channels(vec!["eeg 001".into(), "eeg 003".into()]),
            EegReference::None,
        ] {
            let method = SetEegReference { ref_channels };
            let (to, from) = method.channels(&stream.info).unwrap();
            let mut expected = data.clone();
            apply_reference(expected.view_mut(), to.as_slice(), from.as_slice());
            let Bound::Matrix(map) = method.bind(&stream).unwrap() else { panic!("a reference is a matrix") };
            let mut got = data.clone();
            let part = map.matrix.dot(&data.select(Axis(0), &map.channels));
            for (row, &ch) in part.rows().into_iter().zip(&map.channels) {
                got.row_mut(ch).assign(&row);
            }
            assert!((&got - &expected).iter().all(|d| d.abs() < 1e-15));
            assert_eq!(got.row(3), data.row(3), "the bad channel stays");
        }
        let average = SetEegReference { ref_channels: EegReference::Average };
        assert_eq!(average.output(&stream).unwrap().info.custom_ref_applied, 1);
    }
}
