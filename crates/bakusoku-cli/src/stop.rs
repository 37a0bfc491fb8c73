//! Ctrl-C and SIGTERM: the first one asks everything to stop, the second one stops at once.

use bakusoku_pool::Cancel;

/// A `Cancel` that the first signal cancels. Files under final names are whole at any moment, so that a second signal
/// may end the process as it stands.
pub(crate) fn on_signals() -> Cancel {
    let cancel = Cancel::new();
    let asked = cancel.clone();
    let handled = ctrlc::set_handler(move || {
        if asked.is_cancelled() {
            std::process::exit(130);
        }
        asked.cancel();
    });
    if let Err(error) = handled {
        tracing::warn!("signals keep their default meaning: {error}");
    }
    cancel
}
