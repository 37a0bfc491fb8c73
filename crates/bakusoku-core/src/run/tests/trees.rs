//! Laws of forks, of what is kept, and of sinks with two faces.

use super::*;

/// Numbers that are the same for the same seed.
struct Random(u64);
impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Takes rows or columns, whichever come.
#[derive(Default)]
struct Either {
    columns: Keep,
    rows: KeepRows,
}
impl Sink for Either {
    fn push(&mut self, block: &Block, cx: &Cx) -> Result<()> {
        self.columns.push(block, cx)
    }
    fn rows(&self) -> Option<&dyn RowSink> {
        Some(&self.rows)
    }
}
impl Either {
    /// Its samples, time after time, and whether they came as rows.
    fn finish(self) -> (Vec<f64>, bool) {
        let rows = self.rows.sorted();
        if rows.is_empty() {
            return (self.columns.columns, false);
        }
        assert!(self.columns.columns.is_empty(), "either rows or columns come");
        ((0..rows[0].1.len()).flat_map(|t| rows.iter().map(move |(_, row)| row[t])).collect(), true)
    }
}

/// A tree of up to eight nodes; each of `methods` is a method that any node may have.
fn tree<'m>(random: &mut Random, methods: &[&'m dyn Method]) -> Vec<(usize, &'m dyn Method)> {
    let n = 1 + random.below(8);
    (0..n).map(|index| (index - random.below(index.min(2) + 1), methods[random.below(methods.len())])).collect()
}

/// The methods from the source to a node, whose index counts the source.
fn path<'m>(tree: &[(usize, &'m dyn Method)], mut node: usize) -> Vec<&'m dyn Method> {
    let mut out = Vec::new();
    while node > 0 {
        out.insert(0, tree[node - 1].1);
        node = tree[node - 1].0;
    }
    out
}

#[test]
fn a_fork_is_as_two_flows() {
    let raw = recording(5, 6_007);
    let grainy = Grainy { grain: 501, skip: Some(Span::new(100, 130)) };
    let (whole, half, spread) = (Cumulate { halve: false }, Cumulate { halve: true }, Spread { only_factored: false });
    let shift = Mix(Some([3.0, -0.5]));
    let methods: [&dyn Method; 6] = [&whole, &half, &grainy, &MIX, &shift, &spread];
    for seed in 0..25 {
        let mut random = Random(seed);
        let mut tree = tree(&mut random, &methods);
        // Lengths differ after a cut; skipped stretches must lie within all of them.
        tree.truncate(6);
        let (threads, memory) = [(1, 1 << 30), (2, 0), (3, 1 << 18)][random.below(3)];
        let n = tree.len() + 1;
        let mut taps: Vec<Option<Either>> =
            (0..n).map(|node| (node + 1 == n || random.below(2) == 0).then(Either::default)).collect();
        let kept: Vec<bool> = (0..n).map(|_| random.below(3) == 0).collect();
        let mut flow = Flow::new(raw.stream());
        for (parent, method) in &tree {
            flow.add(NodeId(*parent), method.name(), *method).unwrap();
        }
        for ((node, tap), keep) in flow.nodes().zip(&mut taps).zip(&kept) {
            if let Some(tap) = tap {
                flow.tap(node, "either", tap);
            }
            if *keep {
                flow.keep(node);
            }
        }
        let mut done = flow.run(&raw, &cx(threads, memory)).unwrap();
        for (node, tap) in taps.into_iter().enumerate() {
            let expected = through(&path(&tree, node), &raw, &cx(1, 1 << 30)).pop().unwrap().0;
            if let Some(tap) = tap {
                // The product of two matrices is rounded otherwise than one after the other.
                same(&tap.finish().0, &expected, seed, node);
            }
            let store = done.take(NodeId(node));
            assert_eq!(store.is_some(), kept[node] && node > 0, "seed {seed}, node {node}");
            if let Some(store) = store {
                same(&flat(&store), &expected, seed, node);
                // The next pass starts from it as from a file.
                let mut either = Either::default();
                let mut flow = Flow::straight(store.stream(), &[&MIX, &whole]).unwrap();
                flow.tap(flow.end(), "either", &mut either);
                flow.run(&store, &cx(threads, memory)).unwrap();
                let mut methods = path(&tree, node);
                methods.extend([&MIX as &dyn Method, &whole]);
                same(&either.finish().0, &through(&methods, &raw, &cx(1, 1 << 30)).pop().unwrap().0, seed, node);
            }
        }
    }
}

fn flat(recording: &dyn Recording) -> Vec<f64> {
    let stream = recording.stream();
    let mut data = Array2::zeros((stream.n_channels(), stream.n_times as usize));
    recording.read(0..stream.n_times, &Picks::all(stream.n_channels()), data.view_mut()).unwrap();
    data.t().iter().copied().collect()
}

fn same(got: &[f64], expected: &[f64], seed: u64, node: usize) {
    assert_eq!(got.len(), expected.len(), "seed {seed}, node {node}");
    let largest = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let worst = got.iter().zip(expected).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
    assert!(worst <= 1e-13 * largest, "seed {seed}, node {node}: {worst:e} of {largest:e}");
}

