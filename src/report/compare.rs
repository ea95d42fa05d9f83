//! The report of a comparison, or of the merged results of an experiment: effects first, then what they come from.

use std::path::Path;

use serde_json::{Value, json};

use super::html::escape;
use super::words::Effect;
use super::{
    FIRST, Report, course, designs, effects, is_section, json_file, parameters, pictures, questions, toml_file,
};
use crate::error::Result;
use crate::figures::load::{self, Compare};
use crate::figures::words::short;
use crate::output::records::Records;
use crate::simulation::archive::lens_of;

/// What the folder holds.
pub struct Folder {
    name: String,
    manifest: Value,
    plan: Value,
    pub(super) arms: Vec<String>,
    scenarios: Vec<(String, String, toml::Table)>,
    pub(super) effects: Vec<Effect>,
    pub(super) spreads: Option<Records>,
    runs: Option<Records>,
    pub(super) drawn: Option<Compare>,
}

impl Folder {
    fn open(dir: &Path) -> Result<Self> {
        let [compare, merged, plan] =
            ["compare.json", "manifest.json", "plan.json"].map(|file| json_file(&dir.join(file)));
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
                .filter_map(|row| effects::effect(&row))
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
    pub(super) fn primary(&self) -> String {
        let outputs = &self.plan["outputs"];
        let index = outputs["primary"].as_u64().unwrap_or(u64::MAX) as usize;
        let named = outputs["endpoints"].get(index).and_then(|e| e["name"].as_str());
        named.unwrap_or(FIRST[0]).to_owned()
    }

    /// Endpoints in the order of the report: the primary one, the usual ones, the others.
    pub(super) fn order(&self, all: &[String]) -> Vec<String> {
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

/// The report of such a folder.
pub fn report(dir: &Path, sensitivity: Option<(&str, &Records)>) -> Result<Report> {
    let folder = Folder::open(dir)?;
    let mut report = Report {
        title: folder.name.replace('_', " "),
        subtitle: subtitle(&folder),
        ..Report::default()
    };
    question(&mut report, &folder);
    effects::effects(&mut report, &folder);
    effects::arms(&mut report, &folder);
    designs::drawn(&mut report, dir)?;
    designs::designs(&mut report, dir, &folder)?;
    course::course(&mut report, &folder);
    course::survival(&mut report, dir)?;
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
        let key = pictures::key(&snapshot, drawn.hypoxia_mmhg);
        words = format!("Seed {seed} of every arm: the same site, the same dice. {key}");
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
    if folder.scenarios.iter().any(|(_, _, table)| is_section(table)) {
        own.push("A section is two-dimensional. Sizes of infarcts in it are not those of a body.".into());
    }
    own.push(
        "Many endpoints are shown; only those named before the runs were made are tests, the others are looks.".into(),
    );
    report.limits(own);
}
