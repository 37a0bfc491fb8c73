//! Design of FIR filters by windowing, one low-pass per transition: MNE 1.13's `create_filter` with `firwin`.
//!
//! Lengths and bandwidths follow the same arithmetic in the same order, so that rounding to samples agrees.

use super::params::{FilterLength, FirWindow, Phase, TransBandwidth, check_sfreq};
use bakusoku_core::{Error, Result};
use bakusoku_math::fir;

/// What a filter shall do. One edge each for low-, high- and band-pass; as many pairs as wanted for band-stop filters
/// (`l_freq` above `h_freq`).
#[derive(Clone, Copy, Debug)]
pub struct Design<'a> {
    /// Lower edges (Hz), or none.
    pub l_freq: &'a [f64],
    /// Upper edges (Hz), or none.
    pub h_freq: &'a [f64],
    /// Length.
    pub filter_length: &'a FilterLength,
    /// Width of the transition at `l_freq`.
    pub l_trans_bandwidth: &'a TransBandwidth,
    /// Width of the transition at `h_freq`.
    pub h_trans_bandwidth: &'a TransBandwidth,
    /// Phase.
    pub phase: Phase,
    /// Window.
    pub fir_window: FirWindow,
}

/// The filter's taps; an odd number.
///
/// # Errors
/// When a parameter makes no sense: an edge beyond Nyquist, a transition that does not fit, a length too short for it.
pub fn create_filter(sfreq: f64, design: &Design<'_>) -> Result<Vec<f64>> {
    check_sfreq(sfreq)?;
    let nyquist = sfreq / 2.0;
    for (name, freqs) in [("l_freq", design.l_freq), ("h_freq", design.h_freq)] {
        if let Some(freq) = freqs.iter().find(|freq| !freq.is_finite()) {
            return Err(Error::parameter(name, "a number (Hz)", freq));
        }
    }
    if let Some(freq) = design.h_freq.iter().find(|&&freq| freq > nyquist) {
        return Err(Error::parameter("h_freq", format!("below the Nyquist frequency {nyquist} Hz"), freq));
    }
    // A high-pass at 0 Hz is none.
    let l_freq = if design.l_freq.iter().all(|&freq| freq == 0.0) { &[] } else { design.l_freq };
    let points = match (l_freq, design.h_freq) {
        ([], []) => {
            let length = design.length(sfreq, f64::INFINITY)?;
            return construct(sfreq, &[(0.0, 1.0), (nyquist, 1.0)], length, design);
        }
        ([], &[h_freq]) => {
            let upper = upper(&[h_freq], design.h_trans_bandwidth, "h_trans_bandwidth", nyquist, false)?;
            let length = design.length(sfreq, upper.narrowest)?;
            (vec![(0.0, 1.0), (upper.pass[0], 1.0), (upper.stop[0], 0.0)], length)
        }
        (&[l_freq], []) => {
            let lower = lower(&[l_freq], design.l_trans_bandwidth, "l_trans_bandwidth", false)?;
            let length = design.length(sfreq, lower.narrowest)?;
            (vec![(lower.stop[0], 0.0), (lower.pass[0], 1.0), (nyquist, 1.0)], length)
        }
        ([], _) | (_, []) => {
            return Err(Error::parameter("l_freq", "one edge for a low- or high-pass", "several"));
        }
        (&[l_freq], &[h_freq]) if l_freq < h_freq => {
            let lower = lower(&[l_freq], design.l_trans_bandwidth, "l_trans_bandwidth", false)?;
            let upper = upper(&[h_freq], design.h_trans_bandwidth, "h_trans_bandwidth", nyquist, false)?;
            let length = design.length(sfreq, lower.narrowest.min(upper.narrowest))?;
            let points = vec![(lower.stop[0], 0.0), (lower.pass[0], 1.0), (upper.pass[0], 1.0), (upper.stop[0], 0.0)];
            (points, length)
        }
        (l_freqs, h_freqs) => band_stop(sfreq, l_freqs, h_freqs, design)?,
    };
    let (mut points, length) = points;
    if points[0].0 != 0.0 {
        points.insert(0, (0.0, points[0].1));
    }
    let last = points[points.len() - 1];
    if last.0 != nyquist {
        points.push((nyquist, last.1));
    }
    construct(sfreq, &points, length, design)
}

/// Edges of one side, and the narrowest transition (Hz).
struct Edges {
    pass: Vec<f64>,
    stop: Vec<f64>,
    narrowest: f64,
}

