//! `snapshots/`: the state on chosen days, in the precision that pictures need.
//!
//! Kept: day 0 and one a week (`output.snapshot_every_d`), the days that the scenario names, and the last day. A file is zstd(postcard(Snapshot)).

use std::path::{Path, PathBuf};

use super::files;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::state::{Snapshot, Species};

/// Largest snapshot that is read [bytes]: a block of 10^8 voxels.
const LARGEST: u64 = 4 << 30;

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

/// Reads a snapshot back and checks that its parts fit together.
pub fn read(path: &Path) -> Result<Snapshot> {
    use std::io::Read;
    let damaged = |fault: &dyn std::fmt::Display| {
        Error::files(
            path.display(),
            format!("this snapshot cannot be read ({fault}); run the scenario again, or remove the file"),
        )
    };
    let file = std::fs::File::open(path).map_err(|fault| files::trouble(path, "read", &fault))?;
    let mut plain = Vec::new();
    zstd::stream::read::Decoder::new(file)
        .and_then(|decoder| decoder.take(LARGEST).read_to_end(&mut plain))
        .map_err(|fault| damaged(&fault))?;
    let snapshot: Snapshot = postcard::from_bytes(&plain).map_err(|fault| damaged(&fault))?;
    let grid = &snapshot.grid;
    let voxels = grid
        .nx
        .checked_mul(grid.ny)
        .and_then(|n| n.checked_mul(grid.nz))
        .unwrap_or(0);
    let fits = voxels > 0
        && grid.voxel_um > 0.0
        && snapshot.fields.len() == Species::ALL.len()
        && snapshot.fields.iter().all(|f| f.len() == voxels)
        && snapshot.kind.len() == voxels
        && snapshot.vitality.len() == voxels
        && snapshot.challenged.len() == voxels
        && snapshot.adipocyte.len() == voxels;
    if fits {
        Ok(snapshot)
    } else {
        Err(damaged(&"its parts are not of one size"))
    }
}

/// The snapshots of a folder in order of time: day and file. A folder that is not there holds none.
pub fn list(folder: &Path) -> Result<Vec<(f64, PathBuf)>> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut list = Vec::new();
    for entry in entries {
        let path = entry.map_err(|fault| files::trouble(folder, "read", &fault))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        let day = name
            .as_deref()
            .and_then(|name| name.strip_prefix("day-")?.strip_suffix(".snap")?.parse::<f64>().ok());
        if let Some(day) = day {
            list.push((day, path));
        }
    }
    list.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(list)
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
