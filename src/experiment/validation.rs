//! Holds the tables of experiments against targets: what was published, what the model's sites show, met or not.
//!
//! A *target* is a published value with an interval and the use that was fixed for it before any fit. A *reading* says from which
//! arms of an experiment its counterpart is taken:
//!
//! ```toml
//! [[readings]]
//! target = "V3_chronic_both"
//! arm = "chronic"
//! share = ["final.calcified_thrombosed_segments > 0"]     # and the other keys of `reading`
//! equivalence = true                                      # the whole interval of the model must lie inside
//! not_read = "why"                                        # in place of all that
//! ```
//!
//! Sites of a list of arms are pooled; of several comparisons with one arm the largest counts.

use std::fmt::Write;

pub use super::reading::Table;
use super::reading::{Found, Reading, missing, pick};
use super::statistics::Interval;
use super::text::{self, Item, Section};
use crate::error::Result;
use crate::parameters::nearest_word;
use crate::scenario::{Faults, Place};

/// What a target is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Numbers were or may be chosen by it.
    Fit,
    /// Never used to choose a number.
    HoldOut,
    /// The model has no such output.
    NotAnOutput,
}

const USES: [(&str, Use); 3] = [
    ("fit", Use::Fit),
    ("hold_out", Use::HoldOut),
    ("not_an_output", Use::NotAnOutput),
];

/// A published value.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name.
    pub id: String,
    /// The observable, in words.
    pub what: String,
    /// How it is measured.
    pub instrument: String,
    /// Statistic over sites, in words.
    pub statistic: String,
    /// Published value.
    pub value: f64,
    /// Interval that the model's own must meet.
    pub interval: Interval,
    /// Unit of both.
    pub unit: String,
    /// Fit or held out.
    pub used_for: Use,
    /// Where it stands.
    pub source: String,
}

/// A reading and its target.
struct Asked {
    target: String,
    reading: Reading,
    is_equivalence: bool,
    not_read: Option<String>,
    place: Place,
}

/// How a target stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The model's interval meets the target's and its value lies inside; for an equivalence, all of its interval does.
    Met,
    /// The intervals meet, but the model's value lies outside.
    Touched,
    /// They do not meet.
    NotMet,
    /// No run was read for it.
    NotRead,
}

impl Standing {
    /// The word of tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Touched => "touched",
            Self::NotMet => "not met",
            Self::NotRead => "not read",
        }
    }
}

/// One target beside what the model shows.
#[derive(Clone, Debug)]
pub struct Line {
    /// The target.
    pub target: Target,
    /// The model's value and interval.
    pub found: Option<(f64, Interval)>,
    /// Sites that count.
    pub sites: usize,
    /// Arms that were read.
    pub arms: String,
    /// The outcome.
    pub standing: Standing,
    /// Why it was not read.
    pub remark: String,
}

/// Every target in the order of its file.
///
/// # Errors
/// [`Error::Input`] with all faults of both files.
pub fn validate(targets: (&str, &str), readings: (&str, &str), tables: &[Table]) -> Result<Vec<Line>> {
    let mut faults = Faults::default();
    let targets = read_targets(targets.0, targets.1, &mut faults);
    let readings = read_readings(readings.0, readings.1, &targets, &mut faults);
    let mut lines = Vec::new();
    for target in targets {
        let reading = readings.iter().find(|reading| reading.target == target.id);
        lines.push(line(target, reading, tables, &mut faults));
    }
    faults.into_result().map(|()| lines)
}

/// Checks a list of targets without any runs; answers how many there are.
///
/// # Errors
/// [`Error::Input`] with all faults.
pub fn check_targets(file: &str, text: &str) -> Result<usize> {
    let mut faults = Faults::default();
    let targets = read_targets(file, text, &mut faults);
    faults.into_result().map(|()| targets.len())
}

/// Checks a list of readings without any runs, against the targets that they are of; answers how many there are.
///
/// # Errors
/// [`Error::Input`] with all faults of both.
pub fn check_readings(readings: (&str, &str), targets: (&str, &str)) -> Result<usize> {
    let mut faults = Faults::default();
    let targets = read_targets(targets.0, targets.1, &mut faults);
    let readings = read_readings(readings.0, readings.1, &targets, &mut faults);
    faults.into_result().map(|()| readings.len())
}

