//! What designs say beyond arms: attribution, figures, and tables of power, calibration, points.

use std::path::Path;

use super::compare::Folder;
use super::curves::{interval, scale};
use super::effects::with_sign;
use super::html::{data, escape, table};
use super::{Report, pictures};
use crate::error::Result;
use crate::figures;
use crate::figures::words::{endpoint, short, signed, with_unit};
use crate::output::records::{Record, Records};

/// Rows beyond which a table is only named.
const MOST_ROWS: usize = 200;

/// The figures of the tables, as `figures` draws them; curves over time are charts of the page already.
pub fn drawn(report: &mut Report, dir: &Path) -> Result<()> {
    let pages = figures::for_a_page(dir)?;
    let mut inside = String::new();
    for (title, description, canvas) in pages {
        inside += &pictures::image(&canvas, &format!("{title}. {description}"), &title)?;
    }
    if !inside.is_empty() {
        report.page.heading("figures", "Figures");
        report.page.raw(&format!("<div class=\"sheets\">{inside}</div>"));
    }
    Ok(())
}

/// What designs say beyond arms: attribution, power, calibration, points.
pub fn designs(report: &mut Report, dir: &Path, folder: &Folder) -> Result<()> {
    if let Some(shares) = Records::read(&dir.join("attribution.csv"))? {
        attribution(report, &shares, &folder.primary());
    }
    const TABLES: [(&str, &str, &str); 8] = [
        ("synergies.csv", "synergies", "Synergies of pairs of mechanisms"),
        ("trial_power.csv", "power", "Power of trials"),
        ("trial_size.csv", "size", "Patients that a trial needs"),
        ("waves.csv", "waves", "Waves of history matching"),
        (
            "identifiability.csv",
            "identifiability",
            "What the observations identify",
        ),
        ("hold_out.csv", "hold-out", "Observations that were held out"),
        ("claims.csv", "claims", "Claims"),
        ("points.csv", "points", "Points of the design"),
    ];
    for (file, id, words) in TABLES {
        let Some(records) = Records::read(&dir.join(file))? else {
            continue;
        };
        let rows: Vec<Vec<String>> = records
            .rows()
            .take(MOST_ROWS)
            .map(|row| records.names().iter().map(|name| plain_cell(&row, name)).collect())
            .collect();
        if rows.is_empty() {
            continue;
        }
        let head: Vec<&str> = records.names().iter().map(String::as_str).collect();
        let count = records.rows().count();
        let caption = if count > MOST_ROWS {
            format!("{words}: the first {MOST_ROWS} of {count} rows of {file}")
        } else {
            format!("{words} ({file})")
        };
        report.page.heading(id, words);
        report
            .page
            .details(&format!("{count} rows"), &table(&caption, &head, &rows));
    }
    Ok(())
}

fn plain_cell(row: &Record, name: &str) -> String {
    match row.number(name) {
        Some(x) => data(x, &short(x)),
        None => escape(row.text(name)),
    }
}

/// Shapley shares of the mechanisms, with a sentence on what they add up to.
fn attribution(report: &mut Report, shares: &Records, primary: &str) {
    report.page.heading("attribution", "Which mechanisms carry the outcome");
    let outputs = shares.words("output");
    let output = if outputs.iter().any(|o| o == primary) {
        primary.to_owned()
    } else {
        outputs.first().cloned().unwrap_or_default()
    };
    let said = endpoint(&output);
    let mut rows: Vec<(f64, Option<[f64; 2]>, Record)> = shares
        .rows()
        .filter(|row| row.text("output") == output)
        .filter_map(|row| {
            let ends = row.number("share_ci_low").zip(row.number("share_ci_high"));
            Some((
                row.number("share")? * said.factor,
                ends.map(|(a, b)| [a * said.factor, b * said.factor]),
                row,
            ))
        })
        .collect();
    rows.sort_by(|a, b| {
        b.0.total_cmp(&a.0)
            .then(a.2.text("mechanism").cmp(b.2.text("mechanism")))
    });
    if let Some((_, _, row)) = rows.first() {
        let [full, empty] = ["full", "empty"].map(|key| row.number(key).unwrap_or(f64::NAN) * said.factor);
        report.page.said(
            "lead",
            &format!(
                "In this model, {} is {} with all mechanisms and {} with none of those taken away; the Shapley shares below add up to the difference.",
                said.words,
                with_unit(full, &said.unit),
                with_unit(empty, &said.unit)
            ),
        );
    }
    let shared = scale(rows.iter().map(|(value, ends, _)| (*value, *ends)));
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|(value, ends, row)| {
            let words = ends.map_or(String::new(), |[low, high]| {
                format!("{} to {}", signed(low), signed(high))
            });
            vec![
                escape(&row.text("mechanism").replace('_', " ")),
                escape(row.text("arm")),
                data(*value / said.factor, &with_sign(*value, &said.difference_unit)),
                escape(&words),
                interval(*value, *ends, shared, 0),
            ]
        })
        .collect();
    report.page.table(
        &format!("Shapley shares: {}", said.words),
        &["mechanism", "arm", "share", "95 % interval", ""],
        &lines,
    );
}
