//! Interval by interval: what is flat, what the others do not explain.

use super::explained::{Explained, Explainer};
use super::{BadChannels, BadsInterval, FindBadsParams};
use crate::maxwell::params::MaxwellParams;
use crate::maxwell::plan::Plan;
use crate::maxwell::triangle::TILE;
use bakusoku_core::{Error, Info, Par, Result, Segment, Span};
use bakusoku_math::linalg::{self, Accumulate};
use bakusoku_math::stats;
use ndarray::{Array2, ArrayView2, s};

/// A magnetometer whose standard deviation is below this somewhere is flat (T).
const FLAT_MAG: f64 = 0.01e-15;
/// A gradiometer whose standard deviation is below this somewhere is flat (T/m).
const FLAT_GRAD: f64 = 0.01e-13;
/// Length over which it is taken (s), and samples at least.
const FLAT_BLOCK: (f64, usize) = (0.030, 20);
/// Channels that are left out of one interval at most.
const MOST_ROUNDS: usize = 100;

/// A search under way.
pub(super) struct Search {
    plan: Plan,
    limit: f64,
    min_count: usize,
    spans: Vec<Span>,
    /// Samples over which a standard deviation is taken.
    block: usize,
    /// Below this a channel is flat.
    limits: Vec<f64>,
    explainer: Explainer,
    /// Channels that were never flat, as indices of the sensors.
    left: Vec<usize>,
    all_flat: bool,
    done: Vec<BadsInterval>,
    scores: Scores,
}

impl Search {
    /// Plans the search through a recording of `segments`.
    ///
    /// # Errors
    /// When parameters make no sense, or do not fit the recording.
    pub(super) fn new(info: &Info, first_samp: i64, segments: &[Segment], params: &FindBadsParams) -> Result<Self> {
        let maxwell = MaxwellParams { st_duration: None, st_only: false, st_fixed: true, ..params.maxwell.clone() };
        let plan = Plan::new(info, first_samp, segments, &maxwell)?;
        let spans = intervals(segments, info.sfreq, params)?;
        let block = ((FLAT_BLOCK.0 * info.sfreq) as usize).max(FLAT_BLOCK.1);
        if spans.iter().any(|span| span.len() < block as u64) {
            return Err(Error::parameter("duration", format!("at least {block} samples"), params.duration));
        }
        let sensors = &plan.decomposer.sensors;
        let flat_below = |&mag: &bool| if mag { FLAT_MAG } else { FLAT_GRAD };
        Ok(Self {
            limit: params.limit,
            min_count: params.min_count.min(spans.len()),
            block,
            limits: sensors.is_mag.iter().map(flat_below).collect(),
            explainer: Explainer::default(),
            left: sensors.good.clone(),
            all_flat: false,
            done: Vec::new(),
            scores: Scores::new(&plan, spans.len()),
            spans,
            plan,
        })
    }

    /// The intervals that are still to be looked at. None are once all channels were flat.
    pub(super) fn ahead(&self) -> &[Span] {
        if self.all_flat { &[] } else { &self.spans[self.done.len()..] }
    }

    /// What it holds at most, beside samples (bytes).
    pub(super) fn held_bytes(&self) -> u64 {
        Explainer::held_bytes(&self.plan)
    }

