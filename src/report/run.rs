//! The report of one run, or of several side by side: question, outcome, course, sections, a biopsy, what it rests on.

use std::path::Path;

use serde_json::{Value, json};

use super::curves::{self, Line, Panel};
use super::html::{data, escape};
use super::{FIRST, Report, is_section, json_file, parameters, pictures, questions, toml_file};
use crate::error::Result;
use crate::figures::load::{self, Run};
use crate::figures::time_series::PANELS;
use crate::figures::words::{endpoint, short, with_unit};
use crate::output::records::Records;
use crate::simulation::archive::lens_of;

/// Sections in a strip.
const STRIP: usize = 6;
/// Everything of one run folder.
struct Subject {
    name: String,
    run: Run,
    record: Value,
    summary: Value,
    text: String,
    table: toml::Table,
    events: Option<Records>,
}

impl Subject {
    fn open(dir: &Path) -> Result<Self> {
        let run = Run::open(dir)?;
        let (text, table) = toml_file(&dir.join("scenario.toml"))?.unwrap_or_default();
        let seed = run.seed.map_or(String::new(), |seed| format!(", seed {seed}"));
        Ok(Self {
            name: format!("{}{seed}", run.scenario),
            record: json_file(&dir.join("run.json")),
            summary: json_file(&dir.join("summary.json")),
            events: Records::read(&dir.join("events.csv"))?,
            run,
            text,
            table,
        })
    }

    /// An outcome by its name.
    fn outcome(&self, name: &str) -> Option<f64> {
        match name.split_once('.') {
            Some((when, column)) => self.summary.get(when)?.get(column)?.as_f64(),
            None => self.summary.get(name)?.as_f64(),
        }
    }
}

/// The report of these run folders.
pub fn report(dirs: &[&Path], sensitivity: Option<(&str, &Records)>) -> Result<Report> {
    let mut subjects: Vec<Subject> = dirs.iter().map(|dir| Subject::open(dir)).collect::<Result<_>>()?;
    tell_apart(&mut subjects, dirs);
    let names: Vec<String> = subjects.iter().map(|s| s.name.clone()).collect();
    let mut report = Report {
        title: names.join(" · "),
        subtitle: subtitle(&subjects),
        headline: headline(&subjects),
        ..Report::default()
    };
    let arms: Vec<(String, toml::Table)> = subjects.iter().map(|s| (s.name.clone(), s.table.clone())).collect();
    questions(&mut report.page, &arms);
    outcome(&mut report, &subjects);
    course(&mut report, &subjects);
    happened(&mut report, &subjects);
    sections(&mut report, &subjects)?;
    biopsies(&mut report, &subjects)?;
    parameters::sensitivity(&mut report.page, sensitivity, "final.necrotic_fraction");
    parameters::section(&mut report.page, &arms);
    reproduction(&mut report, &subjects);
    limits(&mut report, &subjects);
    report.numbers.insert(
        "runs".into(),
        subjects
            .iter()
            .map(|s| json!({"name": s.name, "run": s.record, "summary": s.summary}))
            .collect(),
    );
    Ok(report)
}

/// Two runs of one name take that of their folder as well.
fn tell_apart(subjects: &mut [Subject], dirs: &[&Path]) {
    let names: Vec<String> = subjects.iter().map(|s| s.name.clone()).collect();
    for (i, (subject, dir)) in subjects.iter_mut().zip(dirs).enumerate() {
        if names.iter().enumerate().any(|(k, name)| k != i && *name == names[i]) {
            subject.name = format!("{} ({})", names[i], super::name(dir));
        }
    }
}

fn subtitle(subjects: &[Subject]) -> String {
    let days = subjects.iter().filter_map(|s| s.run.series.last_day());
    let days = days.fold(0.0, crate::math::max);
    let caveats: Vec<String> = subjects
        .iter()
        .map(|s| s.run.caveat())
        .filter(|c| !c.is_empty())
        .collect();
    let caveat = if caveats.is_empty() {
        String::new()
    } else {
        format!(" · {}", caveats.join(" · "))
    };
    match subjects.len() {
        1 => format!("One simulated site over {} days{caveat}", short(days)),
        n => format!("{n} simulated runs over {} days{caveat}", short(days)),
    }
}

fn headline(subjects: &[Subject]) -> String {
    let each: Vec<String> = subjects
        .iter()
        .map(|s| {
            let dead = s
                .outcome("final.necrotic_fraction")
                .map_or("its end is not reached".into(), |x| {
                    format!("{} % of the tissue died", short(100.0 * x))
                });
            let ulcer = s
                .outcome("t_ulcer_d")
                .map_or("no ulcer".into(), |day| format!("an ulcer on day {}", short(day)));
            format!("{}: {dead}, {ulcer}", s.name)
        })
        .collect();
    format!("In this model, {}.", each.join("; "))
}

