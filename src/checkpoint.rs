//! Checkpoints: everything that the next step reads, in two files that take turns.
//!
//! A file is `CALCISIM`, the format's number, the length and the xxh3 of what follows, then zstd(postcard(…)).
//! The newer whole file wins; a damaged one is passed over.

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
        let next = match newest(&folder) {
            Some((file, _)) => 1 - file,
            None => 0,
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
    newest(folder).map(|(_, checkpoint)| checkpoint)
}

/// The newest whole checkpoint of a folder that does not lie behind a step.
pub fn not_after(folder: &Path, step: u64) -> Option<Checkpoint> {
    let mut found = whole(folder);
    found.retain(|(_, checkpoint)| checkpoint.step <= step);
    found.pop().map(|(_, checkpoint)| checkpoint)
}

fn newest(folder: &Path) -> Option<(usize, Checkpoint)> {
    whole(folder).pop()
}

/// The whole checkpoints of a folder, by step.
fn whole(folder: &Path) -> Vec<(usize, Checkpoint)> {
    let read = |file: usize| decode(&std::fs::read(folder.join(FILES[file])).ok()?);
    let mut found: Vec<(usize, Checkpoint)> = (0..2).filter_map(|file| Some((file, read(file)?))).collect();
    found.sort_by_key(|(_, checkpoint)| checkpoint.step);
    found
}

fn encode(checkpoint: &Checkpoint) -> Result<Vec<u8>> {
    let fault = |why: String| Error::Internal(format!("a checkpoint could not be encoded: {why}"));
    let plain = postcard::to_stdvec(checkpoint).map_err(|f| fault(f.to_string()))?;
    let packed = zstd::encode_all(plain.as_slice(), 1).map_err(|f| fault(f.to_string()))?;
    let mut bytes = Vec::with_capacity(HEADER + packed.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&(packed.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&packed).to_le_bytes());
    bytes.extend_from_slice(&packed);
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Option<Checkpoint> {
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let format = u32::from_le_bytes(bytes.get(8..12)?.try_into().ok()?);
    let packed = bytes.get(HEADER..)?;
    let whole = bytes.starts_with(MAGIC)
        && format == FORMAT
        && word(12)? == packed.len() as u64
        && word(20)? == xxh3_64(packed);
    if !whole {
        return None;
    }
    postcard::from_bytes(&zstd::decode_all(packed).ok()?).ok()
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
        assert!(decode(&bytes).is_some());
        for end in [0, 5, 11, 19, 27, 28, bytes.len() / 2, bytes.len() - 1] {
            assert!(decode(&bytes[..end]).is_none(), "cut at {end}");
        }
        Ok(())
    }
}
