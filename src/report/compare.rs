//! The report of a comparison, or of the merged results of an experiment: effects first, then what they come from.

use std::path::Path;

use serde_json::{Value, json};

use super::curves::{self, Line, Panel, interval, scale};
use super::html::{data, escape, table};
use super::words::{Effect, endpoint, short, signed, with_unit};
use super::{Report, parameters, pictures, questions, toml_file};
use crate::error::Result;
use crate::figures::arms_series;
use crate::figures::load::{self, Compare};
use crate::figures::records::{Record, Records};
use crate::output::files;
use crate::simulation::archive::lens_of;

/// Endpoints that are told first, where the tables have them.
const FIRST: [&str; 14] = [
    "final.necrotic_fraction",
    "max.ulcer_fraction",
    "final.ulcer_fraction",
    "t_ulcer_d",
    "t_closure_d",
    "t_first_necrosis_d",
    "t_first_thrombosis_d",
    "final.perfused_fraction",
    "final.mean_po2_mmhg",
    "final.thrombosed_segment_fraction",
    "final.calcified_segment_fraction",
    "final.mineral_ug",
    "final.inflammation",
    "final.open_wound_days",
];
/// Endpoints of the sentences.
const SPOKEN: usize = 3;
/// Rows beyond which a table is only named.
const MOST_ROWS: usize = 200;

/// What the folder holds.
struct Folder {
    name: String,
    manifest: Value,
    plan: Value,
    arms: Vec<String>,
    scenarios: Vec<(String, String, toml::Table)>,
    effects: Vec<Effect>,
    spreads: Option<Records>,
    runs: Option<Records>,
    drawn: Option<Compare>,
}

impl Folder {
    fn open(dir: &Path) -> Result<Self> {
        let json = |file: &str| -> Value {
            files::read_text(&dir.join(file))
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or(Value::Null)
        };
        let (compare, merged, plan) = (json("compare.json"), json("manifest.json"), json("plan.json"));
        let manifest = if compare.is_null() { merged } else { compare };
        let arms: Vec<String> = manifest["arms"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|arm| arm.as_str().or_else(|| arm["id"].as_str()).map(str::to_owned))
            .collect();
        let mut scenarios = Vec::new();
        for arm in &arms {
            let file = dir.join("scenarios").join(format!("{arm}.toml"));
            if let Some((text, table)) = toml_file(&file)? {
                scenarios.push((arm.clone(), text, table));
            }
        }
        let contrasts = Records::read(&dir.join("contrasts.csv"))?;
        Ok(Self {
            name: manifest["name"]
                .as_str()
                .map_or_else(|| super::name(dir), str::to_owned),
            effects: contrasts
                .iter()
                .flat_map(Records::rows)
                .filter_map(|row| effect(&row))
                .collect(),
            spreads: Records::read(&dir.join("arms.csv"))?,
            runs: Records::read(&dir.join("runs.csv"))?,
            // Only one point of a design lies in the folder as arms do.
            drawn: if dir.join("series").is_dir() || dir.join("snapshots").is_dir() {
                Some(Compare::open(dir)?)
            } else {
                None
            },
            manifest,
            plan,
            arms,
            scenarios,
        })
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.manifest[key].as_f64().or_else(|| self.plan[key].as_f64())
    }

    fn text(&self, key: &str) -> &str {
        self.manifest[key]
            .as_str()
            .or_else(|| self.plan[key].as_str())
            .unwrap_or("")
    }

    /// The endpoint that the experiment watches.
    fn primary(&self) -> String {
        let outputs = &self.plan["outputs"];
        let index = outputs["primary"].as_u64().unwrap_or(u64::MAX) as usize;
        let named = outputs["endpoints"].get(index).and_then(|e| e["name"].as_str());
        named.unwrap_or(FIRST[0]).to_owned()
    }

    /// Endpoints in the order of the report: the primary one, the usual ones, the others.
    fn order(&self, all: &[String]) -> Vec<String> {
        let primary = self.primary();
        let first = std::iter::once(primary.as_str()).chain(FIRST);
        let mut order: Vec<String> = Vec::new();
        for name in first.filter(|name| all.iter().any(|a| a == name)) {
            if !order.iter().any(|o| o == name) {
                order.push(name.to_owned());
            }
        }
        order
    }
}

fn effect(row: &Record) -> Option<Effect> {
    Some(Effect {
        arm: row.text("arm").to_owned(),
        reference: row.text("reference").to_owned(),
        endpoint: row.text("endpoint").to_owned(),
        difference: row.number("diff_mean")?,
        interval: row
            .number("diff_ci_low")
            .zip(row.number("diff_ci_high"))
            .map(|(a, b)| [a, b]),
        superiority: row.number("a_measure"),
        p_holm: row.number("p_holm"),
        pairs: row.number("n_pairs"),
    })
}

