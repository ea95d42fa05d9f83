//! Reads `[method]` and `[[targets]]` of a calibration.

use super::{Next, Origin, Settings, Setup, Statistic, Target, standing};
use crate::experiment::arms::Arm;
use crate::experiment::design::{Distribution, values};
use crate::experiment::factors::{Factor, Kind};
use crate::experiment::file::MOST_RUNS;
use crate::experiment::outputs::{Endpoint, Outputs, endpoint};
use crate::experiment::points::Points;
use crate::experiment::sampled::{Analysis, singly, with_distribution};
use crate::experiment::text::Section;
use crate::parameters::nearest_word;
use crate::scenario::{Faults, Place};
use crate::units::plain_number;

/// What the file says.
pub(in crate::experiment) struct Asked<'a> {
    pub method: Option<Section>,
    pub targets: Vec<Section>,
    pub listed: Vec<(Factor, Section)>,
    pub arms: &'a [Arm],
    pub outputs: &'a Outputs,
    pub replicates: u64,
    pub seed: u64,
    pub top: &'a Place,
}

/// Checks a calibration and lays out its first batch.
pub(in crate::experiment) fn read(
    asked: Asked,
    faults: &mut Faults,
    warnings: &mut Faults,
) -> Option<(Vec<Factor>, Points, Analysis)> {
    let before = faults.len();
    let mut kept: Vec<(Factor, Distribution)> = Vec::new();
    for (factor, rest) in asked.listed {
        kept.extend(with_distribution(factor, rest, faults));
    }
    for (factor, _) in kept.iter().filter(|(factor, _)| factor.kind == Kind::Word) {
        let mut fault = factor.place.fault("factors", &format!("\"{}\"", factor.path));
        fault.message = "a calibration varies numbers: words have no distance".into();
        fault.suggestion = "run one calibration for each of its words".into();
        faults.push(&factor.place, fault);
    }
    let missing = |key: &str, expected: &str, message: &str, faults: &mut Faults| {
        let mut fault = asked.top.fault(key, "");
        (fault.expected, fault.message) = (expected.into(), message.into());
        faults.push(asked.top, fault);
    };
    if kept.is_empty() && faults.len() == before {
        missing(
            "factors",
            "at least one [[factors]]",
            "a calibration varies something",
            faults,
        );
    }
    if asked.targets.is_empty() {
        let expected = "[[targets]] with id, output, value, sd and source";
        missing("targets", expected, "a calibration has observations to meet", faults);
    }
    let mut targets: Vec<(Target, Origin)> = Vec::new();
    for section in asked.targets {
        let place = section.place.clone();
        if let Some(found) = target(section, asked.arms, asked.outputs, faults) {
            if targets.iter().any(|(t, _)| t.id == found.0.id) {
                let mut fault = place.fault("targets.id", &format!("\"{}\"", found.0.id));
                fault.expected = "each id once".into();
                faults.push(&place, fault);
            }
            targets.push(found);
        }
    }
    let settings = settings(asked.method, kept.len(), asked.replicates, asked.seed, faults);
    let is_any = |fit: bool| targets.iter().any(|(t, _)| t.is_fit == fit);
    if !targets.is_empty() && !is_any(true) && faults.len() == before {
        missing(
            "targets",
            "at least one target with use = \"fit\"",
            "nothing is fitted",
            faults,
        );
    }
    if !targets.is_empty() && !is_any(false) {
        let mut note = asked.top.fault("targets", "");
        note.message =
            "no target is held out: nothing will show whether the fit holds beyond what it was fitted to".into();
        note.suggestion = "write use = \"hold_out\" in a target".into();
        warnings.push(asked.top, note);
    }
    if faults.len() > before {
        return None;
    }
    singly(asked.arms, &kept, faults);
    let (targets, origins): (Vec<Target>, Vec<Origin>) = targets.into_iter().unzip();
    let setup = Setup {
        settings: settings?,
        targets,
        origins,
        priors: kept.iter().map(|(_, d)| d.clone()).collect(),
        kinds: kept.iter().map(|(f, _)| f.kind).collect(),
    };
    let first = standing(
        kept.len(),
        &setup.targets,
        &setup.settings,
        &[],
        &mut super::Memory::default(),
    );
    let (stage, units) = match first.map(|s| s.next) {
        Ok(Next::Run { stage, points }) => (stage, points),
        Ok(Next::Done { because: expected }) | Err(expected) => {
            let mut fault = asked.top.fault("method", "");
            fault.expected = expected;
            faults.push(asked.top, fault);
            return None;
        }
    };
    let points = Points {
        rows: units.iter().map(|unit| values(&setup.priors, unit)).collect(),
        roles: vec![stage; units.len()],
    };
    let factors = kept.into_iter().map(|(factor, _)| factor).collect();
    Some((factors, points, Analysis::Calibrate(Box::new(setup))))
}

