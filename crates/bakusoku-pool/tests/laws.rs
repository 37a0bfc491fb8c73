//! The laws of the engine, looked at from outside, with many seeds: memory, cores, fairness, order, no deadlock.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use bakusoku_pool::{Budget, Bytes, Cancel, Cause, Need, Par, Pool, TaskContext};

const GB: u64 = 1_000_000_000;

fn pool(cores: usize) -> Pool {
    Pool::new(Budget::new(cores, Bytes(10 * GB))).unwrap()
}

/// Splitmix64: enough chance for a schedule.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Counts how many are inside at once.
#[derive(Default)]
struct Gauge {
    now: AtomicI64,
    most: AtomicI64,
}

impl Gauge {
    fn with<R>(&self, amount: i64, f: impl FnOnce() -> R) -> R {
        let now = self.now.fetch_add(amount, SeqCst) + amount;
        self.most.fetch_max(now, SeqCst);
        let result = f();
        self.now.fetch_sub(amount, SeqCst);
        result
    }

    fn most(&self) -> i64 {
        self.most.load(SeqCst)
    }
}

/// Fails loudly, instead of hanging, when `f` takes more than a minute.
fn in_time(f: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        f();
        done.send(()).unwrap();
    });
    match finished.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("deadlock: nothing ends"),
        _ => thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
    }
}

/// Keeps a core busy.
fn spin(microseconds: u64) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_micros(microseconds) {
        std::hint::spin_loop();
    }
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::yield_now();
    }
}

#[test]
fn admission_never_exceeds_the_memory() {
    in_time(|| {
        for seed in 0..40 {
            let mut chance = Chance(seed);
            let capacity = 1000;
            let cores = 1 + chance.below(6) as usize;
            let budget = Budget::new(cores, Bytes(capacity)).with_at_once(1 + chance.below(12) as usize);
            let pool = Pool::new(budget).unwrap();
            let needs: Vec<u64> = (0..60).map(|_| chance.below(capacity) + 1).collect();
            let held = Gauge::default();
            let result = pool.tasks(needs.clone()).need(|n| Need::memory(Bytes(*n))).map(|_, n| {
                held.with(n as i64, || spin(n % 200));
                n
            });
            assert_eq!(result.unwrap(), needs);
            assert!(held.most() <= capacity as i64, "seed {seed}: {} held", held.most());
            assert!(pool.peak_usage().need.memory <= Bytes(capacity), "seed {seed}");
        }
    });
}

#[test]
fn never_more_than_the_cores_compute() {
    in_time(|| {
        for seed in 0..30 {
            let mut chance = Chance(seed);
            let cores = 1 + chance.below(5) as usize;
            let pool = Pool::new(Budget::new(cores, Bytes(GB)).with_at_once(1 + chance.below(10) as usize)).unwrap();
            let computing = Gauge::default();
            let shapes: Vec<(usize, u64)> = (0..20).map(|_| (chance.below(30) as usize, chance.below(100))).collect();
            let sums = pool.tasks(shapes.clone()).map(|cx, (jobs, time)| {
                computing.with(1, || spin(time));
                cx.waiting(|| std::thread::sleep(Duration::from_micros(time)));
                let parts = cx.par().map(jobs, |i| computing.with(1, || (spin(time / 4), i).1));
                computing.with(1, || parts.iter().sum::<usize>())
            });
            let wanted: Vec<usize> = shapes.iter().map(|(jobs, _)| jobs * jobs.saturating_sub(1) / 2).collect();
            assert_eq!(sums.unwrap(), wanted, "seed {seed}");
            assert!(computing.most() <= cores as i64, "seed {seed}: {} on {cores} cores", computing.most());
            assert!(pool.peak_usage().computing <= cores, "seed {seed}");
        }
    });
}

#[test]
fn threads_from_outside_share_the_same_cores() {
    in_time(|| {
        let pool = pool(2);
        let computing = Gauge::default();
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| pool.par().for_each(50, |_| computing.with(1, || spin(100))));
            }
            pool.map(0..50, |_| computing.with(1, || spin(100))).unwrap();
        });
        assert!(computing.most() <= 2, "{}", computing.most());
    });
}

