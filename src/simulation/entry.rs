//! What one moment leaves in the growing files of a run folder: written by a run, compared by whoever executes it again.

use super::{RunSettings, look};
use crate::model::Model;
use crate::output::events;
use crate::output::hashes;
use crate::output::series::Row;
use crate::output::summary::Watch;

/// The lines of one moment.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The columns, also of a moment without a row.
    pub row: Row,
    /// Lines of `events.csv`.
    pub events: String,
    /// Line of `observe.csv`; empty between visits.
    pub observe: String,
    /// Whether the series has a row of it.
    pub is_row_kept: bool,
}

impl Entry {
    /// Looks at a model at the end of a step, or before the first; each moment once.
    pub fn take(model: &mut Model, watch: &mut Watch, settings: &RunSettings) -> Self {
        let (row, happened) = look(model, watch, &settings.definitions);
        let lines = happened.iter().map(|event| events::line(event, settings.step_h));
        let (instruments, now) = (&settings.instruments, model.now());
        let is_visit = instruments.clinic.is_visit(now.step, now.hours);
        Self {
            events: lines.collect(),
            observe: if is_visit {
                instruments.line(&model.tissue, now)
            } else {
                String::new()
            },
            is_row_kept: settings.cadence().is_due(row.step),
            row,
        }
    }

    /// Line of `hashes.csv` of this moment.
    pub fn hash_line(&self, hash: u64) -> String {
        hashes::line(self.row.step, hash)
    }
}
