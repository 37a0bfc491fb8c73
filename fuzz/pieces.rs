//! Pieces of a recording that may be broken in any way.

use bakusoku_core::{Picks, Recording};
use ndarray::Array2;

/// Samples at the start, in the middle, at the end and around gaps; of all channels and of some.
pub(crate) fn pieces(recording: &dyn Recording) {
    let stream = recording.stream();
    let (n_channels, n_times) = (stream.n_channels(), stream.n_times);
    let mut starts = vec![0, n_times / 2, n_times.saturating_sub(50)];
    starts
        .extend(stream.gaps.iter().take(4).flat_map(|gap| [gap.start.saturating_sub(20), gap.stop - 20.min(gap.stop)]));
    let few: Vec<usize> = [n_channels - 1, 0].into_iter().collect();
    for start in starts {
        let stop = (start + 50).min(n_times);
        for picks in [Picks::all(n_channels), Picks::new(few.clone(), n_channels).expect("these channels are there")] {
            let mut out = Array2::zeros((picks.len(), (stop - start) as usize));
            let _ = recording.read(start..stop, &picks, out.view_mut());
        }
    }
    let mut beyond = Array2::zeros((n_channels, 1));
    assert!(recording.read(n_times..n_times + 1, &Picks::all(n_channels), beyond.view_mut()).is_err());
}
