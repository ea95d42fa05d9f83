//! A page about an experiment, small enough to be kept beside a text: question, what was run, what the tables say,
//! pictures, and how to do it again. Every number comes from the tables.

use std::path::{Path, PathBuf};

use super::experiment_load::Results;
use super::experiment_strategies;
use super::words::{short, signed};
use crate::error::{Error, Result};
use crate::experiment::table;
use crate::output::files;
use crate::output::records::Records;
use crate::simulation::folder;

/// Tables that are small enough to lie beside the page.
const TABLES: [&str; 21] = [
    "arms.csv",
    "contrasts.csv",
    "pairing.csv",
    "survival.csv",
    "logrank.csv",
    "enough.csv",
    "equivalence.csv",
    "benefit.csv",
    "sequential.csv",
    "sensitivity.csv",
    "interactions.csv",
    "attribution.csv",
    "synergies.csv",
    "trial_power.csv",
    "trial_size.csv",
    "waves.csv",
    "generations.csv",
    "posterior.csv",
    "targets_fit.csv",
    "identifiability.csv",
    "experiment.toml",
];
/// Most lines of a table on the page.
const LINES: usize = 30;

/// Writes the page of a folder of results into a folder of its own, `README.md` with its pictures and tables, and answers
/// what was written.
pub fn write(dir: &Path, out: &Path, force: bool) -> Result<Vec<PathBuf>> {
    refuse_other(dir)?;
    let results = Results::open(dir)?;
    folder::install(out, force, is_page, |folder| {
        let mut written = Vec::new();
        let mut pictures = Vec::new();
        let mut pages = super::pages(&results)?;
        // The same differences, pair by pair: of many arms a picture too large to keep.
        if pages.iter().any(|(name, _)| name == "strategies") {
            pages.retain(|(name, _)| name != "contrasts");
        }
        for (name, sheet) in pages {
            let file = format!("{name}.png");
            sheet.write_small_png(&folder.join(&file))?;
            pictures.push((file, sheet.title().to_owned()));
        }
        let mut tables = Vec::new();
        for name in TABLES {
            let from = dir.join(name);
            if from.is_file() {
                files::write_whole(&folder.join(name), &files::read(&from)?)?;
                tables.push(name);
            }
        }
        let text = text(&results, &pictures, &tables)?;
        files::write_whole(&folder.join("README.md"), text.as_bytes())?;
        written.push(out.join("README.md"));
        written.extend(pictures.iter().map(|(file, _)| out.join(file)));
        written.extend(tables.iter().map(|name| out.join(name)));
        Ok(written)
    })
}

/// Whether a folder holds a page of ours.
fn is_page(path: &Path) -> bool {
    let text = std::fs::read_to_string(path.join("README.md")).unwrap_or_default();
    text.contains(MARK)
}

/// Says in the page who wrote it.
const MARK: &str = "<!-- written by `calcisim experiment page` -->";

fn text(results: &Results, pictures: &[(String, String)], tables: &[&str]) -> Result<String> {
    let name = results.word("name");
    let mut text = format!(
        "{MARK}\n# {}\n\n{}\n\n",
        name.replace('_', " "),
        results.word("question")
    );
    text.push_str("## What the tables say\n\nIn this model, of simulated sites at risk, never of patients:\n\n");
    for line in results.word("headline").lines() {
        text.push_str(&format!("- {line}\n"));
    }
    text.push('\n');
    if let Some(targets) = results.table("targets_fit.csv")? {
        text.push_str(&target_lines(&targets));
    }
    if let Some(rates) = results.table("identifiability.csv")? {
        text.push_str(&identified_lines(&rates));
    }
    if let Some(contrasts) = results.table("contrasts.csv")? {
        text.push_str(&contrast_lines(results, &contrasts));
    }
    if let Some(table) = experiment_strategies::table(results)? {
        text.push_str(&experiment_strategies::markdown(&table));
    }
    if let Some(indices) = results.table("sensitivity.csv")? {
        text.push_str(&sensitivity_lines(results, &indices));
    }
    for (file, title) in pictures {
        text.push_str(&format!("![{title}]({file})\n\n"));
    }
    text.push_str(&format!("## What was run\n\n{}\n", run_words(results)?));
    text.push_str(&format!(
        "\n```sh\ncalcisim experiment run {name} -o output/{name}-plan\ncalcisim experiment merge output/{name}-plan -o \
         output/{name}-results\ncalcisim experiment page output/{name}-results -o docs/experiments/{name} --force\n```\n\n"
    ));
    let links: Vec<String> = tables.iter().map(|name| format!("[{name}]({name})")).collect();
    text.push_str(&format!(
        "Beside this page: {}. What a column means: [docs/experiments.md](../../experiments.md).\n",
        links.join(" · ")
    ));
    Ok(text)
}

