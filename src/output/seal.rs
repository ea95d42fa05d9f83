//! The seal of a run folder: a digest of every file that the run wrote, in `run.json`, and one of `run.json` itself.
//!
//! A run seals its folder when it ends or stops. One bit that changes afterwards is found without executing anything.
//! A seal tells accident from intent no more than a sum does: who changes a file on purpose can seal it again, and then
//! executing the run again is what finds it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files;
use crate::error::Result;

/// Files of a run folder that are sealed.
const FILES: [&str; 6] = [
    "scenario.toml",
    "series.csv",
    "events.csv",
    "hashes.csv",
    "observe.csv",
    "summary.json",
];
/// Its folders of which every file is sealed.
const FOLDERS: [&str; 2] = ["checkpoint", "snapshots"];

/// Digests (BLAKE3, 64 hex digits).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Of the files, by their path in the folder.
    pub files: BTreeMap<String, String>,
    /// Of the text of `run.json` with this digest left empty.
    pub record: String,
}

/// File of the scenario of the n-th run that a branch comes from. Beside `scenario.toml`, so that both read the same tables.
pub fn history_name(n: usize) -> String {
    format!("history-{n}.toml")
}

/// Digest of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Paths in a run folder that belong to the run, sorted; `more` are tables that its scenario reads. Pictures, reports and
/// scraps of an interrupted write do not belong to it.
pub fn paths<'a>(folder: &Path, more: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = FILES.iter().map(|name| (*name).to_owned()).collect();
    found.extend((0..).map(history_name).take_while(|name| folder.join(name).is_file()));
    found.extend(more.map(str::to_owned));
    found.retain(|name| folder.join(name).is_file());
    for below in FOLDERS {
        let entries = std::fs::read_dir(folder.join(below)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        found.extend(
            names
                .filter(|name| !name.starts_with('.'))
                .map(|name| format!("{below}/{name}")),
        );
    }
    found.sort();
    found.dedup();
    found
}

impl Seal {
    /// Digests of the files; that of the record is still empty.
    pub fn of<'a>(folder: &Path, more: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut seal = Self::default();
        for path in paths(folder, more) {
            let bytes = files::read(&folder.join(&path))?;
            seal.files.insert(path, digest(&bytes));
        }
        Ok(seal)
    }

    /// What of a folder does not have its digest, in words.
    pub fn broken(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for (path, sealed) in &self.files {
            match std::fs::read(folder.join(path)) {
                Ok(bytes) if digest(&bytes) == *sealed => {}
                Ok(_) => found.push(format!("{path}: its bytes are not those that the run sealed")),
                Err(fault) => found.push(format!("{path}: the run sealed it, and now it cannot be read: {fault}")),
            }
        }
        found
    }
}

/// The text of a record with its own digest: `text` has an empty one.
pub fn close(text: &str) -> String {
    text.replacen(EMPTY, &format!("\"record\": \"{}\"", digest(text.as_bytes())), 1)
}

/// Whether the text of a record has the digest that it states.
pub fn holds(text: &str, stated: &str) -> bool {
    let open = text.replacen(&format!("\"record\": \"{stated}\""), EMPTY, 1);
    stated.len() == 64 && digest(open.as_bytes()) == stated
}

const EMPTY: &str = "\"record\": \"\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_in_any_sealed_file_is_found_by_name() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("checkpoint"))?;
        for name in [
            "series.csv",
            "checkpoint/a.ckpt",
            "checkpoint/.a.ckpt.new",
            "notes.txt",
            "table.csv",
        ] {
            std::fs::write(folder.path().join(name), name)?;
        }
        let seal = Seal::of(folder.path(), ["table.csv"].into_iter())?;
        let sealed: Vec<&str> = seal.files.keys().map(String::as_str).collect();
        assert_eq!(sealed, ["checkpoint/a.ckpt", "series.csv", "table.csv"]);
        assert!(seal.broken(folder.path()).is_empty());
        for name in sealed {
            let path = folder.path().join(name);
            let whole = std::fs::read(&path)?;
            for bit in 0..8 * whole.len() {
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                std::fs::write(&path, bytes)?;
                let broken = seal.broken(folder.path());
                assert!(broken.len() == 1 && broken[0].starts_with(name), "{broken:?}");
            }
            std::fs::write(path, whole)?;
        }
        Ok(())
    }

    #[test]
    fn a_record_that_was_edited_does_not_hold() {
        let closed = close("{\n  \"status\": \"complete\",\n  \"seal\": {\n    \"record\": \"\"\n  }\n}\n");
        let stated = closed
            .split("\"record\": \"")
            .nth(1)
            .and_then(|rest| rest.get(..64))
            .unwrap_or_default();
        assert!(holds(&closed, stated));
        assert!(!holds(&closed.replace("complete", "stopped"), stated));
        assert!(!holds(&closed, ""));
    }
}
