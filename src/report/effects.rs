//! Effects first: sentences, tables with intervals, and the spread of every arm.

use super::Report;
use super::compare::Folder;
use super::curves::{interval, scale};
use super::html::{data, escape, table};
use super::words::Effect;
use crate::figures::words::{endpoint, short, signed, with_unit};
use crate::output::records::Record;

/// Endpoints of the sentences of an arm; with many arms the first alone, the others stand in the tables.
const SPOKEN: usize = 3;
const FEW_ARMS: usize = 2;

/// An effect from its row in `contrasts.csv`.
pub fn effect(row: &Record) -> Option<Effect> {
    let found = row.estimate("diff_mean", "diff_ci")?;
    Some(Effect {
        arm: row.text("arm").to_owned(),
        reference: row.text("reference").to_owned(),
        endpoint: row.text("endpoint").to_owned(),
        difference: found.value,
        interval: found.ends.map(|(low, high)| [low, high]),
        superiority: row.number("a_measure"),
        p_holm: row.number("p_holm"),
        pairs: row.number("n_pairs"),
    })
}

/// Effects in sentences, then as tables with intervals.
pub fn effects(report: &mut Report, folder: &Folder) {
    if folder.effects.is_empty() {
        report.headline = "No contrast of arms in these results.".into();
        return;
    }
    report.page.heading("effects", "Effects");
    let all: Vec<String> = folder.effects.iter().map(|e| e.endpoint.clone()).collect();
    let order = folder.order(&all);
    let others: Vec<&String> = folder
        .arms
        .iter()
        .filter(|arm| folder.effects.iter().any(|e| e.arm == **arm))
        .collect();
    let spoken = if others.len() > FEW_ARMS { 1 } else { SPOKEN };
    for arm in &others {
        for endpoint in order.iter().take(spoken) {
            let found = folder
                .effects
                .iter()
                .find(|e| e.arm == **arm && e.endpoint == *endpoint);
            if let Some(effect) = found {
                let words = effect.sentence();
                if report.headline.is_empty() {
                    report.headline.clone_from(&words);
                }
                report.page.said("lead", &words);
            }
        }
    }
    report.page.said(
        "note",
        "Mean differences over pairs of runs with equal seed, with 95 % bootstrap intervals (BCa). A date that did not come counts as the end of \
         the run. A: how often a run of the arm is higher than one of the reference (0.5: as often as not). p after Holm over all endpoints of \
         the arm.",
    );
    for arm in &others {
        let arm_index = folder.arms.iter().position(|a| a == *arm).unwrap_or(0);
        let pick = |wanted: &dyn Fn(&str) -> bool| -> Vec<&Effect> {
            folder
                .effects
                .iter()
                .filter(|e| e.arm == **arm && wanted(&e.endpoint))
                .collect()
        };
        let mut first = pick(&|name| order.iter().any(|o| o == name));
        first.sort_by_key(|e| order.iter().position(|o| *o == e.endpoint));
        let rest = pick(&|name| !order.iter().any(|o| o == name));
        let reference = first.first().map_or("", |e| e.reference.as_str());
        let caption = format!("{arm} against {reference}");
        report.page.raw(&effect_table(&caption, &first, arm_index));
        if !rest.is_empty() {
            let inside = effect_table(&caption, &rest, arm_index);
            report
                .page
                .details(&format!("{} further endpoints of {arm}", rest.len()), &inside);
        }
    }
}

/// Effects with intervals; each unit has its own scale.
fn effect_table(caption: &str, effects: &[&Effect], arm: usize) -> String {
    let rows: Vec<Vec<String>> = effects
        .iter()
        .map(|e| {
            let said = endpoint(&e.endpoint);
            let scaled = |e: &Effect| {
                (
                    e.difference * said.factor,
                    e.interval.map(|i| i.map(|x| x * said.factor)),
                )
            };
            let alike = effects.iter().filter(|other| {
                let its = endpoint(&other.endpoint);
                its.difference_unit == said.difference_unit && !its.difference_unit.is_empty()
                    || other.endpoint == e.endpoint
            });
            let shared = scale(alike.map(|other| scaled(other)));
            let (value, ends) = scaled(e);
            let words = ends.map_or("none".to_owned(), |[low, high]| {
                format!("{} to {}", signed(low), signed(high))
            });
            vec![
                escape(&said.words),
                data(e.difference, &with_sign(value, &said.difference_unit)),
                escape(&words),
                interval(value, ends, shared, arm),
                e.superiority.map_or(String::new(), |a| data(a, &short(a))),
                e.p_holm.map_or(String::new(), |p| data(p, &short(p))),
                e.pairs.map_or(String::new(), short),
            ]
        })
        .collect();
    table(
        caption,
        &[
            "endpoint",
            "difference",
            "95 % interval",
            "left of the line: lower",
            "A",
            "p (Holm)",
            "pairs",
        ],
        &rows,
    )
}

/// A difference with its sign and unit.
pub fn with_sign(value: f64, unit: &str) -> String {
    format!("{} {unit}", signed(value)).trim_end().to_owned()
}

/// Medians and 90 % of every arm.
pub fn arms(report: &mut Report, folder: &Folder) {
    let Some(spreads) = folder.spreads.as_ref().filter(|s| s.rows().count() > 0) else {
        return;
    };
    report.page.heading("arms", "Arms");
    let names = spreads.words("endpoint");
    let order = folder.order(&names);
    let mut head = vec!["endpoint"];
    head.extend(folder.arms.iter().map(String::as_str));
    let line = |name: &String| -> Vec<String> {
        let said = endpoint(name);
        let mut cells = vec![escape(&said.words)];
        cells.extend(folder.arms.iter().map(|arm| {
            let row = spreads
                .rows()
                .find(|row| row.text("arm") == arm && row.text("endpoint") == *name);
            row.and_then(|row| {
                let [median, low, high] = ["median", "q05", "q95"].map(|q| row.number(q).map(|x| x * said.factor));
                let shown = format!(
                    "{} [{} to {}]",
                    with_unit(median?, &said.unit),
                    short(low?),
                    short(high?)
                );
                Some(data(row.number("median")?, &shown))
            })
            .unwrap_or_else(|| "–".into())
        }));
        cells
    };
    let rows: Vec<Vec<String>> = order.iter().map(line).collect();
    let n = spreads
        .rows()
        .filter_map(|row| row.number("n"))
        .fold(0.0, crate::math::max);
    report.page.table(
        &format!("Median [5 to 95 % of the runs], up to {} runs an arm", short(n)),
        &head,
        &rows,
    );
    let rest: Vec<Vec<String>> = names.iter().filter(|name| !order.contains(name)).map(line).collect();
    if !rest.is_empty() {
        let inside = table("Median [5 to 95 % of the runs]", &head, &rest);
        report.page.details("All endpoints", &inside);
    }
}
