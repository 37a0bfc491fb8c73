//! From a plan to jobs.

use crate::request::{Request, rate, requests};
use crate::script;
use crate::submission::{Array, Submission, folder};
use crate::tools::{max_array_size, sbatch, scancel};
use crate::{Error, Result, Settings};
use bakusoku_core::Bytes;
use bakusoku_study::{Study, StudyPlan, UnitPlan};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Memory of the follow-up beside what a group needs.
const BASE: u64 = 1 << 30;
/// Minutes of the follow-up.
const MINUTES: u64 = 60;

/// What came of submitting.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// Jobs are in the queue.
    Jobs(Submission),
    /// There is nothing to do.
    Nothing,
}

/// Submits what is due of a study. `launcher`: how nodes start this program.
///
/// # Errors
/// When Slurm is not there or refuses, or jobs of the study are still in the queue.
pub fn submit(study: &Study, plan: &StudyPlan, launcher: &[String]) -> Result<Submitted> {
    let settings = Settings::of(study.config())?;
    if let Some(last) = Submission::last(study)?
        && !last.queue()?.is_empty()
    {
        return Err(Error::Running { jobs: last.jobs() });
    }
    let due: Vec<&UnitPlan> = plan.due().collect();
    if due.is_empty() && plan.groups.iter().all(|group| !group.is_due()) {
        return Ok(Submitted::Nothing);
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let mut submission = Submission { since, ..Submission::default() };
    add(study, plan, &due, launcher, &settings, &mut submission)?;
    Ok(Submitted::Jobs(submission))
}

/// Adds arrays of these units to a submission, and the job that follows them.
pub(crate) fn add(
    study: &Study,
    plan: &StudyPlan,
    due: &[&UnitPlan],
    launcher: &[String],
    settings: &Settings,
    submission: &mut Submission,
) -> Result<()> {
    let folder = folder(study);
    let logs = folder.join("logs");
    fs_err::create_dir_all(&logs)?;
    let file = std::path::absolute(study.config().path())?;
    let version = env!("CARGO_PKG_VERSION");
    let most = max_array_size();
    let requests = requests(due, rate(study, plan.units.iter()), settings, submission.attempt);
    let mut made: Vec<String> = Vec::new();
    let submitted = (|| {
        for request in requests {
            for units in request.units.chunks(most) {
                let stem = format!("{}-{}-{}", submission.since, submission.attempt, submission.arrays.len());
                let list = folder.join(format!("{stem}.units"));
                bakusoku_files::write_text(&list, &(units.join("\n") + "\n"))?;
                let text = script::array(launcher, &settings.setup, version, &file, &list, settings.cpus);
                let script = folder.join(format!("{stem}.sh"));
                bakusoku_files::write_text(&script, &text)?;
                let log = logs.join(format!("{stem}_%a.log")).display().to_string();
                let most_at_once = settings.max_jobs.map(|n| format!("%{n}")).unwrap_or_default();
                let mut arguments = vec![format!("--array=0-{}{most_at_once}", units.len() - 1)];
                arguments.extend(common(&request, settings, &log, &folder));
                // One array after the other, where few may run at once.
                if settings.max_jobs.is_some() && !made.is_empty() {
                    arguments.push(format!("--dependency=afterany:{}", made.join(":")));
                }
                arguments.push(script.display().to_string());
                let job = sbatch(&arguments)?;
                made.push(job.clone());
                let (units, memory) = (units.to_vec(), request.memory.0);
                submission.arrays.push(Array { job, units, memory, minutes: request.minutes, log });
                submission.write(study)?;
            }
        }
        let log = logs.join(format!("{}-{}-follow-up.log", submission.since, submission.attempt));
        let script = folder.join(format!("{}-{}-follow-up.sh", submission.since, submission.attempt));
        bakusoku_files::write_text(&script, &script::follow_up(launcher, &settings.setup, version, &file))?;
        let most = plan.groups.iter().map(|group| group.need.memory.0).max().unwrap_or(0);
        let request = Request { units: Vec::new(), memory: Bytes(most + BASE), minutes: MINUTES };
        let mut arguments = common(&request, settings, &log.display().to_string(), &folder);
        if !made.is_empty() {
            arguments.push(format!("--dependency=afterany:{}", made.join(":")));
        }
        arguments.push(script.display().to_string());
        submission.follow_up = Some(sbatch(&arguments)?);
        submission.log = log;
        submission.write(study)
    })();
    if submitted.is_err() && !made.is_empty() {
        // Half of a study that nobody follows is no good.
        let _ = scancel(&made);
    }
    submitted
}

/// Options that all jobs have.
fn common(request: &Request, settings: &Settings, log: &str, folder: &Path) -> Vec<String> {
    let mut out = vec![
        "--job-name=bakusoku".to_owned(),
        format!("--chdir={}", folder.display()),
        format!("--output={log}"),
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
        format!("--cpus-per-task={}", settings.cpus),
        format!("--mem={}M", request.memory.0.div_ceil(1 << 20)),
        format!("--time={}", request.minutes),
    ];
    out.extend(settings.options.iter().cloned());
    out
}

/// Ends all jobs of a study; their numbers.
///
/// # Errors
/// When Slurm refuses.
pub fn cancel(study: &Study) -> Result<Vec<String>> {
    let Some(submission) = Submission::last(study)? else { return Ok(Vec::new()) };
    let jobs = submission.jobs();
    let queue = submission.queue()?;
    let is_there = |job: &&String| queue.keys().any(|id| id.split('_').next() == Some(job.as_str()));
    let left: Vec<String> = jobs.iter().filter(is_there).cloned().collect();
    if !left.is_empty() {
        scancel(&left)?;
    }
    Ok(left)
}
