//! Bad channels: flat ones, and those that the others do not explain.

use super::decompose::Decomposition;
use super::params::MaxwellParams;
use super::plan::Plan;
use super::report::MaxwellReport;
use super::triangle::TILE;
use bakusoku_core::{Error, Info, Par, Result, Segment, Span};
use bakusoku_math::linalg::{self, Accumulate};
use bakusoku_math::stats;
use ndarray::{Array2, ArrayView2, Axis, s};

/// A magnetometer whose standard deviation is below this somewhere is flat (T).
const FLAT_MAG: f64 = 0.01e-15;
/// A gradiometer whose standard deviation is below this somewhere is flat (T/m).
const FLAT_GRAD: f64 = 0.01e-13;
/// Length over which it is taken (s), and samples at least.
const FLAT_BLOCK: (f64, usize) = (0.030, 20);
/// Channels that are left out of one interval at most.
const MOST_ROUNDS: usize = 100;

/// Parameters of `mne.preprocessing.find_bad_channels_maxwell`, with its defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct FindBadsParams {
    /// A channel is noisy when its score is at least this: standard deviations from the mean of all channels.
    pub limit: f64,
    /// Length of an interval (s).
    pub duration: f64,
    /// Intervals in which a channel has to be noisy or flat.
    pub min_count: usize,
    /// The basis, cross-talk and head positions. Windows, destination and `st_only` are not asked for.
    pub maxwell: MaxwellParams,
}

impl Default for FindBadsParams {
    fn default() -> Self {
        Self { limit: 7.0, duration: 5.0, min_count: 5, maxwell: MaxwellParams::default() }
    }
}

/// What one interval showed.
#[derive(Clone, Debug, PartialEq)]
pub struct BadsInterval {
    /// Its samples, counted from the start of the recording.
    pub span: Span,
    /// Channels that were flat in it.
    pub flat: Vec<String>,
    /// Channels that were noisy in it, the worst first; of flat ones nothing is known.
    pub noisy: Vec<String>,
}

/// Bad channels, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct BadChannels {
    /// Noisy channels.
    pub noisy: Vec<String>,
    /// Flat channels.
    pub flat: Vec<String>,
    /// MEG channels: the rows of the scores.
    pub ch_names: Vec<String>,
    /// Intervals that were looked at. The search ends with one in which all channels are flat.
    pub intervals: Vec<BadsInterval>,
    /// How many intervals the recording has.
    pub n_intervals: usize,
    /// Whether all channels were flat at the end of the search.
    pub all_flat: bool,
    /// First and last sample of each interval (s), `(n_intervals, 2)`; NaN where it was not looked at.
    pub bins: Array2<f64>,
    /// Smallest standard deviation of each channel in each interval (T, T/m), `(n_meg, n_intervals)`; NaN for channels
    /// that were bad before.
    pub scores_flat: Array2<f64>,
    /// Below this a channel is flat (T, T/m).
    pub limits_flat: Vec<f64>,
    /// Score of each channel in each interval, of the last round in which it took part, `(n_meg, n_intervals)`.
    pub scores_noisy: Array2<f64>,
    /// From this on a channel is noisy; NaN for channels that never took part.
    pub limits_noisy: Vec<f64>,
    /// What was used.
    pub report: MaxwellReport,
}

