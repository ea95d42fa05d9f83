//! A run in files that other programs open: VTK, OME-Zarr, Simularium, CSV. Each writer is small and needs no library.
//!
//! A writer gets the days one after another, so that a long run never lies in memory as a whole. Lengths are µm, z is depth
//! below the surface; fields belong to voxels, not to corners.

mod csv;
mod simularium;
mod vtk;
mod zarr;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::grid::Plane;
use crate::output::files;
use crate::output::observe::tcpo2;
use crate::output::run_json::pretty;
use crate::picture::surface::Surface;
use crate::simulation::archive::{Archive, ReplayOptions, section_of};
use crate::simulation::folder;
use crate::state::{Snapshot, Vitality};

/// Name of the list of what an export holds: also the sign that the folder is ours.
const MANIFEST: &str = "export.json";

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `.vti`, `.vtp`, `.pvd`: ParaView, PyVista.
    Vtk,
    /// OME-Zarr 0.4: napari and other viewers of slides.
    Zarr,
    /// `.simularium`: vessels and cells in a browser.
    Simularium,
    /// Tables.
    Csv,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Vtk, Self::Zarr, Self::Simularium, Self::Csv];

    /// Word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Vtk => "vtk",
            Self::Zarr => "zarr",
            Self::Simularium => "simularium",
            Self::Csv => "csv",
        }
    }
}

/// What an export holds.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The folder.
    pub dir: PathBuf,
    /// Days in it.
    pub days: Vec<f64>,
    /// What to open, by format.
    pub open: Vec<(Format, PathBuf)>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// One day in numbers that every format must agree with.
fn numbers(snapshot: &Snapshot, p: &tcpo2::Parameters) -> Value {
    let grid = &snapshot.grid;
    let dead = snapshot.vitality.iter().filter(|&&v| v == Vitality::Necrotic).count();
    let volume_mm3 = grid.voxel_volume_um3() * 1e-9;
    let readings = tcpo2::readings_of_snapshot(p, snapshot);
    let low = readings
        .as_ref()
        .map(|all| all.iter().filter(|r| **r as f32 <= tcpo2::LOW_MMHG as f32).count());
    json!({
        "day": snapshot.day,
        "voxels": grid.len(),
        "necrotic_voxels": dead,
        "necrotic_mm3": dead as f64 * volume_mm3,
        "segments": snapshot.segments.len(),
        "thrombosed_segments": snapshot.segments.iter().filter(|s| s.thrombus >= 0.9).count(),
        "cells": snapshot.cells.len(),
        "surface_columns": readings.map(|all| all.len()),
        "tcpo2_low_columns": low,
    })
}

/// Ends of a segment that lie together: the second is moved around a side that wraps [µm].
fn ends_um(snapshot: &Snapshot, segment: usize) -> [[f64; 3]; 2] {
    let [a, b] = snapshot.segments[segment].ends_um.map(|p| p.map(f64::from));
    let way = snapshot.grid.offset_um(a, b);
    // The grid knows no way across a slab; nothing wraps there.
    let thin = match snapshot.grid.plane {
        Plane::Section => 1,
        Plane::Plan => 2,
        Plane::Block => 3,
    };
    [a, std::array::from_fn(|i| if i == thin { b[i] } else { a[i] + way[i] })]
}

/// The columns of the skin and the TcPO2 instrument over them; nothing where there is no skin.
fn columns_of(p: &tcpo2::Parameters, snapshot: &Snapshot) -> Option<(Surface, Vec<f64>)> {
    Some((Surface::of(snapshot)?, tcpo2::readings_of_snapshot(p, snapshot)?))
}

/// A writer of one format.
trait Writer {
    /// Adds a day.
    fn add(&mut self, snapshot: &Snapshot) -> Result<()>;
    /// Ends the files; returns what to open, below the folder of the export.
    fn finish(self: Box<Self>) -> Result<PathBuf>;
}

fn writer(format: Format, folder: &Path, archive: &Archive) -> Result<Box<dyn Writer>> {
    let name = archive.name();
    Ok(match format {
        Format::Vtk => Box::new(vtk::Vtk::new(folder, section_of(archive.table(), "tcpo2")?)?),
        Format::Zarr => Box::new(zarr::Zarr::new(folder, &name)),
        Format::Simularium => Box::new(simularium::Simularium::new(folder, &name)),
        Format::Csv => Box::new(csv::Csv::new(folder, section_of(archive.table(), "tcpo2")?)),
    })
}

fn is_export(path: &Path) -> bool {
    path.join(MANIFEST).is_file()
}

/// Writes a run into a new folder, in one stroke: the days asked for, or all that the run folder holds.
pub fn export(
    archive: &Archive,
    formats: &[Format],
    days: &[f64],
    out: &Path,
    force: bool,
    options: &ReplayOptions,
) -> Result<Exported> {
    folder::check_free(out, force, is_export)?;
    if days.is_empty() && archive.snapshots.is_empty() {
        return Err(Error::input(
            archive.dir.display().to_string(),
            "this run folder holds no snapshot: name days with --day, and they are replayed",
        ));
    }
    let mut notes = Vec::new();
    let chosen = if days.is_empty() {
        None
    } else {
        let mut days = days.to_vec();
        days.sort_by(f64::total_cmp);
        days.dedup();
        let found = archive.days("--day", &days, options)?;
        for (snapshot, origin) in &found {
            let words = origin.sentence();
            if !words.is_empty() {
                notes.push(format!("day {} was {words}", snapshot.day));
            }
        }
        Some(found)
    };
    let (days, open) = folder::install(out, force, is_export, |folder| {
        let mut writers = Vec::new();
        for &format in formats {
            writers.push((format, writer(format, folder, archive)?));
        }
        let (mut days, mut facts) = (Vec::new(), Vec::new());
        let instrument: tcpo2::Parameters = section_of(archive.table(), "tcpo2")?;
        let mut add = |snapshot: &Snapshot| -> Result<()> {
            days.push(snapshot.day);
            facts.push(numbers(snapshot, &instrument));
            writers.iter_mut().try_for_each(|(_, writer)| writer.add(snapshot))
        };
        match &chosen {
            Some(found) => found.iter().try_for_each(|(snapshot, _)| add(snapshot))?,
            None => {
                for (_, path) in &archive.snapshots {
                    add(&crate::output::snapshots::read(path)?)?;
                }
            }
        }
        let mut open = Vec::new();
        for (format, writer) in writers {
            open.push((format, writer.finish()?));
        }
        let manifest = json!({
            "kind": "export",
            "version": env!("CARGO_PKG_VERSION"),
            "git": crate::output::run_json::git(),
            "scenario": archive.record.scenario,
            "seed": archive.record.seed,
            "state_hash": archive.record.state_hash,
            "units": "µm; z = depth below the surface; time in days",
            "days": facts,
        });
        files::write_whole(&folder.join(MANIFEST), pretty(&manifest)?.as_bytes())?;
        Ok((days, open))
    })?;
    Ok(Exported {
        dir: out.to_owned(),
        days,
        open: open
            .into_iter()
            .map(|(format, path)| (format, out.join(path)))
            .collect(),
        notes,
    })
}

/// Name of a day in files: sorts as it should.
fn day_name(day: f64) -> String {
    format!("{day:07.2}")
}
