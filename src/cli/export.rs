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
                        calcisim export output/block_3d-s1 --to vtk,zarr,simularium,csv --day 10,20,30 --out output/block-files"
)]
pub struct ExportArgs {
    /// The run folder
    pub run: PathBuf,
    /// Formats: vtk, zarr, simularium, csv
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', required = true, value_parser = format)]
    pub to: Vec<Format>,
    /// Days, with commas; all that the folder holds by default. A day that it does not hold is replayed
    #[arg(long, value_name = "D", value_delimiter = ',')]
    pub day: Vec<f64>,
    /// Folder of the files; RUN/export by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace an export that exists
    #[arg(long)]
    pub force: bool,
    /// Threads of a replay; all cores by default
    #[arg(long, value_name = "N", value_parser = super::run::threads)]
    pub threads: Option<usize>,
}

fn format(text: &str) -> std::result::Result<Format, String> {
    let words = Format::ALL.map(Format::word);
    let known = Format::ALL.into_iter().find(|f| f.word() == text.trim());
    known.ok_or_else(|| match nearest_word(text, words) {
        Some(near) => format!("expected vtk, zarr, simularium or csv; did you mean «{near}»?"),
        None => "expected vtk, zarr, simularium or csv".into(),
    })
}

pub(super) fn export(args: &ExportArgs, global: &Global) -> Result<Reply> {
    let archive = Archive::open(&args.run)?;
    let out = args.out.clone().unwrap_or_else(|| args.run.join("export"));
    let mut formats = args.to.clone();
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