fn outcome(report: &mut Report, subjects: &[Subject]) {
    let page = &mut report.page;
    page.heading("outcome", "Outcome");
    page.said("lead", &report.headline);
    page.said(
        "note",
        "A single run has no effect size: one site with one set of dice. `calcisim compare` runs arms over the same sites and gives effects \
         with intervals.",
    );
    let mut head = vec!["outcome"];
    head.extend(subjects.iter().map(|s| s.name.as_str()));
    let rows: Vec<Vec<String>> = FIRST
        .iter()
        .map(|&name| {
            let said = endpoint(name);
            let mut cells = vec![escape(&said.words)];
            cells.extend(subjects.iter().map(|s| match s.outcome(name) {
                Some(x) => data(x, &with_unit(x * said.factor, &said.unit)),
                None if name.starts_with("t_") => "did not happen".to_owned(),
                None => "–".to_owned(),
            }));
            cells
        })
        .collect();
    page.table("Outcomes of the simulated site", &head, &rows);
}

/// The charts of the figure of the same name, with a cursor.
fn course(report: &mut Report, subjects: &[Subject]) {
    report.page.heading("course", "Course");
    report.page.said(
        "note",
        "Move over a chart, or focus it and use the arrow keys, to read the numbers. Rows of series.csv, nothing smoothed.",
    );
    if subjects.len() > 1 {
        let names: Vec<String> = subjects.iter().map(|s| s.name.clone()).collect();
        report.page.raw(&curves::legend(&names));
    }
    let mut panels = Vec::new();
    for panel in &PANELS {
        if subjects.len() == 1 {
            panels.extend(of_columns(panel, &subjects[0]));
        } else {
            panels.extend(panel.lines.iter().filter_map(|&(column, words, factor)| {
                of_runs(
                    &format!("{words}: {}", panel.title),
                    panel.least_top,
                    column,
                    factor,
                    subjects,
                )
            }));
        }
    }
    report.panels(panels);
}

fn of_columns(panel: &crate::figures::time_series::Panel, subject: &Subject) -> Option<Panel> {
    let mut out = Panel {
        title: panel.title.to_owned(),
        unit: curves::unit_in(panel.title),
        factor: panel.lines.first()?.2,
        axis: "day".into(),
        least_top: panel.least_top,
        has_keys: true,
        ..Panel::default()
    };
    for (i, &(column, words, _)) in panel.lines.iter().enumerate() {
        let Some(series) = subject.run.series.series(column) else {
            continue;
        };
        out.x = series.iter().map(|(day, _)| *day).collect();
        out.lines.push(Line {
            name: words.to_owned(),
            arm: i,
            median: series.into_iter().map(|(_, value)| value).collect(),
            band: None,
        });
    }
    (!out.lines.is_empty()).then_some(out)
}

fn of_runs(title: &str, least_top: f64, column: &str, factor: f64, subjects: &[Subject]) -> Option<Panel> {
    let mut out = Panel {
        title: title.to_owned(),
        unit: curves::unit_in(title),
        factor,
        axis: "day".into(),
        least_top,
        ..Panel::default()
    };
    for (arm, subject) in subjects.iter().enumerate() {
        let series = subject.run.series.series(column)?;
        // All lines share the days of the longest run.
        if series.len() > out.x.len() {
            out.x = series.iter().map(|(day, _)| *day).collect();
        }
        out.lines.push(Line {
            name: subject.name.clone(),
            arm,
            median: series.into_iter().map(|(_, value)| value).collect(),
            band: None,
        });
    }
    Some(out)
}

/// First events of each kind with what they came from.
fn happened(report: &mut Report, subjects: &[Subject]) {
    const KINDS: [(&str, &str); 9] = [
        ("challenge", "challenge"),
        ("dose", "dose"),
        ("closure", "a vessel closed"),
        ("reopening", "a vessel opened again"),
        ("death", "tissue died"),
        ("ulceration", "the surface broke"),
        ("infection", "bacteria settled"),
        ("debridement", "dead tissue was cut away"),
        ("wound_closure", "the wound closed"),
    ];
    report.page.heading("events", "What happened, in order");
    for subject in subjects {
        let Some(events) = &subject.events else {
            continue;
        };
        if subjects.len() > 1 {
            report.page.subheading(&subject.name);
        }
        let of = |id: &str| events.rows().find(|row| row.text("id") == id);
        let mut rows: Vec<(f64, Vec<String>)> = KINDS
            .iter()
            .filter_map(|(kind, words)| {
                let first = events.rows().find(|row| row.text("kind") == *kind)?;
                let count = events.rows().filter(|row| row.text("kind") == *kind).count();
                let day = first.number("t_d")?;
                let cause = match first.text("cause") {
                    "" => String::new(),
                    id => of(id).map_or(String::new(), |row| {
                        format!(
                            "{} of {} on day {}",
                            row.text("kind"),
                            row.text("entity"),
                            row.number("t_d").map_or_else(String::new, short)
                        )
                    }),
                };
                Some((
                    day,
                    vec![
                        escape(words),
                        data(day, &format!("day {}", short(day))),
                        escape(first.text("entity")),
                        escape(&cause),
                        count.to_string(),
                    ],
                ))
            })
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
        report.page.table(
            "First event of each kind, and the earlier event that the model booked as its cause, in this model",
            &["event", "first", "what", "because of", "in all"],
            &rows,
        );
    }
}

