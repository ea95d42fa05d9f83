//! Solvers that fields share: there are as many as work at once.

use std::sync::{Arc, Mutex};

use super::Multigrid;
use crate::grid::Grid;

/// Solvers at rest. Who takes one does not matter: a solver remembers nothing.
#[derive(Debug, Default)]
pub struct Pool {
    idle: Arc<Mutex<Vec<Multigrid>>>,
}

impl Pool {
    /// Another way to the same solvers.
    pub fn share(&self) -> Self {
        Self {
            idle: Arc::clone(&self.idle),
        }
    }

    /// A solver for a grid: one at rest, or a new one.
    pub fn take(&self, grid: &Grid) -> Multigrid {
        let resting = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let fitting = resting.filter(|solver| solver.fits(grid));
        fitting.unwrap_or_else(|| Multigrid::new(grid))
    }

    /// Takes a solver back.
    pub fn give(&self, solver: Multigrid) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(solver);
        }
    }
}

impl Clone for Pool {
    /// An empty one: a copy of a model works beside it.
    fn clone(&self) -> Self {
        Self::default()
    }
}
