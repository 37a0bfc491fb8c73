//! Epochs of a stream: cut across the borders of blocks, handed on one by one, in bounded memory.

use super::cut::{Source, Space};
use super::plan::{EpochsPlan, Job};
use super::select::EventId;
use bakusoku_core::{Block, Cx, Error, Event, Info, Par, Result, Sink};
use ndarray::{Array2, ArrayView2, s};
use std::sync::{Arc, Mutex, PoisonError};

/// For every original event why it was dropped; empty: kept.
pub type DropLog = Vec<Vec<String>>;

/// What those that take epochs are told first.
#[derive(Clone, Debug)]
pub struct EpochsHeader {
    /// Channels and rates of the epochs.
    pub info: Arc<Info>,
    /// Names of conditions and their codes.
    pub event_id: EventId,
    /// First sample, relative to the event.
    pub first: i64,
    /// Number of samples.
    pub n_times: usize,
    /// Sampling frequency before decimation (Hz); that of the epochs is `info.sfreq`.
    pub raw_sfreq: f64,
    /// The baseline that was subtracted (s).
    pub baseline: Option<(f64, f64)>,
    /// How many epochs there may be.
    pub n_events: usize,
}

/// A good epoch.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// Its event.
    pub event: Event,
    /// Which of the original events that is.
    pub selection: usize,
    /// Its place among the epochs planned: the order of the events.
    pub index: usize,
    /// `(n_channels, n_times)`, SI units.
    pub data: ArrayView2<'a, f64>,
}

/// Takes good epochs, one after the other, in order of time: averages, covariances, files.
pub trait EpochSink: Send {
    /// A recording's epochs are about to come; called once for every run of a task.
    ///
    /// # Errors
    /// When they do not fit to those before.
    fn begin(&mut self, header: &EpochsHeader) -> Result<()>;
    /// A good epoch.
    ///
    /// # Errors
    /// When it can't be used or stored.
    fn push(&mut self, epoch: &Epoch<'_>, par: &Par) -> Result<()>;
    /// There are no more epochs of this recording.
    ///
    /// # Errors
    /// When what was held back can't be used or stored.
    fn end(&mut self, drop_log: &DropLog, par: &Par) -> Result<()> {
        let _ = (drop_log, par);
        Ok(())
    }
}

/// An epoch that was handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its event.
    pub event: Event,
    /// Which of the original events that is.
    pub selection: usize,
}

/// Epochs in hand for every thread.
const BATCH: usize = 4;

/// Cuts the epochs of a stream and hands the good ones on.
///
/// It holds at most one epoch's samples beside the block, and a few finished epochs.
pub struct EpochsSink<'a> {
    plan: EpochsPlan,
    sinks: Vec<&'a mut dyn EpochSink>,
    /// Jobs that are not done, the next one last.
    pending: Vec<Job>,
    tail: Array2<f64>,
    tail_start: u64,
    at: u64,
    batch: Vec<f64>,
    drop_log: DropLog,
    kept: Vec<Kept>,
    begun: bool,
}

impl<'a> EpochsSink<'a> {
    /// Cuts what was planned and hands it to `sinks`.
    pub fn new(plan: EpochsPlan, sinks: Vec<&'a mut dyn EpochSink>) -> Self {
        let mut pending = plan.jobs.clone();
        // In order of time; the last one is next.
        pending.sort_by_key(|job| std::cmp::Reverse((job.start, job.index)));
        let mut drop_log = plan.selection.drop_log.clone();
        pending.retain(|job| match &job.dropped {
            Some(reason) => {
                drop_log[job.selection].push(reason.clone());
                false
            }
            None => true,
        });
        let tail = Array2::zeros((plan.picks.len(), 0));
        Self {
            plan,
            sinks,
            pending,
            tail,
            tail_start: 0,
            at: 0,
            batch: Vec::new(),
            drop_log,
            kept: Vec::new(),
            begun: false,
        }
    }

    /// What was planned.
    pub fn plan(&self) -> &EpochsPlan {
        &self.plan
    }
    /// Why events were dropped, so far.
    pub fn drop_log(&self) -> &DropLog {
        &self.drop_log
    }
    /// The epochs handed on so far, in order of time.
    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// The next samples of all channels of the stream, `start` being the first one.
    ///
    /// # Errors
    /// When samples are missing between, or a sink fails.
    pub fn push_samples(&mut self, start: u64, data: ArrayView2<'_, f64>, par: &Par) -> Result<()> {
        self.begin()?;
        if start != self.at {
            return Err(Error::data(format!("sample {start} came where sample {} was expected", self.at)));
        }
        let stop = start + data.ncols() as u64;
        let n_raw = self.plan.timeline.n_raw as i64;
        let due = self.pending.iter().rev().take_while(|job| job.start + n_raw <= stop as i64).count();
        let jobs: Vec<Job> = self.pending.drain(self.pending.len() - due..).rev().collect();
        self.work(&jobs, start, data, par)?;
        self.keep_tail(start, data);
        self.at = stop;
        Ok(())
    }