#[test]
fn neighbouring_matrices_add_their_offsets() {
    let raw = recording(4, 300);
    let (one, two) = (Mix(Some([3.0, -0.5])), Mix(Some([0.25, 8.0])));
    let expected: Vec<f64> = {
        let x = raw.data();
        let mix = |a: f64, b: f64, c: [f64; 2]| (0.5 * a - 0.25 * b + c[0], 2.0 * a + b + c[1]);
        let at = |t: usize| {
            let (a, b) = mix(x[[0, t]], x[[2, t]], [3.0, -0.5]);
            let (a, b) = mix(a, b, [0.25, 8.0]);
            [a, x[[1, t]], b, x[[3, t]]]
        };
        (0..300).flat_map(at).collect()
    };
    let mut keep = Keep::default();
    let mut flow = Flow::straight(raw.stream(), &[&one, &two]).unwrap();
    flow.tap(flow.end(), "keep", &mut keep);
    flow.run(&raw, &cx(2, 1 << 30)).unwrap();
    same(&keep.columns, &expected, 0, 2);
}

#[test]
fn a_fork_gives_the_same_bits_whatever_threads_and_memory() {
    let raw = recording(5, 20_011);
    let grainy = Grainy { grain: 777, skip: Some(Span::new(5000, 5100)) };
    let (whole, half) = (Cumulate { halve: false }, Cumulate { halve: true });
    // Rows and columns behind rows, behind columns, and behind the source.
    let tree: [(usize, &dyn Method); 9] = [
        (0, &whole),
        (1, &half),
        (1, &grainy),
        (1, &MIX),
        (0, &grainy),
        (5, &whole),
        (5, &MIX),
        (7, &half),
        (7, &whole),
    ];
    let expected: Vec<_> =
        (0..=tree.len()).map(|node| through(&path(&tree, node), &raw, &cx(1, 1 << 30)).pop().unwrap()).collect();
    for (threads, memory) in [(1, 1 << 30), (2, 0), (3, 1 << 20)] {
        let found = seen(&tree, &raw, &cx(threads, memory));
        assert!(found == expected, "{threads} threads and {memory} bytes give other bits");
    }
}

#[test]
fn a_tap_gets_what_is_walked_anyway() {
    let raw = recording(4, 3_000);
    let (whole, grainy) = (Cumulate { halve: false }, Grainy { grain: 100, skip: None });
    let faces = |methods: &[&dyn Method]| -> Vec<bool> {
        let mut taps: Vec<Either> = (0..=methods.len()).map(|_| Either::default()).collect();
        let mut flow = Flow::straight(raw.stream(), methods).unwrap();
        flow.nodes().zip(&mut taps).for_each(|(node, tap)| _ = flow.tap(node, "either", tap));
        flow.run(&raw, &cx(2, 1 << 30)).unwrap();
        taps.into_iter().map(|tap| tap.finish().1).collect()
    };
    assert_eq!(faces(&[]), [false]);
    assert_eq!(faces(&[&whole, &whole]), [true, true, true]);
    assert_eq!(faces(&[&grainy, &whole]), [false, false, true]);
    assert_eq!(faces(&[&whole, &MIX]), [true, true, false]);
}

#[test]
fn errors_and_times_have_the_names_of_nodes_and_taps() {
    struct Full;
    impl Sink for Full {
        fn push(&mut self, _block: &Block, _cx: &Cx) -> Result<()> {
            Err(Error::data("no room"))
        }
    }
    struct Wrong;
    impl Method for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }
        fn output(&self, _input: &Stream) -> Result<Stream> {
            Err(Error::parameter("l_freq", "positive", -1))
        }
        fn bind(&self, _input: &Stream) -> Result<Bound> {
            Err(Error::data("it never comes to that"))
        }
    }
    let raw = recording(4, 3_000);
    let (whole, grainy) = (Cumulate { halve: false }, Grainy { grain: 100, skip: None });
    for parent in [NodeId::SOURCE, NodeId(1), NodeId(2)] {
        let (mut full, mut keep) = (Full, Keep::default());
        let mut flow = Flow::new(raw.stream());
        let first = flow.add(NodeId::SOURCE, "first", &grainy).unwrap();
        flow.add(first, "second", &whole).unwrap();
        flow.add(first, "third", &grainy).unwrap();
        flow.tap(flow.end(), "keep", &mut keep).tap(parent, "full", &mut full);
        let error = flow.run(&raw, &cx(2, 1 << 30)).err().unwrap();
        assert_eq!(error.node(), Some("full"));
        assert_eq!(error.without_node().to_string(), "no room");
    }
    let mut flow = Flow::new(raw.stream());
    let error = flow.add(NodeId::SOURCE, "high-pass", &Wrong).unwrap_err();
    assert_eq!(error.node(), Some("high-pass"));

    let (mut keep, mut flow) = (Keep::default(), Flow::new(raw.stream()));
    let summed = flow.add(NodeId::SOURCE, "sum", &whole).unwrap();
    flow.add(summed, "mean", &grainy).unwrap();
    flow.tap(flow.end(), "write", &mut keep);
    let times = flow.run(&raw, &cx(2, 1 << 30)).unwrap().times;
    let names: Vec<&str> = times.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["read", "sum", "mean", "write"]);
}

#[test]
fn another_recording_than_the_one_planned_is_refused() {
    let flow = Flow::new(recording(4, 3_000).stream());
    let error = flow.run(&recording(4, 2_000), &cx(1, 1 << 30)).err().unwrap().to_string();
    assert!(error.contains("2000 samples") && error.contains("3000"), "{error}");
}
