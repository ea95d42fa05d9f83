//! `snapshots/`: the state on chosen days, in the precision that pictures need.
//!
//! Kept: day 0 and one a week (`output.snapshot_every_d`), the days that the scenario names, and the last day. A file is zstd(postcard(Snapshot)).

use std::path::{Path, PathBuf};

use super::files;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::state::Snapshot;

/// Name of the file of a day.
pub fn file_name(day: f64) -> String {
    format!("day-{day:07.2}.snap")
}

/// Whether a step gets a snapshot by the rhythm alone (not as the last one).
pub fn is_due(clock: &Clock, every_d: f64, snapshot_days: &[f64]) -> bool {
    let latest_d = (clock.day() / every_d + 1e-9).floor() * every_d;
    (every_d > 0.0 && clock.step_of_day(latest_d) == clock.step())
        || snapshot_days.iter().any(|&day| clock.step_of_day(day) == clock.step())
}

/// A snapshot as bytes.
pub fn encode(snapshot: &Snapshot) -> Result<Vec<u8>> {
    let plain = postcard::to_stdvec(snapshot)
        .map_err(|fault| Error::Internal(format!("a snapshot could not be encoded: {fault}")))?;
    zstd::encode_all(plain.as_slice(), 1)
        .map_err(|fault| Error::Internal(format!("a snapshot could not be packed: {fault}")))
}

/// Writes a snapshot into a folder and returns its file.
pub fn write(folder: &Path, snapshot: &Snapshot) -> Result<PathBuf> {
    let path = folder.join(file_name(snapshot.day));
    files::write_whole(&path, &encode(snapshot)?)?;
    Ok(path)
}

/// Reads a snapshot back.
pub fn read(path: &Path) -> Result<Snapshot> {
    let damaged = |fault: String| {
        Error::files(
            path.display(),
            format!("is no snapshot of this version, or damaged: {fault}"),
        )
    };
    let plain = zstd::decode_all(files::read(path)?.as_slice()).map_err(|f| damaged(f.to_string()))?;
    postcard::from_bytes(&plain).map_err(|f| damaged(f.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::series::tests::skin;

    #[test]
    fn a_snapshot_reads_back_as_it_was() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let snapshot = Snapshot::of(&skin(), 168, 7.0);
        let path = write(folder.path(), &snapshot)?;
        assert!(path.ends_with("day-0007.00.snap"));
        assert_eq!(read(&path)?, snapshot);
        std::fs::write(&path, b"rubbish")?;
        assert_eq!(read(&path).map_err(|e| e.exit_code()).err(), Some(4));
        Ok(())
    }

    #[test]
    fn one_a_week_and_the_days_that_were_asked_for() {
        let due = |step_h: f64, days: &[f64]| {
            let mut clock = Clock::new(step_h);
            let mut found = Vec::new();
            while clock.day() <= 15.0 {
                if is_due(&clock, 7.0, days) {
                    found.push(clock.step());
                }
                clock.tick();
            }
            found
        };
        assert_eq!(due(1.0, &[]), [0, 168, 336]);
        assert_eq!(due(1.0, &[0.51, 7.0]), [0, 13, 168, 336]);
        // A week is no whole number of these steps: the first step at or after it counts.
        assert_eq!(due(5.0, &[]), [0, 34, 68]);
    }
}
