//! What a study file says without an effect that anybody could want: taken, but remarked on.

use super::Config;
use super::keys;
use crate::steps::maxwell::keys::USED_BY_THE_SEARCH;

/// Peak-to-peak amplitudes (SI units) above which no sensor gives anything, and how their limits are usually written.
const BEYOND: &[(&str, f64, &str, &str)] = &[
    ("mag", 1e-7, "T", "4000 fT is 4e-12"),
    ("grad", 1e-5, "T/m", "4000 fT/cm is 4e-10"),
    ("eeg", 0.5, "V", "150 µV is 150e-6"),
    ("eog", 0.5, "V", "250 µV is 250e-6"),
    ("ecg", 0.5, "V", "1 mV is 1e-3"),
];

impl Config {
    /// Remarks about values that are valid and yet can hardly be meant.
    pub fn remarks(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (ch_type, limit) in self.limits("reject") {
            if let Some((_, _, unit, usual)) = BEYOND.iter().find(|(name, most, ..)| *name == ch_type && limit > *most)
            {
                out.push(format!(
                    "`reject` drops no epoch by {ch_type}: {limit} {unit} is more than any sensor gives ({usual})"
                ));
            }
        }
        if !self.flag("use_maxwell_filter") {
            let searches = self.flag("find_flat_channels_meg") || self.flag("find_noisy_channels_meg");
            let ignored: Vec<String> = keys::all()
                .iter()
                .filter(|key| {
                    key.section == super::keys::MAXWELL && self.is_given(key.name) && key.name.starts_with("mf_")
                })
                .filter(|key| !(searches && USED_BY_THE_SEARCH.contains(&key.name)))
                .map(|key| format!("`{}`", key.name))
                .collect();
            if !ignored.is_empty() {
                let verb = if ignored.len() == 1 { "has" } else { "have" };
                out.push(format!("{} {verb} no effect without use_maxwell_filter = true", ignored.join(", ")));
            }
        }
        out
    }
}