/// Finds channels that are flat or noisy in at least `min_count` intervals of a recording `data`,
/// `(n_channels, n_times)`, which should be low-passed (MNE: at 40 Hz), of which `segments` say what is looked at.
///
/// In each interval the channels' peak-to-peak distance to what the basis explains of them is compared with that of the
/// others; the worst is left out while it is an outlier. A channel that was flat once is left out of all that follows.
///
/// The numbers are those of `mne.preprocessing.find_bad_channels_maxwell`, but for what MNE fails at: `mc_interp` counts,
/// and extended directions do when channels are left out.
///
/// # Errors
/// When parameters make no sense, do not fit the recording, or samples of good MEG channels are not finite.
pub fn find_bad_channels_maxwell(
    par: &Par,
    info: &Info,
    first_samp: i64,
    segments: &[Segment],
    data: ArrayView2<'_, f64>,
    params: &FindBadsParams,
) -> Result<BadChannels> {
    if data.nrows() != info.n_channels() {
        let expected = vec![info.n_channels(), data.ncols()];
        return Err(Error::Shape { what: "data", expected, got: data.shape().to_vec() });
    }
    let maxwell = MaxwellParams { st_duration: None, st_only: false, st_fixed: true, ..params.maxwell.clone() };
    let plan = Plan::new(info, first_samp, segments, &maxwell)?;
    let spans = intervals(segments, info.sfreq, params)?;
    let search = Search { plan: &plan, data, limit: params.limit };

    let block = ((FLAT_BLOCK.0 * info.sfreq) as usize).max(FLAT_BLOCK.1);
    if spans.iter().any(|span| span.len() < block as u64) {
        return Err(Error::parameter("duration", format!("at least {block} samples"), params.duration));
    }
    let deviations = par.try_map(spans.len(), |k| search.deviations(spans[k], block))?;
    let sensors = &plan.decomposer.sensors;
    let limits: Vec<f64> = (0..sensors.len()).map(|i| if sensors.is_mag[i] { FLAT_MAG } else { FLAT_GRAD }).collect();
    // Which channels are left in each interval; a flat one does not come back.
    let mut left = sensors.good.clone();
    let mut remaining: Vec<Vec<usize>> = Vec::new();
    let mut flats: Vec<Vec<usize>> = Vec::new();
    for deviations in &deviations {
        let is_flat = |k: usize| deviations[k] < limits[sensors.good[k]];
        flats.push((0..sensors.good.len()).filter(|&k| is_flat(k)).map(|k| sensors.good[k]).collect());
        left.retain(|i| !flats[flats.len() - 1].contains(i));
        if left.is_empty() {
            break;
        }
        remaining.push(left.clone());
    }
    let all_flat = remaining.len() < flats.len();
    // The basis itself does not depend on which channels are left.
    let needed = remaining.len().min(spans.len());
    let bases = Bases::new(par, &plan, &spans[..needed])?;
    let found = par.try_map(needed, |k| search.noisy(&bases, spans[k], &remaining[k]))?;

    let mut out = Scores::new(&plan, spans.len());
    let mut done = Vec::new();
    let name = |&i: &usize| sensors.chs[i].name.clone();
    for (k, flat) in flats.iter().enumerate() {
        out.flat(&plan, k, spans[k], &deviations[k], &limits, info.sfreq);
        let noisy = found.get(k).map_or(Vec::new(), |found| {
            out.noisy(k, found, params.limit);
            found.noisy.iter().map(name).collect()
        });
        done.push(BadsInterval { span: spans[k], flat: flat.iter().map(name).collect(), noisy });
    }
    let min_count = params.min_count.min(spans.len());
    let often = |of: &dyn Fn(&BadsInterval) -> &Vec<String>| -> Vec<String> {
        let count = |name: &String| done.iter().filter(|interval| of(interval).contains(name)).count();
        // MNE counts what it met, so with `min_count` 0 nothing more.
        sensors.chs.iter().map(|ch| ch.name.clone()).filter(|name| count(name) >= min_count.max(1)).collect()
    };
    Ok(BadChannels {
        noisy: often(&|interval| &interval.noisy),
        flat: often(&|interval| &interval.flat),
        ch_names: sensors.chs.iter().map(|ch| ch.name.clone()).collect(),
        intervals: done,
        n_intervals: spans.len(),
        all_flat,
        bins: out.bins,
        scores_flat: out.scores_flat,
        limits_flat: out.limits_flat,
        scores_noisy: out.scores_noisy,
        limits_noisy: out.limits_noisy,
        report: plan.report.clone(),
    })
}

/// The intervals of a recording: each stretch is cut from its start, its last interval takes the rest; shorter stretches
/// are passed over.
fn intervals(segments: &[Segment], sfreq: f64, params: &FindBadsParams) -> Result<Vec<Span>> {
    let step = (sfreq * params.duration).round_ties_even();
    if !(step >= 1.0 && step.is_finite()) {
        return Err(Error::parameter("duration", "a positive number of seconds", params.duration));
    }
    if params.limit.is_nan() {
        return Err(Error::parameter("limit", "a number", params.limit));
    }
    let step = step as u64;
    let mut out = Vec::new();
    for segment in segments {
        let Segment::Process(span) = segment else { continue };
        let n = span.len() / step;
        out.extend((0..n).map(|k| {
            let start = span.start + k * step;
            Span::new(start, if k + 1 == n { span.stop } else { start + step })
        }));
    }
    Ok(out)
}