#[test]
fn a_big_task_among_many_small_ones_is_not_starved() {
    in_time(|| {
        for cores in [1, 2, 4] {
            let pool = Pool::new(Budget::new(cores, Bytes(100)).with_at_once(8)).unwrap();
            let begun = AtomicUsize::new(0);
            // The big one is third in line; without aging the small ones would go first to the last.
            let needs: Vec<u64> = (0..500).map(|i| if i == 2 { 100 } else { 20 }).collect();
            let places = pool.tasks(needs).need(|n| Need::memory(Bytes(*n))).map(|_, _| {
                let place = begun.fetch_add(1, SeqCst);
                spin(50);
                place
            });
            let place = places.unwrap()[2];
            assert!(place <= 2 + 16 + 8, "{cores} cores: the big task was number {place}");
        }
    });
}

#[test]
fn a_task_larger_than_the_budget_runs_alone_with_tasks_of_its_own() {
    in_time(|| {
        let pool = Pool::new(Budget::new(4, Bytes(100)).with_at_once(6)).unwrap();
        let running = Gauge::default();
        let beside_giant = AtomicI64::new(-1);
        let first_two = AtomicUsize::new(0);
        pool.tasks(0..40)
            .need(|i| Need::memory(Bytes(if *i == 5 { 5000 } else { 10 * (*i as u64 % 3) })))
            .map(|cx, i| {
                running.with(1, || {
                    if i == 5 {
                        let inner = cx.tasks(0..10).need(|_| Need::memory(Bytes(60))).map(|_, j| (spin(100), j * j).1);
                        assert_eq!(inner.unwrap().iter().sum::<i32>(), 285);
                        beside_giant.store(running.now.load(SeqCst), SeqCst);
                    }
                    if i < 2 {
                        first_two.fetch_add(1, SeqCst);
                        wait_until("small tasks run side by side", || first_two.load(SeqCst) == 2);
                    }
                    spin(100);
                });
            })
            .unwrap();
        assert_eq!(beside_giant.load(SeqCst), 1);
    });
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    in_time(|| {
        let work = |par: &Par, n: usize| -> (Vec<f64>, Vec<f64>, f64) {
            let rows = par.map(n, |i| (i as f64).sin());
            let mut data = vec![1.0; 1003];
            par.for_each_chunk_mut(&mut data, 10, |k, piece| piece.iter_mut().for_each(|x| *x /= 1.0 + k as f64));
            let sum = par.map(100, |i| data[i * 10..i * 10 + 10].iter().sum::<f64>()).iter().sum();
            (rows, data, sum)
        };
        let wanted = work(&Par::serial(), 500);
        for threads in 1..=8 {
            assert_eq!(work(&Par::new(threads), 500), wanted);
            assert_eq!(work(&Par::new(4).at_most(threads), 500), wanted);
            assert_eq!(Par::new(4).at_most(threads).threads(), threads.min(4));
            assert_eq!(Par::new(threads).join(|| wanted.2, || "b".to_owned()), (wanted.2, "b".to_owned()));
            let results = pool(threads).tasks([500, 3, 0, 77]).map(|cx: &TaskContext, n| work(cx.par(), n)).unwrap();
            assert_eq!(results[0], wanted);
            assert_eq!(results[3], work(&Par::serial(), 77));
        }
    });
}

#[test]
fn the_last_task_gets_every_core() {
    in_time(|| {
        let pool = pool(4);
        pool.map(0..16, |_| spin(100)).unwrap();
        // Four jobs that wait for each other end only when four threads work on them at once.
        pool.tasks([()])
            .map(|cx, ()| {
                let together = AtomicUsize::new(0);
                cx.par().for_each(4, |_| {
                    together.fetch_add(1, SeqCst);
                    wait_until("four jobs run at once", || together.load(SeqCst) == 4);
                });
            })
            .unwrap();
        // The same when others were running at the start.
        let begun = AtomicUsize::new(0);
        pool.tasks(0..4)
            .map(|cx, i| {
                if i > 0 {
                    wait_until("the first task's jobs have begun", || begun.load(SeqCst) > 0);
                    return;
                }
                cx.par().for_each(4, |_| {
                    begun.fetch_add(1, SeqCst);
                    wait_until("the other tasks' cores came", || begun.load(SeqCst) == 4);
                });
            })
            .unwrap();
    });
}

