//! The threads door.

use std::sync::Arc;

use crate::Need;
use crate::engine::Engine;

/// Keeps the engine's hands at home; when the last owner goes, they leave.
pub(crate) struct Owner(Arc<Engine>);

impl Owner {
    pub(crate) fn new(cores: usize, capacity: Need, at_once: usize) -> Arc<Owner> {
        Arc::new(Owner(Engine::new(cores, capacity, at_once)))
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}
