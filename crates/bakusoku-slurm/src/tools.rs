//! `sbatch`, `squeue`, `scancel` and `scontrol`.

use crate::{Error, Result};
use std::collections::HashMap;
use std::process::Command;

/// Slurm's own default, where the controller does not say.
const MAX_ARRAY_SIZE: usize = 1001;

fn call(program: &'static str, arguments: &[String]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::NoSlurm { program, path: std::env::var("PATH").unwrap_or_else(|_| "PATH is not set".into()) }
        }
        _ => error.into(),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(Error::Refused { command: format!("{program} {}", arguments.join(" ")), said })
}

/// Submits a script; the job's number.
pub(crate) fn sbatch(arguments: &[String]) -> Result<String> {
    let mut all = vec!["--parsable".to_owned()];
    all.extend_from_slice(arguments);
    let said = call("sbatch", &all)?;
    // Where there are several clusters: `number;cluster`.
    let number = said.trim().split(';').next().unwrap_or_default().to_owned();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Refused { command: "sbatch".into(), said: format!("no job number in {said:?}") });
    }
    Ok(number)
}

/// A job (`12`) or a part of an array (`12_3`) that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    /// `PENDING`, `RUNNING`, …
    pub(crate) state: String,
    /// Why it waits.
    pub(crate) reason: String,
}

/// What of these jobs has not ended.
///
/// # Errors
/// When the controller does not answer.
pub(crate) fn squeue(jobs: &[String]) -> Result<HashMap<String, Queued>> {
    if jobs.is_empty() {
        return Ok(HashMap::new());
    }
    let arguments = ["--noheader", "--array", "--format=%i|%T|%r", "--jobs"].map(str::to_owned);
    let said = match call("squeue", &[&arguments[..], &[jobs.join(",")]].concat()) {
        Ok(said) => said,
        // It forgets jobs that ended a while ago.
        Err(Error::Refused { said, .. }) if said.to_lowercase().contains("invalid job id") => String::new(),
        Err(error) => return Err(error),
    };
    Ok(parse(&said))
}

fn parse(said: &str) -> HashMap<String, Queued> {
    let mut out = HashMap::new();
    for line in said.lines() {
        let mut parts = line.trim().splitn(3, '|');
        let (Some(id), Some(state)) = (parts.next(), parts.next()) else { continue };
        if !["COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "DEADLINE", "BOOT_FAIL"]
            .contains(&state)
        {
            let reason = parts.next().unwrap_or_default().to_owned();
            out.insert(id.to_owned(), Queued { state: state.to_owned(), reason });
        }
    }
    out
}

/// Ends jobs.
pub(crate) fn scancel(jobs: &[String]) -> Result<()> {
    match call("scancel", jobs) {
        Ok(_) => Ok(()),
        Err(Error::Refused { said, .. }) if said.to_lowercase().contains("invalid job id") => Ok(()),
        Err(error) => Err(error),
    }
}

/// How many indices an array may have.
pub(crate) fn max_array_size() -> usize {
    let said = call("scontrol", &["show".into(), "config".into()]).unwrap_or_default();
    let value =
        said.lines().find_map(|line| line.trim().strip_prefix("MaxArraySize")?.split('=').nth(1)?.trim().parse().ok());
    value.filter(|&n: &usize| n > 0).unwrap_or(MAX_ARRAY_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_squeue_says_is_read() {
        let found = parse(
            "12_0|RUNNING|None\n12_1|PENDING|Resources\n 13|PENDING|Dependency\n12_2|FAILED|NonZeroExitCode\n\nx\n",
        );
        assert_eq!(found.len(), 3);
        assert_eq!(found["12_1"], Queued { state: "PENDING".into(), reason: "Resources".into() });
        assert_eq!(found["13"].reason, "Dependency");
    }
}
