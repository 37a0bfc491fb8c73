//! Signals are for the program's own threads: the supervisor's threads block all of them.

/// All signals blocked in the calling thread, until it is dropped.
pub(super) struct SignalMaskGuard(Mask);

/// A set of blocked signals.
#[derive(Clone, Copy)]
pub(super) struct Mask(libc::sigset_t);

impl SignalMaskGuard {
    /// A thread that is started meanwhile blocks them too.
    pub(super) fn all() -> SignalMaskGuard {
        // SAFETY: plain data that the call fills in.
        #[allow(unsafe_code)]
        let all = unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            Mask(all)
        };
        SignalMaskGuard(all.set())
    }

    /// What was blocked before.
    pub(super) fn before(&self) -> Mask {
        self.0
    }
}

impl Drop for SignalMaskGuard {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Mask {
    /// Does something with this set in the place of the present one.
    pub(super) fn set_while<T>(self, work: impl FnOnce() -> T) -> T {
        let present = self.set();
        let value = work();
        present.set();
        value
    }

    /// Sets it for the calling thread; the one before.
    fn set(self) -> Mask {
        // SAFETY: plain data; the call reads one set and fills in the other.
        #[allow(unsafe_code)]
        unsafe {
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, &raw mut before);
            Mask(before)
        }
    }
}