/// Scores as they come in.
struct Scores {
    bins: Array2<f64>,
    scores_flat: Array2<f64>,
    limits_flat: Vec<f64>,
    scores_noisy: Array2<f64>,
    limits_noisy: Vec<f64>,
}

impl Scores {
    fn new(plan: &Plan, n: usize) -> Self {
        let n_meg = plan.picks().len();
        Self {
            bins: Array2::from_elem((n, 2), f64::NAN),
            scores_flat: Array2::from_elem((n_meg, n), f64::NAN),
            limits_flat: vec![f64::NAN; n_meg],
            scores_noisy: Array2::from_elem((n_meg, n), f64::NAN),
            limits_noisy: vec![f64::NAN; n_meg],
        }
    }
    fn flat(&mut self, plan: &Plan, k: usize, span: Span, deviations: &[f64], limits: &[f64], sfreq: f64) {
        self.bins[[k, 0]] = span.start as f64 / sfreq;
        self.bins[[k, 1]] = (span.stop - 1) as f64 / sfreq;
        for (&i, &deviation) in plan.decomposer.sensors.good.iter().zip(deviations) {
            self.scores_flat[[i, k]] = deviation;
            self.limits_flat[i] = limits[i];
        }
    }
    fn noisy(&mut self, k: usize, found: &Noisy, limit: f64) {
        for &(i, score) in &found.scores {
            self.scores_noisy[[i, k]] = score;
            self.limits_noisy[i] = limit;
        }
    }
}

/// What an interval showed.
struct Noisy {
    /// Noisy channels, the worst first.
    noisy: Vec<usize>,
    /// Channels and their scores, of the last round in which they took part.
    scores: Vec<(usize, f64)>,
}

/// Bases at the head positions that intervals need.
struct Bases {
    first: usize,
    full: Vec<Array2<f64>>,
}

impl Bases {
    fn new(par: &Par, plan: &Plan, spans: &[Span]) -> Result<Self> {
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
            return Ok(Self { first: 0, full: Vec::new() });
        };
        let controls = plan.controls_of(Span::new(first.start, last.stop));
        let first = controls.start;
        let full = par
            .try_map(controls.len(), |k| plan.decomposer.basis(Some(&plan.positions.controls[first + k].dev_head_t)))?;
        Ok(Self { first, full })
    }
}

/// What some channels explain, at one head position.
struct Explained {
    /// The channels from moments.
    s: Array2<f64>,
    /// Moments from the channels, cross-talk taken out.
    ps: Array2<f64>,
}

struct Search<'a> {
    plan: &'a Plan,
    data: ArrayView2<'a, f64>,
    limit: f64,
}

