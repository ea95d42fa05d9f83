//! Arms of an experiment: scenarios, each with its own changes, checked and resolved before anything runs.

use super::text::{Item, Node, Section};
use crate::error::{Diagnostic, Error};
use crate::scenario::{Faults, Library, Place, Scenario, Written};
use crate::units::plain_number;

/// One arm: a resolved scenario.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Its id, a word.
    pub id: String,
    /// The scenario with every value of this arm.
    pub scenario: Scenario,
    /// Its text, self-contained but for `companions`.
    pub text: String,
    /// Tables that the scenario reads, by path beside it.
    pub companions: Vec<(String, String)>,
    /// blake3 of what decides a run: the text below its title, and the tables.
    pub digest: String,
    /// Where it is written.
    pub(super) place: Place,
}

impl Arm {
    /// An arm from a scenario that is resolved already.
    pub(super) fn resolved(id: &str, scenario: Scenario, text: String, companions: Vec<(String, String)>) -> Self {
        Self {
            id: id.to_owned(),
            digest: digest(&text, &companions),
            scenario,
            text,
            companions,
            place: Place::Default,
        }
    }
}

/// What the top of the file says about every arm.
pub(super) struct Common {
    pub base: Option<Item>,
    /// Changes of every arm.
    pub sets: Vec<(String, toml::Value, Place)>,
    pub days: Option<(f64, Item)>,
    pub seed: Option<(u64, Item)>,
}

/// A path and a value as `--set` takes them.
pub fn set_text(path: &str, value: &toml::Value) -> String {
    match value {
        toml::Value::Float(x) => format!("{path}={x:?}"),
        other => format!("{path}={other}"),
    }
}

/// Reads `[[arms]]`, or the one arm that the base is. The reference comes first.
pub(super) fn read(
    file: &str,
    sections: Vec<Section>,
    common: &Common,
    library: &dyn Library,
    faults: &mut Faults,
    warnings: &mut Faults,
) -> Vec<Arm> {
    if sections.is_empty() {
        let Some(base) = &common.base else {
            return Vec::new();
        };
        let arm = resolve(file, "base", base, &[], common, library, faults, warnings);
        return arm.into_iter().collect();
    }
    let mut arms: Vec<(Arm, bool)> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut references = 0;
    for mut section in sections {
        let place = section.place.clone();
        let id = section.word("id", faults);
        let scenario = section.take("scenario").or_else(|| common.base.clone());
        let is_reference = section.flag("reference", faults).is_some_and(|(yes, item)| {
            references += usize::from(yes);
            if yes && references > 1 {
                let mut fault = item.fault("arms.reference", "one reference");
                fault.message = "another arm is the reference already".into();
                faults.push(&item.place, fault);
            }
            yes
        });
        let sets = sets(section.take("set"), "arms.set", faults);
        section.done(faults, &[("name", "id"), ("base", "scenario"), ("sets", "set")]);
        let Some((id, id_item)) = id else {
            let mut fault = place.fault("arms.id", "");
            fault.expected = "an id: a short word for tables and figures".into();
            faults.push(&place, fault);
            continue;
        };
        let is_plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !is_plain || ids.contains(&id) {
            let mut fault = id_item.fault("arms.id", "letters, digits, _ and - only, each id once");
            if is_plain {
                fault.message = "two arms have this id".into();
            }
            faults.push(&id_item.place, fault);
        }
        ids.push(id.clone());
        let Some(scenario) = scenario else {
            let mut fault = place.fault("arms.scenario", "");
            fault.message = "neither this arm nor the file names a scenario".into();
            fault.expected = "`scenario` here or `base` at the top: a path or the name of a shipped scenario".into();
            faults.push(&place, fault);
            continue;
        };
        if let Some(mut arm) = resolve(file, &id, &scenario, &sets, common, library, faults, warnings) {
            arm.place = place;
            arms.push((arm, is_reference));
        }
    }
    // The reference first, the others as written.
    arms.sort_by_key(|(_, is_reference)| !is_reference);
    let arms: Vec<Arm> = arms.into_iter().map(|(arm, _)| arm).collect();
    comparable(&arms, faults);
    arms
}

