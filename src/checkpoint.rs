//! Checkpoints: everything that the next step reads, in two files that take turns.
//!
//! A file is `CALCISIM`, the format's number, the length and the xxh3 of what follows, then zstd(postcard(…)).
//! The newer whole file wins; a damaged one is passed over. Beside the two that take turns a folder keeps those of the days
//! that `output.snapshot_days` names (`day-0014.00.ckpt`), and a branch the state that it began from (`branch.ckpt`).

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::model::State;
use crate::output::files;
use crate::output::summary::Watch;

const MAGIC: &[u8; 8] = b"CALCISIM";
const FORMAT: u32 = 4;
const HEADER: usize = 8 + 4 + 8 + 8;
const FILES: [&str; 2] = ["a.ckpt", "b.ckpt"];
/// The state that a branch began from: its day 0.
pub const BRANCH: &str = "branch.ckpt";
/// Largest unpacked checkpoint that is read [bytes]: a block of 10^7 voxels.
const LARGEST: u64 = 4 << 30;

/// Why a file is no checkpoint that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be read at all.
    Unread(String),
    /// It does not begin as a checkpoint.
    Foreign,
    /// It has another format.
    Format(u32),
    /// It ends early, or goes on after its end.
    Cut,
    /// Its sum does not hold, or what it holds does not fit together.
    Damaged,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(why) => write!(f, "cannot be read: {why}"),
            Self::Foreign => write!(f, "is no checkpoint of calcisim"),
            Self::Format(other) => write!(f, "has format {other}; this calcisim reads format {FORMAT}"),
            Self::Cut => write!(f, "is cut: its length is not the one that it states"),
            Self::Damaged => write!(f, "is damaged: its sum does not hold"),
        }
    }
}

/// Bytes of the growing files that belong to a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// `series.csv`.
    pub series: u64,
    /// `events.csv`.
    pub events: u64,
    /// `hashes.csv`.
    pub hashes: u64,
    /// `observe.csv`.
    pub observe: u64,
}

/// A run at the end of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Step.
    pub step: u64,
    /// Hash of the state.
    pub state_hash: u64,
    /// Hash of the scenario, its length of run aside.
    pub scenario: u64,
    /// What the model needs.
    pub state: State,
    /// What the summary remembers.
    pub watch: Watch,
    /// How far the growing files belong to it.
    pub lengths: Lengths,
}

/// Writes checkpoints of one run, in turns.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    next: usize,
}

impl Writer {
    /// A writer that spares the newest whole checkpoint of a folder.
    pub fn new(folder: PathBuf) -> Self {
        let step = |file: usize| read(&folder.join(FILES[file])).ok().map(|found| found.step);
        let next = match (step(0), step(1)) {
            (Some(a), Some(b)) => usize::from(a > b),
            (Some(_), None) => 1,
            (None, _) => 0,
        };
        Self { folder, next }
    }

    /// Writes a checkpoint over the older of the two.
    pub fn write(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let bytes = encode(checkpoint)?;
        files::write_whole(&self.folder.join(FILES[self.next]), &bytes)?;
        self.next = 1 - self.next;
        files::fail_point("checkpoint");
        Ok(())
    }
}

/// The newest whole checkpoint of a folder.
pub fn latest(folder: &Path) -> Option<Checkpoint> {
    not_after(folder, u64::MAX)
}

/// The newest whole checkpoint of a folder that does not lie behind a step.
pub fn not_after(folder: &Path, step: u64) -> Option<Checkpoint> {
    let mut best: Option<Checkpoint> = None;
    for path in list(folder) {
        let Ok(found) = read(&path) else { continue };
        if found.step <= step && best.as_ref().is_none_or(|best| best.step < found.step) {
            best = Some(found);
        }
    }
    best
}

/// The files of a folder that should be checkpoints, by name. A folder that is not there has none.
pub fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".ckpt") && !name.starts_with('.')
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    found.sort();
    found
}

/// Name of the checkpoint that is kept of a day.
pub fn kept_name(day: f64) -> String {
    format!("day-{day:07.2}.ckpt")
}

/// Writes a checkpoint that stays.
pub fn keep(folder: &Path, name: &str, checkpoint: &Checkpoint) -> Result<()> {
    files::write_whole(&folder.join(name), &encode(checkpoint)?)
}

/// Reads a checkpoint.
///
/// # Errors
/// Why it cannot be used.
pub fn read(path: &Path) -> Result<Checkpoint, Fault> {
    let bytes = std::fs::read(path).map_err(|fault| Fault::Unread(fault.to_string()))?;
    decode(&bytes)
}

/// The bytes of a checkpoint.
pub fn encode(checkpoint: &Checkpoint) -> Result<Vec<u8>> {
    let fault = |why: String| Error::Internal(format!("a checkpoint could not be encoded: {why}"));
    let plain = postcard::to_stdvec(checkpoint).map_err(|f| fault(f.to_string()))?;
    framed(&plain).map_err(|f| fault(f.to_string()))
}

