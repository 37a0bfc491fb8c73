use super::*;
use bakusoku_core::Par;
use bakusoku_math::random::RandomState;
use ndarray::{Array1, Array2, Array3, Axis, array};

/// Spikes of a heart, with noise.
fn ecg(n: usize, sfreq: f64, every: f64) -> Array1<f64> {
    let mut rng = RandomState::new(1);
    Array1::from_shape_fn(n, |i| {
        let t = (i as f64 / sfreq) % every - every / 2.0;
        (-(t / 0.012).powi(2)).exp() + 0.05 * rng.normal()
    })
}

#[test]
fn heartbeats_are_found_where_they_are() {
    let x = ecg(30_000, 500.0, 0.9);
    let whole = std::slice::from_ref(&(0..30_000)).to_vec();
    let (beats, filtered) =
        find_heartbeats(&Par::serial(), x.view(), &whole, 500.0, &HeartbeatParams::default()).unwrap();
    assert_eq!(filtered.len(), 30_000);
    assert!((64..=67).contains(&beats.len()), "{}", beats.len());
    for beat in &beats {
        let t = (*beat as f64 / 500.0) % 0.9 - 0.45;
        assert!(t.abs() < 0.03, "{beat}");
    }
    let parts = [1000..12_000, 15_000..30_000];
    let (some, filtered) =
        find_heartbeats(&Par::serial(), x.view(), &parts, 500.0, &HeartbeatParams::default()).unwrap();
    assert_eq!(filtered.len(), 26_000);
    assert!(some.iter().all(|beat| parts.iter().any(|part| part.contains(beat))));
    let short = std::slice::from_ref(&(0..900)).to_vec();
    let error = find_heartbeats(&Par::serial(), x.view(), &short, 500.0, &HeartbeatParams::default()).unwrap_err();
    assert!(error.to_string().contains("1.80 s"), "{error}");
    let beyond = std::slice::from_ref(&(0..30_001)).to_vec();
    assert!(find_heartbeats(&Par::serial(), x.view(), &beyond, 500.0, &HeartbeatParams::default()).is_err());
}

#[test]
fn blinks_are_found_in_the_channel_that_shows_them() {
    let blink = |i: usize| (-((i as f64 % 1000.0 - 500.0) / 20.0).powi(2)).exp();
    let mut rng = RandomState::new(2);
    let x = Array2::from_shape_fn((2, 20_000), |(ch, i)| if ch == 1 { -3e-4 * blink(i) } else { 1e-5 * rng.normal() });
    let (blinks, row) = find_blinks(&Par::serial(), x.view(), 250.0, &BlinkParams::default()).unwrap();
    assert_eq!((blinks.len(), row), (20, 1));
    assert!(blinks.iter().all(|b| (b % 1000).abs_diff(500) < 5));
    let late = BlinkParams { tstart: 40.0, ..Default::default() };
    assert_eq!(find_blinks(&Par::serial(), x.view(), 250.0, &late).unwrap().0.len(), 10);
    let later = BlinkParams { tstart: 400.0, ..Default::default() };
    assert!(find_blinks(&Par::serial(), x.view(), 250.0, &later).is_err());
    assert!(find_blinks(&Par::serial(), x.slice(ndarray::s![..0, ..]), 250.0, &late).is_err());
}

#[test]
fn peaks_of_short_and_flat_rows() {
    let none: [usize; 0] = [];
    assert_eq!(peak_finder(&[], None, true), none);
    assert_eq!(peak_finder(&[1.0], None, true), none);
    assert_eq!(peak_finder(&[0.0, 1.0], None, true), [1]);
    assert_eq!(peak_finder(&[0.0, 1.0], None, false), [0]);
    assert_eq!(peak_finder(&[2.0; 9], None, true), none);
    assert_eq!(peak_finder(&[0.0, 3.0, 3.0, 0.0, 5.0, 1.0], Some(1.0), true), [1, 4]);
}

#[test]
fn equal_phases_are_unlikely() {
    let mut equal = vec![0.25; 40];
    let mut spread: Vec<f64> = (0..40).map(|i| (f64::from(i) + 0.5) / 40.0).collect();
    assert!(kuiper(&mut equal).1 > 0.9);
    assert_eq!(kuiper(&mut spread).1, 0.0);
    let mut rng = RandomState::new(5);
    let epochs = Array3::from_shape_fn((30, 2, 101), |(_, source, t)| {
        if source == 0 { (0.3 * t as f64).sin() + 0.1 * rng.normal() } else { rng.normal() }
    });
    let (_, p) = ctps(&Par::serial(), epochs.view()).unwrap();
    let most = p.map_axis(Axis(1), |row| row.fold(0.0_f64, |most, x| most.max(*x)));
    assert!(most[0] > 0.5 && most[1] < 0.3, "{most}");
}

#[test]
fn scores_and_those_that_stand_out() {
    let sources = array![[1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0], [-1.0, 1.0, -1.0, 1.0]];
    let r =
        correlations(&Par::serial(), sources.view(), (&sources.slice(ndarray::s![..1, ..]) * -1e-13).view()).unwrap();
    assert!((r[[0, 0]] + 1.0).abs() < 1e-15 && r[[0, 1]].is_nan());
    assert!((r[[0, 2]] + 2.0 / (5.0_f64 * 4.0).sqrt()).abs() < 1e-15);
    let mut scores = vec![0.1; 40];
    (scores[3], scores[7], scores[9]) = (0.12, 50.0, -1.0);
    // 50 hides the others in the first look.
    assert_eq!(find_outliers(&scores, 3.0), [7, 9]);
    let both = array![[0.1, 0.95, 0.2], [-0.99, 0.92, 0.0]];
    assert_eq!(outliers_by_score(both.view(), 0.9, true), (vec![0, 1], vec![vec![1], vec![0, 1]]));
}
