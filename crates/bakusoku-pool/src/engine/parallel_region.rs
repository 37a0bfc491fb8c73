//! A region: the jobs of one `Par` call, worked off by the caller and by whoever is free.
//!
//! The jobs live on the caller's stack. That is sound because a helper joins only while the region is in the
//! engine's list (under the lock), and the caller, before it returns, takes the region out and waits until the
//! helpers that joined have left. A helper that was roused too late finds no region and costs nobody any time.

use std::sync::Arc;

use super::helpers::Helpers;
use super::{Engine, Priority};

/// The part of a thread in a region: the caller stays to the end, helpers leave when a permit is wanted elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Caller,
    Helper,
}

/// One participant's share: takes jobs until there are none (true) or until it leaves early (false). Never unwinds.
pub(crate) type Share<'a> = dyn Fn(Role) -> bool + Sync + 'a;

pub(super) struct ParallelRegion {
    share: *const Share<'static>,
    priority: Priority,
    helpers: Helpers,
}

// SAFETY: `share` points to a `Sync` closure, and the protocol in the module's text keeps it alive while it is used.
#[allow(unsafe_code)]
unsafe impl Send for ParallelRegion {}
// SAFETY: as above; everything else is atomic or never changes.
#[allow(unsafe_code)]
unsafe impl Sync for ParallelRegion {}

impl ParallelRegion {
    pub(super) fn priority(&self) -> Priority {
        self.priority
    }

    pub(super) fn helpers(&self) -> &Helpers {
        &self.helpers
    }

    /// Works as a helper that has joined; true when no jobs are left.
    pub(super) fn help(&self) -> bool {
        // SAFETY: this helper is counted, so the caller has not returned (see the module's text).
        #[allow(unsafe_code)]
        let exhausted = unsafe { (*self.share)(Role::Helper) };
        self.helpers.leave();
        exhausted
    }
}

impl Engine {
    /// Runs `share` on the caller, and on up to `helpers` idle worker threads, until all have returned.
    pub(crate) fn region(self: &Arc<Self>, priority: Priority, helpers: usize, share: &Share<'_>) {
        let priority = self.holder().unwrap_or(priority);
        self.with_permit(priority, || {
            if helpers == 0 {
                share(Role::Caller);
                return;
            }
            // SAFETY: only the lifetime changes; the region is closed and empty before this function returns.
            #[allow(unsafe_code)]
            let erased = unsafe { std::mem::transmute::<*const Share<'_>, *const Share<'static>>(share) };
            let region = Arc::new(ParallelRegion { share: erased, priority, helpers: Helpers::new(helpers) });
            let key = {
                let mut state = self.lock();
                let key = (priority.order, state.next_ticket());
                state.regions.insert(key, Arc::clone(&region));
                self.dispatch(&mut state);
                key
            };
            share(Role::Caller);
            self.lock().regions.remove(&key);
            // The last jobs of the helpers often end within microseconds.
            for _ in 0..200 {
                if region.helpers.have_left() {
                    return;
                }
                std::hint::spin_loop();
            }
            self.without_permit(|| region.helpers.wait());
        });
    }
}