    /// The stream is over.
    ///
    /// # Errors
    /// When a sink fails.
    pub fn finish(&mut self, par: &Par) -> Result<()> {
        self.begin()?;
        let jobs: Vec<Job> = self.pending.drain(..).rev().collect();
        let nothing = Array2::zeros((self.plan.picks.iter().max().map_or(0, |last| last + 1), 0));
        self.work(&jobs, self.at, nothing.view(), par)?;
        if self.kept.is_empty() && !self.plan.jobs.is_empty() {
            tracing::warn!("{}", all_dropped(&self.drop_log));
        }
        for sink in &mut self.sinks {
            sink.end(&self.drop_log, par)?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            let header = self.plan.header();
            self.sinks.iter_mut().try_for_each(|sink| sink.begin(&header))?;
        }
        Ok(())
    }

    /// Cuts `jobs`, a few at once, and hands the good ones on in order.
    fn work(&mut self, jobs: &[Job], start: u64, data: ArrayView2<'_, f64>, par: &Par) -> Result<()> {
        let (n_channels, n_times) = (self.plan.header.info.n_channels(), self.plan.header.n_times);
        let size = self.plan.size();
        let source = Source { tail: self.tail.view(), tail_start: self.tail_start, block: data, block_start: start };
        for jobs in jobs.chunks(BATCH * par.threads()) {
            self.batch.resize(self.batch.len().max(jobs.len() * size), 0.0);
            let (plan, batch) = (&self.plan, &mut self.batch[..jobs.len() * size]);
            let reasons = cut_all(plan, jobs, source, batch, par)?;
            for ((job, reasons), data) in jobs.iter().zip(reasons).zip(batch.chunks_exact(size)) {
                if !reasons.is_empty() {
                    self.drop_log[job.selection].extend(reasons);
                    continue;
                }
                let data = ArrayView2::from_shape((n_channels, n_times), data).expect("a chunk holds one epoch");
                let epoch = Epoch { event: job.event, selection: job.selection, index: job.index, data };
                self.sinks.iter_mut().try_for_each(|sink| sink.push(&epoch, par))?;
                self.kept.push(Kept { event: job.event, selection: job.selection });
            }
        }
        Ok(())
    }

    /// Keeps the samples that the next epochs need.
    fn keep_tail(&mut self, start: u64, data: ArrayView2<'_, f64>) {
        let stop = start + data.ncols() as u64;
        let from = self.pending.last().map_or(stop, |job| (job.start as u64).min(stop));
        let mut tail = Array2::zeros((self.plan.picks.len(), (stop - from) as usize));
        let middle = start.max(from);
        if from < middle {
            let old = self.tail.slice(s![.., (from - self.tail_start) as usize..]);
            tail.slice_mut(s![.., ..(middle - from) as usize]).assign(&old);
        }
        for (row, ch) in self.plan.picks.iter().enumerate() {
            let new = data.slice(s![ch, (middle - start) as usize..]);
            tail.slice_mut(s![row, (middle - from) as usize..]).assign(&new);
        }
        (self.tail, self.tail_start) = (tail, from);
    }
}

/// Cuts `jobs` into `out`, one epoch after the other; returns why each is dropped.
pub(super) fn cut_all(
    plan: &EpochsPlan,
    jobs: &[Job],
    source: Source<'_>,
    out: &mut [f64],
    par: &Par,
) -> Result<Vec<Vec<String>>> {
    type Place<'p> = Mutex<(&'p mut [f64], Result<Vec<String>>)>;
    let places: Vec<Place<'_>> =
        out.chunks_exact_mut(plan.size()).map(|out| Mutex::new((out, Ok(Vec::new())))).collect();
    par.for_each_init(jobs.len(), Space::default, |space, index| {
        // Each place is taken once: nobody ever waits here.
        let mut place = places[index].lock().unwrap_or_else(PoisonError::into_inner);
        place.1 = plan.cut(&jobs[index], source, place.0, space, &Par::serial());
    });
    places.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner).1).collect()
}

impl Sink for EpochsSink<'_> {
    fn push(&mut self, block: &Block, cx: &Cx) -> Result<()> {
        self.push_samples(block.start, block.data.view(), &cx.par)
    }
    fn end(&mut self, cx: &Cx) -> Result<()> {
        self.finish(&cx.par)
    }
    fn held_bytes(&self) -> u64 {
        let timeline = &self.plan.timeline;
        let operators = self.plan.before.held_bytes() + self.plan.after.held_bytes();
        8 * (self.plan.picks.len() * timeline.n_raw + 2 * BATCH * self.plan.size()) as u64 + operators
    }
}

/// What is said when no epoch is left.
pub(super) fn all_dropped(drop_log: &DropLog) -> String {
    let outside = |reasons: &Vec<String>| matches!(reasons.first().map(String::as_str), Some("NO_DATA" | "TOO_SHORT"));
    let dropped: Vec<_> =
        drop_log.iter().filter(|r| !r.is_empty() && r.first().is_none_or(|r| r != "IGNORED")).collect();
    if dropped.iter().all(|reasons| outside(reasons)) {
        return "all epochs were dropped: none lies inside the recording; see `tmin` and `tmax` (s), and the samples of the \
                events"
            .into();
    }
    "all epochs were dropped; the drop log says which channels or annotations were the reason".into()
}
