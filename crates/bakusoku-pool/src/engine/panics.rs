//! Panics of tasks: caught, carried to whoever waits, and told with the place where they happened.
//!
//! The place is known to the panic hook only. Ours is put in front of the process's own once, and speaks for threads
//! that run tasks or jobs; every other panic goes to the hook that was there before.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static LISTENING: Cell<usize> = const { Cell::new(0) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic on its way.
pub(crate) struct Caught {
    pub(crate) payload: Box<dyn Any + Send>,
    pub(crate) place: Option<String>,
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A thread that is being torn down has no locals any more.
            if LISTENING.try_with(|n| n.get() > 0).unwrap_or(false) {
                let place = info.location().map(|l| format!("{}:{}:{}", l.file(), l.line(), l.column()));
                let _ = PLACE.try_with(|slot| *slot.borrow_mut() = place);
            } else {
                before(info);
            }
        }));
    });
}

/// Runnable `f`; a panic comes back with its place, and nothing is printed.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Caught> {
    listen();
    LISTENING.set(LISTENING.get() + 1);
    // What a panic left half done is dropped or reported as failed by the callers.
    let result = catch_unwind(AssertUnwindSafe(f));
    LISTENING.set(LISTENING.get() - 1);
    result.map_err(|payload| Caught { payload, place: PLACE.with(|slot| slot.borrow_mut().take()) })
}

impl Caught {
    /// Goes on unwinding on this thread. The hook of the process has not been told yet where nobody listens.
    pub(crate) fn resume(self) -> ! {
        if LISTENING.get() > 0 {
            PLACE.with(|slot| *slot.borrow_mut() = self.place);
            std::panic::resume_unwind(self.payload)
        }
        // Outside of tasks a panic must be heard as any other: with its message, and the place it came from.
        match self.message() {
            Some(message) => panic!("{message} (at {})", self.place.as_deref().unwrap_or("an unknown place")),
            None => std::panic::resume_unwind(self.payload),
        }
    }

    /// The text of `panic!`.
    pub(crate) fn message(&self) -> Option<&str> {
        let text = self.payload.downcast_ref::<&'static str>().copied();
        text.or_else(|| self.payload.downcast_ref::<String>().map(String::as_str))
    }
}