/// Values of a `set` table by their paths, with places; tables inside become dotted paths.
pub(super) fn sets(item: Option<Item>, key: &str, faults: &mut Faults) -> Vec<(String, toml::Value, Place)> {
    let Some(item) = item else { return Vec::new() };
    let Node::Table(section) = item.node else {
        let expected = "a table of paths and values: { \"therapy.product.start_d\" = 14 }";
        faults.push(&item.place, item.fault(key, expected));
        return Vec::new();
    };
    let mut found = Vec::new();
    walk("", section, &mut found);
    found
}

fn walk(prefix: &str, mut section: Section, found: &mut Vec<(String, toml::Value, Place)>) {
    for (name, item) in section.rest() {
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}.{name}")
        };
        match item.node {
            Node::Table(inner) => walk(&path, inner, found),
            _ => found.push((path, item.value(), item.place)),
        }
    }
}

/// Loads a scenario with changes; faults point into the experiment file.
fn resolve(
    file: &str,
    id: &str,
    scenario: &Item,
    sets: &[(String, toml::Value, Place)],
    common: &Common,
    library: &dyn Library,
    faults: &mut Faults,
    warnings: &mut Faults,
) -> Option<Arm> {
    let key = if scenario.place == common.base.as_ref().map(|b| b.place.clone()).unwrap_or_default() {
        "base"
    } else {
        "arms.scenario"
    };
    let Some(name) = scenario.word() else {
        let expected = "a path, or the name of a shipped scenario, in quotes";
        faults.push(&scenario.place, scenario.fault(key, expected));
        return None;
    };
    let found = library.read(name, Some(file)).map(|(name, _)| {
        let written = Written::read(library, &name);
        let sets = || common.sets.iter().chain(sets);
        let mut texts: Vec<String> = sets().map(|(path, value, _)| set_text(path, value)).collect();
        let mut places: Vec<Place> = sets().map(|(_, _, place)| place.clone()).collect();
        // A longer experiment is said before the checks, so that a late dose is none beyond the end.
        if let Some((days, item)) = &common.days
            && let Ok(base) = &written
            && base.checked(&[]).is_ok_and(|(base, _)| base.days() < *days)
        {
            texts.push(format!("run.days={days:?}"));
            places.push(item.place.clone());
        }
        let loaded = written.and_then(|base| base.checked(&texts));
        (loaded, places)
    });
    let (loaded, places) = match found {
        Ok(found) => found,
        Err(error) => {
            let mut fault = scenario.fault(key, "a path, or the name of a shipped scenario");
            fault.message = match error {
                Error::Files { message, .. } => message,
                other => other.to_string(),
            };
            faults.push(&scenario.place, fault);
            return None;
        }
    };
    let finished = loaded.and_then(|(mut resolved, mut said)| {
        if let Some((days, _)) = &common.days
            && resolved.days() != *days
        {
            said.extend(resolved.set_days(*days)?);
        }
        if let Some((seed, _)) = &common.seed {
            resolved.set_seed(*seed)?;
        }
        let (copy, companions) = resolved.with_companions(library)?;
        // What a model is built from is judged here, before anything runs.
        resolved.parameters(library)?;
        Ok((resolved, copy, companions, said))
    });
    match finished {
        Ok((resolved, copy, companions, said)) => {
            for warning in said {
                let (place, mut warning) = replaced(warning, &places, common);
                if sets.is_empty() && place == Place::Default {
                    continue; // `calcisim check` of the scenario says it.
                }
                if !common.sets.iter().any(|(_, _, there)| *there == place) {
                    warning.message = format!("arm {id}: {}", warning.message);
                }
                warnings.push(&place, warning);
            }
            let text = copy.resolved_toml();
            Some(Arm {
                id: id.to_owned(),
                digest: digest(&text, &companions),
                scenario: resolved,
                text,
                companions,
                place: scenario.place.clone(),
            })
        }
        Err(Error::Input(list)) => {
            for fault in list {
                let (place, fault) = replaced(fault, &places, common);
                let place = if place == Place::Default {
                    &scenario.place
                } else {
                    &place
                };
                faults.push(place, fault);
            }
            None
        }
        Err(error) => {
            let mut fault = scenario.fault(key, "");
            fault.message = error.to_string();
            faults.push(&scenario.place, fault);
            None
        }
    }
}