fn words(section: &mut Section, key: &'static str, faults: &mut Faults) -> String {
    section.word(key, faults).map(|(word, _)| word).unwrap_or_default()
}

fn read_targets(file: &str, text: &str, faults: &mut Faults) -> Vec<Target> {
    let mut top = text::parse(file, text, faults);
    for key in ["schema", "kind"] {
        top.take(key);
    }
    let mut targets = Vec::new();
    for mut section in top.tables("targets", faults) {
        let any = (f64::MIN, f64::MAX);
        let value = section.number("value", any, faults).map(|(x, _)| x);
        let ends = section.list("interval").map(|(list, _)| list).unwrap_or_default();
        let ends: Vec<f64> = ends.iter().filter_map(Item::number).collect();
        let used_for = pick(&mut section, "use", &USES, faults);
        let target = Target {
            id: words(&mut section, "id", faults),
            what: words(&mut section, "what", faults),
            instrument: words(&mut section, "instrument", faults),
            statistic: words(&mut section, "statistic", faults),
            value: value.unwrap_or(f64::NAN),
            interval: Interval {
                low: ends.first().copied().unwrap_or(f64::NAN),
                high: ends.get(1).copied().unwrap_or(f64::NAN),
            },
            unit: words(&mut section, "unit", faults),
            used_for: used_for.unwrap_or(Use::NotAnOutput),
            source: words(&mut section, "source", faults),
        };
        for key in ["scenario", "output", "unit_of_analysis"] {
            section.take(key);
        }
        if ends.len() != 2 || ends[0] > ends[1] {
            missing(&section, "targets.interval", "two numbers, the lower first", faults);
        }
        if used_for.is_none() {
            missing(&section, "targets.use", "fit, hold_out or not_an_output", faults);
        }
        if target.id.is_empty() || target.source.is_empty() {
            missing(&section, "targets", "an id and a source", faults);
        }
        section.done(faults, &[]);
        targets.push(target);
    }
    top.done(faults, &[]);
    targets
}

fn read_readings(file: &str, text: &str, targets: &[Target], faults: &mut Faults) -> Vec<Asked> {
    let mut top = text::parse(file, text, faults);
    for key in ["schema", "kind"] {
        top.take(key);
    }
    let mut all: Vec<Asked> = Vec::new();
    for mut section in top.tables("readings", faults) {
        let target = section.word("target", faults);
        let asked = Asked {
            target: target.as_ref().map(|(word, _)| word.clone()).unwrap_or_default(),
            reading: Reading::take(&mut section, faults),
            is_equivalence: section.flag("equivalence", faults).is_some_and(|(yes, _)| yes),
            not_read: section.word("not_read", faults).map(|(why, _)| why),
            place: section.place.clone(),
        };
        let known = targets.iter().any(|known| known.id == asked.target);
        let twice = all.iter().any(|other| other.target == asked.target);
        if !known || twice {
            let place = target.map_or(section.place.clone(), |(_, item)| item.place);
            let mut fault = place.fault("readings.target", &format!("\"{}\"", asked.target));
            fault.expected = "a target of the other file, once".into();
            let near = nearest_word(&asked.target, targets.iter().map(|t| t.id.as_str()));
            if let Some(near) = near.filter(|_| !known) {
                fault.suggestion = format!("did you mean \"{near}\"?");
            }
            faults.push(&place, fault);
        }
        if asked.not_read.is_none() {
            asked.reading.check(&section, faults);
        }
        section.done(faults, &[]);
        all.push(asked);
    }
    top.done(faults, &[]);
    all
}

