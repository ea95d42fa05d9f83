//! Figures of a run folder, of a comparison or of the results of an experiment. One file per figure; `load` reads, `sheet` writes, `chart` draws axes.
//!
//! The same folder gives the same bytes.

pub mod animate;
mod arms;
mod arms_dates;
pub(crate) mod arms_series;
pub mod biopsy;
pub(crate) mod chart;
mod experiment_attribution;
mod experiment_contrasts;
mod experiment_load;
pub mod experiment_page;
mod experiment_parts;
mod experiment_sensitivity;
mod experiment_strategies;
mod experiment_survival;
mod experiment_sweep;
mod experiment_trial;
mod fields;
mod gif;
mod legend;
pub(crate) mod load;
mod map;
mod network;
pub(crate) mod palette;
mod section_map;
pub(crate) mod sheet;
mod strip;
mod surface;
pub(crate) mod time_series;
mod timeline;
pub(crate) mod words;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

pub use sheet::has_glyph;

/// What every picture of tissue says.
const DISCLAIMER: &str = "simulated section, not a patient image";

/// Files that each figure is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    /// Pixels.
    pub png: bool,
    /// Lines and words; maps lie in it as pixels.
    pub svg: bool,
    /// Pixels of a third of the resolution and few colours, for pages.
    pub is_small: bool,
}

impl Formats {
    /// Pixels for every figure, SVG as well for those that are lines alone.
    pub const USUAL: Option<Self> = None;

    /// Writes a figure under its name in a folder and notes what was written.
    fn write(
        formats: Option<Self>,
        sheet: &sheet::Sheet,
        folder: &Path,
        name: &str,
        paths: &mut Vec<PathBuf>,
    ) -> Result<()> {
        let formats = formats.unwrap_or(Self {
            png: true,
            svg: !sheet.has_pictures(),
            is_small: false,
        });
        if formats.png {
            paths.push(folder.join(format!("{name}.png")));
            let path = &paths[paths.len() - 1];
            if formats.is_small {
                sheet.write_page_png(path)?;
            } else {
                sheet.write_png(path)?;
            }
        }
        if formats.svg {
            paths.push(folder.join(format!("{name}.svg")));
            sheet.write_svg(&paths[paths.len() - 1])?;
        }
        Ok(())
    }
}

/// Draws all figures of a run folder into its `figures/` and returns their paths.
///
/// A run that is still going, or was stopped, is drawn as far as it got, and the figures say so. Without a
/// snapshot only the time series and the timeline are drawn.
pub fn of_run(dir: &Path) -> Result<Vec<PathBuf>> {
    of_run_as(dir, Formats::USUAL)
}

/// The same in chosen formats.
pub fn of_run_as(dir: &Path, formats: Option<Formats>) -> Result<Vec<PathBuf>> {
    load::Run::open(dir)?;
    of_run_into(dir, &folder(dir)?, None, formats)
}

/// Names of the figures of a run.
pub const OF_RUN: [&str; 6] = ["time_series", "timeline", "section_map", "fields", "network", "surface"];

/// Draws the figures of a run folder, or one of [`OF_RUN`] alone, into another folder that exists.
pub fn of_run_into(dir: &Path, out: &Path, only: Option<&str>, formats: Option<Formats>) -> Result<Vec<PathBuf>> {
    let run = load::Run::open(dir)?;
    let wants = |name: &str| only.is_none_or(|one| one == name);
    let mut paths = Vec::new();
    let mut write = |sheet: &sheet::Sheet, name: &str| Formats::write(formats, sheet, out, name, &mut paths);
    if wants("time_series") {
        write(&time_series::draw(&run), "time_series")?;
    }
    if wants("timeline")
        && let Some(sheet) = timeline::draw(dir, &run)?
    {
        write(&sheet, "timeline")?;
    }
    if let Some((_, path)) = run.snapshots.last() {
        let snapshot = load::snapshot(path)?;
        if wants("section_map") {
            write(&section_map::draw(&run, &snapshot), "section_map")?;
        }
        if wants("fields") {
            write(&fields::draw(&run, &snapshot), "fields")?;
        }
        if wants("network") {
            write(&network::draw(&run, &snapshot), "network")?;
        }
        if wants("surface")
            && let Some(sheet) = surface::draw(&run, &snapshot)?
        {
            write(&sheet, "surface")?;
        }
    }
    Ok(paths)
}

