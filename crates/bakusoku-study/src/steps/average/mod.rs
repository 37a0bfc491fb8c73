//! Group average over the units of one session and task (`sub-average`).

mod members;
mod page;

use self::page::GroupEvoked;
use crate::Result;
use crate::config::Config;
use crate::plan::{Members, Planner};
use crate::report::Page;
use crate::report::evoked::{EvokedData, evoked_data};
use crate::report::facts::Facts;
use crate::step::{About, MethodsText, Script, Step};
use bakusoku_core::containers::Evoked;
use bakusoku_core::{Bytes, ChannelType, Need};
use bakusoku_io::fif;
use std::path::PathBuf;

pub(crate) const ABOUT: &About = &About {
    name: "average",
    revision: 2,
    keys: &["interpolate_bads_grand_average", "conditions", "contrasts", "ch_types"],
    doc: "Averages evoked responses over subjects, by session (sub-average/..._ave.fif).",
};

/// See the module.
pub(crate) struct GroupAverage;

impl Step for GroupAverage {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn is_wanted(&self, config: &Config) -> bool {
        crate::steps::epochs::is_wanted(config)
    }
    fn plan_group(&self, group: &mut Planner<'_>, members: &Members) -> Result<()> {
        let files = group.files_of(members, crate::steps::evoked::ABOUT.name);
        if files.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = files.iter().map(|(_, _, keys)| keys.clone()).collect();
        let files: Vec<(String, PathBuf)> = files.into_iter().map(|(label, path, _)| (label, path)).collect();
        // Sums of all conditions, one member's averages, and its file.
        let size = fs_err::metadata(&files[0].1).map_or(0, |meta| meta.len());
        let need = Need { memory: Bytes(8 * size), ..Need::default() };
        let averaged = group.join_reading(None, (), Vec::new(), keys, need, move |(), work| {
            let averaged = members::average(work.config, &files, work)?;
            averaged.remarks.iter().for_each(|text| work.warn(text));
            Ok(averaged)
        });
        let path = group.unit_file("ave", ".fif");
        group.file(averaged, path, |averaged, path, id| Ok(fif::write_evoked(path, &averaged.means, id)?));
        let shown = group.join(None, averaged, |averaged, work| Ok(shown(work.config, averaged)));
        group.facts(shown);
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        if let Some(means) = facts.get::<Vec<GroupEvoked>>(ABOUT.name, None) {
            page.section("average", "Averages over subjects", page::drawn(&means));
        }
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let interpolated = config.flag("interpolate_bads_grand_average")
            && crate::input::wanted_types(config).contains(&ChannelType::Eeg);
        if interpolated {
            text.say("Bad EEG channels were interpolated by spherical splines (Perrin et al., 1989) before averages were averaged over subjects");
            text.cite(crate::steps::interpolate_bads::PERRIN);
        } else {
            text.say("Averages were averaged over subjects");
        }
    }
    fn script(&self, _config: &Config, script: &mut Script) {
        script.line(
            "# over subjects: mne.grand_average([evokeds_of_a_subject[0] for evokeds_of_a_subject in all_evokeds])",
        );
    }
}

/// Averages over the members.
pub(crate) struct Averaged {
    pub(crate) means: Vec<Evoked>,
    /// Field power of members behind each mean, of all or of some: label, then by channel type.
    pub(crate) singles: Vec<Vec<(String, Vec<(String, Vec<f32>)>)>>,
    /// What is left out or guessed.
    pub(crate) remarks: Vec<String>,
}

fn shown(config: &Config, averaged: &Averaged) -> Vec<GroupEvoked> {
    let types = crate::input::wanted_types(config);
    let contrasts: Vec<String> = config.contrasts().into_iter().map(|(name, ..)| name).collect();
    averaged
        .means
        .iter()
        .zip(&averaged.singles)
        .map(|(mean, singles)| {
            let evoked: EvokedData = evoked_data(mean, contrasts.contains(&mean.comment), &types);
            GroupEvoked { evoked, singles: singles.clone() }
        })
        .collect()
}
