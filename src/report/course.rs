//! Arms over time: medians with bands, and when things happen.

use std::path::Path;

use super::Report;
use super::compare::Folder;
use super::curves::{self, Line, Panel};
use crate::error::Result;
use crate::figures::arms_series;
use crate::figures::words::endpoint;
use crate::output::records::Records;

/// Median and 90 % of the seeds over time.
pub fn course(report: &mut Report, folder: &Folder) {
    let Some(drawn) = folder
        .drawn
        .as_ref()
        .filter(|d| d.arms.iter().any(|a| !a.series.is_empty()))
    else {
        return;
    };
    report.page.heading("course", "Course");
    let names: Vec<String> = drawn.arms.iter().map(|a| a.name.clone()).collect();
    let seeds: Vec<String> = drawn
        .arms
        .iter()
        .map(|a| format!("{}: {} seeds", a.name, a.series.len()))
        .collect();
    report.page.said(
        "note",
        &format!(
            "Line: median of the seeds. Band: 90 % of them (5 to 95 %). {}. Move over a chart, or focus it and use the arrow keys, to read the numbers; \
             the buttons hide and show arms.",
            seeds.join(", ")
        ),
    );
    report.page.raw(&curves::legend(&names));
    let panels = arms_series::PANELS
        .iter()
        .filter_map(|panel| {
            let (column, _, factor) = *panel.lines.first()?;
            let mut out = Panel {
                title: panel.title.to_owned(),
                unit: curves::unit_in(panel.title),
                factor,
                axis: "day".into(),
                least_top: panel.least_top,
                ..Panel::default()
            };
            for (index, arm) in drawn.arms.iter().enumerate() {
                let band = arms_series::band(arm, column, 1.0);
                if band.is_empty() {
                    continue;
                }
                if band.len() > out.x.len() {
                    out.x = band.iter().map(|p| p.day).collect();
                }
                out.lines.push(Line {
                    name: arm.name.clone(),
                    arm: index,
                    median: band.iter().map(|p| Some(p.median)).collect(),
                    band: (arm.series.len() > 1).then(|| {
                        [
                            band.iter().map(|p| Some(p.low)).collect(),
                            band.iter().map(|p| Some(p.high)).collect(),
                        ]
                    }),
                });
            }
            (!out.lines.is_empty()).then_some(out)
        })
        .collect();
    report.panels(panels);
}

/// Kaplan-Meier curves, where the results have them.
pub fn survival(report: &mut Report, dir: &Path) -> Result<()> {
    let Some(table) = Records::read(&dir.join("survival.csv"))? else {
        return Ok(());
    };
    let [date, day, share] = ["endpoint", "t_d", "s"];
    if ![date, day, share].iter().all(|name| table.has(name)) {
        return Ok(());
    }
    let arms = table.words("arm");
    let mut panels = Vec::new();
    for name in table.words(date) {
        let mut days: Vec<f64> = table
            .rows()
            .filter(|row| row.text(date) == name)
            .filter_map(|row| row.number(day))
            .collect();
        days.push(0.0);
        days.sort_by(f64::total_cmp);
        days.dedup();
        let lines = arms
            .iter()
            .enumerate()
            .map(|(arm, id)| {
                let own: Vec<(f64, f64)> = table
                    .rows()
                    .filter(|row| row.text(date) == name && row.text("arm") == id)
                    .filter_map(|row| Some((row.number(day)?, row.number(share)?)))
                    .collect();
                let at = |d: f64| own.iter().rev().find(|(t, _)| *t <= d + 1e-9).map_or(1.0, |(_, s)| *s);
                Line {
                    name: id.clone(),
                    arm,
                    median: days.iter().map(|d| Some(at(*d))).collect(),
                    band: None,
                }
            })
            .collect();
        panels.push(Panel {
            title: format!("Runs without it yet: {} (%)", endpoint(&name).words),
            unit: "%".into(),
            factor: 100.0,
            axis: "day".into(),
            x: days,
            lines,
            least_top: 100.0,
            has_keys: false,
            is_stepped: true,
        });
    }
    if !panels.is_empty() {
        report.page.heading("survival", "When it happens");
        if report.panels.is_empty() {
            report.page.raw(&curves::legend(&arms));
        }
        report.panels(panels);
    }
    Ok(())
}