/// Draws the sections of several days of a run side by side, in its `figures/`; a day that the folder does not hold is replayed.
pub fn of_days(
    dir: &Path,
    days: &[f64],
    formats: Option<Formats>,
    options: &crate::simulation::archive::ReplayOptions,
) -> Result<Vec<PathBuf>> {
    load::Run::open(dir)?;
    of_days_into(dir, &folder(dir)?, days, formats, options)
}

/// The same into another folder that exists.
pub fn of_days_into(
    dir: &Path,
    out: &Path,
    days: &[f64],
    formats: Option<Formats>,
    options: &crate::simulation::archive::ReplayOptions,
) -> Result<Vec<PathBuf>> {
    if days.len() > strip::MOST {
        return Err(Error::Usage(format!(
            "--day: at most {} days stand side by side",
            strip::MOST
        )));
    }
    let archive = crate::simulation::archive::Archive::open(dir)?;
    let mut sorted = days.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    let found = archive.days("--day", &sorted, options)?;
    let snapshots: Vec<crate::state::Snapshot> = found.into_iter().map(|(snapshot, _)| snapshot).collect();
    if snapshots.is_empty() {
        return Err(Error::Usage("--day names no day".into()));
    }
    let sheet = strip::draw(&load::Run::open(dir)?, &snapshots);
    let mut paths = Vec::new();
    Formats::write(formats, &sheet, out, "sections", &mut paths)?;
    Ok(paths)
}

/// Draws the network of a snapshot alone, under a title of its own, to a PNG file of half the usual resolution.
pub fn of_network(snapshot: &crate::state::Snapshot, title: &str, path: &Path) -> Result<()> {
    let header = |sheet: &mut sheet::Sheet| {
        sheet.text(title, [48.0, 27.0], sheet::Type::new(14.0).bold());
    };
    network::page(snapshot, title, header).write_small_png(path)
}

/// Draws all figures of a comparison into its `figures/` and returns their paths.
pub fn of_compare(dir: &Path) -> Result<Vec<PathBuf>> {
    of_compare_as(dir, Formats::USUAL)
}

/// The same in chosen formats.
pub fn of_compare_as(dir: &Path, formats: Option<Formats>) -> Result<Vec<PathBuf>> {
    load::Compare::open(dir)?;
    of_compare_into(dir, &folder(dir)?, formats)
}

/// The same into another folder that exists.
pub fn of_compare_into(dir: &Path, out: &Path, formats: Option<Formats>) -> Result<Vec<PathBuf>> {
    let compare = load::Compare::open(dir)?;
    let mut paths = Vec::new();
    let mut write = |sheet: &sheet::Sheet, name: &str| Formats::write(formats, sheet, out, name, &mut paths);
    let series = arms_series::draw(&compare);
    if let Some(sheet) = &series {
        write(sheet, "time_series")?;
    }
    let days = compare.days();
    if let Some(sheet) = arms_dates::draw(dir, days)?.filter(|_| series.is_some()) {
        write(&sheet, "dates")?;
    }
    for (i, sheet) in arms::draw(&compare)?.into_iter().enumerate() {
        let name = if i == 0 {
            "arms".to_owned()
        } else {
            format!("arms-{}", i + 1)
        };
        write(&sheet, &name)?;
    }
    if paths.is_empty() {
        return Err(Error::input(
            dir.display().to_string(),
            "nothing to draw: neither `series/` nor `snapshots/` holds a run of an arm",
        ));
    }
    Ok(paths)
}

/// Every figure of the tables of results, with its name.
fn pages(results: &experiment_load::Results) -> Result<Vec<(String, sheet::Sheet)>> {
    let mut pages: Vec<(String, sheet::Sheet)> = Vec::new();
    pages.extend(experiment_contrasts::draw(results)?.map(|sheet| ("contrasts".to_owned(), sheet)));
    pages.extend(experiment_strategies::draw(results)?.map(|sheet| ("strategies".to_owned(), sheet)));
    pages.extend(experiment_survival::draw(results)?.map(|sheet| ("survival".to_owned(), sheet)));
    pages.extend(experiment_sweep::draw(results)?);
    pages.extend(experiment_sensitivity::draw(results)?);
    pages.extend(experiment_attribution::draw(results)?);
    pages.extend(experiment_trial::draw(results)?.map(|sheet| ("trial_power".to_owned(), sheet)));
    Ok(pages)
}

