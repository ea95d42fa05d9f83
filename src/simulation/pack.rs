//! One archive of a run that can replay and verify itself: a COMBINE archive (OMEX, a ZIP with a manifest; Bergmann et al. 2014,
//! doi:10.1186/s12859-014-0369-z), so that it opens with any unzip. Nothing is packed twice: states and snapshots are
//! compressed already, tables are small.
//!
//! The bytes of an archive depend on the bytes of the folder alone: names in order, no dates.

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::{Component, Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::archive::Archive;
use super::forecast;
use crate::error::{Error, Result};
use crate::output::files::{self, trouble};
use crate::output::run_json::Status;

/// Most files that are read from an archive.
const MOST_FILES: usize = 100_000;
/// Most bytes that are read from an archive, whatever it claims: a run of a large block.
const MOST_BYTES: u64 = 64 << 30;
/// How to look into an archive, for who has nothing but the archive.
const READ_ME: &str = "This is one run of calcisim, a simulator of calciphylaxis, packed by `calcisim pack`.\n\n\
    calcisim verify THIS.omex        check every digest and execute stretches of the run again\n\
    calcisim verify THIS.omex --all  execute the whole run again\n\n\
    Unzipped it is a run folder: scenario.toml (re-runnable), run.json (version, seed, digests), series.csv, events.csv,\n\
    hashes.csv, observe.csv, summary.json, checkpoint/, snapshots/. For teaching and for making hypotheses; never for\n\
    prognosis, dosing or care.\n";

/// What was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The archive.
    pub path: PathBuf,
    /// Files in it.
    pub files: usize,
    /// Its size [bytes].
    pub bytes: u64,
}

/// The archive of a run folder when none is named.
pub fn default_file(dir: &Path) -> PathBuf {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    dir.with_file_name(format!("{name}.omex"))
}

/// Packs a run folder that has ended or stopped and is as the run sealed it.
///
/// # Errors
/// [`Error::Condition`] for a run that was killed, and for one whose files were changed; [`Error::Files`] for the disk.
pub fn pack(dir: &Path, file: Option<&Path>, force: bool) -> Result<Packed> {
    let archive = Archive::open(dir)?;
    let path = file.map_or_else(|| default_file(dir), Path::to_owned);
    if path.exists() && !force {
        let why = "exists already: choose another file with --out, or replace it with --force";
        return Err(Error::files(path.display(), why));
    }
    let Some(sealed) = &archive.record.seal else {
        let advice = match archive.record.status {
            Status::Running => format!("the run was killed: go on with calcisim resume {}", dir.display()),
            _ => format!(
                "an older calcisim wrote it: seal it with calcisim resume {}",
                dir.display()
            ),
        };
        return Err(Error::Condition(format!("{}: is not sealed, {advice}", dir.display())));
    };
    let broken = sealed.broken(dir);
    if !broken.is_empty() {
        let broken = broken.join("\n       ");
        return Err(Error::Condition(format!(
            "{}: is not packed\n       {broken}",
            dir.display()
        )));
    }
    let mut names: Vec<String> = sealed.files.keys().cloned().collect();
    names.push("run.json".to_owned());
    names.extend(pictures(dir));
    names.sort();
    // The archive is made beside its place and renamed.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.new"));
    let written = write(dir, &names, &beside);
    let placed = written.and_then(|()| {
        std::fs::rename(&beside, &path).map_err(|fault| trouble(&path, "write", &fault))?;
        files::sync_folder(path.parent()).map_err(|fault| trouble(&path, "write", &fault))
    });
    if let Err(fault) = placed {
        let _ = std::fs::remove_file(&beside);
        return Err(fault);
    }
    let bytes = std::fs::metadata(&path)
        .map_err(|fault| trouble(&path, "read", &fault))?
        .len();
    Ok(Packed {
        path,
        files: names.len() + 2,
        bytes,
    })
}

/// Figures of a run, which its seal leaves out.
fn pictures(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("figures")).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| !name.starts_with('.'))
        .map(|name| format!("figures/{name}"))
        .collect()
}

