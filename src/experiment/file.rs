//! An experiment as written: TOML in, everything checked, all faults at once, nothing run.
//!
//! The file says what is asked; scenarios say what a site is. Factor paths are registry keys, as for `--set`.

use super::arms::{self, Arm, Common};
use super::attribution;
use super::calibrate;
use super::factors::{self, Factor};
use super::outputs::{self, Outputs};
use super::points::{self, Points};
use super::questions::{self, Questions};
use super::sampled::Analysis;
use super::sequential::{self, Sequential};
use super::staged::{self, Staged};
use super::text::{self, Section};
use super::trial;
use crate::error::{Diagnostic, Error, Result};
use crate::parameters::nearest_word;
use crate::scenario::{Faults, Library, Shipped};

/// Most runs of an experiment.
pub const MOST_RUNS: u64 = 10_000_000;
/// Designs of a sweep.
const SWEEPS: &[&str] = &["grid", "list", "oat", "lhs", "sobol"];
/// Designs of a sensitivity analysis.
const SENSITIVITIES: &[&str] = &["morris", "saltelli", "lhs_prcc"];
/// Replicates when the file does not say.
const REPLICATES: u64 = 8;
/// Words of other tools, and what they are called here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("horizon_d", "days"),
    ("repetitions", "replicates"),
    ("reps", "replicates"),
    ("scenario", "base"),
    ("arm", "arms"),
    ("endpoints", "outputs"),
    ("factor", "factors"),
    ("output", "outputs"),
    ("metrics", "outputs"),
    ("crn", "common_random_numbers"),
    ("stages", "staged"),
    ("constraint", "constraints"),
    ("analysis", "statistics"),
    ("stop", "sequential"),
    ("enough", "sequential"),
];

/// What an experiment asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Arms side by side.
    Compare,
    /// Points of a design.
    Sweep,
    /// Which factors matter.
    Sensitivity,
    /// Which mechanisms carry an outcome.
    Attribute,
    /// Virtual patients in every arm.
    Trial,
    /// Values that fit observations.
    Calibrate,
}

impl Kind {
    /// Word in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compare => "compare",
            Self::Sweep => "sweep",
            Self::Sensitivity => "sensitivity",
            Self::Attribute => "attribute",
            Self::Trial => "trial",
            Self::Calibrate => "calibrate",
        }
    }

    const ALL: [Self; 6] = [
        Self::Compare,
        Self::Sweep,
        Self::Sensitivity,
        Self::Attribute,
        Self::Trial,
        Self::Calibrate,
    ];

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A checked experiment.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Display name of its file.
    pub file: String,
    /// The file as written.
    pub text: String,
    /// What it asks.
    pub kind: Kind,
    /// Name of its folders.
    pub name: String,
    /// The question, in words.
    pub question: String,
    /// What it costs, in words.
    pub cost: String,
    /// Runs of each arm at each point.
    pub replicates: u64,
    /// First seed.
    pub seed: u64,
    /// Whether every arm and point sees the same seeds.
    pub common_random_numbers: bool,
    /// Length of the runs [d].
    pub days: f64,
    /// Arms; the reference first.
    pub arms: Vec<Arm>,
    /// Factors.
    pub factors: Vec<Factor>,
    /// Points of the design.
    pub points: Points,
    /// How the results are analysed.
    pub analysis: Analysis,
    /// What is kept.
    pub outputs: Outputs,
    /// When a point is dropped.
    pub staged: Option<Staged>,
    /// When replicates are enough.
    pub sequential: Option<Sequential>,
    /// What is asked of the results besides.
    pub questions: Questions,
}

/// Reads an experiment by path or by the name of a shipped one, and checks it. The second part of the answer are warnings.
///
/// # Errors
/// [`Error::Input`] with all faults; [`Error::Files`] when there is no such file.
pub fn load(library: &dyn Library, name: &str) -> Result<(Experiment, Vec<Diagnostic>)> {
    let (file, text) = find(library, name)?;
    check(library, &file, &text)
}