#[test]
fn tasks_that_are_cancelled_or_wait_leave_their_core() {
    in_time(|| {
        // One core: the first task ends only if the second runs while the first waits.
        let pool = Pool::new(Budget::new(1, Bytes(GB)).with_at_once(2)).unwrap();
        let flag = AtomicBool::new(false);
        pool.tasks(0..2)
            .map(|cx, i| match i {
                0 => cx.waiting(|| wait_until("the other task ran", || flag.load(SeqCst))),
                _ => flag.store(true, SeqCst),
            })
            .unwrap();
    });
}

fn tree(cx: &TaskContext, depth: usize, seed: u64) -> u64 {
    let mut chance = Chance(seed);
    if depth == 0 {
        spin(chance.below(20));
        return 1;
    }
    let (a, b) = (chance.below(4), chance.below(4));
    let needs = chance.below(1200);
    let inner = cx
        .tasks(0..a)
        .need(move |_| Need::memory(Bytes(needs)))
        .map(|cx, i| tree(cx, depth - 1, seed * 31 + i))
        .unwrap();
    // And tasks from inside of the jobs of a region, each with regions of their own.
    let jobs = cx.par().map(b as usize, |i| {
        let under = cx.tasks([i as u64]).map(|cx, i| tree(cx, depth - 1, seed * 37 + i)).unwrap();
        cx.par().map(3, |k| under[0] + k as u64).into_iter().sum::<u64>()
    });
    inner.iter().sum::<u64>() + jobs.iter().sum::<u64>() + 1
}

#[test]
fn tasks_in_jobs_in_tasks_do_not_deadlock() {
    in_time(|| {
        let run = |cores: usize, max_concurrent_tasks: usize, seed: u64| {
            let pool = Pool::new(Budget::new(cores, Bytes(1000)).with_at_once(max_concurrent_tasks)).unwrap();
            let result =
                pool.tasks(0..6).need(|_| Need::memory(Bytes(400))).map(|cx, i| tree(cx, 3, seed + i)).unwrap();
            assert!(pool.peak_usage().computing <= cores);
            result
        };
        for seed in 0..25 {
            let wanted = run(1, 1, seed * 1000);
            for (cores, max_concurrent_tasks) in [(1, 3), (2, 2), (3, 1), (4, 4), (8, 8)] {
                assert_eq!(run(cores, max_concurrent_tasks, seed * 1000), wanted);
            }
        }
    });
}

#[test]
fn a_panic_names_item_message_and_place_and_spares_the_others() {
    in_time(|| {
        let pool = pool(3);
        let outcomes = pool.tasks(0..6).label(|i| format!("sub-{i:02}")).outcomes(|cx, i| {
            // In the task itself, in a job of the caller, in a job of a helper.
            if i == 2 {
                panic!("no data for {i}");
            }
            cx.par().for_each(40, |k| {
                spin(50);
                assert!(i != 4 || k != 33, "channel {k} is broken");
            });
            i
        });
        for (i, outcome) in outcomes.iter().enumerate() {
            match (i, outcome) {
                (2 | 4, Err(error)) => {
                    let text = error.to_string();
                    assert!(
                        text.starts_with(&format!("sub-{i:02}: panicked at ")) && text.contains("laws.rs:"),
                        "{text}"
                    );
                    assert!(text.contains(if i == 2 { "no data for 2" } else { "channel 33 is broken" }), "{text}");
                    assert_eq!(error.index, i);
                }
                (_, result) => assert_eq!(*result.as_ref().unwrap(), i),
            }
        }
        let error = pool.map(0..100, |i| assert!(i != 7, "seven")).unwrap_err();
        assert!(matches!(&error.cause, Cause::Panicked { message, .. } if message == "seven"), "{error}");
        assert_eq!(error.to_string().split(':').next(), Some("item 7"));
        // The pool is as good as before.
        assert_eq!(pool.map(0..3, |i| i).unwrap(), [0, 1, 2]);
    });
}