impl Search<'_> {
    /// The smallest standard deviation of each good channel over blocks of an interval.
    fn deviations(&self, span: Span, block: usize) -> Result<Vec<f64>> {
        let mut row = vec![0.0; span.len() as usize];
        let mut out = Vec::with_capacity(self.plan.good.len());
        for &channel in &self.plan.good {
            let samples = self.data.slice(s![channel, span.range()]);
            Error::check_finite(samples, &self.plan.ch_names[channel], span.start, self.plan.sfreq)?;
            row.iter_mut().zip(samples).for_each(|(x, &y)| *x = y);
            let smallest = row.chunks_exact(block).map(|block| {
                let mean = stats::mean(block);
                let square: f64 = block.iter().map(|x| (x - mean) * (x - mean)).sum();
                (square / block.len() as f64).sqrt()
            });
            out.push(smallest.fold(f64::INFINITY, f64::min));
        }
        Ok(out)
    }

    /// Leaves out one channel after the other while it is an outlier.
    fn noisy(&self, bases: &Bases, span: Span, channels: &[usize]) -> Result<Noisy> {
        let sensors = &self.plan.decomposer.sensors;
        let mut left = channels.to_vec();
        let mut out = Noisy { noisy: Vec::new(), scores: Vec::new() };
        for _ in 0..MOST_ROUNDS {
            let mut distances = self.distances(bases, span, &left)?;
            distances.iter_mut().zip(&left).for_each(|(d, &i)| *d *= sensors.scale(i));
            let mean = stats::mean(&distances);
            let squares: Vec<f64> = distances.iter().map(|d| (d - mean) * (d - mean)).collect();
            let deviation = stats::mean(&squares).sqrt();
            let scores: Vec<f64> = distances.iter().map(|d| (d - mean) / deviation).collect();
            out.scores.extend(left.iter().copied().zip(scores.iter().copied()));
            let worst = (1..scores.len()).fold(0, |at, k| if scores[k] > scores[at] { k } else { at });
            // Channels that are all explained alike have no outlier.
            if scores.is_empty() || scores[worst].is_nan() || scores[worst] < self.limit {
                break;
            }
            out.noisy.push(left.remove(worst));
        }
        Ok(out)
    }

    /// Peak-to-peak distance of channels to what they explain of one another.
    fn distances(&self, bases: &Bases, span: Span, channels: &[usize]) -> Result<Vec<f64>> {
        let controls = self.plan.controls_of(span);
        let explained =
            controls.clone().map(|control| self.explained(bases, control, channels)).collect::<Result<Vec<_>>>()?;
        let at = |control: usize| &explained[control - controls.start];
        let rows: Vec<usize> = channels.iter().map(|&i| self.plan.picks()[i]).collect();
        let serial = Par::serial();
        let (mut low, mut high) = (vec![f64::INFINITY; rows.len()], vec![f64::NEG_INFINITY; rows.len()]);
        let n = span.len() as usize;
        let mut start = 0;
        while start < n {
            let sample = span.start + start as u64;
            // A piece lies between two head positions.
            let (control, _) = self.plan.between(sample);
            let next = self.plan.positions.controls.get(control + 1).map_or(n as u64, |next| next.sample - span.start);
            let stop = (start + TILE).min(n).min(next as usize);
            let mut x = Array2::zeros((rows.len(), stop - start));
            for (mut to, &row) in x.rows_mut().into_iter().zip(&rows) {
                to.assign(&self.data.slice(s![row, span.start as usize + start..span.start as usize + stop]));
            }
            let moments = |e: &Explained, weight: &dyn Fn(usize) -> f64| {
                let mut moments = linalg::matmul(&serial, e.ps.view(), x.view());
                for mut row in moments.rows_mut() {
                    row.iter_mut().enumerate().for_each(|(k, m)| *m *= weight(k));
                }
                moments
            };
            let between = |k: usize| self.plan.between(sample + k as u64).1;
            let mut rest = x.clone();
            let subtract = |rest: &mut Array2<f64>, e: &Explained, moments: Array2<f64>| {
                linalg::matmul_into(&serial, rest.view_mut(), Accumulate::Add, e.s.view(), moments.view(), -1.0);
            };
            match between(0) {
                None => {
                    let e = at(control);
                    subtract(&mut rest, e, linalg::matmul(&serial, e.ps.view(), x.view()));
                }
                Some((after, _)) => {
                    let weights: Vec<f64> = (0..stop - start).map(|k| between(k).map_or(1.0, |(_, w)| w)).collect();
                    subtract(&mut rest, at(control), moments(at(control), &|k| weights[k]));
                    subtract(&mut rest, at(after), moments(at(after), &|k| 1.0 - weights[k]));
                }
            }
            for (k, row) in rest.rows().into_iter().enumerate() {
                let (a, b) = stats::min_max(row.as_slice().unwrap_or_default());
                low[k] = low[k].min(a);
                high[k] = high[k].max(b);
            }
            start = stop;
        }
        Ok(low.iter().zip(&high).map(|(low, high)| high - low).collect())
    }

    fn explained(&self, bases: &Bases, control: usize, channels: &[usize]) -> Result<Explained> {
        let plan = self.plan;
        let time = plan.positions.controls[control].sample as f64 / plan.sfreq;
        let (Decomposition { s_full, mut ps, .. }, _) =
            plan.decomposer.solve(&bases.full[control - bases.first], channels, time)?;
        if let Some(decoupler) = &plan.decoupler {
            let good = &plan.decomposer.sensors.good;
            let places: Vec<usize> = (0..good.len()).filter(|&k| channels.binary_search(&good[k]).is_ok()).collect();
            let part = decoupler.select(Axis(0), &places).select(Axis(1), &places);
            ps = linalg::matmul(&Par::serial(), ps.view(), part.view());
        }
        Ok(Explained { s: s_full.select(Axis(0), channels), ps })
    }
}