fn widths(freqs: &[f64], given: &TransBandwidth, name: &'static str, auto: impl Fn(f64) -> f64) -> Result<Vec<f64>> {
    match given {
        TransBandwidth::Hz(width) if *width > 0.0 => Ok(vec![*width; freqs.len()]),
        TransBandwidth::Hz(width) => Err(Error::parameter(name, "positive (Hz) or \"auto\"", width)),
        TransBandwidth::Text(text) if text == "auto" => {
            let widths: Vec<f64> = freqs.iter().map(|&freq| auto(freq)).collect();
            match widths.iter().find(|&&width| width <= 0.0) {
                Some(width) => Err(Error::parameter(name, "positive (Hz); there is no room for a transition", width)),
                None => Ok(widths),
            }
        }
        TransBandwidth::Text(text) => Err(Error::parameter(name, "a number (Hz) or \"auto\"", format!("\"{text}\""))),
    }
}

/// High-pass edges. For a band-stop the band is moved inwards: where it passes becomes where it stops.
fn lower(freqs: &[f64], given: &TransBandwidth, name: &'static str, reverse: bool) -> Result<Edges> {
    if let Some(freq) = freqs.iter().find(|&&freq| freq <= 0.0) {
        return Err(Error::parameter(if reverse { "h_freq" } else { "l_freq" }, "above zero (Hz)", freq));
    }
    let widths = widths(freqs, given, name, |freq| (0.25 * freq).max(2.0).min(freq))?;
    let narrowest = widths.iter().copied().fold(f64::INFINITY, f64::min);
    let (mut pass, mut stop) = (freqs.to_vec(), Vec::new());
    for (pass, width) in pass.iter_mut().zip(&widths) {
        let mut edge = *pass - width;
        if reverse {
            edge += width;
            *pass += width;
        }
        if edge < 0.0 {
            return Err(Error::parameter(
                name,
                format!("at most {pass} Hz, so that the stop band starts above 0"),
                width,
            ));
        }
        stop.push(edge);
    }
    Ok(Edges { pass, stop, narrowest })
}

/// Low-pass edges; as [`lower`].
fn upper(freqs: &[f64], given: &TransBandwidth, name: &'static str, nyquist: f64, reverse: bool) -> Result<Edges> {
    if let Some(freq) = freqs.iter().find(|&&freq| freq >= nyquist) {
        let parameter = if reverse { "l_freq" } else { "h_freq" };
        return Err(Error::parameter(parameter, format!("below the Nyquist frequency {nyquist} Hz"), freq));
    }
    let widths = widths(freqs, given, name, |freq| (0.25 * freq).max(2.0).min(nyquist - freq))?;
    let narrowest = widths.iter().copied().fold(f64::INFINITY, f64::min);
    let (mut pass, mut stop) = (freqs.to_vec(), Vec::new());
    for (pass, width) in pass.iter_mut().zip(&widths) {
        let mut edge = *pass + width;
        if reverse {
            edge -= width;
            *pass -= width;
        }
        if edge > nyquist {
            let room = nyquist - *pass;
            return Err(Error::parameter(name, format!("at most {room} Hz, so that it ends below Nyquist"), width));
        }
        stop.push(edge);
    }
    Ok(Edges { pass, stop, narrowest })
}

type Points = Vec<(f64, f64)>;

/// Frequencies and gains of a filter that stops bands; `l_freqs` are the bands' upper ends.
fn band_stop(sfreq: f64, l_freqs: &[f64], h_freqs: &[f64], design: &Design<'_>) -> Result<(Points, usize)> {
    if l_freqs.len() != h_freqs.len() {
        let expected = format!("as many edges as h_freq ({})", h_freqs.len());
        return Err(Error::parameter("l_freq", expected, l_freqs.len()));
    }
    // The roles change: a band's lower end is like a high-pass edge, seen from the other side.
    let low = lower(h_freqs, design.h_trans_bandwidth, "h_trans_bandwidth", true)?;
    let high = upper(l_freqs, design.l_trans_bandwidth, "l_trans_bandwidth", sfreq / 2.0, true)?;
    let length = design.length(sfreq, low.narrowest.min(high.narrowest))?;
    let mut points: Points = Vec::new();
    points.extend(low.stop.iter().map(|&freq| (freq, 1.0)));
    points.extend(low.pass.iter().map(|&freq| (freq, 0.0)));
    points.extend(high.pass.iter().map(|&freq| (freq, 0.0)));
    points.extend(high.stop.iter().map(|&freq| (freq, 1.0)));
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    if points[0].0 != 0.0 {
        points.insert(0, (0.0, 1.0));
    }
    if points[points.len() - 1].0 != sfreq / 2.0 {
        points.push((sfreq / 2.0, 1.0));
    }
    if points.windows(3).any(|p| (p[2].1 - 2.0 * p[1].1 + p[0].1).abs() > 1.0) {
        return Err(Error::parameter(
            "freqs",
            "stop bands that do not touch each other's transitions",
            "overlapping ones",
        ));
    }
    Ok((points, length))
}

