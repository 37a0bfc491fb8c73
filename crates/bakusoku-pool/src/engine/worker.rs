//! A worker thread: it takes a permit together with something to do, or sleeps.

use std::io;
use std::sync::{Arc, MutexGuard};

use super::parallel_region::ParallelRegion;
use super::queue::{Admission, Order};
use super::{Engine, HOLDS, Priority, Runnable, State};
use crate::Need;

/// Address space only: pages are touched as they are used.
const STACK: usize = 8 << 20;

enum Work {
    Task { order: Order, need: Need, task: Box<dyn Runnable>, alone: bool },
    Help { key: (Order, u64), region: Arc<ParallelRegion> },
}

/// Starts a worker thread. The caller counts it as coming.
pub(super) fn spawn(engine: &Arc<Engine>) -> io::Result<()> {
    let engine = Arc::clone(engine);
    #[allow(clippy::disallowed_methods)] // This is the place.
    std::thread::Builder::new().name("bakusoku".into()).stack_size(STACK).spawn(move || live(&engine))?;
    Ok(())
}

fn live(engine: &Arc<Engine>) {
    let mut state = engine.lock();
    loop {
        // Whoever arrives here is counted as coming.
        state.coming -= 1;
        state = match take(engine, &mut state) {
            Some(work) => {
                state.free -= 1;
                engine.dispatch(&mut state);
                drop(state);
                work_on(engine, work)
            }
            None if state.shutdown => return,
            None => sleep(engine, state),
        }
    }
}

fn sleep<'a>(engine: &'a Arc<Engine>, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    state.idle += 1;
    while state.signals == 0 && !state.shutdown {
        state = engine.wakeup.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
    }
    // Who sent the signal has taken one from `idle`.
    match state.signals.checked_sub(1) {
        Some(left) => state.signals = left,
        None => state.idle -= 1,
    }
    state.coming += 1;
    state
}

/// New tasks first (while fewer than `max_concurrent_tasks` are running), then help for the oldest.
fn take(engine: &Engine, state: &mut State) -> Option<Work> {
    if state.free == 0 {
        return None;
    }
    let active = engine.active(state);
    if active < engine.max_concurrent_tasks
        && let Some(Admission { order, need, item, alone }) =
            state.queue.take(state.used, engine.capacity, active, state.alone)
    {
        state.running += 1;
        state.used += need;
        state.most_used = state.most_used.max(state.used);
        if alone {
            state.alone = Some(order.root);
        }
        return Some(Work::Task { order, need, task: item, alone });
    }
    let (key, region) = state.regions.iter().find(|(_, region)| region.helpers().wanted() > 0)?;
    region.helpers().join();
    Some(Work::Help { key: *key, region: Arc::clone(region) })
}

fn work_on<'a>(engine: &'a Arc<Engine>, work: Work) -> MutexGuard<'a, State> {
    engine.acquired();
    match work {
        Work::Task { order, need, task, alone } => {
            if alone {
                tracing::warn!(
                    "a task needs {} of memory and {} of disk, the budget is {} and {}: it runs alone",
                    need.memory,
                    need.disk,
                    engine.capacity.memory,
                    engine.capacity.disk
                );
            }
            let priority = Priority { order, task: true };
            HOLDS.set(Some((engine.address(), priority)));
            task.run(engine, priority);
            HOLDS.set(None);
            let mut state = engine.lock();
            state.running -= 1;
            if state.running == 0 {
                engine.quiet.notify_all();
            }
            state.used = state.used - need;
            if alone {
                state.alone = None;
            }
            state.coming += 1;
            engine.release(&mut state);
            state
        }
        Work::Help { key, region } => {
            HOLDS.set(Some((engine.address(), region.priority())));
            let exhausted = region.help();
            HOLDS.set(None);
            let mut state = engine.lock();
            // The caller may have closed it meanwhile; keys are never used twice.
            if exhausted {
                state.regions.remove(&key);
            } else if state.regions.contains_key(&key) {
                region.helpers().want_one_more();
            }
            state.coming += 1;
            engine.release(&mut state);
            state
        }
    }
}
