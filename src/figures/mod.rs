//! Figures of a run folder, of a comparison or of the results of an experiment. One file per figure; `load` reads, `sheet` writes, `chart` draws axes.
//!
//! The same folder gives the same bytes.

pub mod animate;
mod arms;
mod arms_series;
pub mod biopsy;
mod chart;
mod experiment_attribution;
mod experiment_contrasts;
mod experiment_load;
pub mod experiment_page;
mod experiment_parts;
mod experiment_sensitivity;
mod experiment_survival;
mod experiment_sweep;
mod experiment_trial;
mod fields;
mod gif;
mod legend;
mod load;
mod map;
mod network;
mod palette;
mod section_map;
mod sheet;
mod time_series;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

pub use sheet::has_glyph;

/// What every picture of tissue says.
const DISCLAIMER: &str = "simulated section, not a patient image";

/// Draws all figures of a run folder into its `figures/` and returns their paths.
///
/// A run that is still going, or was stopped, is drawn as far as it got, and the figures say so. Without a
/// snapshot only the time series is drawn.
pub fn of_run(dir: &Path) -> Result<Vec<PathBuf>> {
    let run = load::Run::open(dir)?;
    let out = folder(dir)?;
    let series = time_series::draw(&run);
    let mut paths = vec![out.join("time_series.png"), out.join("time_series.svg")];
    series.write_png(&paths[0])?;
    series.write_svg(&paths[1])?;
    if let Some((_, path)) = run.snapshots.last() {
        let snapshot = load::snapshot(path)?;
        let pages = [
            ("section_map.png", section_map::draw(&run, &snapshot)),
            ("fields.png", fields::draw(&run, &snapshot)),
            ("network.png", network::draw(&run, &snapshot)),
        ];
        for (name, sheet) in pages {
            let path = out.join(name);
            sheet.write_png(&path)?;
            paths.push(path);
        }
    }
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
    let compare = load::Compare::open(dir)?;
    let out = folder(dir)?;
    let mut paths = Vec::new();
    if let Some(sheet) = arms_series::draw(&compare) {
        paths.extend([out.join("time_series.png"), out.join("time_series.svg")]);
        sheet.write_png(&paths[0])?;
        sheet.write_svg(&paths[1])?;
    }
    for (i, sheet) in arms::draw(&compare)?.into_iter().enumerate() {
        let name = if i == 0 {
            "arms.png".to_owned()
        } else {
            format!("arms-{}.png", i + 1)
        };
        let path = out.join(name);
        sheet.write_png(&path)?;
        paths.push(path);
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
    pages.extend(experiment_survival::draw(results)?.map(|sheet| ("survival".to_owned(), sheet)));
    pages.extend(experiment_sweep::draw(results)?);
    pages.extend(experiment_sensitivity::draw(results)?);
    pages.extend(experiment_attribution::draw(results)?);
    pages.extend(experiment_trial::draw(results)?.map(|sheet| ("trial_power".to_owned(), sheet)));
    Ok(pages)
}

/// Draws all figures of a folder of merged results into its `figures/` and returns their paths.
pub fn of_experiment(dir: &Path) -> Result<Vec<PathBuf>> {
    let results = experiment_load::Results::open(dir)?;
    let out = folder(dir)?;
    let mut paths = Vec::new();
    for (name, sheet) in pages(&results)? {
        let (png, svg) = (out.join(format!("{name}.png")), out.join(format!("{name}.svg")));
        sheet.write_png(&png)?;
        sheet.write_svg(&svg)?;
        paths.extend([png, svg]);
    }
    if ["series", "snapshots"].iter().any(|part| dir.join(part).is_dir()) {
        paths.extend(of_compare(dir)?);
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
    if experiment_load::is_results(dir) {
        return of_experiment(dir);
    }
    if dir.join("runs.csv").is_file() {
        of_compare(dir)
    } else {
        of_run(dir)
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
    const SOURCES: [(&str, &str); 13] = [
        ("animate.rs", include_str!("animate.rs")),
        ("arms.rs", include_str!("arms.rs")),
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
        ("time_series.rs", include_str!("time_series.rs")),
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