fn line(target: Target, asked: Option<&Asked>, tables: &[Table], faults: &mut Faults) -> Line {
    let mut line = Line {
        found: None,
        sites: 0,
        arms: String::new(),
        standing: Standing::NotRead,
        remark: String::new(),
        target,
    };
    let Some(asked) = asked else {
        line.remark = match line.target.used_for {
            Use::NotAnOutput => "the model has no such output".into(),
            _ => "no reading".into(),
        };
        return line;
    };
    let reading = &asked.reading;
    let against = reading
        .against
        .as_ref()
        .map_or(String::new(), |(arm, _)| format!(" against {arm}"));
    line.arms = format!("{}{against}", reading.arms.join(", "));
    if let Some(why) = &asked.not_read {
        line.remark.clone_from(why);
        return line;
    }
    // Sites of several arms are pooled; of several comparisons the largest counts.
    let groups: Vec<&[String]> = match reading.against {
        None => vec![&reading.arms[..]],
        Some(_) => reading.arms.chunks(1).collect(),
    };
    let read: Option<Vec<Found>> = groups
        .into_iter()
        .map(|arms| one(asked, arms, tables, faults))
        .collect();
    let Some(read) = read else {
        line.remark = "an arm has no results".into();
        return line;
    };
    let largest = read.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((value, interval, sites)) = largest else {
        return line;
    };
    line.sites = sites;
    if value.is_nan() {
        line.remark = "no site of the kind that counts".into();
        return line;
    }
    line.standing = standing(&line.target, value, interval, asked.is_equivalence);
    line.found = Some((value, interval));
    line
}

/// Arms of one table; nothing where an arm has no results or a formula is wrong.
fn one(asked: &Asked, arms: &[String], tables: &[Table], faults: &mut Faults) -> Option<Found> {
    let table = tables.iter().find(|table| arms.iter().all(|arm| table.has(arm)))?;
    let measure = asked.reading.over(&table.names, faults)?;
    let Some((other, how)) = &asked.reading.against else {
        let rows: Vec<&[f64]> = arms
            .iter()
            .flat_map(|arm| table.runs(arm, None).into_values())
            .collect();
        return Some(measure.over(rows.into_iter()));
    };
    if !table.has(other) {
        let mut fault = asked.place.fault("readings.against", &format!("\"{other}\""));
        fault.expected = "an arm of the same experiment".into();
        faults.push(&asked.place, fault);
        return None;
    }
    // Equal points and seeds are one case.
    let there = table.runs(other, None);
    let here = table.runs(arms.first()?, None);
    let pairs: Vec<[&[f64]; 2]> = here
        .iter()
        .filter_map(|(at, row)| Some([*row, *there.get(at)?]))
        .collect();
    Some(measure.against(&pairs, *how))
}

fn standing(target: &Target, value: f64, own: Interval, is_equivalence: bool) -> Standing {
    let wanted = target.interval;
    let inside = |x: f64| (wanted.low..=wanted.high).contains(&x);
    if is_equivalence {
        let all = inside(own.low) && inside(own.high) && own.low < own.high;
        return if all { Standing::Met } else { Standing::NotMet };
    }
    if inside(value) {
        Standing::Met
    } else if own.low <= wanted.high && own.high >= wanted.low {
        Standing::Touched
    } else {
        Standing::NotMet
    }
}

fn short(x: f64) -> String {
    match x {
        x if x.is_infinite() => "∞".into(),
        x if x.is_nan() => "-".into(),
        x if x.abs() >= 100.0 => format!("{x:.0}"),
        x if x.abs() >= 10.0 => format!("{x:.1}"),
        x => format!("{x:.2}"),
    }
}

fn spanned(interval: Interval) -> String {
    format!("{} to {}", short(interval.low), short(interval.high))
}

