//! What the engine itself costs: jobs and tasks that do nothing. `cargo run --release --example overhead`.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bakusoku_pool::{Budget, Bytes, Par, Pool};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cores = Budget::detect()?.cores;
    for par in [Par::serial(), Par::new(cores.max(2))] {
        for n in [1, 16, 1000, 100_000] {
            let region = median(2000.min(2_000_000 / n), || par.for_each(n, |i| _ = black_box(i)));
            println!(
                "{par:?}.for_each({n}): {:.2} µs, {:.1} ns a job",
                micros(region),
                1e3 * micros(region) / n as f64
            );
        }
    }
    // How much of the second core arrives (best of 200: other programs take cores too), for jobs of 1 and 20 µs, regions from 64 µs to 6.4 ms.
    for (n, time) in [(64, 1), (16, 20), (64, 20), (320, 20)] {
        let work = |par: &Par| {
            best(200, || {
                par.for_each(n, |_| spin(Duration::from_micros(time)));
                // Serial work between regions lets the other threads fall asleep.
                spin(Duration::from_micros(200));
            })
        };
        let (one, two) = (work(&Par::serial()), work(&Par::new(2)));
        let less = Duration::from_micros(200);
        println!(
            "{n} jobs of {time} µs: {:.0} µs by one thread, {:.0} µs by two, {:.2} times faster",
            micros(one - less),
            micros(two - less),
            (one - less).as_secs_f64() / (two - less).as_secs_f64()
        );
    }
    for cores in [1, cores.max(2)] {
        let pool = Pool::new(Budget::new(cores, Bytes(1_000_000_000)))?;
        let all = median(21, || drop(pool.map(0..10_000, black_box)));
        println!(
            "{cores} cores: map of 10,000 no-ops: {:.2} ms, {:.2} µs a task",
            1e-3 * micros(all),
            micros(all) / 1e4
        );
        let one = median(2000, || drop(pool.apply(|| black_box(1))));
        println!("{cores} cores: apply of a no-op: {:.2} µs", micros(one));
        let all = median(21, || pool.imap(0..10_000, black_box).for_each(drop));
        println!("{cores} cores: imap of 10,000 no-ops: {:.2} µs a task", micros(all) / 1e4);
    }
    Ok(())
}

fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(times: usize, f: impl FnMut()) -> Duration {
    let all = sorted(times, f);
    all[all.len() / 2]
}

fn best(times: usize, f: impl FnMut()) -> Duration {
    sorted(times, f)[0]
}

fn sorted(times: usize, mut f: impl FnMut()) -> Vec<Duration> {
    let mut all: Vec<Duration> = (0..times.max(5))
        .map(|_| {
            let began = Instant::now();
            f();
            began.elapsed()
        })
        .collect();
    all.sort();
    all
}
