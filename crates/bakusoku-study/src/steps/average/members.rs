//! The mean over members, one member in memory at a time.

use super::Averaged;
use crate::config::Config;
use crate::input::wanted_types;
use crate::plan::Work;
use crate::{Error, Result};
use bakusoku_core::containers::Evoked;
use bakusoku_core::{ChannelType, Info};
use bakusoku_io::fif;
use bakusoku_methods::evoked::gfp;
use ndarray::Array2;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Members whose field power is drawn, at most: more curves hide each other, and a page must not grow with the study.
const MAX_DRAWN: usize = 60;
/// Members that a remark names, at most.
const MAX_NAMED: usize = 12;

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
    let mut layouts: Vec<Layout> = Vec::new();
    for (index, (label, path)) in files.iter().enumerate() {
        work.cancel.check().map_err(bakusoku_core::Error::from)?;
        let evokeds = fif::read_evoked(path)?;
        if let Some(first) = evokeds.first() {
            for name in &first.info.bads {
                bad_in.entry(name.clone()).or_default().push(label.clone());
            }
            match layouts.iter_mut().find(|layout| layout.is_of(&first.info)) {
                Some(layout) => layout.labels.push(label.clone()),
                None => layouts.push(Layout { info: first.info.clone(), labels: vec![label.clone()] }),
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
            let sum = add(sum, label, &evoked)?;
            if is_drawn(index, files.len()) {
                sum.singles.push((label.clone(), field_power(&evoked, &types)));
            }
        }
        work.progress_of(label);
    }
    let mut out = Averaged { means: Vec::new(), singles: Vec::new(), remarks: Vec::new() };
    for (name, labels) in without {
        out.remarks.push(format!("`{name}` is averaged without {}: they have no epoch of it", named(&labels)));
    }
    for (name, sum) in names.iter().zip(sums) {
        let Some(sum) = sum else { continue };
        let (mean, singles) = finish(sum, name);
        // Each file has the same channels in all of its averages: one remark is enough.
        if lacking.is_empty() {
            lacking = lacks(&layouts, &mean.info);
        }
        out.means.push(mean);
        out.singles.push(singles);
    }
    for (why, who) in not_interpolated {
        out.remarks.push(format!("bad EEG channels of {} could not be interpolated: {why}", named(&who)));
    }
    out.remarks.extend(lacking.into_iter().map(|(what, who)| format!("{what}: {}", named(&who))));
    if let Some(info) = out.means.first().map(|mean| &mean.info)
        && !info.bads.is_empty()
    {
        let n = info.n_channels();
        out.remarks.push(format!("{} of {n} channels are bad in all: {}", info.bads.len(), info.bads.join(", ")));
    }
    if !config.flag("interpolate_bads_grand_average") && !bad_in.is_empty() {
        let list: Vec<String> =
            bad_in.iter().take(MAX_NAMED).map(|(name, who)| format!("{name} ({})", named(who))).collect();
        let more = bad_in.len().saturating_sub(list.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out.remarks.push(format!("averaged over those in whom they are good: {}{more}", list.join(", ")));
    }
    Ok(out)
}

/// The first names, and how many more there are.
fn named(labels: &[String]) -> String {
    let first = labels.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match labels.len().saturating_sub(MAX_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Whether the field power of the `index`-th of `n` members is drawn: of all, or of some at equal distances.
fn is_drawn(index: usize, n: usize) -> bool {
    n <= MAX_DRAWN || index * MAX_DRAWN / n != (index + 1) * MAX_DRAWN / n
}

/// Adds a member.
fn add<'s>(sum: &'s mut Option<Sum>, label: &str, evoked: &Evoked) -> Result<&'s mut Sum> {
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
    Ok(sum)
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

/// Members that have the same channels.
struct Layout {
    info: Arc<Info>,
    labels: Vec<String>,
}

impl Layout {
    fn is_of(&self, info: &Info) -> bool {
        let channel = |ch: &bakusoku_core::Channel| (ch.name.clone(), ch.ch_type());
        self.info.chs.len() == info.chs.len() && self.info.chs.iter().map(channel).eq(info.chs.iter().map(channel))
    }
}

/// Which members lack channels, and which of them whole types.
fn lacks(layouts: &[Layout], info: &Info) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Layout { info: own, labels } in layouts {
        let types = |info: &Info| info.chs.iter().map(|ch| ch.ch_type()).collect::<BTreeSet<_>>();
        for ch_type in types(info).difference(&types(own)) {
            out.entry(format!("without {} channels", ch_type.name())).or_default().extend_from_slice(labels);
        }
        let there = types(own);
        for ch in info.chs.iter().filter(|ch| there.contains(&ch.ch_type()) && own.index_of(&ch.name).is_none()) {
            out.entry(format!("without channel {}", ch.name)).or_default().extend_from_slice(labels);
        }
    }
    out
}

/// Global field power by channel type.
fn field_power(evoked: &Evoked, types: &[ChannelType]) -> Vec<(String, Vec<f32>)> {
    let powers = types.iter().map(|t| (t.name().to_owned(), gfp(evoked, *t).into_iter().map(|x| x as f32).collect()));
    powers.filter(|(_, power): &(String, Vec<f32>)| !power.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_members_does_not_grow_with_the_study() {
        for n in [1, 2, 59, 60, 61, 119, 120, 2000, 10_007] {
            let drawn: Vec<usize> = (0..n).filter(|&index| is_drawn(index, n)).collect();
            assert_eq!(drawn.len(), n.min(MAX_DRAWN), "{n} members");
            let gaps: Vec<usize> = drawn.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let (least, most) = (gaps.iter().min().unwrap_or(&1), gaps.iter().max().unwrap_or(&1));
            assert!(most - least <= 1, "{n} members: {gaps:?}");
        }
        let labels: Vec<String> = (1..=15).map(|k| format!("sub-{k:02}")).collect();
        assert!(named(&labels).ends_with("sub-12 and 3 more"));
        assert_eq!(named(&labels[..2]), "sub-01, sub-02");
    }
}
