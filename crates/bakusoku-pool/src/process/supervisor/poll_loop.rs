//! The poll loop: run by a thread that waits for results, else by the supervisor's own thread.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use super::Supervisor;
use super::state::{From, Reason, Role, State};
use crate::process::signals::SignalMaskGuard;

/// How often a thread that waits looks whether it should stop waiting.
const CHECK: Duration = Duration::from_millis(50);
/// The supervisor's thread steps in when nobody has polled for this long.
const TICK: Duration = Duration::from_millis(2);
/// The longest that the supervisor's thread polls without looking up.
const IDLE: Duration = Duration::from_millis(250);
/// Answers to tasks that take no time are taken together: to wake up for each costs more than they do.
const NAP: Duration = Duration::from_micros(50);
const STACK: usize = 8 << 20;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// All answers have arrived.
    Done,
    /// More answers have arrived than this number, or all have.
    More(u64),
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// What was waited for is there.
    Ready,
    /// The time was over.
    Late,
    /// The check said to stop.
    Interrupted,
}

thread_local! {
    /// This thread is delivering output of workers.
    static HEARING: Cell<bool> = const { Cell::new(false) };
}

/// A thread that is inside a callback.
pub(super) struct Inside<'a>(&'a Supervisor);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.inside -= 1;
        if state.down {
            self.0.changed.notify_all();
        }
    }
}

/// The role of polling: given back when it is dropped.
struct Turn<'a>(&'a Supervisor);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Supervisor {
    /// Works until `ready`, `deadline`, or `stop` says so; `stop` is asked when a signal comes, and now and then.
    pub(super) fn wait(
        self: &Arc<Self>,
        ready: &mut dyn FnMut(&State) -> bool,
        deadline: Option<Instant>,
        stop: &mut dyn FnMut() -> bool,
    ) -> Waited {
        let mut checked = Instant::now();
        loop {
            self.dispatch();
            self.notify();
            let mut state = self.lock();
            // What a worker wrote is shown before its answer is seen.
            let heard_all = state.hearing == 0 || HEARING.get();
            if state.down {
                drop(state);
                self.stop_here();
                return Waited::Ready;
            }
            if heard_all && ready(&state) {
                if state.waiting > 0 {
                    self.changed.notify_all();
                }
                return Waited::Ready;
            }
            let now = Instant::now();
            let left = deadline.map_or(CHECK, |deadline| deadline.saturating_duration_since(now).min(CHECK));
            if left.is_zero() {
                return Waited::Late;
            }
            let mut signal = false;
            if state.role == Role::Free && heard_all {
                state.role = Role::Waiter;
                drop(state);
                let _turn = Turn(self);
                signal = self.poll_once(left);
            } else {
                state.waiting += 1;
                if state.role == Role::Supervisor {
                    self.wake();
                }
                let (mut state, _) =
                    self.changed.wait_timeout(state, left).unwrap_or_else(std::sync::PoisonError::into_inner);
                state.waiting -= 1;
            }
            if signal || checked.elapsed() >= CHECK {
                checked = Instant::now();
                let Some(_inside) = self.enter() else { continue };
                if stop() {
                    return Waited::Interrupted;
                }
            }
        }
    }

    /// Gives the role of polling back.
    fn release(&self) {
        let mut state = self.lock();
        state.role = Role::Free;
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Ends the poll that goes on.
    pub(super) fn wake(&self) {
        self.poll.wake();
    }

    /// Tells those who want to know what happened. Without any lock.
    pub(super) fn notify(&self) {
        loop {
            let (told, heard) = {
                let mut state = self.lock();
                state.hearing += usize::from(!state.heard.is_empty());
                (std::mem::take(&mut state.told), std::mem::take(&mut state.heard))
            };
            if told.is_empty() && heard.is_empty() {
                return;
            }
            if !heard.is_empty() {
                let nested = HEARING.replace(true);
                for (callbacks, heard) in heard {
                    let Some(_inside) = self.enter() else { break };
                    callbacks.on_output(heard);
                }
                HEARING.set(nested);
                self.lock().hearing -= 1;
                self.changed.notify_all();
            }
            for listener in told {
                let Some(_inside) = self.enter() else { return };
                listener();
            }
        }
    }

    /// At the end of the process: the threads that it does not wait for stop, and have nothing to complain of.
    pub(super) fn stop_here(&self) {
        let (down, by) = {
            let state = self.lock();
            (state.down, state.ended_by)
        };
        while down && by != Some(std::thread::current().id()) {
            std::thread::park();
        }
    }

    /// The right to run callbacks until it is dropped; `None` after the shutdown.
    pub(super) fn enter(&self) -> Option<Inside<'_>> {
        let mut state = self.lock();
        if state.down {
            return None;
        }
        state.inside += 1;
        Some(Inside(self))
    }

