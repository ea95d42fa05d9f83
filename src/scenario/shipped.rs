//! The scenarios inside the binary, and the library that finds scenario files.

use crate::error::{Error, Result};
use crate::parameters;

/// Files below `scenarios/`: path and text, sorted by path.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Finds the text of a scenario or of a file that it names. The engine knows only what is embedded; a disk is added above it.
pub trait Library {
    /// Reads `name_or_path` as it stands on a command line (`from` = `None`) or in the file `from`.
    /// Answers the display name, which reads the same file again, and the text.
    fn read(&self, name_or_path: &str, from: Option<&str>) -> Result<(String, String)>;
}

/// The files that ship with calcisim.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shipped;

impl Shipped {
    /// Names of the scenarios, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FILES
            .iter()
            .filter(|(path, _)| !path.contains('/'))
            .filter_map(|(path, _)| path.strip_suffix(".toml"))
    }

    /// Text of a shipped file by its path below `scenarios/`, or of a scenario by its name.
    pub fn text(name: &str) -> Option<&'static str> {
        let path = tidy(name);
        let path = path.strip_prefix("scenarios/").unwrap_or(&path);
        let find = |wanted: &str| FILES.iter().find(|(p, _)| *p == wanted).map(|(_, text)| *text);
        find(path).or_else(|| find(&format!("{path}.toml")))
    }

    /// Paths of all shipped files below a folder of `scenarios/`.
    pub fn files(folder: &str) -> impl Iterator<Item = &'static str> {
        let folder = format!("{}/", tidy(folder).trim_end_matches('/'));
        FILES
            .iter()
            .map(|(path, _)| *path)
            .filter(move |path| path.starts_with(&folder))
    }

    /// The fault of a name that nothing has, with the nearest name.
    pub fn missing(name: &str) -> Error {
        let stem = stem(name);
        let hint = match parameters::nearest_word(stem, Self::names()) {
            Some(near) if near == stem => {
                format!("no such file; a shipped scenario has this name: write {near}")
            }
            Some(near) => {
                format!("no such file and no shipped scenario of this name; did you mean {near}?")
            }
            None => "no such file and no shipped scenario of this name; `calcisim list` shows them".into(),
        };
        Error::files(name, hint)
    }
}

impl Library for Shipped {
    fn read(&self, name_or_path: &str, from: Option<&str>) -> Result<(String, String)> {
        let beside = from
            .and_then(|from| from.rsplit_once('/'))
            .map(|(folder, _)| tidy(&format!("{folder}/{name_or_path}")));
        for candidate in beside.iter().map(String::as_str).chain([name_or_path]) {
            if let Some(text) = Self::text(candidate) {
                let name = tidy(candidate);
                let name = name.strip_prefix("scenarios/").unwrap_or(&name);
                return Ok((name.trim_end_matches(".toml").to_string(), text.to_string()));
            }
        }
        Err(Self::missing(name_or_path))
    }
}

/// File name without folders and `.toml`.
pub fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.strip_suffix(".toml").unwrap_or(file)
}

/// A path without `.` and `a/..` parts.
pub fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shipped_scenario_is_found_by_name_and_by_path() {
        assert!(Shipped::text("healthy").is_some());
        assert_eq!(Shipped::text("healthy"), Shipped::text("scenarios/healthy.toml"));
        assert!(Shipped::names().any(|name| name == "healthy"));
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        let fault = Shipped.read("helthy", None).err();
        assert!(fault.is_some_and(|f| f.exit_code() == 4 && f.to_string().contains("healthy")));
    }

    #[test]
    fn dots_in_a_path_are_walked() {
        assert_eq!(tidy("a/b/../c.toml"), "a/c.toml");
        assert_eq!(tidy("../x/./y"), "../x/y");
        assert_eq!(stem("a/b/healthy.toml"), "healthy");
    }
}