/// `[method]`: how far to go. Everything has a default.
fn settings(section: Option<Section>, k: usize, replicates: u64, seed: u64, faults: &mut Faults) -> Option<Settings> {
    let before = faults.len();
    let mut section = section.unwrap_or_default();
    let weighs = section
        .choice("type", &["history_match", "abc_smc"], faults)
        .is_none_or(|(word, _)| word == "abc_smc");
    let mut whole = |name, low, high, default: usize| {
        let found = section.whole(name, low, high, faults);
        found.map_or(default, |(n, _)| n as usize)
    };
    let settings = Settings {
        waves: whole("waves", u64::from(!weighs), 20, 3),
        wave_points: whole("wave_points", 5, 2000, (10 * k).clamp(20, 400)),
        candidates: whole("candidates", 100, 10_000_000, 20_000),
        forgiven: whole("forgiven", 0, 100, 0),
        generations: if weighs { whole("generations", 1, 50, 5) } else { 0 },
        particles: if weighs {
            whole("population", 10, 100_000, 200)
        } else {
            0
        },
        alpha: 0.5,
        most_points: (whole("max_runs", 1, MOST_RUNS, 60_000) as u64 / replicates) as usize,
        seed: whole("seed", 0, i64::MAX as u64, seed as usize) as u64,
    };
    let alpha = section.number("alpha", (0.05, 0.95), faults).map_or(0.5, |(x, _)| x);
    let other = [
        ("method", "type"),
        ("n", "population"),
        ("particles", "population"),
        ("max_points", "max_runs"),
    ];
    section.done(faults, &other);
    (faults.len() == before).then_some(Settings { alpha, ..settings })
}

/// One of `[[targets]]`.
fn target(mut section: Section, arms: &[Arm], outputs: &Outputs, faults: &mut Faults) -> Option<(Target, Origin)> {
    let before = faults.len();
    let place = section.place.clone();
    let any = (f64::MIN, f64::MAX);
    let id = section.word("id", faults).map(|(w, _)| w);
    let named = section.word("output", faults);
    let day = section.number("at_d", (0.0, 36_500.0), faults).map(|(x, _)| x);
    let statistic = section.choice("statistic", &["mean", "median", "share_below"], faults);
    let below = section.number("below", any, faults).map(|(x, _)| x);
    let value = section.number("value", any, faults).map(|(x, _)| x);
    let sd = section.number("sd", (0.0, f64::MAX), faults).map(|(x, _)| x);
    let discrepancy_sd = section
        .number("model_discrepancy_sd", (0.0, f64::MAX), faults)
        .map_or(0.0, |(x, _)| x);
    let weight = section.number("weight", (0.0, 1e6), faults).map_or(1.0, |(x, _)| x);
    let is_fit = section
        .choice("use", &["fit", "hold_out"], faults)
        .is_none_or(|(word, _)| word == "fit");
    let source = section.word("source", faults).map(|(w, _)| w);
    let arm = match section.word("arm", faults) {
        None => 0,
        Some((name, item)) => arms.iter().position(|arm| arm.id == name).unwrap_or_else(|| {
            let mut fault = item.fault("targets.arm", "the id of an arm");
            let near = nearest_word(&name, arms.iter().map(|arm| arm.id.as_str()));
            fault.suggestion = near.map(|near| format!("did you mean \"{near}\"?")).unwrap_or_default();
            faults.push(&item.place, fault);
            0
        }),
    };
    section.done(
        faults,
        &[
            ("name", "id"),
            ("endpoint", "output"),
            ("day", "at_d"),
            ("error", "sd"),
            ("se", "sd"),
        ],
    );
    let mut needs = |key: &str, expected: &str| {
        let mut fault = place.fault(&format!("targets.{key}"), "");
        fault.expected = expected.to_owned();
        faults.push(&place, fault);
    };
    if id.is_none() {
        needs("id", "a short name of the observation");
    }
    if value.is_none() {
        needs("value", "the observed value, in the unit of the output");
    }
    if source.is_none() {
        needs(
            "source",
            "where the value comes from: a DOI, an address, or \"expert guess\"",
        );
    }
    if sd.unwrap_or(0.0) == 0.0 && discrepancy_sd == 0.0 {
        needs(
            "sd",
            "the standard error of the observation, or a model_discrepancy_sd, above 0: a target without doubt is met by nothing",
        );
    }
    let statistic = match (statistic.as_ref().map(|(word, _)| word.as_str()), below) {
        (Some("share_below"), Some(limit)) => Statistic::ShareBelow(limit),
        (Some("share_below"), None) => {
            needs(
                "below",
                "below = X: the share of runs with a lower value, of a date that it came before day X",
            );
            Statistic::Mean
        }
        (Some("median"), _) => Statistic::Median,
        _ => Statistic::Mean,
    };
    let endpoint = match named {
        None => {
            needs(
                "output",
                "an endpoint of this experiment, as t_ulcer_d or necrotic_fraction",
            );
            None
        }
        Some((name, item)) => {
            let full = day.map_or(name.clone(), |day| format!("at_{}d.{name}", plain_number(day)));
            let known = endpoint(&full, &outputs.at_days).map(|e| e.name);
            let found = outputs.endpoints.iter().position(|e| Some(&e.name) == known.as_ref());
            if found.is_none() {
                let mut fault = item.fault("targets.output", "an endpoint of this experiment");
                let is_day = day.filter(|day| !outputs.at_days.contains(day));
                let bare = |e: &Endpoint| e.name.strip_prefix("final.").unwrap_or(&e.name).to_owned();
                let names: Vec<String> = outputs.endpoints.iter().map(bare).collect();
                let near = nearest_word(&name, names.iter().map(String::as_str));
                fault.suggestion = match (is_day, near) {
                    (Some(day), _) => format!("write at_days = [{}] in [outputs]", plain_number(day)),
                    (None, Some(near)) if near != name => format!("did you mean \"{near}\"?"),
                    _ => format!("add \"{full}\" to endpoints in [outputs]"),
                };
                faults.push(&item.place, fault);
            }
            found
        }
    };
    if faults.len() > before {
        return None;
    }
    let target = Target {
        id: id?,
        statistic,
        value: value?,
        sd: sd.unwrap_or(0.0),
        discrepancy_sd,
        weight,
        is_fit,
    };
    let origin = Origin {
        arm,
        endpoint: endpoint?,
        source: source?,
    };
    Some((target, origin))
}
