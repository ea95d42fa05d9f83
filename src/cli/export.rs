//! `calcisim export`: a run in files that other programs open.

use std::path::PathBuf;

use clap::Args;

use super::{Global, Reply};
use crate::error::{Diagnostic, Error, Result};
use crate::export::{Format, export as write};
use crate::parameters::nearest_word;
use crate::simulation::archive::{Archive, ReplayOptions};
use crate::simulation::stop::Stop;

/// `calcisim export`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim export output/cua_warfarin-s1 --to vtk            then open export/vtk/fields.pvd in ParaView\n  \
                        calcisim export output/block_3d-s1 --to vtk,zarr,simularium,csv --day 10,20,30 --out output/block-files\n  \
                        calcisim export cua_warfarin --to html --out lesson.html     one file, no network, no installation"
)]
pub struct ExportArgs {
    /// The run folder; for html also a scenario, by path or name
    #[arg(value_name = "RUN_OR_SCENARIO")]
    pub run: PathBuf,
    /// Formats: vtk, zarr, simularium, csv; or html, the offline page
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', required = true, value_parser = format)]
    pub to: Vec<To>,
    /// Days, with commas; all that the folder holds by default. A day that it does not hold is replayed
    #[arg(long, value_name = "D", value_delimiter = ',')]
    pub day: Vec<f64>,
    /// Folder of the files, RUN/export by default; for html the file, NAME.html by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace an export that exists
    #[arg(long)]
    pub force: bool,
    /// Threads of a replay; all cores by default
    #[arg(long, value_name = "N", value_parser = super::run::threads)]
    pub threads: Option<usize>,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Files of a run.
    Folder(Format),
    /// The offline page.
    Html,
}

fn format(text: &str) -> std::result::Result<To, String> {
    let words = Format::ALL.map(Format::word);
    let known = Format::ALL.into_iter().find(|f| f.word() == text.trim());
    if text.trim() == "html" {
        return Ok(To::Html);
    }
    known.map(To::Folder).ok_or_else(|| match nearest_word(text, words) {
        Some(near) => format!("expected vtk, zarr, simularium, csv or html; did you mean «{near}»?"),
        None => "expected vtk, zarr, simularium, csv or html".into(),
    })
}

/// The offline page that begins with a scenario, or with the scenario and seed of a run.
#[cfg(feature = "view")]
fn page(args: &ExportArgs) -> Result<Reply> {
    if args.to.len() > 1 {
        return Err(Error::Usage(
            "html is one file: ask for the other formats in a second command".into(),
        ));
    }
    let start = super::view::start(&args.run.to_string_lossy(), &[], None)?;
    let path = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.html", start.name)));
    crate::view::offline::write(&start, &path, args.force)?;
    let text = format!(
        "Wrote {}: open it in a browser, from a stick or a mail; it needs no network\n",
        path.display()
    );
    Ok(Reply::text(text).with("page", path.display().to_string()))
}

#[cfg(not(feature = "view"))]
fn page(_: &ExportArgs) -> Result<Reply> {
    Err(Error::MissingTool(
        "this calcisim was built without its page: build it with the feature view".into(),
    ))
}

pub(super) fn export(args: &ExportArgs, global: &Global) -> Result<Reply> {
    if args.to.contains(&To::Html) {
        return page(args);
    }
    let archive = Archive::open(&args.run)?;
    let out = args.out.clone().unwrap_or_else(|| args.run.join("export"));
    let mut formats: Vec<Format> = args
        .to
        .iter()
        .filter_map(|to| match to {
            To::Folder(format) => Some(*format),
            To::Html => None,
        })
        .collect();
    formats.sort_unstable();
    formats.dedup();
    if formats.is_empty() {
        return Err(Error::Usage("--to names no format".into()));
    }
    let options = ReplayOptions {
        threads: args.threads.unwrap_or(0),
        is_quiet: global.quiet,
        stop: Stop::by_signals()?,
    };
    let done = write(&archive, &formats, &args.day, &out, args.force, &options)?;
    let mut text = format!("{} days of {}\n", done.days.len(), archive.name());
    for (format, path) in &done.open {
        let with = match format {
            Format::Vtk => "open in ParaView, or read with pyvista; vessels.pvd and cells.pvd lie beside it",
            Format::Zarr => "open in napari with its ome-zarr plugin, or read with zarr",
            Format::Simularium => "drop on the Simularium viewer, or read with simulariumio",
            Format::Csv => "cells.csv and voxels-DAY.csv lie beside it",
        };
        text += &format!("Wrote {}: {with}\n", path.display());
    }
    let open: serde_json::Map<String, serde_json::Value> = done
        .open
        .iter()
        .map(|(format, path)| (format.word().to_owned(), path.display().to_string().into()))
        .collect();
    let warnings = done
        .notes
        .iter()
        .map(|note| Diagnostic {
            file: archive.dir.display().to_string(),
            message: note.clone(),
            ..Diagnostic::default()
        })
        .collect();
    Ok(Reply {
        text,
        warnings,
        ..Reply::default()
    }
    .with("export_dir", done.dir.display().to_string())
    .with("days", done.days)
    .with("open", open))
}