fn write(dir: &Path, names: &[String], path: &Path) -> Result<()> {
    let fault = |fault: std::io::Error| trouble(path, "write", &fault);
    let zipped = |fault: zip::result::ZipError| trouble(path, "write", &std::io::Error::from(fault));
    let mut zip = ZipWriter::new(File::create(path).map_err(fault)?);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644)
        .large_file(true);
    let mut put = |name: &str, bytes: &[u8]| {
        zip.start_file(name, options).map_err(zipped)?;
        zip.write_all(bytes).map_err(fault)
    };
    put("manifest.xml", manifest(names).as_bytes())?;
    put("README.txt", READ_ME.as_bytes())?;
    for name in names {
        put(name, &files::read(&dir.join(name))?)?;
    }
    let file = zip.finish().map_err(zipped)?;
    file.sync_all().map_err(fault)
}

/// The manifest that the format asks for.
fn manifest(names: &[String]) -> String {
    const SPECIFICATION: &str = "http://identifiers.org/combine.specifications/";
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<omexManifest xmlns=\"{SPECIFICATION}omex-manifest\">\n  \
         <content location=\".\" format=\"{SPECIFICATION}omex\"/>\n  \
         <content location=\"./manifest.xml\" format=\"{SPECIFICATION}omex-manifest\"/>\n  \
         <content location=\"./README.txt\" format=\"http://purl.org/NET/mediatypes/text/plain\"/>\n"
    );
    for name in names {
        let kind = match name.rsplit('.').next() {
            Some("toml") => "application/toml",
            Some("json") => "application/json",
            Some("csv") => "text/csv",
            Some("png") => "image/png",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        };
        let master = if name == "scenario.toml" {
            " master=\"true\""
        } else {
            ""
        };
        let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let format = format!("http://purl.org/NET/mediatypes/{kind}");
        text.push_str(&format!(
            "  <content location=\"./{escaped}\" format=\"{format}\"{master}/>\n"
        ));
    }
    text + "</omexManifest>\n"
}

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct Scratch {
    /// Its path.
    pub path: PathBuf,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Unpacks an archive into a new folder `at`. Names that lead out of it are refused, links are not made, and no more is
/// written than the disk has room for.
///
/// # Errors
/// [`Error::Input`] for a file that is no archive of a run; [`Error::Files`] for the disk.
pub fn unpack(path: &Path, at: &Path) -> Result<Scratch> {
    let file = File::open(path).map_err(|fault| trouble(path, "read", &fault))?;
    let scratch = Scratch { path: at.to_owned() };
    files::make_folder(at)?;
    unpack_from(file, path, at).map(|()| scratch)
}

/// [`unpack`] of bytes in memory.
pub fn unpack_bytes(bytes: &[u8], at: &Path) -> Result<Scratch> {
    let scratch = Scratch { path: at.to_owned() };
    files::make_folder(at)?;
    unpack_from(Cursor::new(bytes), Path::new("the archive"), at).map(|()| scratch)
}

fn unpack_from(source: impl Read + std::io::Seek, path: &Path, at: &Path) -> Result<()> {
    let broken = |why: &dyn std::fmt::Display| {
        Error::input(path.display().to_string(), format!("is no archive of a run: {why}"))
    };
    let mut zip = ZipArchive::new(source).map_err(|fault| broken(&fault))?;
    if zip.len() > MOST_FILES {
        return Err(broken(&format!("{} files", zip.len())));
    }
    let mut left = forecast::free_disk(at).map_or(MOST_BYTES, |free| MOST_BYTES.min(free as u64));
    for i in 0..zip.len() {
        let entry = zip.by_index(i).map_err(|fault| broken(&fault))?;
        let name = entry.name().to_owned();
        let relative = PathBuf::from(&name);
        let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain || name.contains('\\') || entry.is_symlink() {
            return Err(broken(&format!("it holds {name:?}, which is no file of a run folder")));
        }
        if entry.is_dir() {
            continue;
        }
        let to = at.join(&relative);
        if let Some(above) = to.parent() {
            files::make_folder(above)?;
        }
        let mut out = File::create(&to).map_err(|fault| trouble(&to, "write", &fault))?;
        let written =
            std::io::copy(&mut entry.take(left), &mut out).map_err(|fault| broken(&format!("{name}: {fault}")))?;
        if written == left {
            return Err(Error::files(
                at.display(),
                format!("has no room for what {} unpacks to", path.display()),
            ));
        }
        left -= written;
    }
    if !at.join("run.json").is_file() {
        return Err(broken(&"it holds no run.json"));
    }
    Ok(())
}