/// The report of such a folder.
pub fn report(dir: &Path, sensitivity: Option<(&str, &Records)>) -> Result<Report> {
    let folder = Folder::open(dir)?;
    let mut report = Report {
        title: folder.name.replace('_', " "),
        subtitle: subtitle(&folder),
        ..Report::default()
    };
    question(&mut report, &folder);
    effects(&mut report, &folder);
    arms(&mut report, &folder);
    designs(&mut report, dir, &folder)?;
    course(&mut report, &folder);
    survival(&mut report, dir)?;
    sections(&mut report, &folder)?;
    parameters::sensitivity(&mut report.page, sensitivity, &folder.primary());
    let tables: Vec<(String, toml::Table)> = folder
        .scenarios
        .iter()
        .map(|(arm, _, table)| (arm.clone(), table.clone()))
        .collect();
    parameters::section(&mut report.page, &tables);
    reproduction(&mut report, dir, &folder)?;
    limits(&mut report, &folder);
    report.numbers.insert("manifest".into(), folder.manifest.clone());
    report.numbers.insert(
        "effects".into(),
        folder
            .effects
            .iter()
            .map(|e| {
                json!({"arm": e.arm, "reference": e.reference, "endpoint": e.endpoint, "diff_mean": e.difference,
                       "diff_ci": e.interval, "a_measure": e.superiority, "p_holm": e.p_holm, "n_pairs": e.pairs})
            })
            .collect(),
    );
    Ok(report)
}

fn subtitle(folder: &Folder) -> String {
    let days = folder
        .number("days")
        .map_or(String::new(), |d| format!(" over {} days", short(d)));
    let runs = folder.runs.as_ref().map_or(0, |runs| runs.rows().count());
    let failed = failures(folder);
    let failed = if failed > 0 {
        format!(" · {failed} of them failed")
    } else {
        String::new()
    };
    let kind = match folder.text("kind") {
        "" | "compare" => "Comparison",
        "sweep" => "Sweep",
        "sensitivity" => "Sensitivity analysis",
        "attribute" => "Attribution to mechanisms",
        "trial" => "Virtual trial",
        "calibrate" => "Calibration",
        other => other,
    };
    format!(
        "{kind}: {} arms, {runs} simulated runs{days}{failed}",
        folder.arms.len()
    )
}

fn failures(folder: &Folder) -> usize {
    let failed = |runs: &Records| runs.rows().filter(|row| row.text("status") == "failed").count();
    folder.runs.as_ref().map_or(0, failed)
}

fn question(report: &mut Report, folder: &Folder) {
    let own = folder.text("question");
    let tables: Vec<(String, toml::Table)> = folder
        .scenarios
        .iter()
        .map(|(arm, _, table)| (arm.clone(), table.clone()))
        .collect();
    if own.is_empty() {
        questions(&mut report.page, &tables);
    } else {
        report.page.heading("question", "Question");
        report.page.said("lead", own);
        if !folder.arms.is_empty() {
            report.page.paragraph(&format!(
                "Arms: {}; the first is the reference.",
                folder.arms.join(", ")
            ));
        }
    }
}

