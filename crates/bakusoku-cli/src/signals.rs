//! Ctrl-C, SIGTERM and SIGHUP: the first one asks everything to stop, the second one stops at once.
//!
//! A signal that is ignored when the program starts stays ignored: SIGHUP under `nohup`, SIGINT in the background of a
//! script.

use bakusoku_pool::Cancel;
use signal_hook::{consts, flag, low_level};
use std::os::raw::c_int;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit status after a signal.
const INTERRUPTED: i32 = 130;

/// A `Cancel` that the first signal cancels. Files under final names are whole at any moment, so that a second signal
/// may end the process as it stands.
pub(crate) fn cancel_on_signals() -> Cancel {
    let cancel = Cancel::new();
    let seen = Arc::new(AtomicBool::new(false));
    for signal in [consts::SIGHUP, consts::SIGINT, consts::SIGTERM] {
        if is_ignored(signal) {
            continue;
        }
        if let Err(error) = handle(signal, &seen, &cancel) {
            tracing::warn!("signal {signal} keeps its default action: {error}");
        }
    }
    cancel
}

fn handle(signal: c_int, seen: &Arc<AtomicBool>, cancel: &Cancel) -> std::io::Result<()> {
    // In this order: the signal that sets the flag is not yet the second one.
    flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(seen))?;
    flag::register(signal, Arc::clone(seen))?;
    let cancel = cancel.clone();
    // SAFETY: the action stores to an atomic and does nothing else, which a signal handler may do.
    #[allow(unsafe_code)]
    unsafe {
        low_level::register(signal, move || cancel.cancel())?;
    }
    Ok(())
}

fn is_ignored(signal: c_int) -> bool {
    // SAFETY: all zeros are a valid `sigaction`, and a null action only asks for the present one.
    #[allow(unsafe_code)]
    unsafe {
        let mut present: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut present) == 0 && present.sa_sigaction == libc::SIG_IGN
    }
}
