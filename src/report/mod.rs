//! Reports: one HTML file that holds all of itself. `run` tells of one run or several, `compare` of arms and of the results of
//! experiments (`effects`, `course`, `designs` are its parts); `words` and `html` keep what is said careful and what is written safe.
//!
//! The same folders give the same bytes.

mod compare;
mod course;
mod curves;
mod designs;
mod effects;
mod html;
mod parameters;
mod pictures;
mod run;
mod words;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::experiment::merge::is_results;
use crate::output::files;
use crate::output::records::Records;
use html::{Page, escape};

/// Outcomes that a report names first, as far as its tables have them.
const FIRST: [&str; 14] = [
    "final.necrotic_fraction",
    "max.ulcer_fraction",
    "final.ulcer_fraction",
    "t_first_thrombosis_d",
    "t_first_necrosis_d",
    "t_ulcer_d",
    "t_closure_d",
    "final.perfused_fraction",
    "final.mean_po2_mmhg",
    "final.thrombosed_segment_fraction",
    "final.calcified_segment_fraction",
    "final.mineral_ug",
    "final.inflammation",
    "final.open_wound_days",
];

/// A report, as it is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// Its size [B].
    pub bytes: usize,
    /// What it says first.
    pub headline: String,
}

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Run,
    Compare,
    Results,
}

fn kind(dir: &Path) -> Result<Kind> {
    if !dir.exists() {
        return Err(Error::files(dir.display(), "there is no such folder"));
    }
    if is_results(dir) {
        return Ok(Kind::Results);
    }
    if dir.join("compare.json").is_file() && dir.join("contrasts.csv").is_file() {
        return Ok(Kind::Compare);
    }
    if dir.join("run.json").is_file() {
        return Ok(Kind::Run);
    }
    let hint = if dir.join("plan.json").is_file() {
        format!(
            "this is a plan; merge its results first: calcisim experiment merge {} -o RESULTS",
            dir.display()
        )
    } else {
        "neither a run folder (`run.json`), nor a comparison (`compare.json`), nor merged results of an experiment (`manifest.json`)"
            .into()
    };
    Err(Error::input(dir.display().to_string(), hint))
}

/// Writes the report of these folders: runs, or one comparison or results of an experiment; further results with a
/// `sensitivity.csv` say what the outcome hangs on. Without `out`, the file is `report.html` in the first folder.
///
/// # Errors
/// When a folder is none of these, when they do not go together, or when the file cannot be written.
pub fn write(dirs: &[PathBuf], out: Option<&Path>) -> Result<Written> {
    let Some(first) = dirs.first() else {
        return Err(Error::Usage("report needs a folder".into()));
    };
    let (mut subjects, mut sensitivity) = (Vec::new(), None);
    let lead = kind(first)?;
    for dir in dirs {
        let found = kind(dir)?;
        let table = dir.join("sensitivity.csv");
        if found == Kind::Results && table.is_file() && sensitivity.is_none() {
            sensitivity = Records::read(&table)?.map(|table| (dir.display().to_string(), table));
            if dir != first {
                continue;
            }
        }
        if dir != first && (found != Kind::Run || lead != Kind::Run) {
            return Err(Error::Usage(format!(
                "{}: one report holds several runs, or one comparison or experiment; results with a sensitivity.csv may be added to each",
                dir.display()
            )));
        }
        subjects.push(dir.as_path());
    }
    let named = sensitivity.as_ref().map(|(from, table)| (name(Path::new(from)), table));
    let named = named.as_ref().map(|(from, table)| (from.as_str(), *table));
    let report = match lead {
        Kind::Run => run::report(&subjects, named)?,
        Kind::Compare | Kind::Results => compare::report(first, named)?,
    };
    let path = out.map_or_else(|| first.join("report.html"), Path::to_owned);
    let text = report.page.document(&report.title, &report.subtitle, &report.data());
    files::write_whole(&path, text.as_bytes())?;
    Ok(Written {
        path,
        bytes: text.len(),
        headline: report.headline,
    })
}

/// A report in the making.
#[derive(Default)]
struct Report {
    title: String,
    subtitle: String,
    headline: String,
    page: Page,
    panels: Vec<curves::Panel>,
    /// Numbers beside the curves, for programs that read the page.
    numbers: serde_json::Map<String, Value>,
}

