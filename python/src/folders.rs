//! Run folders and comparisons: written here as by the command line, read from here and from there alike.

use std::path::PathBuf;

use calcisim::error::Error;
use calcisim::experiment::compare::{self as comparison, Arm, CompareOptions};
use calcisim::figures::{self, Formats};
use calcisim::output::files;
use calcisim::parameters::nearest_word;
use calcisim::simulation::archive::{Archive, ReplayOptions};
use calcisim::simulation::{self, RunOptions};
use pyo3::prelude::*;

use crate::errors::answer;
use crate::request::Request;
use crate::slice::Slice;
use crate::table::{self, Table};
use crate::work::heard;

/// Runs a scenario into a folder; answers what its author should know.
#[pyfunction]
pub fn run(
    py: Python<'_>,
    request: Request,
    out: PathBuf,
    force: bool,
    threads: usize,
    quiet: bool,
) -> PyResult<Vec<String>> {
    let (settings, warnings) = answer(py, py.detach(|| request.settings()))?;
    heard(py, |stop| {
        let options = RunOptions {
            out: Some(out),
            force,
            threads,
            is_quiet: quiet,
            stop: stop.clone(),
            ..RunOptions::default()
        };
        simulation::run(&settings, &options)
    })?;
    Ok(warnings)
}

/// Goes on with a run folder.
#[pyfunction]
pub fn resume(py: Python<'_>, folder: PathBuf, days: Option<f64>, threads: usize, quiet: bool) -> PyResult<()> {
    heard(py, |stop| {
        let options = RunOptions {
            threads,
            is_quiet: quiet,
            stop: stop.clone(),
            ..RunOptions::default()
        };
        simulation::resume(&folder, days, &options)
    })?;
    Ok(())
}

/// The tissue of a run folder on a day; on its last day without one. A day that the folder lacks is computed again.
#[pyfunction]
pub fn snapshot(py: Python<'_>, folder: PathBuf, day: Option<f64>, threads: usize) -> PyResult<Slice> {
    heard(py, |stop| {
        let archive = Archive::open(&folder)?;
        let day = day.unwrap_or_else(|| archive.last_day());
        let options = ReplayOptions {
            threads,
            is_quiet: true,
            stop: stop.clone(),
        };
        let mut found = archive.days("day", &[day], &options)?;
        match found.pop() {
            Some((snapshot, origin)) => Ok(Slice::of_folder(snapshot, origin.sentence())),
            None => Err(Error::Internal("a day was asked for and none came".to_owned())),
        }
    })
}

/// Days that a run folder holds.
#[pyfunction]
pub fn snapshot_days(py: Python<'_>, folder: PathBuf) -> PyResult<Vec<f64>> {
    let archive = answer(py, py.detach(|| Archive::open(&folder)))?;
    Ok(archive.snapshots.iter().map(|(day, _)| *day).collect())
}

/// Compares arms, the first being the reference, into a folder.
#[pyfunction]
pub fn compare(
    py: Python<'_>,
    arms: Vec<(Option<String>, Request)>,
    replicates: u64,
    seed: Option<u64>,
    out: PathBuf,
    force: bool,
    threads: usize,
    quiet: bool,
) -> PyResult<Vec<String>> {
    let (mut settled, mut warnings, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (name, request) in &arms {
        match py.detach(|| request.settings()) {
            Ok((settings, warned)) => {
                let id = name.clone().unwrap_or_else(|| request.stem().to_owned());
                settled.push(Arm { id, settings });
                warnings.extend(warned);
            }
            // A file that is not there ends alone what is asked for alone; of several faults all are shown.
            Err(error @ Error::Files { .. }) if arms.len() == 1 => return answer(py, Err(error)),
            Err(error) => faults.push(error),
        }
    }
    if faults.len() == 1 {
        return answer(py, Err(faults.remove(0)));
    }
    if !faults.is_empty() {
        let all = faults.iter().flat_map(Error::diagnostics).collect();
        return answer(py, Err(Error::Input(all)));
    }
    heard(py, |stop| {
        let options = CompareOptions {
            replicates,
            seed,
            threads,
            out: Some(out),
            force,
            is_quiet: quiet,
            stop: stop.clone(),
        };
        comparison::compare(&settled, &options)
    })?;
    Ok(warnings)
}

/// Draws a figure of a folder into another; answers the files.
#[pyfunction]
pub fn figure(
    py: Python<'_>,
    folder: PathBuf,
    into: PathBuf,
    name: &str,
    days: Vec<f64>,
    png: bool,
    small: bool,
) -> PyResult<Vec<PathBuf>> {
    let formats = Some(Formats {
        png,
        svg: !png,
        is_small: small,
    });
    let is_comparison = comparison::is_compare_folder(&folder);
    heard(py, |stop| {
        if is_comparison {
            return figures::of_compare_into(&folder, &into, formats);
        }
        if !days.is_empty() {
            let options = ReplayOptions {
                threads: 0,
                is_quiet: true,
                stop: stop.clone(),
            };
            return figures::of_days_into(&folder, &into, &days, formats, &options);
        }
        if !figures::OF_RUN.contains(&name) {
            let near = nearest_word(name, figures::OF_RUN);
            let near = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
            let all = figures::OF_RUN.join(", ");
            return Err(Error::input(
                "figure",
                format!("\"{name}\": no figure has this name; there are {all}{near}"),
            ));
        }
        figures::of_run_into(&folder, &into, Some(name), formats)
    })
}

/// Writes a report of folders: one HTML file.
#[pyfunction]
pub fn report(py: Python<'_>, folders: Vec<PathBuf>, out: PathBuf) -> PyResult<PathBuf> {
    heard(py, |_| calcisim::report::write(&folders, Some(&out))).map(|written| written.path)
}

/// A CSV table of a folder.
#[pyfunction]
pub fn read_table(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    let found = py.detach(|| {
        let text = files::read_text(&path)?;
        table::of_csv(&path.display().to_string(), &text)
    });
    answer(py, found)
}
