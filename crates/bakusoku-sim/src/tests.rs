//! What a whole recording must be like.

use crate::{MarkBads, Simulation, SimulationParams, StudyParams};
use bakusoku_core::{Channel, ChannelType, Picks, Recording};
use bakusoku_pool::Par;
use ndarray::{Array2, ArrayView1, Axis, s};

fn params(duration: f64) -> SimulationParams {
    SimulationParams { duration, ..SimulationParams::default() }
}

fn whole(raw: &Simulation, picks: &Picks) -> Array2<f64> {
    let mut out = Array2::from_elem((picks.len(), raw.stream().n_times as usize), f64::NAN);
    raw.read(0..raw.stream().n_times, picks, out.view_mut()).unwrap();
    out
}

fn rms(x: ArrayView1<'_, f64>) -> f64 {
    let mean = x.sum() / x.len() as f64;
    (x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / x.len() as f64).sqrt()
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

#[test]
fn pieces_are_the_whole_in_any_order_for_any_channels_and_threads() {
    let raw = Simulation::new(params(5.3)).unwrap();
    let n_channels = raw.stream().n_channels();
    assert_eq!(n_channels, 306 + 60 + 3 + 2);
    let expected = whole(&raw, &Picks::all(n_channels));
    assert!(expected.iter().all(|x| x.is_finite()));

    // Another simulation of the same parameters, block by block from the end, with an odd length.
    let other = Simulation::new(params(5.3)).unwrap();
    let n_times = other.stream().n_times;
    let mut start = n_times;
    while start > 0 {
        let from = start.saturating_sub(777);
        let mut block = Array2::zeros((n_channels, (start - from) as usize));
        other.read(from..start, &Picks::all(n_channels), block.view_mut()).unwrap();
        assert_eq!(block, expected.slice(s![.., from as usize..start as usize]));
        start = from;
    }
    // Single channels, in any company.
    for channels in [vec![370], vec![5], vec![320, 7, 366, 7, 0], vec![369, 367, 368]] {
        let picks = Picks::new(channels.clone(), n_channels).unwrap();
        let mut block = Array2::zeros((channels.len(), 1500));
        other.read(1000..2500, &picks, block.view_mut()).unwrap();
        for (row, &channel) in channels.iter().enumerate() {
            assert_eq!(block.row(row), expected.slice(s![channel, 1000..2500]), "channel {channel}");
        }
    }
    // Several readers at once.
    let blocks = Par::new(3).map(6, |i| {
        let mut block = Array2::zeros((n_channels, 800));
        raw.read(i as u64 * 800..(i as u64 + 1) * 800, &Picks::all(n_channels), block.view_mut()).unwrap();
        block
    });
    for (i, block) in blocks.iter().enumerate() {
        assert_eq!(*block, expected.slice(s![.., i * 800..(i + 1) * 800]));
    }
}

#[test]
fn seed_subject_and_run_make_other_data_and_nothing_else_does() {
    let all = Picks::all(20);
    let base = whole(&Simulation::new(params(2.0)).unwrap(), &all);
    assert_eq!(base, whole(&Simulation::new(params(2.0)).unwrap(), &all));
    for other in [SimulationParams { seed: 1, ..params(2.0) }, params(2.0).for_subject(2), params(2.0).for_run(2)] {
        assert_ne!(base, whole(&Simulation::new(other).unwrap(), &all));
    }
    // A run keeps the person: the same broken channels and sources, another head position.
    let (a, b) = (Simulation::new(params(2.0)).unwrap(), Simulation::new(params(2.0).for_run(2)).unwrap());
    assert_eq!(a.ground_truth()["evoked"], b.ground_truth()["evoked"]);
    assert_eq!(a.stream().info.bads, b.stream().info.bads);
    assert_ne!(a.head().dev_head_t, b.head().dev_head_t);
}

#[test]
fn a_longer_recording_starts_as_the_shorter_one() {
    let (short, long) = (Simulation::new(params(3.0)).unwrap(), Simulation::new(params(9.0)).unwrap());
    let picks = Picks::all(366);
    let mut a = Array2::zeros((366, 1200));
    let mut b = a.clone();
    short.read(0..1200, &picks, a.view_mut()).unwrap();
    long.read(0..1200, &picks, b.view_mut()).unwrap();
    // But for trials, whose number depends on the length: none has been answered by then.
    let before = 1000;
    assert_eq!(a.slice(s![.., ..before]), b.slice(s![.., ..before]));
}

#[test]
fn amplitudes_are_those_of_real_recordings() {
    let raw = Simulation::new(params(20.0)).unwrap();
    let info = &raw.stream().info;
    let data = whole(&raw, &Picks::all(info.n_channels()));
    let typical = |kind: ChannelType| {
        let picks = Picks::types(info, &[kind], true);
        median(picks.iter().map(|c| rms(data.row(c))).collect())
    };
    let (grad, mag, eeg) = (typical(ChannelType::Grad), typical(ChannelType::Mag), typical(ChannelType::Eeg));
    assert!((8e-12..40e-12).contains(&grad), "{grad:e} T/m");
    assert!((200e-15..3e-12).contains(&mag), "{mag:e} T");
    assert!((8e-6..50e-6).contains(&eeg), "{eeg:e} V");
    let peak = |name: &str| {
        let row = data.row(info.index_of(name).unwrap());
        let mean = row.sum() / row.len() as f64;
        row.iter().fold(0.0f64, |m, x| m.max((x - mean).abs()))
    };
    // Blinks and R peaks stand out, and blinks are seen at the brow.
    assert!((150e-6..500e-6).contains(&peak("EOG 062")), "{:e}", peak("EOG 062"));
    assert!((0.8e-3..1.6e-3).contains(&peak("ECG 063")), "{:e}", peak("ECG 063"));
    assert!((60e-6..300e-6).contains(&peak("Fpz")), "{:e}", peak("Fpz"));
    assert!(peak("Fpz") > 1.2 * peak("POz"), "{:e} {:e}", peak("Fpz"), peak("POz"));
}

#[test]
fn faults_are_as_bad_as_they_are_said_to_be() {
    for subject in 1..6 {
        let raw = Simulation::new(params(8.0).for_subject(subject)).unwrap();
        let info = &raw.stream().info;
        let data = whole(&raw, &Picks::all(info.n_channels()));
        let truth = raw.ground_truth();
        let bads = truth["bads"].as_array().unwrap();
        assert_eq!(bads.len(), 4);
        assert_eq!(info.bads.len(), 4);
        for bad in bads {
            let channel = info.index_of(bad["name"].as_str().unwrap()).unwrap();
            let kind = info.chs[channel].ch_type();
            let others = Picks::types(info, &[kind], true);
            let usual = median(others.iter().map(|c| rms(data.row(c))).collect());
            let ratio = rms(data.row(channel)) / usual;
            match bad["fault"].as_str().unwrap() {
                "flat" => assert!(ratio < 0.01, "{bad} {ratio}"),
                _ => assert!(ratio > 1.5, "{bad} {ratio}"),
            }
        }
    }
    let marked =
        |mark_bads| Simulation::new(SimulationParams { mark_bads, ..params(1.0) }).unwrap().stream().info.bads.len();
    assert_eq!([marked(MarkBads::All), marked(MarkBads::Some), marked(MarkBads::None)], [4, 3, 0]);
    let sound = SimulationParams { faults: false, ..params(1.0) };
    assert!(Simulation::new(sound).unwrap().stream().info.bads.is_empty());
}

/// Power around a frequency (Hz) in one channel.
fn power(x: ArrayView1<'_, f64>, frequency: f64) -> f64 {
    let mean = x.sum() / x.len() as f64;
    let centred: Vec<f64> = x.iter().map(|v| v - mean).collect();
    crate::courses::pink_power(&centred, frequency / 1000.0, 2000)
}

#[test]
fn spectra_have_a_slope_a_line_and_a_floor() {
    let raw = Simulation::new(SimulationParams { faults: false, ..params(40.0) }).unwrap();
    let info = &raw.stream().info;
    for (kind, floor) in [(ChannelType::Grad, 3e-13), (ChannelType::Mag, 3e-15), (ChannelType::Eeg, 30e-9)] {
        let picks: Vec<usize> = Picks::types(info, &[kind], true).iter().step_by(7).collect();
        let data = whole(&raw, &Picks::new(picks, info.n_channels()).unwrap());
        let at = |f: f64| median(data.axis_iter(Axis(0)).map(|x| power(x, f)).collect());
        assert!(at(2.0) > 4.0 * at(35.0), "{kind:?}: {:e} {:e}", at(2.0), at(35.0));
        assert!(at(50.0) > 10.0 * at(46.0) && at(150.0) > 3.0 * at(146.0), "{kind:?}");
        // The Hann window keeps 3/8 of the power; a density counts both signs of the frequency.
        let density = (at(420.0) / 0.375 / 1000.0 * 2.0).sqrt();
        // The brain's own activity still reaches there in the EEG.
        let most = if kind == ChannelType::Eeg { 3.0 } else { 1.3 };
        assert!((0.8..most).contains(&(density / floor)), "{kind:?}: {density:e}");
    }
    // Alpha over the back of the head.
    let poz = whole(&raw, &Picks::names(info, &["PO3", "PO4"]).unwrap());
    let alpha: f64 = [9.5, 10.0, 10.5, 11.0].iter().map(|f| power(poz.row(0), *f) + power(poz.row(1), *f)).sum();
    let beside: f64 = [5.5, 6.0, 16.0, 17.0].iter().map(|f| power(poz.row(0), *f) + power(poz.row(1), *f)).sum();
    assert!(alpha > 1.5 * beside, "{alpha:e} {beside:e}");
}

/// Mean around the events of a code, -100 to 400 ms, baseline removed.
fn evoked(raw: &Simulation, data: &Array2<f64>, code: i64) -> Array2<f64> {
    let mut sum = Array2::zeros((data.nrows(), 500));
    let mut n = 0.0;
    for event in raw.events().iter().filter(|e| e.code == code) {
        let at = (event.sample - raw.stream().first_samp) as usize;
        sum += &data.slice(s![.., at - 100..at + 400]);
        n += 1.0;
    }
    sum /= n;
    for mut row in sum.rows_mut() {
        let base = row.slice(s![..100]).sum() / 100.0;
        row -= base;
    }
    sum
}

#[test]
fn averaging_brings_out_the_responses() {
    let raw = Simulation::new(SimulationParams { faults: false, ..params(120.0) }).unwrap();
    let info = &raw.stream().info;
    let picks = Picks::types(info, &[ChannelType::Grad], true);
    let data = whole(&raw, &picks);
    let size = |ave: &Array2<f64>, from: usize, to: usize| -> Vec<f64> {
        let part = ave.slice(s![.., from..to]);
        part.rows().into_iter().map(|row| (row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64).sqrt()).collect()
    };
    let largest = |x: &[f64]| (0..x.len()).max_by(|&a, &b| x[a].total_cmp(&x[b])).unwrap();
    let place = |row: usize| -> [f64; 3] {
        let ch = &info.chs[picks.as_slice()[row]];
        [ch.loc[0], ch.loc[1], ch.loc[2]]
    };
    // Tones: the strongest N100m is over a temporal lobe, far above the baseline.
    let tones = evoked(&raw, &data, 1);
    let (peak, base) = (size(&tones, 190, 210), size(&tones, 0, 100));
    let best = largest(&peak);
    assert!(peak[best] > 4.0 * base[best], "{:e} {:e}", peak[best], base[best]);
    assert!((40e-13..400e-13).contains(&peak[best]), "{:e}", peak[best]);
    assert!(place(best)[0].abs() > 0.07, "{:?}", place(best));
    // Pictures: over the back of the head.
    let pictures = evoked(&raw, &data, 2);
    let (peak, base) = (size(&pictures, 190, 220), size(&pictures, 0, 100));
    let best = largest(&peak);
    assert!(peak[best] > 4.0 * base[best], "{:e} {:e}", peak[best], base[best]);
    assert!(place(best)[1] < -0.04, "{:?}", place(best));
}

#[test]
fn without_noise_the_n100_is_negative_at_the_vertex() {
    let silent = SimulationParams { faults: false, eyes: false, heart: false, background: 0.0, ..params(60.0) };
    let silent = SimulationParams { surroundings: 0.0, line: 0.0, sensor_noise: 0.0, ..silent };
    let raw = Simulation::new(silent).unwrap();
    let info = &raw.stream().info;
    let eeg = Picks::types(info, &[ChannelType::Eeg], true);
    let data = whole(&raw, &eeg);
    // Before the first stimulus nothing happens.
    assert!(data.slice(s![.., ..700]).iter().all(|x| x.abs() < 1e-12));
    let potentials = evoked(&raw, &data, 1);
    // Against the average of all electrodes.
    let mean = potentials.mean_axis(Axis(0)).unwrap();
    let cz = eeg.iter().position(|c| info.chs[c].name == "Cz").unwrap();
    let n100 = (190..210).map(|t| potentials[[cz, t]] - mean[t]).sum::<f64>() / 20.0;
    assert!((-8e-6..-1e-6).contains(&n100), "{n100:e}");
}

#[test]
fn the_stimulus_channel_says_what_the_events_say() {
    let raw = Simulation::new(params(60.0)).unwrap();
    let info = &raw.stream().info;
    let stim = Picks::names(info, &["STI 014", "STI101"]).unwrap();
    let data = whole(&raw, &stim);
    assert_eq!(data.row(0), data.row(1));
    let mut found = Vec::new();
    for t in 1..data.ncols() {
        if data[[0, t]] > 0.0 && data[[0, t - 1]] == 0.0 {
            found.push((t as i64 + raw.stream().first_samp, data[[0, t]] as i64));
        }
    }
    let expected: Vec<_> = raw.events().iter().map(|e| (e.sample, e.code)).collect();
    assert_eq!(found, expected);
    let count = |code| expected.iter().filter(|e| e.1 == code).count();
    assert!(count(1) >= 25 && count(2) >= 25 && count(32) >= 1, "{} {} {}", count(1), count(2), count(32));
    let isi: Vec<i64> = expected.iter().filter(|e| e.1 < 32).map(|e| e.0).collect();
    assert!(isi.windows(2).all(|w| (699..=1101).contains(&(w[1] - w[0]))));
}

#[test]
fn an_empty_room_holds_nobody() {
    let raw = Simulation::new(SimulationParams { empty_room: true, ..params(5.0) }).unwrap();
    let info = &raw.stream().info;
    assert_eq!(info.n_channels(), 308);
    assert!(info.dev_head_t.is_none() && info.dig.is_empty() && raw.events().is_empty());
    let data = whole(&raw, &Picks::types(info, &[ChannelType::Grad], true));
    let empty = median(data.rows().into_iter().map(rms).collect());
    assert!(empty < 9e-12, "{empty:e}");
}

#[test]
fn the_header_is_complete_and_other_rates_work() {
    let raw = Simulation::new(SimulationParams { sfreq: 300.0, duration: 4.0, ..SimulationParams::default() }).unwrap();
    let info = &raw.stream().info;
    assert_eq!((info.sfreq, info.lowpass, info.line_freq), (300.0, 150.0, Some(50.0)));
    assert_eq!(info.chs.iter().filter(|ch| ch.kind == Channel::MEG).count(), 306);
    assert!(info.chs.iter().enumerate().all(|(i, ch)| ch.scanno == i as i32 + 1));
    assert_eq!(info.dig.len(), 3 + 5 + 61 + 120);
    assert!(whole(&raw, &Picks::all(info.n_channels())).iter().all(|x| x.is_finite()));
    let eeg = Simulation::new(SimulationParams { meg: false, ..params(1.0) }).unwrap();
    assert_eq!(eeg.stream().n_channels(), 65);
}

#[test]
fn bad_parameters_are_told() {
    for (bad, name) in [
        (SimulationParams { sfreq: 0.0, ..params(1.0) }, "sfreq"),
        (SimulationParams { duration: f64::NAN, ..params(1.0) }, "duration"),
        (SimulationParams { isi: (1.0, 0.5), ..params(1.0) }, "isi"),
        (SimulationParams { line: -1.0, ..params(1.0) }, "line"),
        (SimulationParams { first_samp: -1, ..params(1.0) }, "first_samp"),
        (SimulationParams { meg: false, empty_room: true, ..params(1.0) }, "meg"),
    ] {
        let error = Simulation::new(bad).err().unwrap();
        assert!(error.to_string().starts_with(&format!("`{name}` must be")), "{error}");
    }
}

#[test]
fn a_study_counts_its_people() {
    let study = StudyParams { n_subjects: 3, n_runs: 2, ..StudyParams::default() };
    let numbers: Vec<_> = study.recordings().iter().map(|p| (p.subject, p.run)).collect();
    assert_eq!(numbers, [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]);
}