/// Names of the experiments that ship with calcisim.
pub fn shipped() -> Vec<&'static str> {
    let files = Shipped::files("experiments");
    files
        .filter_map(|path| path.strip_prefix("experiments/")?.strip_suffix(".toml"))
        // What validation reads, no experiments.
        .filter(|name| {
            !["targets", "readings", "criteria"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .collect()
}

/// Whether a name is that of an experiment: it ships as one, or its text says so by its schema or its kind.
pub fn is_experiment(library: &dyn Library, name: &str) -> bool {
    let bare = name.strip_suffix(".toml").unwrap_or(name);
    if Shipped::names().any(|scenario| scenario == bare) && !std::path::Path::new(name).is_file() {
        return false;
    }
    let Ok((_, text)) = find(library, name) else {
        return false;
    };
    let (table, _) = toml::de::DeTable::parse_recoverable(&text);
    let word = |key: &str| table.get_ref().get(key).and_then(|value| value.get_ref().as_str());
    word("schema").is_some_and(|s| s.starts_with("calcisim-experiment"))
        || word("kind").is_some_and(|k| Kind::of(k).is_some())
}

/// What stands beside experiments: published values, how they are read from runs, how a verdict is judged.
const COMPANIONS: [&str; 3] = ["targets", "readings", "criteria"];

/// Name and text of a file, by path or of those that experiments ship with.
///
/// # Errors
/// [`Error::Files`] when there is no such file.
pub fn text_of(library: &dyn Library, name: &str) -> Result<(String, String)> {
    let is_bare = !name.contains(['/', '\\', '.']);
    let shipped = format!("experiments/{name}");
    library.read(if is_bare { &shipped } else { name }, is_bare.then_some("experiments"))
}

/// Kind, name and text of a file that stands beside experiments; nothing for any other.
pub fn companion(library: &dyn Library, name: &str) -> Option<(&'static str, String, String)> {
    let (file, text) = text_of(library, name).ok()?;
    let (table, _) = toml::de::DeTable::parse_recoverable(&text);
    let kind = table.get_ref().get("kind")?.get_ref().as_str()?;
    let kind = COMPANIONS.into_iter().find(|known| *known == kind)?;
    Some((kind, file, text))
}

fn find(library: &dyn Library, name: &str) -> Result<(String, String)> {
    let bare = name.strip_suffix(".toml").unwrap_or(name);
    if !name.contains(['/', '\\']) && shipped().contains(&bare) && !std::path::Path::new(name).is_file() {
        return library.read(&format!("experiments/{bare}"), Some("experiments"));
    }
    library.read(name, None).map_err(|error| match error {
        Error::Files { path, message } if message.starts_with("no such file") => {
            let near = nearest_word(bare, shipped());
            let hint = near.map_or_else(
                || format!("those that ship: {}", shipped().join(", ")),
                |near| format!("did you mean {near}?"),
            );
            Error::files(
                path,
                format!("no such file and no shipped experiment of this name; {hint}"),
            )
        }
        other => other,
    })
}

/// Checks the text of an experiment.
///
/// # Errors
/// [`Error::Input`] with all faults.
pub fn check(library: &dyn Library, file: &str, text: &str) -> Result<(Experiment, Vec<Diagnostic>)> {
    let (mut faults, mut warnings) = (Faults::default(), Faults::default());
    let mut top = text::parse(file, text, &mut faults);
    std::mem::take(&mut faults).into_result()?;
    schema(&mut top, &mut faults);
    let kind = kind(&mut top, &mut faults);
    let name = name(file, &mut top, &mut faults);
    let word = |top: &mut Section, key, faults: &mut Faults| top.word(key, faults).map(|(w, _)| w).unwrap_or_default();
    let (question, cost) = (
        word(&mut top, "question", &mut faults),
        word(&mut top, "cost", &mut faults),
    );
    let replicates = top.whole("replicates", 1, 1_000_000, &mut faults);
    let common = Common {
        base: top.take("base"),
        sets: arms::sets(top.take("set"), "set", &mut faults),
        days: top.number("days", (1e-3, 36_500.0), &mut faults),
        seed: top.whole("seed", 0, i64::MAX as u64, &mut faults),
    };
    let crn = top
        .flag("common_random_numbers", &mut faults)
        .is_none_or(|(yes, _)| yes);
    let arm_sections = top.tables("arms", &mut faults);
    let factor_sections = top.tables("factors", &mut faults);
    let design = top.table("design", &mut faults);
    let outputs = top.table("outputs", &mut faults);
    let constraints = top.table("constraints", &mut faults);
    let stages = top.table("staged", &mut faults);
    let enough = top.table("sequential", &mut faults);
    let asked = top.table("statistics", &mut faults);
    let widen = top
        .number("widen", factors::WIDEN, &mut faults)
        .map_or(1.0, |(by, _)| by);
    let is_trial = kind == Some(Kind::Trial);
    let mut of_trial = |key| if is_trial { top.table(key, &mut faults) } else { None };
    let (cohort, assignment, power) = (of_trial("cohort"), of_trial("assignment"), of_trial("power"));
    let is_calibration = kind == Some(Kind::Calibrate);
    let method = if is_calibration {
        top.table("method", &mut faults)
    } else {
        None
    };
    let targets = if is_calibration {
        top.tables("targets", &mut faults)
    } else {
        Vec::new()
    };
    let top_place = top.place.clone();
    top.done(&mut faults, ELSEWHERE);
    if common.base.is_none() && arm_sections.is_empty() {
        let mut fault = top_place.fault("base", "");
        fault.expected = "the path of a scenario, or the name of a shipped one".into();
        fault.message = "an experiment has a scenario to start from".into();
        faults.push(&top_place, fault);
    }
    let arms = arms::read(file, arm_sections, &common, library, &mut faults, &mut warnings);
    let days = arms.first().map_or(f64::MAX, |arm| arm.scenario.days());
    let outputs = outputs::read(outputs, days, &mut faults);
    let staged = staged::read(stages, days, &outputs.at_days, &mut faults);
    let listed = factors::read(factor_sections, widen, &mut faults);
    let seed = common.seed.as_ref().map(|(seed, _)| *seed);
    let seed = seed.unwrap_or_else(|| arms.first().map_or(1, |arm| arm.scenario.seed()));
    let nothing = || (Vec::new(), Points::none(), Analysis::None);
    let mut sites = None;
    let (factors, mut points, analysis) = match kind {
        Some(Kind::Compare) => {
            compare(arms.len(), design.as_ref(), &listed, &top_place, &mut faults);
            nothing()
        }
        Some(Kind::Sweep) => points::sweep(file, design, listed, &arms, seed, SWEEPS, library, &mut faults),
        Some(Kind::Sensitivity) => {
            points::sweep(file, design, listed, &arms, seed, SENSITIVITIES, library, &mut faults)
        }
        Some(Kind::Attribute) => {
            no_factors(
                &listed,
                "an attribution has `[design] mechanisms` and no factors",
                &mut faults,
            );
            attribution::read(design, seed, &top_place, &mut faults).unwrap_or_else(nothing)
        }
        Some(Kind::Trial) => {
            if let Some((_, item)) = &replicates {
                let mut fault = item.fault("replicates", "`sites` in [cohort]: sites at risk of each patient");
                fault.message = "a trial has patients and their sites".into();
                faults.push(&item.place, fault);
            }
            let found = trial::read(cohort, assignment, power, listed, &arms, seed, &top_place, &mut faults);
            found.map_or_else(nothing, |cohort| {
                sites = Some(cohort.sites);
                (cohort.factors, cohort.points, cohort.analysis)
            })
        }
        Some(Kind::Calibrate) => {
            let asked = calibrate::read::Asked {
                method,
                targets,
                listed,
                arms: &arms,
                outputs: &outputs,
                replicates: replicates.as_ref().map_or(REPLICATES, |(n, _)| *n),
                seed,
                top: &top_place,
            };
            calibrate::read::read(asked, &mut faults, &mut warnings).unwrap_or_else(nothing)
        }
        None => nothing(),
    };
    points::constrain(constraints, &factors, &mut points, &analysis, &mut faults);
    let most = replicates.as_ref().map_or(REPLICATES, |(n, _)| *n);
    let sequential = sequential::read(enough, kind, &outputs, most, staged.is_some(), &mut faults);
    let is_drawn = is_trial
        || points
            .roles
            .first()
            .is_some_and(|role| role == "lhs" || role == "sobol");
    let questions = questions::read(asked, &outputs, arms.len(), is_drawn, &mut faults);
    let replicates_of = sites.unwrap_or_else(|| replicates.as_ref().map_or(REPLICATES, |(n, _)| *n));
    let runs = (arms.len() as u64)
        .checked_mul(points.rows.len() as u64)
        .and_then(|n| n.checked_mul(replicates_of));
    if runs.is_none_or(|n| n > MOST_RUNS) {
        let place = replicates.as_ref().map_or(&top_place, |(_, item)| &item.place);
        let mut fault = place.fault("replicates", &replicates_of.to_string());
        fault.message = format!(
            "{} arms × {} points × {replicates_of} replicates are more runs than an experiment may have",
            arms.len(),
            points.rows.len()
        );
        fault.expected = format!("at most {MOST_RUNS} runs in all");
        faults.push(place, fault);
    }
    faults.into_result()?;
    let experiment = Experiment {
        file: file.to_owned(),
        text: text.to_owned(),
        kind: kind.unwrap_or(Kind::Compare),
        name,
        question,
        cost,
        replicates: replicates_of,
        seed,
        common_random_numbers: crn,
        days,
        arms,
        factors,
        points,
        analysis,
        outputs,
        staged,
        sequential,
        questions,
    };
    Ok((experiment, warnings.into_sorted()))
}

fn schema(top: &mut Section, faults: &mut Faults) {
    const EXPECTED: &str = "\"calcisim-experiment/1\"";
    let Some(item) = top.take("schema") else { return };
    let fits = match item.value() {
        toml::Value::String(text) => text == "calcisim-experiment/1",
        value => value == toml::Value::Integer(1),
    };
    if !fits {
        let mut fault = item.fault("schema", EXPECTED);
        fault.message = "this calcisim reads schema 1 of experiments".into();
        faults.push(&item.place, fault);
    }
}

fn kind(top: &mut Section, faults: &mut Faults) -> Option<Kind> {
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    if let Some((word, _)) = top.choice("kind", &words, faults) {
        return Kind::of(&word);
    }
    if !faults.is_empty() {
        return None;
    }
    let mut fault = top.place.fault("kind", "");
    fault.expected = format!("kind = one of {}", crate::parameters::quoted(&words));
    fault.message = "an experiment says what kind it is".into();
    faults.push(&top.place.clone(), fault);
    None
}

/// The name, else the stem of the file.
fn name(file: &str, top: &mut Section, faults: &mut Faults) -> String {
    let Some((name, item)) = top.word("name", faults) else {
        return crate::scenario::stem(file).to_owned();
    };
    let is_plain = !name.is_empty()
        && !name.starts_with(['.', '-'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if !is_plain {
        let expected = "letters, digits, _ - and . only: the name is part of a folder";
        faults.push(&item.place, item.fault("name", expected));
    }
    name
}

/// What a comparison must have, and cannot have.
fn compare(
    arms: usize,
    design: Option<&Section>,
    listed: &[(Factor, Section)],
    top: &crate::scenario::Place,
    faults: &mut Faults,
) {
    if arms < 2 && faults.is_empty() {
        let mut fault = top.fault("arms", "");
        fault.expected = "at least two [[arms]], the first or the one with reference = true as the reference".into();
        fault.message = "a comparison compares".into();
        faults.push(top, fault);
    }
    const WHY: &str = "a comparison has arms and no factors; kind = \"sweep\" has both";
    if let Some(section) = design {
        let mut fault = section.place.fault("design", "");
        fault.message = WHY.into();
        faults.push(&section.place, fault);
    }
    no_factors(listed, WHY, faults);
}

fn no_factors(listed: &[(Factor, Section)], why: &str, faults: &mut Faults) {
    if let Some((factor, _)) = listed.first() {
        let mut fault = factor.place.fault("factors", "");
        fault.message = why.to_owned();
        faults.push(&factor.place, fault);
    }
}
