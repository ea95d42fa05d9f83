//! Strategies side by side: what each changes, in how much of the prior it helps, and what it costs in procedures, visits and
//! money. Drawn for experiments of several arms that ask for the cost.

use super::experiment_load::{Results, Shown};
use super::experiment_parts::{EDGE, PAGE, fitted, page};
use super::sheet::{Anchor, Sheet, Type};
use super::words::{short, signed};
use crate::error::Result;
use crate::math;
use crate::output::records::{Estimate, Records};
use crate::picture::colours::{GREY, INK, PALE};

/// Fewest arms beside the reference.
const LEAST: usize = 3;
/// Most columns of what changes.
const EFFECTS: usize = 4;
/// What a strategy costs.
const BURDEN: [&str; 3] = ["procedures", "visits", "cost"];
/// What no column can hold.
const OUTSIDE: &str = "Outside the model, and no part of any number here: survival, sepsis beyond the wound, emboli in the lungs, pain, bleeding, \
                       quality of life.";
/// A difference that is nothing to anyone, in the unit shown: the rounding of another order of sums grows to this in a chaotic site.
const NOTHING: f64 = 5e-3;
/// Height of a line [pt].
const LINE: f64 = 15.0;
/// Width of the names [pt].
const NAMES: f64 = 104.0;

/// A table of words.
pub struct Strategies {
    /// Heads of the columns: what, and in which unit.
    heads: Vec<[String; 2]>,
    /// Arm and cells; whether an interval leaves zero out.
    rows: Vec<(String, Vec<(String, bool)>)>,
    what: String,
    /// Columns at the end that say what it costs.
    burden: usize,
}

/// The table; nothing where no strategies are compared by their cost.
pub fn table(results: &Results) -> Result<Option<Strategies>> {
    let Some(contrasts) = results.table("contrasts.csv")? else {
        return Ok(None);
    };
    let arms: Vec<String> = results.arms().into_iter().skip(1).collect();
    let burden: Vec<&Shown> = (results.endpoints.iter())
        .filter(|e| BURDEN.iter().any(|name| is_column(&e.name, name)))
        .collect();
    if arms.len() < LEAST || !burden.iter().any(|e| is_column(&e.name, "cost")) {
        return Ok(None);
    }
    let is_there = |e: &&Shown| contrasts.rows().any(|row| row.text("endpoint") == e.name);
    let rest = (results.endpoints.iter()).filter(|e| !BURDEN.iter().any(|name| is_column(&e.name, name)));
    let effects: Vec<&Shown> = rest.filter(is_there).take(EFFECTS).collect();
    let benefit = results.table("benefit.csv")?;
    let mut heads: Vec<[String; 2]> = effects.iter().map(|e| head(e)).collect();
    if benefit.is_some() {
        heads.insert(
            1.min(heads.len()),
            ["helps · harms".to_owned(), "% of the prior".to_owned()],
        );
    }
    heads.extend(burden.iter().map(|e| head(e)));
    let rows = arms.iter().map(|arm| {
        let mut cells: Vec<(String, bool)> = effects.iter().map(|e| effect(&contrasts, arm, e)).collect();
        if let Some(benefit) = &benefit {
            cells.insert(1.min(cells.len()), chances(benefit, arm, effects.first().copied()));
        }
        cells.extend(burden.iter().map(|e| effect(&contrasts, arm, e)));
        (arm.clone(), cells)
    });
    let reference = results.arms().first().cloned().unwrap_or_default();
    Ok(Some(Strategies {
        heads,
        rows: rows.collect(),
        burden: burden.len(),
        what: format!(
            "Mean difference from {reference} over pairs of sites, with its 95 % interval; bold where the interval leaves zero out, without correction \
             for the number of comparisons. {OUTSIDE}"
        ),
    }))
}

/// Draws the table.
pub fn draw(results: &Results) -> Result<Option<Sheet>> {
    let Some(table) = table(results)? else {
        return Ok(None);
    };
    let height = LINE * table.rows.len() as f64 + 34.0;
    let (mut sheet, top) = page(results, "What each strategy changes, and costs", &table.what, height);
    // A number alone takes half the room of one with its interval.
    let burden = table.burden as f64;
    let share = (PAGE - 2.0 * EDGE - NAMES) / (table.heads.len() as f64 - 0.55 * burden);
    let wide = |k: usize| {
        if k + table.burden < table.heads.len() {
            share
        } else {
            0.45 * share
        }
    };
    let right = |k: usize| EDGE + NAMES + (0..=k).map(wide).sum::<f64>() - 2.0;
    for (k, lines) in table.heads.iter().enumerate() {
        for (i, line) in lines.iter().enumerate() {
            let face = Type::new(6.8)
                .anchor(Anchor::End)
                .colour(if i == 0 { INK } else { GREY });
            let words = fitted(line, wide(k) - 2.0, face);
            sheet.text(words, [right(k), top + 10.0 + 10.0 * i as f64], face);
        }
    }
    sheet.line(&[[EDGE, top + 25.0], [PAGE - EDGE, top + 25.0]], 0.8, INK);
    for (i, (arm, cells)) in table.rows.iter().enumerate() {
        let y = top + 25.0 + LINE * (i as f64 + 0.72);
        let face = Type::new(8.0);
        sheet.text(fitted(arm, NAMES - 6.0, face), [EDGE, y], face);
        for (k, (words, is_told)) in cells.iter().enumerate() {
            let face = Type {
                bold: *is_told,
                ..Type::new(6.8).anchor(Anchor::End)
            };
            sheet.text(words, [right(k), y], face);
        }
        let below = top + 25.0 + LINE * (i as f64 + 1.0);
        sheet.line(&[[EDGE, below], [PAGE - EDGE, below]], 0.3, PALE);
    }
    Ok(Some(sheet))
}