impl Report {
    /// Adds charts side by side.
    fn panels(&mut self, panels: Vec<curves::Panel>) {
        let mut out = String::from("<div class=\"panels\">\n");
        for panel in panels {
            out += &panel.figure(self.panels.len());
            out.push('\n');
            self.panels.push(panel);
        }
        self.page.raw(&(out + "</div>"));
    }

    /// What the page holds for its script and for other programs.
    fn data(&self) -> Value {
        let mut all = self.numbers.clone();
        all.insert("schema".into(), "calcisim-report/1".into());
        let curves: Vec<Value> = self.panels.iter().map(curves::Panel::data).collect();
        all.insert("curves".into(), json!(curves));
        Value::Object(all)
    }

    /// How to make the same again, with the scenarios inside the page.
    fn reproduction(&mut self, commands: &[String], made_by: &str, texts: &[(String, String)]) {
        let page = &mut self.page;
        page.heading("reproduce", "How to make it again");
        page.paragraph(made_by);
        page.raw(&format!("<pre>{}</pre>", escape(&commands.join("\n"))));
        page.paragraph(
            "The same version, scenario and seed give the same state_hash on any machine and any number of threads. The scenarios below are resolved: \
             every value is written out.",
        );
        for (i, (file, text)) in texts.iter().enumerate() {
            page.details(
                file,
                &format!(
                    "<button type=\"button\" class=\"save\" data-from=\"file-{i}\" data-name=\"{0}\">Save {0}</button>\n<pre id=\"file-{i}\">{1}</pre>",
                    escape(file),
                    escape(text)
                ),
            );
        }
    }

    /// What the report cannot say.
    fn limits(&mut self, own: Vec<String>) {
        let mut all = own;
        all.extend([
            "One seed is one simulated site at risk, never a patient. Numbers over seeds say how sites of this model differ, not how patients do."
                .to_owned(),
            "There is no validation against patients. Most rates are assumed; the section on parameters says which.".to_owned(),
            "Causal sentences hold in this model only: they compare runs that differ by what was changed and by nothing else.".to_owned(),
            "Fibres, nuclei, red cells and edges in the pictures are texture and carry no data. The biopsy pictures were checked against a \
             published list, not reviewed by a pathologist."
                .to_owned(),
        ]);
        self.page.heading("limits", "Limits");
        self.page.list(&all);
    }
}

/// Name of a folder in words.
fn name(dir: &Path) -> String {
    let last = dir
        .canonicalize()
        .ok()
        .and_then(|full| full.file_name().map(|n| n.to_string_lossy().into_owned()));
    last.unwrap_or_else(|| dir.display().to_string())
}

/// A table of TOML from a file; empty when there is none.
fn toml_file(path: &Path) -> Result<Option<(String, toml::Table)>> {
    if !path.is_file() {
        return Ok(None);
    }
    let text = files::read_text(path)?;
    let table = text
        .parse()
        .map_err(|fault: toml::de::Error| Error::input(path.display().to_string(), fault.to_string()))?;
    Ok(Some((text, table)))
}

/// A record of a folder; `null` where there is none.
fn json_file(path: &Path) -> Value {
    let text = files::read_text(path).ok();
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null)
}

/// Whether a resolved scenario is of a section, not of a block or a sheet.
fn is_section(table: &toml::Table) -> bool {
    let plane = table.get("space").and_then(|space| space.get("plane"));
    plane.and_then(toml::Value::as_str) == Some("section")
}

/// A word of a scenario: its question, what is known, what is assumed.
fn said(table: &toml::Table, key: &str) -> String {
    table.get(key).and_then(toml::Value::as_str).unwrap_or("").to_owned()
}

/// Question, known and assumed of the arms.
fn questions(page: &mut Page, arms: &[(String, toml::Table)]) {
    page.heading("question", "Question");
    for (id, table) in arms {
        if arms.len() > 1 {
            page.subheading(id);
        }
        let mut list = String::from("<dl>");
        for (key, words) in [("question", "asks"), ("known", "known"), ("assumed", "assumed")] {
            let text = said(table, key);
            if !text.is_empty() {
                list += &format!("<dt>{words}</dt><dd>{}</dd>", escape(&text));
            }
        }
        page.raw(&(list + "</dl>"));
    }
}