/// A fault of the n-th `--set` moved to where the experiment wrote it.
fn replaced(mut fault: Diagnostic, places: &[Place], common: &Common) -> (Place, Diagnostic) {
    let place = match fault.file.strip_prefix("--set ").map(str::parse::<usize>) {
        Some(Ok(n)) => places.get(n - 1).cloned(),
        _ if fault.file == "--days" => common.days.as_ref().map(|(_, item)| item.place.clone()),
        _ if fault.file == "--seed" => common.seed.as_ref().map(|(_, item)| item.place.clone()),
        _ => None,
    };
    let Some(place) = place else {
        return (Place::Default, fault);
    };
    let here = place.fault("", "");
    (fault.file, fault.line, fault.column) = (here.file, here.line, here.column);
    (place, fault)
}

/// Moves the faults of sets to the places where they are written.
pub(super) fn moved(list: Vec<Diagnostic>, places: &[Place], faults: &mut Faults) {
    let nothing = Common {
        base: None,
        sets: Vec::new(),
        days: None,
        seed: None,
    };
    for fault in list {
        let (place, fault) = replaced(fault, places, &nothing);
        faults.push(&place, fault);
    }
}

/// blake3 of what decides a run.
fn digest(text: &str, companions: &[(String, String)]) -> String {
    let body = text.split_once("\n[").map_or(text, |(_, body)| body);
    // The seed is a part of the run, not of the scenario.
    let kept = body.lines().filter(|line| !line.starts_with("seed = "));
    let mut hasher = blake3::Hasher::new();
    for line in kept {
        hasher.update(line.as_bytes()).update(b"\n");
    }
    for (path, table) in companions {
        hasher.update(path.as_bytes()).update(b"\0").update(table.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// What makes arms comparable, and that each changes something.
fn comparable(arms: &[Arm], faults: &mut Faults) {
    let Some(first) = arms.first() else { return };
    for (i, arm) in arms.iter().enumerate().skip(1) {
        let mut fault = |key: &str, value: String, expected: String, message: &str| {
            let mut fault = arm.place.fault(key, &value);
            fault.expected = expected;
            fault.message = message.to_owned();
            faults.push(&arm.place, fault);
        };
        if let Some(same) = arms[..i].iter().find(|other| other.digest == arm.digest) {
            let message = format!("this arm changes nothing against {}", same.id);
            let expected = "a `set` or a `scenario` that differs".to_owned();
            fault("arms", format!("\"{}\"", arm.id), expected, &message);
        }
        for key in ["run.days", "run.step_h"] {
            let (here, there) = (arm.scenario.number(key), first.scenario.number(key));
            if here != there {
                let expected = format!("{} as in {}", plain_number(there), first.id);
                let message = match key {
                    "run.days" => "arms of different length cannot be compared: give `days` at the top of the file",
                    _ => "arms share their dice step by step",
                };
                fault(key, plain_number(here), expected, message);
            }
        }
        let space = |arm: &Arm| arm.scenario.section_table("space");
        let (here, there) = (space(arm), space(first));
        if here != there {
            let key = differing(&here, &there);
            let value = |arm: &Arm| arm.scenario.value(&key).map(ToString::to_string).unwrap_or_default();
            let expected = format!("{} as in {}", value(first), first.id);
            fault(
                &key,
                value(arm),
                expected,
                "arms in different spaces cannot be compared",
            );
        }
    }
}

fn differing(here: &toml::Table, there: &toml::Table) -> String {
    let key = here.keys().find(|key| here.get(*key) != there.get(*key));
    format!("space.{}", key.map_or("plane", String::as_str))
}
