//! `[run.slurm]` of a study file.

use crate::{Error, Result};
use bakusoku_core::Bytes;
use bakusoku_study::Config;

/// How jobs are submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Cores of a unit's job.
    pub cpus: usize,
    /// Memory of a unit's job, where the plan's is not to count.
    pub memory: Option<Bytes>,
    /// Minutes of a unit's job, where they are not to be estimated.
    pub minutes: Option<u64>,
    /// Units that may run at once.
    pub max_jobs: Option<usize>,
    /// How often a unit that died is tried again, each time with twice the memory and time.
    pub retries: u32,
    /// `--partition`, `--account`, `--constraint`, and free options.
    pub options: Vec<String>,
    /// Shell lines that a job runs first, such as `module load …`; `$unit` is the unit's name.
    pub setup: String,
}

impl Settings {
    /// The settings of a study.
    ///
    /// # Errors
    /// When one of them can't be meant.
    pub fn of(config: &Config) -> Result<Self> {
        let run = config.get("run");
        let get = |name: &str| run.get("slurm").and_then(|table| table.get(name));
        let text = |name: &str| get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let number = |name: &str| get(name).and_then(|value| value.as_i64()).and_then(|n| usize::try_from(n).ok());
        let mut options = Vec::new();
        for name in ["partition", "account", "constraint"] {
            options.extend(text(name).map(|value| format!("--{name}={value}")));
        }
        options.extend(get("options").map(|list| list.texts()).unwrap_or_default());
        let wrong = |key, value: String, expected| Error::Setting { key, value, expected };
        let memory = text("memory")
            .map(|value| value.parse::<Bytes>().map_err(|_| wrong("memory", value, "a size such as \"8GB\"")));
        let minutes = text("time").map(|value| {
            minutes(&value)
                .ok_or_else(|| wrong("time", value, "hours, minutes and seconds such as \"02:30:00\", or minutes"))
        });
        Ok(Self {
            cpus: number("cpus").unwrap_or(2),
            memory: memory.transpose()?,
            minutes: minutes.transpose()?,
            max_jobs: number("max_jobs"),
            retries: number("retries").unwrap_or(2) as u32,
            options,
            setup: text("setup").unwrap_or_default(),
        })
    }
}

/// Minutes of what `sbatch --time` takes: `90`, `90:00`, `1:30:00`, `1-06`, `1-06:30`; rounded up.
fn minutes(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days.parse::<u64>().ok()?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let seconds = match (days, parts[..].len()) {
        (None, 1) => parts[0].checked_mul(60)?,
        (None, 2) => parts[0].checked_mul(60)?.checked_add(parts[1])?,
        (_, n @ 1..=3) => {
            let mut units = [3600, 60, 1].into_iter();
            let sum = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.checked_mul(units.next()?)?))?;
            debug_assert!(n <= 3);
            sum.checked_add(days.unwrap_or(0).checked_mul(86_400)?)?
        }
        _ => return None,
    };
    (seconds > 0).then(|| seconds.div_ceil(60))
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn times_are_read_as_sbatch_reads_them() {
        let cases = [("90", 90), ("90:30", 91), ("1:30:00", 90), ("1-06", 1800), ("1-06:30", 1830), ("0:00:01", 1)];
        for (text, expected) in cases {
            assert_eq!(minutes(text), Some(expected), "{text}");
        }
        for text in ["", "soon", "0", "1:2:3:4", "1-", "-3", "99999999999999999999"] {
            assert_eq!(minutes(text), None, "{text}");
        }
    }
}
