//! A wish to stop: Ctrl-C, TERM, USR1, or a caller. A run looks at it between steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};

use crate::error::{Error, Result};

/// Shared by those who ask and those who stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    interrupted: Arc<AtomicBool>,
    told: Arc<AtomicBool>,
}

impl Stop {
    /// Listens to the signals of this process: Ctrl-C interrupts (a second one ends at once with 130), TERM and USR1
    /// stop cleanly.
    pub fn by_signals() -> Result<Self> {
        let stop = Self::default();
        let listen = || -> std::io::Result<()> {
            // First the one that ends: at the first Ctrl-C the flag is not yet up.
            signal_hook::flag::register_conditional_shutdown(SIGINT, 130, stop.interrupted.clone())?;
            signal_hook::flag::register(SIGINT, stop.interrupted.clone())?;
            signal_hook::flag::register(SIGTERM, stop.told.clone())?;
            signal_hook::flag::register(SIGUSR1, stop.told.clone())?;
            Ok(())
        };
        listen().map_err(|fault| Error::Internal(format!("signals cannot be heard: {fault}")))?;
        Ok(stop)
    }

    /// Asks for a clean stop, as TERM does.
    pub fn ask(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    /// Asks as Ctrl-C does.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// The error with which to end, when someone asked; `advice` says what to do next.
    pub fn asked(&self, advice: &str) -> Option<Error> {
        if self.interrupted.load(Ordering::Relaxed) {
            Some(Error::Interrupted(format!("interrupted; {advice}")))
        } else if self.told.load(Ordering::Relaxed) {
            Some(Error::Stopped(format!("stopped; {advice}")))
        } else {
            None
        }
    }
}