/// A file around what a checkpoint holds, packed, with its length and its sum.
pub fn framed(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let packed = zstd::encode_all(plain, 1)?;
    let mut bytes = Vec::with_capacity(HEADER + packed.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&(packed.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&packed).to_le_bytes());
    bytes.extend_from_slice(&packed);
    Ok(bytes)
}

/// A checkpoint from its bytes. Memory is bounded (`LARGEST`), whatever the bytes claim.
///
/// # Errors
/// Why it cannot be used.
pub fn decode(bytes: &[u8]) -> Result<Checkpoint, Fault> {
    if !bytes.starts_with(MAGIC) {
        return Err(Fault::Foreign);
    }
    let Some((head, packed)) = bytes.split_at_checked(HEADER) else {
        return Err(Fault::Cut);
    };
    let word = |at: usize| {
        head[at..at + 8]
            .iter()
            .rev()
            .fold(0u64, |x, &byte| x << 8 | u64::from(byte))
    };
    let format = head[8..12].iter().rev().fold(0u32, |x, &byte| x << 8 | u32::from(byte));
    if format != FORMAT {
        return Err(Fault::Format(format));
    }
    if word(12) != packed.len() as u64 {
        return Err(Fault::Cut);
    }
    if word(20) != xxh3_64(packed) {
        return Err(Fault::Damaged);
    }
    let mut plain = Vec::new();
    let unpacked =
        zstd::stream::read::Decoder::new(packed).and_then(|decoder| decoder.take(LARGEST).read_to_end(&mut plain));
    unpacked.map_err(|_| Fault::Damaged)?;
    postcard::from_bytes(&plain).map_err(|_| Fault::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::simulation::tests::settings;

    fn checkpoint(step: u64) -> Result<Checkpoint> {
        let mut model = Model::new(settings(1.0)?.parameters, 1)?;
        for _ in 0..step {
            model.step()?;
        }
        Ok(Checkpoint {
            step,
            state_hash: model.state_hash(),
            scenario: 0,
            state: model.state(),
            watch: Watch::default(),
            lengths: Lengths::default(),
        })
    }

    #[test]
    fn the_files_take_turns_and_the_newest_whole_one_wins() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let mut writer = Writer::new(folder.path().to_owned());
        for step in 0..3 {
            writer.write(&checkpoint(step)?)?;
        }
        assert_eq!(latest(folder.path()).map(|c| c.step), Some(2));
        assert_eq!(not_after(folder.path(), 1).map(|c| c.step), Some(1));
        assert_eq!(not_after(folder.path(), 0).map(|c| c.step), None);
        // The newest lies in the first file again; damage it, and the one before it counts.
        let path = folder.path().join(FILES[0]);
        let mut bytes = std::fs::read(&path)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes)?;
        assert_eq!(latest(folder.path()).map(|c| c.step), Some(1));
        // The next one must go over the damaged file.
        Writer::new(folder.path().to_owned()).write(&checkpoint(4)?)?;
        assert_eq!(latest(folder.path()).map(|c| c.step), Some(4));
        std::fs::remove_file(path)?;
        assert_eq!(latest(folder.path()).map(|c| c.step), Some(1));
        Ok(())
    }

    #[test]
    fn a_checkpoint_cut_anywhere_is_passed_over() -> Result<()> {
        let bytes = encode(&checkpoint(1)?)?;
        assert!(decode(&bytes).is_ok());
        for end in [0, 5, 11, 19, 27, 28, bytes.len() / 2, bytes.len() - 1] {
            assert!(decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        Ok(())
    }

    #[test]
    fn a_checkpoint_says_what_is_wrong_with_it() -> Result<()> {
        let bytes = encode(&checkpoint(1)?)?;
        let fault = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = bytes.clone();
            change(&mut bytes);
            decode(&bytes).err()
        };
        assert_eq!(fault(&|b| b[0] ^= 1), Some(Fault::Foreign));
        assert_eq!(fault(&|b| b[8] = 3), Some(Fault::Format(3)));
        assert_eq!(fault(&|b| b.truncate(100)), Some(Fault::Cut));
        assert_eq!(fault(&|b| b.push(0)), Some(Fault::Cut));
        assert_eq!(fault(&|b| b[200] ^= 4), Some(Fault::Damaged));
        Ok(())
    }

    #[test]
    fn a_kept_day_is_found_and_does_not_take_a_turn() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        keep(folder.path(), &kept_name(0.125), &checkpoint(3)?)?;
        let mut writer = Writer::new(folder.path().to_owned());
        for step in 5..8 {
            writer.write(&checkpoint(step)?)?;
        }
        assert_eq!(not_after(folder.path(), 5).map(|c| c.step), Some(3));
        assert_eq!(latest(folder.path()).map(|c| c.step), Some(7));
        assert_eq!(list(folder.path()).len(), 3);
        Ok(())
    }
}
