//! Sound sets to start from, small and with a little of everything.

use super::mat::{Value, mat5, mat73};

pub(crate) const CHANNELS: usize = 3;
pub(crate) const TIMES: usize = 60;

/// A sample in microvolts.
pub(crate) fn sample(channel: usize, time: usize) -> f32 {
    ((time * CHANNELS + channel) * 37 % 401) as f32 - 200.0
}

/// What stands in the file beside a set, time by time.
pub(crate) fn beside() -> Vec<u8> {
    (0..TIMES).flat_map(|t| (0..CHANNELS).map(move |ch| sample(ch, t))).flat_map(f32::to_le_bytes).collect()
}

fn samples() -> Vec<f32> {
    (0..TIMES).flat_map(|t| (0..CHANNELS).map(move |ch| sample(ch, t))).collect()
}

/// The fields of a set with these samples, in so many trials.
fn fields(data: Value, trials: usize) -> Vec<(&'static str, Value)> {
    let number = Value::number;
    let place = |label, r: [f64; 3], kind| vec![Value::Text(label), number(r[0]), number(r[1]), number(r[2]), kind];
    let fiducial = vec![Value::Text("nz"), number(85.0), number(0.0), number(-30.0), Value::Text("FID")];
    let event = |kind, latency, duration| vec![kind, number(latency), duration];
    let names = vec!["labels", "X", "Y", "Z", "type"];
    vec![
        ("setname", Value::Text("a set")),
        ("nbchan", number(CHANNELS as f64)),
        ("trials", number(trials as f64)),
        ("pnts", number((TIMES / trials) as f64)),
        ("srate", number(250.0)),
        ("xmin", number(if trials > 1 { -0.02 } else { 0.0 })),
        ("data", data),
        ("icaweights", Value::matrix(2, &[1.0, 0.0, 0.0, 1.0, 0.5, 0.25])),
        ("icasphere", Value::matrix(3, &[1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0])),
        ("icachansind", Value::matrix(1, &[1.0, 2.0, 3.0])),
        (
            "chanlocs",
            Value::Structs(
                names.clone(),
                vec![
                    place("Fp1", [80.0, 25.0, -3.0], Value::Text("EEG")),
                    place("Cz µ", [0.0, 0.0, 85.0], Value::empty()),
                    vec![Value::Text("VEOG"), Value::empty(), Value::empty(), Value::empty(), Value::Text("EOG")],
                ],
            ),
        ),
        (
            "chaninfo",
            Value::Structs(vec!["nodatchans"], vec![vec![Value::Structs(names, vec![fiducial.clone(), fiducial])]]),
        ),
        (
            "event",
            Value::Structs(
                vec!["type", "latency", "duration"],
                vec![
                    event(Value::Text("square"), 6.0, number(0.0)),
                    event(number(7.0), 26.5, Value::empty()),
                    event(Value::Text("boundary"), 46.5, number(20.0)),
                ],
            ),
        ),
        (
            "epoch",
            match trials {
                1 => Value::empty(),
                _ => Value::Structs(
                    vec!["event", "eventtype"],
                    (0..trials).map(|at| vec![number(at as f64 + 1.0), Value::Text("square")]).collect(),
                ),
            },
        ),
    ]
}

fn in_struct(fields: Vec<(&'static str, Value)>) -> Vec<(&'static str, Value)> {
    let (names, values) = fields.into_iter().unzip();
    vec![("EEG", Value::Structs(names, vec![values]))]
}

/// All of them, by name; those of epochs have `epochs` in it.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let continuous = || Value::singles(vec![CHANNELS as i32, TIMES as i32], &samples());
    let whole: Vec<i16> = samples().into_iter().map(|x| x as i16).collect();
    let shorts = || Value::shorts(vec![CHANNELS as i32, TIMES as i32], &whole);
    let epochs = || Value::singles(vec![CHANNELS as i32, TIMES as i32 / 3, 3], &samples());
    let named = |name: &str, bytes| (name.to_owned(), bytes);
    vec![
        named("struct", mat5(&in_struct(fields(continuous(), 1)), false, false)),
        named("struct-compressed", mat5(&in_struct(fields(shorts(), 1)), false, true)),
        named("flattened-big-endian", mat5(&fields(shorts(), 1), true, false)),
        named("flattened-compressed", mat5(&fields(continuous(), 1), false, true)),
        named("beside", mat5(&in_struct(fields(Value::Text("input.fdt"), 1)), false, false)),
        named("epochs", mat5(&in_struct(fields(epochs(), 3)), false, false)),
        named("epochs-compressed", mat5(&fields(epochs(), 3), true, true)),
        named("7.3", mat73(&fields(continuous(), 1))),
        named("7.3-epochs", mat73(&fields(epochs(), 3))),
    ]
}
