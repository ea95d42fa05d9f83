//! Folders of results: they appear whole or not at all, are replaced only when they are ours, and belong to one
//! process at a time.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, CWD, FlockOperation, RenameFlags};

use crate::error::{Error, Result};
use crate::output::files::{self, trouble};

/// The right to write into a folder; given back when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the right, or says that another process has it.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|fault| trouble(&path, "open", &fault))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::files(
                folder.display(),
                "another calcisim is at work in this folder: wait for it or stop it",
            )),
            // Some network disks know no locks: better to work than to refuse.
            Err(_) => Ok(Self { _file: file }),
        }
    }
}

/// Whether another process has the right to write into a folder; asks without writing anything.
pub fn is_at_work(folder: &Path) -> bool {
    File::open(folder.join(".lock")).is_ok_and(|file| {
        let asked = rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared);
        asked == Err(rustix::io::Errno::WOULDBLOCK)
    })
}

/// The folder itself or the nearest one above it that exists.
pub fn nearest_existing(path: &Path) -> PathBuf {
    let here = PathBuf::from(".");
    path.ancestors()
        .map(|p| {
            if p.as_os_str().is_empty() {
                here.clone()
            } else {
                p.to_owned()
            }
        })
        .find(|p| p.exists())
        .unwrap_or(here)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Says early whether a folder may be written: not there yet, or ours and `--force`; and the disk lets us.
pub fn check_free(path: &Path, force: bool, is_ours: fn(&Path) -> bool) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        if !force {
            return Err(Error::files(
                path.display(),
                "exists already: choose another folder with --out, or replace it with --force",
            ));
        }
        if !is_ours(path) && !is_empty(path) {
            return Err(Error::files(
                path.display(),
                "is no folder that calcisim wrote: --force does not replace it",
            ));
        }
        if !is_empty(path) {
            Lock::take(path)?;
        }
    }
    let above = path.parent().unwrap_or(path);
    let there = nearest_existing(above);
    rustix::fs::access(&there, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|fault| trouble(&there, "write here", &fault.into()))?;
    if there.is_dir() {
        Ok(())
    } else {
        Err(Error::files(there.display(), "is a file, not a folder"))
    }
}

/// Puts a folder in its place in one stroke: filled beside it, then renamed. What `fill` returns comes back.
pub fn install<T>(
    path: &Path,
    force: bool,
    is_ours: fn(&Path) -> bool,
    fill: impl FnOnce(&Path) -> Result<T>,
) -> Result<T> {
    check_free(path, force, is_ours)?;
    let above = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_owned(),
        _ => PathBuf::from("."),
    };
    files::make_folder(&above)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = above.join(format!(".{name}.new-{}", std::process::id()));
    let _ = fs::remove_dir_all(&beside);
    let placed = files::make_folder(&beside).and_then(|()| {
        let filled = fill(&beside)?;
        files::fail_point("install");
        place(&beside, path, force).map_err(|fault| match fault.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Error::files(path.display(), "exists already: choose another folder with --out")
            }
            _ => trouble(path, "write", &fault),
        })?;
        files::sync_folder(Some(&above)).map_err(|fault| trouble(&above, "write", &fault))?;
        Ok(filled)
    });
    // On success this is what was replaced; otherwise what was begun.
    let _ = fs::remove_dir_all(&beside);
    placed
}

/// Renames; an old folder changes places with the new one, so that there is always one of them.
fn place(new: &Path, path: &Path, force: bool) -> std::io::Result<()> {
    if force && path.exists() {
        if rustix::fs::renameat_with(CWD, new, CWD, path, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
        // A disk that cannot exchange: the old one steps aside first.
        let old = new.with_extension("old");
        fs::rename(path, &old)?;
        fs::rename(new, path)?;
        return fs::remove_dir_all(old);
    }
    match rustix::fs::renameat_with(CWD, new, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => fs::rename(new, path),
        Err(fault) => Err(fault.into()),
    }
}

/// Whether a folder is a run folder of calcisim.
pub fn is_run_folder(path: &Path) -> bool {
    path.join("scenario.toml").is_file() && crate::output::run_json::RunJson::read(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(path: &Path) -> bool {
        path.join("ours").exists()
    }

    fn fill(text: &'static str) -> impl FnOnce(&Path) -> Result<()> {
        move |folder| files::write_whole(&folder.join("ours"), text.as_bytes())
    }

    #[test]
    fn an_existing_folder_is_not_touched_without_force() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let path = above.path().join("deep/run");
        install(&path, false, ours, fill("one"))?;
        assert_eq!(
            install(&path, false, ours, fill("two")).err().map(|e| e.exit_code()),
            Some(4)
        );
        assert_eq!(fs::read_to_string(path.join("ours"))?, "one");
        install(&path, true, ours, fill("three"))?;
        assert_eq!(fs::read_to_string(path.join("ours"))?, "three");
        assert_eq!(fs::read_dir(above.path().join("deep"))?.count(), 1);
        Ok(())
    }

    #[test]
    fn force_does_not_replace_a_folder_of_someone_else() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let path = above.path().join("thesis");
        fs::create_dir(&path)?;
        fs::write(path.join("chapter1.txt"), "years of work")?;
        assert_eq!(
            install(&path, true, ours, fill("x")).err().map(|e| e.exit_code()),
            Some(4)
        );
        assert_eq!(fs::read_to_string(path.join("chapter1.txt"))?, "years of work");
        Ok(())
    }

    #[test]
    fn a_failure_while_filling_leaves_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let path = above.path().join("run");
        let failed: Result<()> = install(&path, false, ours, |_| Err(Error::Condition("no".to_owned())));
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(above.path())?.count(), 0);
        Ok(())
    }

    #[test]
    fn a_folder_belongs_to_one_at_a_time() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let lock = Lock::take(folder.path())?;
        assert_eq!(Lock::take(folder.path()).err().map(|e| e.exit_code()), Some(4));
        drop(lock);
        assert!(Lock::take(folder.path()).is_ok());
        Ok(())
    }

    #[test]
    fn a_file_in_the_way_is_said_before_any_work() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        fs::write(above.path().join("file"), "")?;
        let refused = check_free(&above.path().join("file/run"), false, ours);
        assert_eq!(refused.err().map(|e| e.exit_code()), Some(4));
        Ok(())
    }
}