/// The table in Markdown.
pub fn markdown(table: &Strategies) -> String {
    let heads: Vec<String> = (table.heads.iter())
        .map(|[what, unit]| {
            if unit.is_empty() {
                what.clone()
            } else {
                format!("{what}, {unit}")
            }
        })
        .collect();
    let mut text = format!(
        "## Strategies\n\n{}\n\n| strategy | {} |\n|---|{}\n",
        table.what,
        heads.join(" | "),
        "---|".repeat(heads.len())
    );
    for (arm, cells) in &table.rows {
        let cells: Vec<String> = (cells.iter())
            .map(|(words, is_told)| {
                if *is_told {
                    format!("**{words}**")
                } else {
                    words.clone()
                }
            })
            .collect();
        text.push_str(&format!("| {arm} | {} |\n", cells.join(" | ")));
    }
    text + "\n"
}

/// Whether an endpoint is a column at some moment.
fn is_column(endpoint: &str, column: &str) -> bool {
    endpoint.rsplit('.').next() == Some(column)
}

fn head(endpoint: &Shown) -> [String; 2] {
    let words = endpoint.words.split(", on day").next().unwrap_or_default();
    let unit = endpoint.difference_unit.split(" of the").next().unwrap_or_default();
    [words.to_owned(), unit.to_owned()]
}

/// A difference with its interval, and whether the interval leaves zero out.
fn effect(contrasts: &Records, arm: &str, endpoint: &Shown) -> (String, bool) {
    let mut rows = contrasts.rows();
    let row = rows.find(|row| row.text("arm") == arm && row.text("endpoint") == endpoint.name);
    let Some(found) = row.and_then(|row| row.estimate("diff_mean", "diff_ci")) else {
        return ("–".to_owned(), false);
    };
    let Estimate { value, ends } = found.times(endpoint.factor);
    let (low, high) = ends.unwrap_or((value, value));
    if math::max(low.abs(), high.abs()) < NOTHING {
        return ("0".to_owned(), false);
    }
    match ends {
        Some((low, high)) if high - low > 1e-9 * math::max(value.abs(), 1e-9) => (
            format!("{} [{}, {}]", signed(value), signed(low), signed(high)),
            low * high > 0.0,
        ),
        // The same at every site.
        _ => (signed(value), false),
    }
}

/// In how much of the prior a strategy helps and harms.
fn chances(benefit: &Records, arm: &str, endpoint: Option<&Shown>) -> (String, bool) {
    let mut rows = benefit.rows();
    let row = rows.find(|row| row.text("arm") == arm && endpoint.is_some_and(|e| row.text("endpoint") == e.name));
    let share = |name: &str| row.and_then(|row| row.number(name)).map(|p| short((100.0 * p).round()));
    let words = share("p_benefit").zip(share("p_harm"));
    (
        words.map_or("–".to_owned(), |(helps, harms)| format!("{helps} · {harms}")),
        false,
    )
}

#[cfg(test)]
mod tests {
    use super::super::experiment_load::shown;
    use super::*;
    use serde_json::json;

    fn results(dir: &std::path::Path, arms: &[&str]) -> Results {
        let arms: Vec<_> = arms.iter().map(|id| json!({ "id": id })).collect();
        Results {
            dir: dir.to_owned(),
            manifest: json!({ "arms": arms, "question": "q", "name": "n" }),
            endpoints: [("final.necrotic_fraction", "-"), ("final.cost", "USD")]
                .map(|(name, unit)| shown(name, unit, 60.0))
                .into(),
        }
    }

    #[test]
    fn a_strategy_has_its_effect_its_chance_and_its_cost() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let at = tempfile::tempdir()?;
        let mut contrasts = "arm,endpoint,diff_mean,diff_ci_low,diff_ci_high\n".to_owned();
        for (arm, mean, low, high, cost) in [
            ("a", -0.1, -0.2, -0.05, 100),
            ("b", 0.1, -0.2, 0.3, 0),
            ("c", 1e-6, 0.0, 2e-6, 3),
        ] {
            contrasts.push_str(&format!(
                "{arm},final.necrotic_fraction,{mean},{low},{high}\n{arm},final.cost,{cost},{cost},{cost}\n"
            ));
        }
        std::fs::write(at.path().join("contrasts.csv"), contrasts)?;
        std::fs::write(
            at.path().join("benefit.csv"),
            "arm,endpoint,p_benefit,p_harm\na,final.necrotic_fraction,0.75,0.125\n",
        )?;
        let found = table(&results(at.path(), &["none", "a", "b", "c"]))?.ok_or("no table")?;
        let page = markdown(&found);
        assert!(page.contains("| a | **−10 [−20, −5]** | 75 · 13 | +100 |"), "{page}");
        assert!(page.contains("| b | +10 [−20, +30] | – | 0 |"), "{page}");
        assert!(page.contains("| c | 0 | – | +3 |"), "{page}");
        assert!(page.contains("Outside the model"));
        assert!(draw(&results(at.path(), &["none", "a", "b", "c"]))?.is_some());
        assert!(
            table(&results(at.path(), &["none", "a"]))?.is_none(),
            "two arms are no choice of strategies"
        );
        Ok(())
    }
}