    /// Looks at the next intervals, of which `samples` are all channels.
    ///
    /// # Errors
    /// When samples of good MEG channels are not finite, or a basis can't be made.
    pub(super) fn see(&mut self, par: &Par, samples: &[ArrayView2<'_, f64>]) -> Result<()> {
        let first = self.done.len();
        let spans: Vec<Span> = self.ahead()[..samples.len()].to_vec();
        let deviations = par.try_map(spans.len(), |k| self.deviations(spans[k], samples[k]))?;
        // Which channels are left in each interval; a flat one does not come back.
        let good = self.plan.decomposer.sensors.good.clone();
        let (mut remaining, mut flats) = (Vec::new(), Vec::new());
        for deviations in &deviations {
            let is_flat = |k: &usize| deviations[*k] < self.limits[good[*k]];
            let flat: Vec<usize> = (0..good.len()).filter(is_flat).map(|k| good[k]).collect();
            self.left.retain(|i| !flat.contains(i));
            flats.push(flat);
            if self.left.is_empty() {
                self.all_flat = true;
                break;
            }
            remaining.push(self.left.clone());
        }
        if let (Some(from), Some(to)) = (spans.first(), remaining.len().checked_sub(1).map(|k| spans[k])) {
            self.explainer.need(par, &self.plan, Span::new(from.start, to.stop))?;
        }
        let found = par.try_map(remaining.len(), |k| self.noisy(spans[k], samples[k], &remaining[k]))?;
        let plan = &self.plan;
        let name = |&i: &usize| plan.decomposer.sensors.chs[i].name.clone();
        for (k, flat) in flats.iter().enumerate() {
            self.scores.flat(plan, first + k, spans[k], &deviations[k], &self.limits, plan.sfreq);
            let noisy = found.get(k).map_or(Vec::new(), |found| {
                self.scores.noisy(first + k, found, self.limit);
                found.noisy.iter().map(name).collect()
            });
            self.done.push(BadsInterval { span: spans[k], flat: flat.iter().map(name).collect(), noisy });
        }
        Ok(())
    }

    /// What was found.
    pub(super) fn finish(self) -> BadChannels {
        let Self { plan, done, scores, .. } = self;
        let ch_names: Vec<String> = plan.decomposer.sensors.chs.iter().map(|ch| ch.name.clone()).collect();
        // MNE counts what it met, so with `min_count` 0 nothing more.
        let min_count = self.min_count.max(1);
        let often = |of: &dyn Fn(&BadsInterval) -> &Vec<String>| -> Vec<String> {
            let count = |name: &String| done.iter().filter(|interval| of(interval).contains(name)).count();
            ch_names.iter().filter(|name| count(name) >= min_count).cloned().collect()
        };
        BadChannels {
            noisy: often(&|interval| &interval.noisy),
            flat: often(&|interval| &interval.flat),
            n_intervals: self.spans.len(),
            all_flat: self.all_flat,
            bins: scores.bins,
            scores_flat: scores.scores_flat,
            limits_flat: scores.limits_flat,
            scores_noisy: scores.scores_noisy,
            limits_noisy: scores.limits_noisy,
            report: plan.report,
            intervals: done,
            ch_names,
        }
    }

    /// The smallest standard deviation of each good channel over blocks of an interval.
    fn deviations(&self, span: Span, samples: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        let mut row = vec![0.0; span.len() as usize];
        let mut out = Vec::with_capacity(self.plan.good.len());
        for &channel in &self.plan.good {
            let samples = samples.row(channel);
            Error::check_finite(samples, &self.plan.ch_names[channel], span.start, self.plan.sfreq)?;
            row.iter_mut().zip(samples).for_each(|(x, &y)| *x = y);
            let smallest = row.chunks_exact(self.block).map(|block| {
                let mean = stats::mean(block);
                let square: f64 = block.iter().map(|x| (x - mean) * (x - mean)).sum();
                (square / block.len() as f64).sqrt()
            });
            out.push(smallest.fold(f64::INFINITY, f64::min));
        }
        Ok(out)
    }

    /// Leaves out one channel after the other while it is an outlier.
    fn noisy(&self, span: Span, samples: ArrayView2<'_, f64>, channels: &[usize]) -> Result<Noisy> {
        let sensors = &self.plan.decomposer.sensors;
        let mut left = channels.to_vec();
        let mut out = Noisy { noisy: Vec::new(), scores: Vec::new() };
        for _ in 0..MOST_ROUNDS {
            let mut distances = self.distances(span, samples, &left)?;
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
    fn distances(&self, span: Span, samples: ArrayView2<'_, f64>, channels: &[usize]) -> Result<Vec<f64>> {
        let controls = self.plan.controls_of(span);
        let ask = |control: usize| self.explainer.explained(&self.plan, control, channels);
        let explained = controls.clone().map(ask).collect::<Result<Vec<_>>>()?;
        let at = |control: usize| &*explained[control - controls.start];
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
                to.assign(&samples.slice(s![row, start..stop]));
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