#[test]
fn errors_stay_with_their_item() {
    in_time(|| {
        let pool = pool(2);
        let parse = |text: &str| text.parse::<i32>();
        let outcomes = pool.tasks(["1", "x", "3"]).label(|t| format!("`{t}`")).try_outcomes(|_, text| parse(text));
        assert_eq!((outcomes[0].as_ref().unwrap(), outcomes[2].as_ref().unwrap()), (&1, &3));
        let error = outcomes[1].as_ref().unwrap_err();
        assert_eq!(error.to_string(), "`x` failed");
        assert!(std::error::Error::source(error).unwrap().to_string().contains("invalid digit"));
        assert_eq!(pool.try_map(["1", "2", "y", "z"], parse).unwrap_err().index, 2);
        // The error of the lowest index, whatever the threads do.
        for threads in 1..6 {
            for seed in 0..20 {
                let par = Par::new(threads);
                let fails = Mutex::new(Chance(seed));
                let bad: BTreeSet<usize> = (0..5).map(|_| fails.lock().unwrap().below(100) as usize).collect();
                let first = par.try_for_each(100, |i| if bad.contains(&i) { Err(i) } else { Ok(()) }).unwrap_err();
                assert_eq!(Some(&first), bad.first());
            }
        }
    });
}

#[test]
fn cancel_ends_promptly() {
    in_time(|| {
        let pool = pool(2);
        let cancel = Cancel::new();
        let until_cancelled = |cx: &TaskContext| {
            while !cx.cancel().is_cancelled() {
                spin(100);
            }
            cx.cancel().check()
        };
        let began = Instant::now();
        let outcomes = std::thread::scope(|s| {
            s.spawn(|| {
                std::thread::sleep(Duration::from_millis(30));
                cancel.cancel();
            });
            pool.tasks(0..1000).cancel(&cancel).try_outcomes(|cx, _| until_cancelled(cx))
        });
        assert!(outcomes.len() == 1000 && outcomes.iter().all(|o| o.as_ref().is_err_and(|e| e.is_cancelled())));
        // Dropping the pool cancels, waits for who runs, and lets nobody begin.
        let begun = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&begun);
        let pending = pool.tasks(0..1000).try_map_async(move |cx, _| {
            theirs.fetch_add(1, SeqCst);
            until_cancelled(cx)
        });
        assert!(!pending.wait(Some(Duration::from_millis(20))) && pending.successful().is_none());
        drop(pool);
        assert!(pending.ready() && pending.successful() == Some(false));
        assert!(pending.get().unwrap_err().is_cancelled());
        assert!(begun.load(SeqCst) <= 2);
        assert!(began.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn order_is_kept_and_imap_looks_ahead_only_a_little() {
    in_time(|| {
        let pool = Pool::new(Budget::new(3, Bytes(100))).unwrap();
        let uneven = |i: u64| {
            spin((i * 7919) % 300);
            i
        };
        assert!(pool.map(0..300u64, uneven).unwrap().into_iter().eq(0..300));
        let taken = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&taken);
        let source = (0..200u64).inspect(move |_| {
            theirs.fetch_add(1, SeqCst);
        });
        for (i, result) in pool.imap(source, uneven).enumerate() {
            assert_eq!(result.unwrap(), i as u64);
            assert!(taken.load(SeqCst) <= i + 1 + 6 + 1, "{} taken at {i}", taken.load(SeqCst));
        }
        let mut seen: Vec<u64> = pool.imap_unordered(0..200u64, uneven).map(Result::unwrap).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..200));
        // Memory bounds it too: results that nobody took count with their need, and larger ones go one by one.
        let held = Arc::new(Gauge::default());
        let theirs = Arc::clone(&held);
        let big = pool.tasks(0..30u64).need(|i| Need::memory(Bytes(60 + i * 5))).imap(move |_, i| theirs.with(1, || i));
        assert!(big.map(Result::unwrap).eq(0..30));
        assert_eq!(held.most(), 1);
        // Endless sources are fine, and leaving early too.
        assert_eq!(pool.imap(0.., |i: u64| i * i).take(3).map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 4]);
    });
}