/// Longest filter (taps); an hour at 10 kHz would fit.
const MAX_TAPS: usize = 1 << 26;
/// Longest filter of minimum phase: its design transforms 200 times as many points.
const MAX_MINIMUM_TAPS: usize = 1 << 17;

impl Design<'_> {
    /// Length in samples, odd.
    fn length(&self, sfreq: f64, narrowest: f64) -> Result<usize> {
        let odd = |n: usize| n + 1 - n % 2;
        let most = if matches!(self.phase, Phase::Minimum | Phase::MinimumHalf) { MAX_MINIMUM_TAPS } else { MAX_TAPS };
        let check = |n: f64| {
            if n <= most as f64 {
                return Ok(odd((n as usize).max(1)));
            }
            Err(Error::parameter("filter_length", format!("at most {most} samples"), n))
        };
        let seconds = |seconds: f64| check((seconds * sfreq).ceil());
        match self.filter_length {
            FilterLength::Samples(n) => check(*n as f64),
            FilterLength::Text(text) if text.eq_ignore_ascii_case("auto") => {
                seconds(self.fir_window.length_factor() / narrowest)
            }
            FilterLength::Text(text) => {
                let lower = text.to_lowercase();
                let (number, unit) = match lower.strip_suffix("ms") {
                    Some(number) => (number, 1e-3),
                    None => (lower.strip_suffix('s').unwrap_or(""), 1.0),
                };
                let number: f64 = number.trim().parse().ok().filter(|n: &f64| n.is_finite()).ok_or_else(|| {
                    let expected = "\"auto\", a time such as \"10s\" or \"500ms\", or a number of samples";
                    Error::parameter("filter_length", expected, format!("\"{text}\""))
                })?;
                let length = seconds(number * unit)?;
                Ok(if self.phase == Phase::ZeroDouble { odd(length.next_power_of_two()) } else { length })
            }
        }
    }
}

/// Sums low-passes, one per transition, each as long as its own width asks, from Nyquist down.
fn firwin(length: usize, points: &[(f64, f64)], sfreq: f64, fir_window: FirWindow) -> Result<Vec<f64>> {
    let mut taps = vec![0.0; length];
    let (mut previous, mut gain) = points[points.len() - 1];
    if gain == 1.0 {
        taps[length / 2] = 1.0;
    }
    for &(freq, this_gain) in points.iter().rev().skip(1) {
        if this_gain != gain {
            let transition = (previous - freq) / 2.0;
            let n = (fir_window.length_factor() / transition).round_ties_even();
            let n = n + 1.0 - n % 2.0;
            // Also where the transition is empty, and `n` infinite or not a number.
            if !(0.0..=length as f64).contains(&n) {
                let width = transition * sfreq;
                let expected = format!("at least {n} samples for the transition of {width:.2} Hz");
                return Err(Error::parameter("filter_length", expected, length));
            }
            let n = n as usize;
            let offset = (length - n) / 2;
            let lowpass = fir::lowpass(n, (previous + freq) / 2.0, fir_window.window());
            let sign = if this_gain == 0.0 { -1.0 } else { 1.0 };
            taps[offset..].iter_mut().zip(lowpass).for_each(|(tap, low)| *tap += sign * low);
        }
        (previous, gain) = (freq, this_gain);
    }
    Ok(taps)
}

fn construct(sfreq: f64, points: &[(f64, f64)], length: usize, design: &Design<'_>) -> Result<Vec<f64>> {
    let points: Points = points.iter().map(|&(freq, gain)| (freq / (sfreq / 2.0), gain)).collect();
    let make = |length: usize| firwin(length, &points, sfreq, design.fir_window);
    let taps = match design.phase {
        Phase::MinimumHalf => fir::minimum_phase(&make(length * 2 - 1)?, true),
        Phase::Minimum => fir::minimum_phase(&make(length)?, false),
        Phase::Zero | Phase::ZeroDouble | Phase::Linear => make(length)?,
    };
    let stops = points.iter().filter(|point| point.1 == 0.0).map(|point| point.0);
    let passed = stops.map(|freq| (fir::gain(&taps, freq), freq)).max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((gain, freq)) = passed {
        let attenuation = -20.0 * gain.max(1e-20).log10() + if design.phase == Phase::ZeroDouble { 6.0 } else { 0.0 };
        if attenuation < if design.phase == Phase::MinimumHalf { 12.0 } else { 20.0 } {
            let freq = freq * sfreq / 2.0;
            tracing::warn!(
                "attenuation at stop frequency {freq:.2} Hz is only {attenuation:.2} dB; a longer filter attenuates more"
            );
        }
    }
    Ok(taps)
}