/// Runs, cost and version, in words.
fn run_words(results: &Results) -> Result<String> {
    let arms = results.arms().len();
    let plural = |n: f64, one: &str| {
        if n == 1.0 {
            format!("1 {one}")
        } else {
            format!("{n} {one}s")
        }
    };
    let (points, sites) = (results.number("points"), results.number("replicates"));
    let mut text = format!(
        "{} × {} × {} of {} days: {} runs, seeds from {}",
        plural(arms as f64, "arm"),
        plural(points, "point"),
        plural(sites, "site"),
        results.number("days"),
        results.number("rows"),
        results.number("seed")
    );
    let timing = table::read(&results.dir.join("timing.parquet"), &["wall_s"])?;
    let seconds: f64 = timing.first().map_or(0.0, |column| match &column.values {
        table::Values::Number(list) => list.iter().flatten().sum(),
        _ => 0.0,
    });
    text.push_str(&format!(
        "; {:.1} core-hours. calcisim {} ({}), plan {}.",
        seconds / 3600.0,
        results.word("version"),
        results.word("git"),
        results.word("plan_digest").get(..12).unwrap_or("")
    ));
    for (key, what) in [
        ("failed", "failed"),
        ("missing", "are missing"),
        ("dropped", "were not needed"),
    ] {
        let n = results.number(key);
        if n > 0.0 {
            text.push_str(&format!(" **{n} runs {what}.**"));
        }
    }
    Ok(text)
}

/// What a calibration was fitted to and what it was not, as a table of Markdown: fitted targets first, never mixed with the
/// others.
fn target_lines(targets: &Records) -> String {
    let mut text = String::from(
        "Weighted quantiles over the particles that are left; distance of the median in standard deviations of the target and of what the model \
         may miss. A row that is fitted is no evidence.\n\n\
         | target | | published | SD, with what the model may miss | median | 5 to 95 % | distance |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let mut rows: Vec<_> = targets.rows().collect();
    rows.sort_by_key(|row| row.text("use") != "fit");
    for row in rows.into_iter().take(LINES) {
        let of = |name: &str| row.number(name).unwrap_or(f64::NAN);
        let (sd, miss) = (of("sd"), of("discrepancy_sd"));
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} to {} | {:.1} |\n",
            row.text("target_id").replace('_', " "),
            if row.text("use") == "fit" { "fitted" } else { "held out" },
            short(of("value")),
            short((sd * sd + miss * miss).sqrt()),
            short(of("sim_median")),
            short(of("sim_q05")),
            short(of("sim_q95")),
            of("implausibility")
        ));
    }
    text + "\n"
}

/// What a calibration learned of each rate, as a table of Markdown.
fn identified_lines(rates: &Records) -> String {
    let mut text = String::from(
        "| rate | median, 95 % interval | narrower than its prior by | what chance leaves of it | |\n|---|---|---|---|---|\n",
    );
    for row in rates.rows().take(LINES) {
        let of = |name: &str| row.number(name).unwrap_or(f64::NAN);
        let percent = |name: &str| signed(100.0 * of(name));
        text.push_str(&format!(
            "| `{}` | {} ({} to {}) | {} % | {} % | {} |\n",
            row.text("factor"),
            short(of("median")),
            short(of("q025")),
            short(of("q975")),
            percent("contraction"),
            percent("contraction_low"),
            row.text("verdict")
        ));
    }
    text + "\n"
}