/// The figures of the tables of merged results, small, with title and description, for a page that draws curves over time
/// itself; nothing for other folders.
pub(crate) fn for_a_page(dir: &Path) -> Result<Vec<(String, String, crate::picture::Canvas)>> {
    if !experiment_load::is_results(dir) {
        return Ok(Vec::new());
    }
    let pages = pages(&experiment_load::Results::open(dir)?)?;
    let wanted = pages.into_iter().filter(|(name, _)| name != "survival");
    wanted
        .map(|(_, sheet)| {
            Ok((
                sheet.title().to_owned(),
                sheet.description().to_owned(),
                sheet.rasterise()?.halved(),
            ))
        })
        .collect()
}

/// Draws all figures of a folder of merged results into its `figures/` and returns their paths.
pub fn of_experiment_as(dir: &Path, formats: Option<Formats>) -> Result<Vec<PathBuf>> {
    let results = experiment_load::Results::open(dir)?;
    let out = folder(dir)?;
    let mut paths = Vec::new();
    for (name, sheet) in pages(&results)? {
        Formats::write(formats, &sheet, &out, &name, &mut paths)?;
    }
    if ["series", "snapshots"].iter().any(|part| dir.join(part).is_dir()) {
        paths.extend(of_compare_as(dir, formats)?);
    }
    if paths.is_empty() {
        return Err(Error::input(
            dir.display().to_string(),
            "nothing to draw: none of its tables has a figure",
        ));
    }
    Ok(paths)
}

/// Draws the figures of any kind of folder.
pub fn of_folder(dir: &Path) -> Result<Vec<PathBuf>> {
    of_folder_as(dir, Formats::USUAL)
}

/// The same in chosen formats.
pub fn of_folder_as(dir: &Path, formats: Option<Formats>) -> Result<Vec<PathBuf>> {
    if experiment_load::is_results(dir) {
        return of_experiment_as(dir, formats);
    }
    if dir.join("runs.csv").is_file() {
        of_compare_as(dir, formats)
    } else {
        of_run_as(dir, formats)
    }
}

fn folder(dir: &Path) -> Result<PathBuf> {
    let out = dir.join("figures");
    std::fs::create_dir_all(&out).map_err(|e| Error::files(out.display(), e.to_string()))?;
    Ok(out)
}

/// A day in words, without needless places.
fn day_label(day: f64) -> String {
    let rounded = (day * 100.0).round() / 100.0;
    format!("{rounded}")
}

#[cfg(test)]
mod tests {
    /// Every label is written in these files, or comes through `sheet::printable`.
    const SOURCES: [(&str, &str); 19] = [
        ("animate.rs", include_str!("animate.rs")),
        ("arms.rs", include_str!("arms.rs")),
        ("arms_dates.rs", include_str!("arms_dates.rs")),
        ("arms_series.rs", include_str!("arms_series.rs")),
        ("biopsy.rs", include_str!("biopsy.rs")),
        ("chart.rs", include_str!("chart.rs")),
        ("checklist.rs", include_str!("../picture/biopsy/checklist.rs")),
        ("fields.rs", include_str!("fields.rs")),
        ("legend.rs", include_str!("legend.rs")),
        ("load.rs", include_str!("load.rs")),
        ("map.rs", include_str!("map.rs")),
        ("network.rs", include_str!("network.rs")),
        ("section_map.rs", include_str!("section_map.rs")),
        ("strip.rs", include_str!("strip.rs")),
        ("surface.rs", include_str!("surface.rs")),
        ("surface.rs of the picture", include_str!("../picture/surface.rs")),
        ("time_series.rs", include_str!("time_series.rs")),
        ("timeline.rs", include_str!("timeline.rs")),
        ("words.rs", include_str!("words.rs")),
    ];

    #[test]
    fn the_embedded_font_has_every_character_of_every_label() {
        for (file, text) in SOURCES {
            let lacking: String = text.chars().filter(|&c| c != '\n' && !super::has_glyph(c)).collect();
            assert_eq!(lacking, "", "{file} has characters that the font lacks");
        }
        for species in crate::state::Species::ALL {
            assert!(species.unit().chars().all(super::has_glyph));
        }
        assert!(crate::picture::scale_bar_label(50.0).chars().all(super::has_glyph));
    }
}
