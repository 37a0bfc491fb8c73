//! Group average over subjects (`sub-average`): the only barrier between subjects.

use super::Step;
use crate::config::Config;
use crate::execute::{evoked_data, file_id, write};
use crate::keys::Keys;
use crate::prepare::Output;
use crate::report::data::GroupEvoked;
use crate::{Error, Result};
use bakusoku_bids::{DataType, Derivatives, Entities};
use bakusoku_core::ChannelType;
use bakusoku_core::containers::Evoked;
use bakusoku_io::fif;
use bakusoku_methods::evoked::grand_average;
use std::path::PathBuf;

pub(crate) const STEP: Step = Step {
    name: "average",
    revision: 1,
    keys: &["interpolate_bads_grand_average", "conditions", "contrasts"],
    doc: "Averages evoked responses over subjects (sub-average/..._ave.fif).",
};

/// A subject's part in the average.
pub(crate) struct Member {
    pub(crate) label: String,
    pub(crate) path: PathBuf,
    pub(crate) keys: Keys,
    pub(crate) entities: Entities,
}

/// The file of the average, when there is something to average.
pub(crate) fn output(
    config: &Config,
    results: &Derivatives,
    data_type: DataType,
    members: &[Member],
) -> Option<Output> {
    let first = members.first()?;
    let mut entities = Entities { session: None, ..first.entities.clone() };
    entities.subject = Some("average".into());
    let own = config.own(STEP.keys);
    let keys = Keys::of(&STEP, &own, &members.iter().map(|member| &member.keys).collect::<Vec<_>>());
    let sources = members
        .iter()
        .map(|member| member.path.strip_prefix(results.root()).unwrap_or(&member.path).to_string_lossy().into_owned());
    Some(Output::new(results.path(&entities, data_type, "ave", ".fif"), &STEP, own, keys, sources.collect()))
}

/// Averages what the subjects' files hold, and writes it when that is due. The files are read again even when they
/// were just written: so the average is the same whether or not the subjects were up to date.
///
/// # Errors
/// When files can't be read, differ, or have bad channels that are to be interpolated.
pub(crate) fn average(
    config: &Config,
    output: &Output,
    members: &[Member],
    types: &[ChannelType],
) -> Result<Vec<GroupEvoked>> {
    let mut all: Vec<(String, Vec<Evoked>)> = Vec::new();
    for member in members {
        all.push((member.label.clone(), fif::read_evoked(&member.path)?));
    }
    if config.flag("interpolate_bads_grand_average") {
        let bad = all.iter().find_map(|(label, evokeds)| {
            let info = &evokeds.first()?.info;
            (!info.bads.is_empty()).then(|| format!("{label} has bad channels ({})", info.bads.join(", ")))
        });
        if let Some(bad) = bad {
            return Err(Error::data(
                format!("{bad}: interpolating them before the group average is not supported yet"),
                "write interpolate_bads_grand_average = false: they stay, marked as bad",
            ));
        }
    }
    let contrasts: Vec<String> = config.contrasts().into_iter().map(|(name, ..)| name).collect();
    let names = config.conditions().into_iter().map(|(name, _)| name).chain(contrasts.iter().cloned());
    let (mut written, mut shown) = (Vec::new(), Vec::new());
    for name in names {
        let parts: Vec<(&String, &Evoked)> = all
            .iter()
            .filter_map(|(label, evokeds)| Some((label, evokeds.iter().find(|evoked| evoked.comment == name)?)))
            .collect();
        if parts.is_empty() {
            continue;
        }
        let mut mean = grand_average(&parts.iter().map(|(_, evoked)| *evoked).collect::<Vec<_>>(), false)?;
        mean.comment.clone_from(&name);
        let evoked = evoked_data(&mean, contrasts.contains(&name), types);
        let singles = parts.iter().map(|(label, evoked)| ((*label).clone(), field_power(evoked, types))).collect();
        shown.push(GroupEvoked { evoked, singles });
        written.push(mean);
    }
    if output.is_due() {
        write(output, |path| Ok(fif::write_evoked(path, &written, file_id(output))?))?;
    }
    Ok(shown)
}

/// Global field power by channel type, over good channels: the root of the mean square for MEG, the standard deviation
/// for EEG, as in MNE's plots.
fn field_power(evoked: &Evoked, types: &[ChannelType]) -> Vec<(String, Vec<f32>)> {
    let info = &evoked.info;
    let mut out = Vec::new();
    for ch_type in types {
        let rows: Vec<usize> =
            (0..info.n_channels()).filter(|&ch| info.chs[ch].ch_type() == *ch_type && !info.is_bad(ch)).collect();
        if rows.is_empty() {
            continue;
        }
        let n = rows.len() as f64;
        let power = evoked.data.columns().into_iter().map(|column| {
            let mean =
                if *ch_type == ChannelType::Eeg { rows.iter().map(|&row| column[row]).sum::<f64>() / n } else { 0.0 };
            (rows.iter().map(|&row| (column[row] - mean).powi(2)).sum::<f64>() / n).sqrt() as f32
        });
        out.push((ch_type.name().to_owned(), power.collect()));
    }
    out
}