/// A table in Markdown for each use, and a count.
pub fn markdown(lines: &[Line]) -> String {
    let mut text = String::new();
    let headings = [
        (Use::HoldOut, "Held out", "No number was chosen by these."),
        (
            Use::Fit,
            "Fitted",
            "Numbers were or may be chosen by these: that they are met is no evidence.",
        ),
        (Use::NotAnOutput, "Not an output", "The model does not speak of these."),
    ];
    for (used_for, heading, remark) in headings {
        let of: Vec<&Line> = lines.iter().filter(|line| line.target.used_for == used_for).collect();
        if of.is_empty() {
            continue;
        }
        let _ = write!(text, "## {heading}\n\n{remark}");
        if used_for != Use::NotAnOutput {
            let count = |standing: Standing| of.iter().filter(|line| line.standing == standing).count();
            let _ = write!(
                text,
                " {} of {} met, {} touched, {} not met, {} not read.",
                count(Standing::Met),
                of.len(),
                count(Standing::Touched),
                count(Standing::NotMet),
                count(Standing::NotRead)
            );
        }
        text.push_str("\n\n| target | published | model (95 %) | sites | arms | |\n|---|---|---|---|---|---|\n");
        for line in of {
            let target = &line.target;
            let unit = if target.unit == "-" {
                String::new()
            } else {
                format!(" {}", target.unit)
            };
            let found = line.found.map_or("-".to_owned(), |(value, own)| {
                // A date later than any: most sites never came to it.
                let value = match target.unit.as_str() {
                    "d" if value.is_infinite() => "never".to_owned(),
                    _ => format!("{}{unit}", short(value)),
                };
                format!("{value} ({})", spanned(own))
            });
            let outcome = if line.remark.is_empty() {
                format!("**{}**", line.standing.word())
            } else {
                line.remark.clone()
            };
            let _ = writeln!(
                text,
                "| `{}` {} ({}) | {}{unit} ({}) | {found} | {} | {} | {outcome} |",
                target.id,
                target.what,
                target.statistic,
                short(target.value),
                spanned(target.interval),
                line.sites,
                line.arms,
            );
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    const TARGETS: &str = "[[targets]]\nid = \"A\"\nwhat = \"w\"\nvalue = 0.5\ninterval = [0.4, 0.6]\nunit = \"-\"\nuse = \"hold_out\"\nsource = \"s\"\n\
                           [[targets]]\nid = \"B\"\nwhat = \"w\"\nvalue = 10\ninterval = [5, 20]\nunit = \"d\"\nuse = \"fit\"\nsource = \"s\"\n";

    fn table() -> Table {
        let mut text = String::from("arm,point,seed,status,t_ulcer_d,final.x\n");
        for seed in 0..20 {
            let date = if seed % 2 == 0 {
                (10 + seed).to_string()
            } else {
                String::new()
            };
            text.push_str(&format!(
                "one,0,{seed},ok,{date},{}\n\"two\",0,{seed},ok,,{}\n",
                seed,
                2 * seed + 1
            ));
        }
        text.push_str("one,0,20,failed,3,1000\n");
        Table::read(&text).unwrap_or_else(|why| panic!("{why}"))
    }

    fn held(readings: &str) -> Vec<Line> {
        match validate(("t.toml", TARGETS), ("r.toml", readings), &[table()]) {
            Ok(lines) => lines,
            Err(fault) => panic!("{fault}"),
        }
    }

    #[test]
    fn shares_and_medians_are_read_and_dates_that_did_not_come_are_late() {
        let lines = held(
            "[[readings]]\ntarget = \"A\"\narm = \"one\"\nshare = [\"t_ulcer_d > 15\"]\n\
             [[readings]]\ntarget = \"B\"\narm = \"one\"\nvalue = \"t_ulcer_d\"\nstatistic = \"median\"\namong = [\"t_ulcer_d < 100\"]\n",
        );
        let (share, _) = lines[0].found.unwrap_or_else(|| panic!("{}", lines[0].remark));
        assert!((share - 0.85).abs() < 1e-12, "3 of 20 come by day 15");
        assert_eq!(lines[0].standing, Standing::NotMet);
        assert_eq!((lines[1].found.map(|f| f.0), lines[1].sites), (Some(19.0), 10));
        assert_eq!(lines[1].standing, Standing::Met);
    }

    #[test]
    fn two_arms_are_compared_over_equal_seeds_and_an_equivalence_wants_all_of_the_interval() {
        let reading =
            "[[readings]]\ntarget = \"A\"\narm = \"one\"\nagainst = \"two\"\nas = \"ratio\"\nvalue = \"final.x\"\n";
        let (ratio, own) = held(reading)[0].found.unwrap_or_else(|| panic!("not read"));
        assert!((ratio - 9.5 / 20.0).abs() < 1e-12 && own.low < ratio && own.high > ratio);
        assert_eq!(held(reading)[0].standing, Standing::Met);
        let inside = held(&format!("{reading}equivalence = true\n"))[0].standing;
        assert_eq!(inside == Standing::Met, own.low >= 0.4 && own.high <= 0.6);
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        let readings = "[[readings]]\ntarget = \"C\"\narm = \"one\"\nvalue = \"final.x\"\n\
                        [[readings]]\ntarget = \"B\"\narm = \"one\"\nvalue = \"final.y\"\nstatistc = \"mean\"\n";
        let Err(Error::Input(faults)) = validate(("t.toml", TARGETS), ("r.toml", readings), &[table()]) else {
            panic!("three faults");
        };
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
