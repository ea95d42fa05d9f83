//! What an execution has done so far, and how it is told.

use std::path::Path;
use std::time::Instant;

use super::plan::Plan;
use crate::error::Error;
use crate::output::number;
use crate::simulation::progress::{Progress, duration};

/// What an execution did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Executed {
    /// Runs of this shard.
    pub runs: usize,
    /// Done before.
    pub before: usize,
    /// Done now.
    pub ran: usize,
    /// Of these, failed.
    pub failed: usize,
    /// Done by others meanwhile.
    pub elsewhere: usize,
    /// Dropped by a stated bound.
    pub dropped: usize,
    /// Seconds.
    pub wall_s: f64,
}

/// What is shown while it works.
pub(super) struct Tally {
    pub(super) done: Executed,
    pub(super) lowest: Option<(f64, usize)>,
    pub(super) highest: Option<(f64, usize)>,
    pub(super) progress: Progress,
    /// When progress was last shown.
    pub(super) shown: Instant,
    pub(super) started: Instant,
}

/// What is done is said first.
pub(super) fn with_count(error: Error, done: &Executed) -> Error {
    let counted = |text: String| {
        let all = done.before + done.ran + done.elsewhere + done.dropped;
        format!("{all} of {} runs are done and kept; {text}", done.runs)
    };
    match error {
        Error::Stopped(text) => Error::Stopped(counted(text)),
        Error::Interrupted(text) => Error::Interrupted(counted(text)),
        Error::Files { path, message } => Error::Files {
            path,
            message: counted(message),
        },
        other => other,
    }
}

impl Tally {
    /// `17 of 64 runs, 3.1 a minute, 1 failed, final.necrotic_fraction 0.01 (msc, seed 3) to 0.31 (vehicle, seed 1)`.
    pub(super) fn note(&self, plan: &Plan) -> String {
        let done = self.done.before + self.done.ran + self.done.elsewhere + self.done.dropped;
        let mut text = format!("{done} of {} runs", self.done.runs);
        let minutes = self.started.elapsed().as_secs_f64() / 60.0;
        if self.done.ran > 0 && minutes > 0.0 {
            text.push_str(&format!(", {:.1} a minute", self.done.ran as f64 / minutes));
        }
        if self.done.failed > 0 {
            text.push_str(&format!(", {} failed", self.done.failed));
        }
        if let (Some((low, best)), Some((high, worst))) = (self.lowest, self.highest) {
            let outputs = &plan.manifest.outputs;
            text.push_str(&format!(
                ", {} {} ({}) to {} ({})",
                outputs.endpoints[outputs.primary].name,
                short(low),
                plan.describe(best),
                short(high),
                plan.describe(worst)
            ));
        }
        text
    }
}

/// Three digits are enough for the eye.
fn short(x: f64) -> String {
    let text = format!("{x:.3}");
    if x != 0.0 && text.trim_matches(['0', '.', '-']).is_empty() {
        number(x)
    } else {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl Executed {
    /// What was done, in a line.
    pub fn text(&self, folder: &Path) -> String {
        let mut parts = vec![format!("{} of {} runs were to do", self.runs - self.before, self.runs)];
        if self.ran > 0 {
            parts.push(format!("{} done in {}", self.ran, duration(self.wall_s)));
        }
        if self.failed > 0 {
            parts.push(format!("{} of them failed (a row with its error)", self.failed));
        }
        if self.elsewhere > 0 {
            parts.push(format!("{} done by other workers", self.elsewhere));
        }
        if self.dropped > 0 {
            parts.push(format!("{} dropped by their bound", self.dropped));
        }
        let folder = folder.display();
        format!(
            "{folder}: {}\nNext: calcisim experiment merge {folder} -o {folder}-results\n",
            parts.join(", ")
        )
    }
}