    /// Starts the supervisor's own thread, once.
    pub(super) fn ensure_thread(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.lock();
        if state.io_thread {
            return Ok(());
        }
        let supervisor = Arc::clone(self);
        let builder = std::thread::Builder::new().name("bakusoku-pool".into()).stack_size(STACK);
        // Who asks whether a fork is safe knows threads of ours by their names, and they have these when they run.
        let begins = Arc::new(Barrier::new(2));
        let its = Arc::clone(&begins);
        // Signals are for the threads of the program: the new thread inherits a mask that blocks all of them.
        let _mask = SignalMaskGuard::all();
        #[allow(clippy::disallowed_methods)] // This is the place.
        builder.spawn(move || {
            its.wait();
            supervisor.run();
        })?;
        state.io_thread = true;
        begins.wait();
        Ok(())
    }

    /// A mistake of ours must be an error to whoever waits, and not a wait without end.
    fn run(self: &Arc<Self>) {
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.serve())) {
            let text = panic.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            self.fail_all(&text);
        }
    }

    /// Ends all pools and calls: the thread that serves them has panicked.
    fn fail_all(&self, text: &str) {
        let mut state = self.lock();
        let state = &mut *state;
        for id in state.pools.keys().copied().collect::<Vec<_>>() {
            self.break_pool(
                state,
                id,
                Reason::Unable(format!("an internal error of bakusoku, please report it: {text}")),
            );
        }
        // Workers that were being started: should they run, they see that their socket is closed.
        let unborn = state.workers.iter().filter(|(_, worker)| worker.pid.is_none());
        for id in unborn.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.drop_worker(state, id);
        }
        for id in state.jobs.keys().copied().collect::<Vec<_>>() {
            if let Some(job) = state.jobs.get_mut(&id) {
                (job.source, job.flights) = (From::End, 0);
                job.ready.clear();
            }
            self.finish(state, id);
        }
        self.changed.notify_all();
    }

    fn serve(self: &Arc<Self>) {
        let mut seen = 0;
        loop {
            let mut state = self.lock();
            if state.down {
                return;
            }
            if state.role == Role::Free && state.waiting == 0 && state.turns == seen {
                state.role = Role::Supervisor;
                drop(state);
                {
                    let _turn = Turn(self);
                    self.poll_once(IDLE);
                }
                self.dispatch();
                self.notify();
                let state = self.lock();
                seen = state.turns;
                if state.is_supplied() {
                    drop(state);
                    std::thread::sleep(NAP);
                }
            } else {
                seen = state.turns;
                let _ = self.summoned.wait_timeout(state, TICK);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Callbacks, Items, JobOptions, WorkerFiles, WorkerOutput, WorkerPoolOptions};
    use super::*;
    use crate::process::chunk::{Chunk, Content, Function};

    /// The first worker cannot be started, for want of processes; the second start panics, in the supervisor's thread.
    struct Faulty;

    impl Callbacks for Faulty {
        fn first(&self) -> io::Result<Chunk> {
            let body = Content::Inline([].into());
            let function = Function::new(body.clone(), Vec::new());
            Ok(Chunk { mode: 255, start: 0, items: 1, function, body, blocks: Vec::new(), need: 0 })
        }

        fn starts(&self) -> io::Result<bool> {
            Ok(true)
        }

        fn start(&self, _: WorkerFiles) -> io::Result<i32> {
            let own = std::thread::current().name() == Some("bakusoku-pool");
            assert!(!own, "a mistake");
            Err(io::Error::from_raw_os_error(libc::EAGAIN))
        }

        fn on_output(&self, _: WorkerOutput) {}
    }

    #[test]
    fn a_panic_of_the_thread_is_an_error_and_no_wait_without_end() {
        let supervisor = Supervisor::new().unwrap();
        let options = WorkerPoolOptions {
            size: 1,
            max_tasks: None,
            cores: 1,
            threads: None,
            most_threads: 1,
            memory: u64::MAX,
            elastic: false,
        };
        let pool = supervisor.pool(options, Arc::new(Faulty)).unwrap();
        let chunk = Faulty.first().unwrap();
        let job = pool.job(JobOptions { total: Some(1), ..JobOptions::default() }, vec![chunk], Items::These, None);
        while pool.broken().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(matches!(&*pool.broken().unwrap(), Reason::Unable(why) if why.contains("a mistake")));
        assert_eq!(job.wait(Until::Done, None, &mut || false), Waited::Ready);
        assert_eq!(pool.join(Some(Instant::now() + Duration::from_secs(60)), &mut || false), Waited::Ready);
    }
}
