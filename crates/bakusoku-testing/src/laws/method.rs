//! Laws of methods.

use crate::Keep;
use bakusoku_core::run::Flow;
use bakusoku_core::{Bytes, Cx, Method, Par, Recording, SpillDir};
use ndarray::Array2;

/// The same bits for any number of threads and any memory (and so any cut into groups, tiles and blocks), of the length
/// that `output` promised. Returns the result.
pub fn method(method: &dyn Method, recording: &dyn Recording) -> Array2<f64> {
    let promised = method.output(recording.stream()).unwrap();
    let through = |threads: usize, memory: u64| {
        let par = if threads == 1 { Par::serial() } else { Par::new(threads) };
        let mut cx = Cx::new(par, SpillDir::find(None).unwrap());
        cx.memory = Bytes(memory);
        let mut keep = Keep::default();
        let mut flow = Flow::straight(recording.stream(), &[method]).unwrap();
        flow.tap(flow.end(), "keep", &mut keep);
        flow.run(recording, &cx).unwrap();
        keep.into_data()
    };
    let reference = through(1, 1 << 30);
    assert_eq!(
        reference.shape(),
        [promised.n_channels(), promised.n_times as usize],
        "`output` promised another shape"
    );
    for (threads, memory) in [(2, 1 << 30), (3, 0), (1, 1 << 16)] {
        let other = through(threads, memory);
        assert!(
            reference.iter().zip(&other).all(|(a, b)| a.to_bits() == b.to_bits()),
            "{}: {threads} threads and {memory} bytes give other bits",
            method.name()
        );
    }
    reference
}