fn effects(report: &mut Report, folder: &Folder) {
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
    for arm in &others {
        for endpoint in order.iter().take(SPOKEN) {
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

fn with_sign(value: f64, unit: &str) -> String {
    format!("{} {unit}", signed(value)).trim_end().to_owned()
}

fn arms(report: &mut Report, folder: &Folder) {
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

/// What designs say beyond arms: attribution, power, calibration, points.
fn designs(report: &mut Report, dir: &Path, folder: &Folder) -> Result<()> {
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

/// Median and 90 % of the seeds over time.
fn course(report: &mut Report, folder: &Folder) {
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
                unit: super::run::unit_in(panel.title),
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
fn survival(report: &mut Report, dir: &Path) -> Result<()> {
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

/// One seed of every arm, side by side: the section at the end, and the same punch in each.
fn sections(report: &mut Report, folder: &Folder) -> Result<()> {
    let Some(drawn) = folder
        .drawn
        .as_ref()
        .filter(|d| d.arms.iter().any(|a| !a.snapshots.is_empty()))
    else {
        return Ok(());
    };
    report.page.heading("sections", "Sections at the end");
    let mut strip = String::from("<div class=\"strip\">");
    let mut slides = String::new();
    let (mut words, mut place) = (String::new(), None);
    for arm in &drawn.arms {
        let Some((seed, path)) = arm.snapshots.first() else {
            continue;
        };
        let snapshot = load::snapshot(path)?;
        words = format!(
            "Seed {seed} of every arm: the same site, the same dice. Bar {}. Brown hatch: dead tissue. Orange cross: vessel closed by clot. Hollow \
             vessel: less than a tenth of its first flow. Black edge: mineral in the wall. Dashed line: PO2 {} mmHg. Fibres and fat cells are texture.",
            pictures::bar_words(&snapshot),
            drawn.hypoxia_mmhg
        );
        strip += &pictures::section(&snapshot, drawn.hypoxia_mmhg, &format!("{}, ", arm.name))?;
        let scenario = folder.scenarios.iter().find(|(id, _, _)| *id == arm.name);
        let lens = lens_of(scenario.map_or(&toml::Table::new(), |(_, _, table)| table))?;
        if snapshot.grid.plane == crate::grid::Plane::Plan {
            continue;
        }
        let (punch, site) = place.get_or_insert_with(|| pictures::place(&snapshot));
        let taken = pictures::take(&snapshot, *punch, &lens)?;
        slides += &format!(
            "<p>{}</p><div class=\"strip\">{}</div>",
            escape(&format!(
                "{}: punch of {} mm {site} of the first arm, day {}. Verdict by rule: {}.",
                arm.name,
                short(taken.punch.diameter_um / 1000.0),
                short(snapshot.day),
                pictures::verdicts(&taken.findings)
            )),
            pictures::slides(&snapshot, &taken, &lens, &format!("{}: ", arm.name))?
        );
    }
    report.page.said("note", &words);
    report.page.raw(&(strip + "</div>"));
    if !slides.is_empty() {
        report
            .page
            .heading("biopsies", "Virtual biopsies: the same punch in every arm");
        report.page.raw(&slides);
        report.page.said(
            "note",
            "Checked against a published list, not reviewed by a pathologist.",
        );
    }
    Ok(())
}

fn reproduction(report: &mut Report, dir: &Path, folder: &Folder) -> Result<()> {
    let mut texts: Vec<(String, String)> = folder
        .scenarios
        .iter()
        .map(|(arm, text, _)| (format!("{arm}.toml"), text.clone()))
        .collect();
    let mut commands = Vec::new();
    if let Some((text, _)) = toml_file(&dir.join("experiment.toml"))? {
        texts.push(("experiment.toml".into(), text));
        let name = &folder.name;
        commands.push(format!(
            "calcisim experiment run experiment.toml    # plans into output/{name}-plan"
        ));
        commands.push(format!(
            "calcisim experiment merge output/{name}-plan -o output/{name}-results"
        ));
    } else {
        let files: Vec<String> = folder.arms.iter().map(|arm| format!("{arm}.toml")).collect();
        commands.push(format!(
            "calcisim compare {} --replicates {} --seed {}",
            files.join(" "),
            folder.number("replicates").unwrap_or(1.0),
            folder.number("seed").unwrap_or(1.0)
        ));
    }
    let digest = match folder.text("plan_digest") {
        "" => String::new(),
        digest => format!(", plan {digest}"),
    };
    let made = format!(
        "Made by calcisim {} (git {}){digest}.",
        folder.text("version"),
        folder.text("git")
    );
    report.reproduction(&commands, &made, &texts);
    Ok(())
}

fn limits(report: &mut Report, folder: &Folder) {
    let mut own = Vec::new();
    let failed = failures(folder);
    if failed > 0 {
        own.push(format!(
            "{failed} runs failed; their pairs are left out of every effect."
        ));
    }
    if let Some(missing) = folder.number("missing").filter(|n| *n > 0.0) {
        own.push(format!("{} rows have no result yet.", short(missing)));
    }
    if let Some(n) = folder.number("replicates").filter(|n| *n < 20.0) {
        own.push(format!(
            "{} seeds an arm: intervals from so few are themselves uncertain.",
            short(n)
        ));
    }
    let is_section = |(_, _, table): &(String, String, toml::Table)| {
        table
            .get("space")
            .and_then(|s| s.get("plane"))
            .and_then(toml::Value::as_str)
            == Some("section")
    };
    if folder.scenarios.iter().any(is_section) {
        own.push("A section is two-dimensional. Sizes of infarcts in it are not those of a body.".into());
    }
    own.push(
        "Many endpoints are shown; only those named before the runs were made are tests, the others are looks.".into(),
    );
    report.limits(own);
}
