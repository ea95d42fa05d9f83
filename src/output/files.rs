//! Files that survive a kill. A whole file is written beside its place, synced and renamed; a log grows by whole lines
//! and is cut back to its last whole line when a write fails.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// What a fault of the file system means for the user.
pub fn trouble(path: &Path, doing: &str, fault: &std::io::Error) -> Error {
    let why = match fault.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full: free some space".to_owned(),
        ErrorKind::NotFound => "no such file or folder".to_owned(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "no permission to write here: choose another folder with --out".to_owned()
        }
        ErrorKind::NotADirectory => "a part of this path is a file, not a folder".to_owned(),
        _ => fault.to_string(),
    };
    Error::files(path.display(), format!("cannot {doing}: {why}"))
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|fault| trouble(path, "read", &fault))
}

/// Reads a whole text.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|fault| trouble(path, "read", &fault))
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|fault| trouble(path, "make the folder", &fault))
}

/// Writes a whole file: at any moment there is the old one or the new one.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.new"));
    let written = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fail_point("before_rename");
        fs::rename(&beside, path)?;
        sync_folder(path.parent())
    })();
    written.map_err(|fault| {
        // A half-written neighbour helps nobody; the fault that matters is the first one.
        let _ = fs::remove_file(&beside);
        trouble(path, "write", &fault)
    })
}

/// Makes a rename in a folder last.
pub fn sync_folder(folder: Option<&Path>) -> std::io::Result<()> {
    match folder {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// A text that grows by whole lines.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Log {
    /// A new log with its header line.
    pub fn create(path: PathBuf, header: &str) -> Result<Self> {
        let file = File::create(&path).map_err(|fault| trouble(&path, "write", &fault))?;
        let mut log = Self { path, file, length: 0 };
        log.append(header)?;
        Ok(log)
    }

    /// An existing log, cut back to a length that it once had.
    pub fn reopen(path: PathBuf, length: u64) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new().write(true).open(&path)?;
            let found = file.metadata()?.len();
            file.set_len(if found < length { found } else { length })?;
            Ok((file, found))
        };
        let (mut file, found) = open().map_err(|fault| trouble(&path, "open", &fault))?;
        if found < length {
            return Err(Error::files(
                path.display(),
                format!("has {found} bytes where its checkpoint knows of {length}: the file was cut or replaced"),
            ));
        }
        file.seek(SeekFrom::End(0))
            .map_err(|fault| trouble(&path, "open", &fault))?;
        Ok(Self { path, file, length })
    }

    /// Adds whole lines.
    pub fn append(&mut self, lines: &str) -> Result<()> {
        if let Err(fault) = self.file.write_all(lines.as_bytes()) {
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(trouble(&self.path, "write", &fault));
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Makes what is written last.
    pub fn sync(&self) -> Result<()> {
        self.file
            .sync_data()
            .map_err(|fault| trouble(&self.path, "write", &fault))
    }
}

/// Name and passage of `CALCISIM_FAIL=name:n`.
fn asked_failure() -> Option<&'static (String, u64)> {
    static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| {
        let text = std::env::var("CALCISIM_FAIL").ok()?;
        let (name, n) = text.split_once(':')?;
        Some((name.to_owned(), n.parse().ok()?))
    });
    asked.as_ref()
}

/// Whether a test asked for a failure at this place, at any passage.
pub fn is_asked_to_fail(name: &str) -> bool {
    asked_failure().is_some_and(|(wanted, _)| wanted == name)
}

/// A named place where a test may end the process: `CALCISIM_FAIL=name:n` aborts at the n-th passage.
pub fn fail_point(name: &str) {
    static PASSED: AtomicU64 = AtomicU64::new(0);
    if let Some((wanted, n)) = asked_failure()
        && wanted == name
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *n
    {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_replaces_the_old_one_and_leaves_no_neighbour() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("run.json");
        write_whole(&path, b"old")?;
        write_whole(&path, b"new")?;
        assert_eq!(read(&path)?, b"new");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_called_by_its_name() {
        let refused = Log::create(PathBuf::from("/dev/full"), "t_d\n");
        let message = refused.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("the disk is full"), "{message}");
    }

    #[test]
    fn a_log_is_cut_back_to_a_length_that_it_had() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("series.csv");
        let mut log = Log::create(path.clone(), "t_d\n")?;
        log.append("0\n")?;
        let length = log.length();
        log.append("1\n")?;
        drop(log);
        let mut log = Log::reopen(path.clone(), length)?;
        log.append("2\n")?;
        assert_eq!(read_text(&path)?, "t_d\n0\n2\n");
        assert_eq!(Log::reopen(path, 99).map_err(|e| e.exit_code()).err(), Some(4));
        Ok(())
    }
}