fn sections(report: &mut Report, subjects: &[Subject]) -> Result<()> {
    report.page.heading("sections", "Sections");
    let mut any = false;
    for subject in subjects {
        let kept = &subject.run.snapshots;
        let count = kept.len();
        if count == 0 {
            continue;
        }
        let wanted = if subjects.len() == 1 {
            STRIP.min(count)
        } else {
            3.min(count)
        };
        // Evenly over the days that the folder holds, the last among them.
        let chosen = (0..wanted).map(|i| {
            if wanted == 1 {
                count - 1
            } else {
                i * (count - 1) / (wanted - 1)
            }
        });
        let (mut strip, mut key) = (String::from("<div class=\"strip\">"), String::new());
        for i in chosen {
            let snapshot = load::snapshot(&kept[i].1)?;
            key = pictures::key(&snapshot, subject.run.hypoxia_mmhg);
            strip += &pictures::section(&snapshot, subject.run.hypoxia_mmhg, "")?;
        }
        if !any {
            report.page.said("note", &key);
        }
        any = true;
        if subjects.len() > 1 {
            report.page.subheading(&subject.name);
        }
        report.page.raw(&(strip + "</div>"));
    }
    if !any {
        report.page.paragraph("No snapshot was kept.");
    }
    Ok(())
}

fn biopsies(report: &mut Report, subjects: &[Subject]) -> Result<()> {
    report.page.heading("biopsies", "Virtual biopsy on the last day");
    let mut place = None;
    for subject in subjects {
        let Some((_, path)) = subject.run.snapshots.last() else {
            continue;
        };
        let snapshot = load::snapshot(path)?;
        if snapshot.grid.plane == crate::grid::Plane::Plan {
            report
                .page
                .paragraph("A sheet seen from above has no layers to punch through.");
            continue;
        }
        let lens = lens_of(&subject.table)?;
        // The first run chooses the place; the others are punched there too, where their space allows it.
        let (punch, words) = place.get_or_insert_with(|| pictures::place(&snapshot));
        let (taken, words) = match pictures::take(&snapshot, *punch, &lens) {
            Ok(taken) => (taken, *words),
            Err(_) => {
                let (punch, words) = pictures::place(&snapshot);
                (pictures::take(&snapshot, punch, &lens)?, words)
            }
        };
        let title = if subjects.len() > 1 {
            format!("{}: ", subject.name)
        } else {
            String::new()
        };
        report.page.paragraph(&format!(
            "{title}Punch of {} mm {words}, day {}. Verdict by rule: {}.",
            short(taken.punch.diameter_um / 1000.0),
            short(snapshot.day),
            pictures::verdicts(&taken.findings)
        ));
        let slides = pictures::slides(&snapshot, &taken, &lens, "")?;
        report.page.raw(&format!("<div class=\"strip\">{slides}</div>"));
    }
    report.page.said(
        "note",
        "Checked against a published list, not reviewed by a pathologist. `calcisim biopsy` draws them large, with fields of view and a checklist.",
    );
    Ok(())
}

fn reproduction(report: &mut Report, subjects: &[Subject]) {
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    let commands: Vec<String> = subjects
        .iter()
        .map(|s| {
            let seed = s.run.seed.unwrap_or(1);
            let days = s
                .run
                .days
                .map_or(String::new(), |d| format!(" --days {}", crate::output::number(d)));
            format!(
                "calcisim run {}-s{seed}.toml --seed {seed}{days}    # state {}",
                s.run.scenario,
                word(&s.record, "state_hash")
            )
        })
        .collect();
    let made: Vec<String> = subjects
        .iter()
        .map(|s| {
            format!(
                "{}: calcisim {} (git {})",
                s.name,
                word(&s.record, "version"),
                word(&s.record, "git")
            )
        })
        .collect();
    let texts: Vec<(String, String)> = subjects
        .iter()
        .map(|s| {
            (
                format!("{}-s{}.toml", s.run.scenario, s.run.seed.unwrap_or(1)),
                s.text.clone(),
            )
        })
        .collect();
    report.reproduction(&commands, &format!("Made by {}.", made.join("; ")), &texts);
}

fn limits(report: &mut Report, subjects: &[Subject]) {
    let mut own = Vec::new();
    for subject in subjects {
        let caveat = subject.run.caveat();
        if !caveat.is_empty() {
            own.push(format!(
                "{}: {caveat}; numbers are those of the last recorded row.",
                subject.name
            ));
        }
        if is_section(&subject.table) {
            own.push(format!(
                "{}: a section is two-dimensional. Sizes of infarcts in it are not those of a body.",
                subject.name
            ));
        }
        let defaults = subject.record.get("host_defaults").and_then(Value::as_array);
        if let Some(list) = defaults.filter(|list| !list.is_empty()) {
            own.push(format!(
                "{}: {} values of the patient were not given and are the registry's defaults.",
                subject.name,
                list.len()
            ));
        }
    }
    report.limits(own);
}
