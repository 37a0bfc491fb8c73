//! Laws of formats.

use bakusoku_core::{Par, Picks, Recording};
use ndarray::{Array2, s};

/// Any samples of any channels are those that the whole holds, also when several threads read at once; samples that
/// are not there are an error.
pub fn recording(recording: &dyn Recording) {
    let (n_channels, n_times) = (recording.stream().n_channels(), recording.stream().n_times as usize);
    let mut whole = Array2::zeros((n_channels, n_times));
    recording.read(0..n_times as u64, &Picks::all(n_channels), whole.view_mut()).unwrap();

    let pieces = Par::new(3).map(40, |index| {
        let at = |k: usize| (index.wrapping_mul(7919).wrapping_add(k * 104_729) * 2_654_435_761) >> 7;
        let (a, b) = (at(1) % (n_times + 1), at(2) % (n_times + 1));
        let (start, stop) = (a.min(b), a.max(b));
        let chosen: Vec<usize> =
            (0..1 + at(3) % n_channels.min(9)).map(|k| (at(4) + k * (1 + index % 3)) % n_channels).collect();
        let mut out = Array2::from_elem((chosen.len(), stop - start), f64::NAN);
        let picks = Picks::new(chosen.clone(), n_channels).unwrap();
        recording.read(start as u64..stop as u64, &picks, out.view_mut()).unwrap();
        (chosen, start, stop, out)
    });
    for (chosen, start, stop, out) in pieces {
        for (row, &ch) in chosen.iter().enumerate() {
            let expected = whole.slice(s![ch, start..stop]);
            assert!(
                out.row(row).iter().zip(expected).all(|(a, b)| a.to_bits() == b.to_bits()),
                "channel {ch}, samples {start}..{stop} differ from the whole"
            );
        }
    }
    let mut beyond = Array2::zeros((1, 1));
    let picks = Picks::new(vec![0], n_channels).unwrap();
    assert!(recording.read(n_times as u64..n_times as u64 + 1, &picks, beyond.view_mut()).is_err());
}
