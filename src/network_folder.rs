//! Folders of a measured network and of a case on it, read from the disk.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;

use crate::error::{Diagnostic, Error, Result};
use crate::initial::network_files::{self, CaseTables, Network, Tables, Text};

/// A network with what a case changes, and the description of the case.
#[derive(Clone, Debug)]
pub struct NetworkCase {
    /// The network, with the diameters, the closed segments and the boundary of the case.
    pub network: Network,
    /// `meta.json` of the case; null when there is none.
    pub meta: Value,
    /// Name of that file, for messages.
    pub meta_file: String,
}

/// Reads `nodes.csv`, `segments.csv`, `boundary.csv` of a network and the files of a case that are there.
pub fn load(network: &Path, case: Option<&Path>) -> Result<NetworkCase> {
    for folder in std::iter::once(network).chain(case) {
        if !folder.is_dir() {
            return Err(Error::files(folder.display(), "there is no such folder"));
        }
    }
    let own = |name: &str| match optional(case, name) {
        // A case may bring a whole boundary; then its network need not have one.
        Ok(Some(_)) if name == "boundary.csv" && !network.join(name).exists() => Ok(Text::default()),
        _ => text(&network.join(name)),
    };
    let tables = Tables {
        nodes: own("nodes.csv")?,
        segments: own("segments.csv")?,
        boundary: own("boundary.csv")?,
    };
    let changes = CaseTables {
        boundary: optional(case, "boundary.csv")?,
        occluded: optional(case, "occluded.csv")?,
        diameters: optional(case, "diameters.csv")?,
    };
    let (meta_file, meta) = match optional(case, "meta.json")? {
        None => (String::new(), Ok(Value::Null)),
        Some((file, words)) => {
            let meta = serde_json::from_str(&words).map_err(|fault| Diagnostic {
                file: file.clone(),
                line: fault.line(),
                column: fault.column(),
                message: fault.to_string(),
                expected: "a JSON object".into(),
                ..Diagnostic::default()
            });
            (file, meta)
        }
    };
    let mut faults = Vec::new();
    let network = network_files::collect(&tables, &changes, &mut faults);
    match meta {
        Ok(meta) if faults.is_empty() => Ok(NetworkCase {
            network,
            meta,
            meta_file,
        }),
        other => {
            faults.extend(other.err());
            Err(Error::Input(faults))
        }
    }
}

/// Name and text of a file.
pub fn text(path: &Path) -> Result<Text> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(words) => Ok((name, words)),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Err(Error::files(name, "there is no such file")),
        Err(fault) if fault.kind() == ErrorKind::InvalidData => Err(Error::input(name, "this is not a text in UTF-8")),
        Err(fault) => Err(Error::files(name, format!("cannot be read: {fault}"))),
    }
}

/// Name and text of a file of a folder, where there are both.
pub fn optional(folder: Option<&Path>, name: &str) -> Result<Option<Text>> {
    let Some(path) = folder.map(|folder| folder.join(name)) else {
        return Ok(None);
    };
    if path.exists() { text(&path).map(Some) } else { Ok(None) }
}
