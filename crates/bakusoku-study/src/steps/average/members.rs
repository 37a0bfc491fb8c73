//! The mean over members, one member in memory at a time.

use super::Averaged;
use crate::config::Config;
use crate::input::wanted_types;
use crate::plan::Work;
use crate::{Error, Result};
use bakusoku_core::containers::Evoked;
use bakusoku_core::{ChannelType, Info};
use bakusoku_io::fif;
use ndarray::Array2;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A sum over members.
struct Sum {
    first: Evoked,
    rows: Vec<Row>,
    n: usize,
    singles: Vec<(String, Vec<(String, Vec<f32>)>)>,
}

/// A channel of a sum: over how many members, and those in whom it was bad.
struct Row {
    sum: Vec<f64>,
    n: usize,
}

/// Averages what the members' files hold. Files are read even when they were just written: the average is the same
/// whether or not the members were up to date.
///
/// A channel that is bad in a member does not count there; one that is bad in all of them stays bad. Each channel is
/// averaged over the members that have it; those that lack a channel or a whole type are named.
///
/// # Errors
/// When a file can't be read, or times differ.
pub(super) fn average(config: &Config, files: &[(String, PathBuf)], work: &Work<'_>) -> Result<Averaged> {
    let types = wanted_types(config);
    let names: Vec<String> = config
        .conditions()
        .into_iter()
        .map(|(name, _)| name)
        .chain(config.contrasts().into_iter().map(|c| c.0))
        .collect();
    let mut sums: Vec<Option<Sum>> = names.iter().map(|_| None).collect();
    let mut lacking: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut not_interpolated: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut bad_in: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (label, path) in files {
        work.cancel.check().map_err(bakusoku_core::Error::from)?;
        let evokeds = fif::read_evoked(path)?;
        if let Some(first) = evokeds.first() {
            for name in &first.info.bads {
                bad_in.entry(name.clone()).or_default().push(label.clone());
            }
        }
        for (name, sum) in names.iter().zip(&mut sums) {
            let Some(evoked) = evokeds.iter().find(|evoked| evoked.comment == *name) else {
                without.entry(name.clone()).or_default().push(label.clone());
                continue;
            };
            let (evoked, failed) = crate::steps::interpolate_bads::before_average(config, evoked);
            if let Some(why) = failed {
                let who = not_interpolated.entry(why).or_default();
                if !who.contains(label) {
                    who.push(label.clone());
                }
            }
            add(sum, label, &evoked, &types)?;
        }
        work.progress_of(label);
    }
    let mut out = Averaged { means: Vec::new(), singles: Vec::new(), remarks: Vec::new() };
    for (name, labels) in without {
        out.remarks.push(format!("`{name}` is averaged without {}: they have no epoch of it", labels.join(", ")));
    }
    for (name, sum) in names.iter().zip(sums) {
        let Some(sum) = sum else { continue };
        let all = sum.n;
        let (mean, singles) = finish(sum, name);
        // Each file has the same channels in all of its averages: one remark is enough.
        if lacking.is_empty() {
            lacking = lacks(files, &mean.info, all)?;
        }
        out.means.push(mean);
        out.singles.push(singles);
    }
    for (why, who) in not_interpolated {
        out.remarks.push(format!("bad EEG channels of {} could not be interpolated: {why}", who.join(", ")));
    }
    out.remarks.extend(lacking.into_iter().map(|(what, who)| format!("{what}: {}", who.join(", "))));
    if let Some(info) = out.means.first().map(|mean| &mean.info)
        && !info.bads.is_empty()
    {
        let n = info.n_channels();
        out.remarks.push(format!("{} of {n} channels are bad in all: {}", info.bads.len(), info.bads.join(", ")));
    }
    if !config.flag("interpolate_bads_grand_average") && !bad_in.is_empty() {
        let list: Vec<String> =
            bad_in.iter().take(12).map(|(name, who)| format!("{name} ({})", who.join(", "))).collect();
        let more = bad_in.len().saturating_sub(list.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out.remarks.push(format!("averaged over those in whom they are good: {}{more}", list.join(", ")));
    }
    Ok(out)
}

/// Adds a member.
fn add(sum: &mut Option<Sum>, label: &str, evoked: &Evoked, types: &[ChannelType]) -> Result<()> {
    let n_times = evoked.data.ncols();
    let sum = sum.get_or_insert_with(|| {
        let first = Evoked { data: Array2::zeros((0, n_times)), ..evoked.clone() };
        Sum { first, rows: Vec::new(), n: 0, singles: Vec::new() }
    });
    if sum.first.first != evoked.first || sum.first.data.ncols() != n_times || sum.first.info.sfreq != evoked.info.sfreq
    {
        let message = format!("the averages of {label} do not have the same times as those of the members before");
        return Err(Error::data(message, "run the study anew with one `epochs_tmin`, `epochs_tmax` and rate: --force"));
    }
    for (ch, row) in evoked.info.chs.iter().zip(evoked.data.rows()) {
        let at = match sum.first.info.index_of(&ch.name) {
            Some(at) => at,
            None => {
                let info = Arc::make_mut(&mut sum.first.info);
                info.chs.push(ch.clone());
                info.chs.len() - 1
            }
        };
        while sum.rows.len() <= at {
            sum.rows.push(Row { sum: vec![0.0; n_times], n: 0 });
        }
        if evoked.info.bads.contains(&ch.name) {
            continue;
        }
        let to = &mut sum.rows[at];
        to.n += 1;
        to.sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    sum.n += 1;
    sum.singles.push((label.to_owned(), field_power(evoked, types)));
    Ok(())
}

type Singles = Vec<(String, Vec<(String, Vec<f32>)>)>;

fn finish(sum: Sum, name: &str) -> (Evoked, Singles) {
    let n_times = sum.first.data.ncols();
    let mut info: Info = (*sum.first.info).clone();
    let bad = |row: &Row| row.n == 0;
    info.bads = info.ch_names().zip(&sum.rows).filter(|(_, row)| bad(row)).map(|(name, _)| name.to_owned()).collect();
    let mut data = Array2::zeros((sum.rows.len(), n_times));
    for (mut to, row) in data.rows_mut().into_iter().zip(&sum.rows) {
        let n = row.n.max(1) as f64;
        to.iter_mut().zip(&row.sum).for_each(|(to, x)| *to = x / n);
    }
    let mean = Evoked { info: Arc::new(info), comment: name.to_owned(), nave: sum.n as f64, data, ..sum.first };
    (mean, sum.singles)
}

/// Which members lack channels, and which of them whole types.
fn lacks(files: &[(String, PathBuf)], info: &Info, n: usize) -> Result<BTreeMap<String, Vec<String>>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if n < 2 {
        return Ok(out);
    }
    for (label, path) in files {
        let Some(own) = fif::read_evoked(path)?.into_iter().next() else { continue };
        let types = |info: &Info| info.chs.iter().map(|ch| ch.ch_type()).collect::<BTreeSet<_>>();
        for ch_type in types(info).difference(&types(&own.info)) {
            out.entry(format!("without {} channels", ch_type.name())).or_default().push(label.clone());
        }
        let there = types(&own.info);
        for ch in info.chs.iter().filter(|ch| there.contains(&ch.ch_type()) && own.info.index_of(&ch.name).is_none()) {
            out.entry(format!("without channel {}", ch.name)).or_default().push(label.clone());
        }
    }
    Ok(out)
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
