//! Which channels a covariance has, in what groups their rank counts, and what the header says about it.

use super::Rank;
use crate::epochs::Epoch;
use crate::projection::make_projector;
use bakusoku_core::{ChannelType, Error, Info, Picks, Result};
use ndarray::ArrayView2;

/// The types that have a covariance.
const TYPES: [ChannelType; 8] = [
    ChannelType::Mag,
    ChannelType::Grad,
    ChannelType::Eeg,
    ChannelType::Csd,
    ChannelType::Seeg,
    ChannelType::Ecog,
    ChannelType::Dbs,
    ChannelType::Fnirs,
];

/// The channels of a covariance: good data channels.
pub fn covariance_picks(info: &Info) -> Picks {
    Picks::types(info, &TYPES, true)
}

/// Channels whose rank counts together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// MNE's name: `meg` where magnetometers and gradiometers are there, else the type.
    pub(super) name: &'static str,
    /// Rows.
    pub(super) rows: Vec<usize>,
}

/// Groups of the channels of `info`, in MNE's order.
pub(super) fn groups(info: &Info) -> Vec<Group> {
    let rows = |types: &[ChannelType]| Picks::types(info, types, false).as_slice().to_vec();
    let mut out = Vec::new();
    let (mag, grad) = (rows(&TYPES[..1]), rows(&TYPES[1..2]));
    if mag.is_empty() || grad.is_empty() {
        out.push(Group { name: "mag", rows: mag });
        out.push(Group { name: "grad", rows: grad });
    } else {
        out.push(Group { name: "meg", rows: rows(&TYPES[..2]) });
    }
    out.extend(TYPES[2..].iter().map(|t| Group { name: t.name(), rows: rows(&[*t]) }));
    out.retain(|group| !group.rows.is_empty());
    out
}

/// What brings channels of all types to a common order of magnitude (MNE's `scalings`).
pub(super) fn scaling(ch_type: ChannelType) -> f64 {
    match ch_type {
        ChannelType::Mag => 1e15,
        ChannelType::Grad => 1e13,
        ChannelType::Eeg | ChannelType::Dbs | ChannelType::Ecog => 1e6,
        ChannelType::Seeg | ChannelType::Csd => 1e3,
        _ => 1.0,
    }
}

/// Names the channel and the time of the first sample of an epoch that is not finite; `picks` are rows of `data`, which
/// begins `first` samples from the event.
pub(super) fn check_finite(
    epoch: &Epoch<'_>,
    data: ArrayView2<'_, f64>,
    picks: &Picks,
    info: &Info,
    first: i64,
) -> Result<()> {
    for (row, ch) in picks.iter().enumerate() {
        // Zero times a number is zero, times anything else NaN.
        if data.row(ch).iter().map(|x| x * 0.0).sum::<f64>() == 0.0 {
            continue;
        }
        let at = data.row(ch).iter().position(|x| !x.is_finite()).unwrap_or_default();
        let time = (first + at as i64) as f64 / info.sfreq;
        return Err(Error::Data {
            message: format!(
                "channel `{}` is {} at {time:.3} s from the event of sample {}, expected numbers for a covariance",
                info.chs[row].name,
                data[[ch, at]],
                epoch.event.sample
            ),
            hint: Some("mark the channel as bad, or the stretch by an annotation that begins with BAD".into()),
        });
    }
    Ok(())
}

/// The rank by channel type as the header says it (`mne.compute_rank(info, rank="info")` or `"full"`): the number of
/// good channels, or of the Maxwell filter's moments; less the projectors, unless `full`.
///
/// # Errors
/// When projectors make no sense.
pub fn info_rank(info: &Info, full: bool) -> Result<Vec<(String, usize)>> {
    let good = info.pick(&Picks::types(info, &TYPES, true));
    groups(&good).iter().map(|group| Ok((group.name.to_owned(), group_rank(&good, group, full)?))).collect()
}

pub(super) fn group_rank(info: &Info, group: &Group, full: bool) -> Result<usize> {
    let is_meg = matches!(group.name, "meg" | "mag" | "grad");
    let most = if is_meg && !full { sss_rank(info)?.unwrap_or(group.rows.len()) } else { group.rows.len() };
    if full {
        return Ok(most);
    }
    let names: Vec<&str> = group.rows.iter().map(|&row| info.chs[row].name.as_str()).collect();
    Ok(most.saturating_sub(make_projector(&info.projs, &names, &[], true)?.n_proj()))
}

/// Given rank of a group, if it was.
pub(super) fn given<'a>(rank: &'a Rank, group: &Group) -> Option<&'a usize> {
    let Rank::Given(given) = rank else { return None };
    given.iter().find(|(name, _)| name == group.name).map(|(_, rank)| rank)
}

/// The number of inner moments that a Maxwell filter used, from the processing history: the first record that holds an
/// expansion.
fn sss_rank(info: &Info) -> Result<Option<usize>> {
    let expansions = info.proc_history()?.into_iter().filter_map(|record| record.sss_info);
    let Some(sss) = expansions.into_iter().find(|sss| !sss.components.is_empty()) else { return Ok(None) };
    let n = usize::try_from((i64::from(sss.in_order) + 1).pow(2) - 1).unwrap_or(0);
    let left_out = sss.components.iter().take(n).filter(|&&used| used == 0).count();
    Ok(Some(n - left_out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::make_eeg_average_ref_proj;
    use crate::testing::info_of;
    use bakusoku_fiff::{Branch, RawTag};

    fn tag(kind: i32, values: &[i32]) -> RawTag {
        RawTag { kind, type_: 3, data: values.iter().flat_map(|v| v.to_be_bytes()).collect() }
    }

    #[test]
    fn rank_is_known_from_the_header() {
        let mut info = info_of(&["grad", "grad", "mag", "eeg", "eeg", "eeg", "stim", "eeg"], 100.0);
        info.bads = vec!["eeg 007".into()];
        info.projs = vec![make_eeg_average_ref_proj(&info, true).unwrap()];
        let rank = |info: &Info, full| info_rank(info, full).unwrap().iter().map(|(_, r)| *r).collect::<Vec<_>>();
        assert_eq!(rank(&info, false), [3, 2]);
        assert_eq!(rank(&info, true), [3, 3]);
        // A Maxwell filter of inner order 1 with one of its three moments left out.
        let mut sss = Branch::new(502);
        sss.tags = vec![tag(266, &[1]), tag(269, &[1, 0, 1, 1, 1])];
        let (mut record, mut history) = (Branch::new(901), Branch::new(900));
        record.children = vec![Branch::new(502), sss];
        history.children = vec![record];
        info.blocks = vec![history];
        assert_eq!(rank(&info, false), [2, 2]);
    }
}