/// The primary endpoint against the reference, as a table of Markdown.
fn contrast_lines(results: &Results, contrasts: &Records) -> String {
    let Some(primary) = results.endpoints.first() else {
        return String::new();
    };
    let reference = results.arms().first().cloned().unwrap_or_default();
    let unit = match primary.difference_unit.as_str() {
        "" => String::new(),
        unit => format!(", {unit}"),
    };
    let mut text = format!(
        "| against {reference} | {}{unit}: difference | 95 % interval | A | p after Holm | pairs |\n|---|---|---|---|---|---|\n",
        primary.words
    );
    let rows = contrasts.rows().filter(|row| row.text("endpoint") == primary.name);
    for row in rows.take(LINES) {
        let Some(found) = row.estimate("diff_mean", "diff_ci").map(|e| e.times(primary.factor)) else {
            continue;
        };
        let ends = found.ends.map_or_else(
            || "–".to_owned(),
            |(low, high)| format!("{} to {}", signed(low), signed(high)),
        );
        let of = |name: &str| row.number(name).unwrap_or(f64::NAN);
        text.push_str(&format!(
            "| {} | {} | {ends} | {:.2} | {:.3} | {} |\n",
            row.text("arm"),
            signed(found.value),
            of("a_measure"),
            of("p_holm"),
            of("n_pairs")
        ));
    }
    text + "\n"
}

/// The factors of the primary endpoint in their order, as a table of Markdown.
fn sensitivity_lines(results: &Results, indices: &Records) -> String {
    let Some(primary) = results.endpoints.first() else {
        return String::new();
    };
    let method = indices.words("method").first().cloned().unwrap_or_default();
    let (head, column, ends, factor) = match method.as_str() {
        "morris" => ("μ*", "mu_star", "mu_star_ci", primary.factor),
        "saltelli" => ("ST", "st", "st_ci", 1.0),
        _ => ("PRCC", "prcc", "none", 1.0),
    };
    let mut rows: Vec<(f64, String)> = indices
        .rows()
        .filter(|row| row.text("output") == primary.name)
        .filter_map(|row| {
            let found = row.estimate(column, ends)?.times(factor);
            let interval = found.ends.map_or_else(
                || "–".to_owned(),
                |(low, high)| format!("{} to {}", short(low), short(high)),
            );
            let sigma = row
                .number("sigma")
                .map_or_else(|| "–".to_owned(), |s| short(s * factor));
            let floor = row.number("dummy_level").map(|d| d * factor);
            let verdict = match (row.text("factor"), floor) {
                ("dummy", _) => "other seeds: the floor of chance",
                (_, Some(floor)) if found.reach()[0] > floor => "above it",
                (_, Some(floor)) if found.value <= floor => "no larger",
                (_, Some(_)) => "not told apart",
                _ => "",
            };
            let name = row.text("factor");
            let line = format!(
                "| `{name}` | {} | {interval} | {sigma} | {verdict} |\n",
                short(found.value)
            );
            Some((found.value.abs(), line))
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let lines: String = rows.into_iter().take(LINES).map(|(_, line)| line).collect();
    format!(
        "| factor, for {} | {head} | 95 % interval | σ | against other seeds |\n|---|---|---|---|---|\n{lines}\n",
        primary.label
    )
}

/// A folder without merged results has no page.
fn refuse_other(dir: &Path) -> Result<()> {
    if super::experiment_load::is_results(dir) {
        return Ok(());
    }
    Err(Error::files(
        dir.display(),
        "holds no merged results: `calcisim experiment merge PLAN -o FOLDER` makes them",
    ))
}
