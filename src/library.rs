//! Scenario files on the disk, over those that ship with calcisim.

use std::path::Path;
use std::{fs, io};

use crate::error::{Error, Result};
use crate::scenario::{Library, Shipped, tidy};

/// Finds scenarios by path, or by the name of a shipped one.
///
/// On a command line a bare name is a shipped scenario first. In a file, a name stands for a file beside it first,
/// so that a changed copy of a folder of scenarios uses its own parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Library for Disk {
    fn read(&self, name_or_path: &str, from: Option<&str>) -> Result<(String, String)> {
        let Some(from) = from else {
            if is_path(name_or_path) {
                return read(name_or_path)?.ok_or_else(|| Shipped::missing(name_or_path));
            }
            if let Ok(found) = Shipped.read(name_or_path, None) {
                return Ok(found);
            }
            let beside = format!("./{name_or_path}");
            return read(&beside)?.ok_or_else(|| Shipped::missing(name_or_path));
        };
        if is_path(from) {
            let folder = Path::new(from).parent().unwrap_or(Path::new(""));
            let path = folder.join(name_or_path);
            let path = tidy(&path.to_string_lossy());
            let path = if is_path(&path) { path } else { format!("./{path}") };
            for candidate in [format!("{path}.toml"), path.clone()] {
                let twice = candidate.ends_with(".toml.toml");
                if !twice && let Some(found) = read(&candidate)? {
                    return Ok(found);
                }
            }
            if is_path(name_or_path) && !name_or_path.starts_with("data/") {
                return Err(Shipped::missing(&path));
            }
        }
        Shipped.read(name_or_path, Some(from))
    }
}

/// Not the bare name of a shipped scenario.
fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some()
}

/// The text of a file, `None` when there is none.
fn read(path: &str) -> Result<Option<(String, String)>> {
    if Path::new(path).is_dir() {
        return Err(Error::files(path, "this is a folder, not a scenario file"));
    }
    match fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some((path.to_string(), text))),
            Err(_) => Err(Error::input(path, "this is not a text in UTF-8")),
        },
        Err(fault) if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(fault) => Err(Error::files(path, format!("cannot be read: {fault}"))),
    }
}