#[test]
fn needs_are_raised_by_what_tasks_report() {
    in_time(|| {
        let pool = Pool::new(Budget::new(4, Bytes(1000))).unwrap();
        let held = Gauge::default();
        // They say 100 and use 450: once the first has told, no more than two run at once.
        pool.tasks(0..40)
            .need(|_| Need::memory(Bytes(100)))
            .map(|cx, i| {
                let in_the_first_wave = i < 4;
                held.with(i64::from(!in_the_first_wave), || spin(300));
                cx.used(Bytes(450));
            })
            .unwrap();
        // A task that begins just before the first report is still counted by its word.
        assert!(held.most() <= 4, "{}", held.most());
        let late = Gauge::default();
        pool.tasks(0..40)
            .need(|_| Need::memory(Bytes(100)))
            .map(|cx, i| {
                late.with(i64::from(i >= 12), || spin(300));
                cx.used(Bytes(450));
            })
            .unwrap();
        assert!(late.most() <= 2, "{}", late.most());
    });
}

#[test]
fn observers_see_each_task_from_queue_to_end() {
    in_time(|| {
        use bakusoku_pool::EventKind::*;
        let log: Arc<Mutex<Vec<(usize, String)>>> = Arc::default();
        let theirs = Arc::clone(&log);
        let pool = pool(2).observe(move |event| {
            let text = match event.kind {
                Queued { need } => format!("queued {}", need.memory),
                Started { alone } => format!("started {alone}"),
                Progress { fraction, what } => format!("{what} {fraction}"),
                Finished { used, .. } => format!("finished {used:?}"),
                Failed { error, .. } => format!("failed: {error}"),
                Cancelled => "cancelled".to_owned(),
                _ => String::new(),
            };
            theirs.lock().unwrap().push((event.index, format!("{} {text}", event.label)));
        });
        let mut outcomes =
            pool.tasks(0..3).label(|i| format!("s{i}")).need(|_| Need::memory(Bytes(5))).try_outcomes(|cx, i| {
                cx.progress(f64::from(i) / 0.5, "filter");
                if i == 2 { Err("flat") } else { Ok(i) }
            });
        assert!(outcomes.pop().unwrap().is_err());
        let log = log.lock().unwrap();
        let of = |index: usize| log.iter().filter(|(i, _)| *i == index).map(|(_, t)| t.as_str()).collect::<Vec<_>>();
        assert_eq!(of(0), ["s0 queued 5 B", "s0 started false", "s0 filter 0", "s0 finished None"]);
        assert_eq!(of(1), ["s1 queued 5 B", "s1 started false", "s1 filter 1", "s1 finished None"]);
        assert_eq!(of(2), ["s2 queued 5 B", "s2 started false", "s2 filter 1", "s2 failed: s2 failed"]);
    });
}

#[test]
fn closures_borrow_and_async_results_come_back() {
    in_time(|| {
        let pool = pool(2);
        let (mut names, lengths) = (vec!["a".to_owned(), "bcd".to_owned()], Mutex::new(Vec::new()));
        pool.map(&mut names, |name| {
            name.push('!');
            lengths.lock().unwrap().push(name.len());
        })
        .unwrap();
        assert_eq!((names.join(""), lengths.into_inner().unwrap().iter().sum::<usize>()), ("a!bcd!".to_owned(), 6));
        let slow = pool.apply_async(|| {
            std::thread::sleep(Duration::from_millis(30));
            5
        });
        let slow = slow.get_timeout(Duration::from_millis(1)).unwrap_err();
        assert_eq!(slow.get().unwrap(), 5);
        assert_eq!(pool.starmap_async([(1, "x"), (2, "y")], |n, s: &str| s.repeat(n)).get().unwrap(), ["x", "yy"]);
        assert_eq!(pool.starmap([(1, 2, 3)], |a, b, c| a + b * c).unwrap(), [7]);
        assert_eq!(pool.apply(|| names.len()).unwrap(), 2);
        assert!(pool.map(Vec::<i32>::new(), |i| i).unwrap().is_empty());
        // A pool inside of a task of another pool: budgets of their own, no deadlock.
        let sum = pool.map(0..4, |i| self::pool(2).map(0..10, |j| i * j).unwrap().iter().sum::<i32>()).unwrap();
        assert_eq!(sum, [0, 45, 90, 135]);
        // And the same pool, captured.
        let sum = pool.map(0..4, |i| pool.map(0..10, |j| i * j).unwrap().iter().sum::<i32>()).unwrap();
        assert_eq!(sum, [0, 45, 90, 135]);
    });
}
