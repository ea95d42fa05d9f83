//! From a draft to a scenario: names, types, units, scales, ranges and what must fit together.

use std::collections::BTreeMap;

use super::draft::{Draft, Faults, Given, LISTS, Place, TOP, canonical};
use super::{Held, Origin, Scenario, Switch, schedule, shipped};
use crate::error::{Diagnostic, Error, Result};
use crate::math;
use crate::parameters::{self, Arrows, Registry, Row, Value};
use crate::units;

/// Checks everything and fills in the defaults.
pub(super) fn resolve(draft: Draft) -> Result<(Scenario, Vec<Diagnostic>)> {
    let mut draft = draft;
    let mut faults = std::mem::take(&mut draft.faults);
    let mut warnings = Faults::default();
    let file = draft.files.last().cloned().unwrap_or_default();

    let texts = texts(&mut draft, &mut faults, &file);
    let switches = switches(&mut draft, &mut faults);
    let scales = scales(&mut draft, &mut faults);
    let mut values = typed(&mut draft, &mut faults);
    for (key, given) in &draft.values {
        faults.push(&given.place, unknown(key, given));
    }
    scaled(&mut values, &scales, &mut faults);
    ranges(&values, &mut faults, &mut warnings);

    let mut switched = switches;
    for (name, (factor, given)) in &scales {
        if let Some(name) = Arrows::names().iter().find(|n| *n == name)
            && let Some(switch) = switched.get_mut(name)
        {
            switch.scale = *factor;
            switch.scale_origin = Origin {
                place: given.place.clone(),
                note: String::new(),
            };
        }
    }
    let mut scenario = Scenario {
        name: texts.name,
        question: texts.question,
        known: texts.known,
        assumed: texts.assumed,
        file,
        files: draft.files,
        values,
        switches: switched,
        challenges: Vec::new(),
        therapies: Vec::new(),
        elements: draft.elements,
    };
    let (challenges, therapies) = schedule::read(&scenario, &mut faults, &mut warnings);
    (scenario.challenges, scenario.therapies) = (challenges, therapies);
    together(&scenario, &mut faults, &mut warnings);

    if faults.is_empty() {
        let mut warnings = warnings.into_sorted();
        warnings.extend(beyond_the_end(&scenario));
        return Ok((scenario, warnings));
    }
    let faults = faults.into_sorted();
    match draft.unread {
        // Nothing but a missing file is wrong.
        Some(error) if faults.iter().all(|fault| fault.key == "extends") && faults.len() == 1 => Err(error),
        _ => Err(Error::Input(faults)),
    }
}

struct Texts {
    name: String,
    question: String,
    known: String,
    assumed: String,
}

fn texts(draft: &mut Draft, faults: &mut Faults, file: &str) -> Texts {
    let mut take = |key: &str| -> Option<(String, Place)> {
        let given = draft.values.remove(key)?;
        match given.value {
            toml::Value::String(text) => Some((text, given.place)),
            _ => {
                let mut fault = given.place.fault(key, &given.text);
                fault.expected = "a text in quotes".into();
                faults.push(&given.place, fault);
                None
            }
        }
    };
    let (question, known, assumed) = (take("question"), take("known"), take("assumed"));
    let name = take("name");
    let text = |given: Option<(String, Place)>| given.map(|(text, _)| text).unwrap_or_default();
    // A name belongs to one file: it is not inherited.
    let name = match name {
        Some((name, place)) if !matches!(&place, Place::Text { file: other, .. } if **other != *file) => {
            let plain = !name.is_empty()
                && !name.starts_with(['.', '-'])
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            if !plain {
                let mut fault = place.fault("name", &format!("\"{name}\""));
                fault.expected = "letters, digits, _ - and . only: the name is part of the run folder".into();
                faults.push(&place, fault);
            }
            name
        }
        _ => shipped::stem(file).to_string(),
    };
    if let Some(given) = draft.values.remove("schema")
        && given.value != toml::Value::Integer(1)
    {
        let mut fault = given.place.fault("schema", &given.text);
        fault.expected = "1".into();
        fault.message = "this calcisim reads schema 1".into();
        faults.push(&given.place, fault);
    }
    Texts {
        name,
        question: text(question),
        known: text(known),
        assumed: text(assumed),
    }
}

fn taken(draft: &mut Draft, prefix: &str) -> Vec<(String, Given)> {
    let keys: Vec<String> = draft
        .values
        .keys()
        .filter(|key| key.starts_with(prefix))
        .cloned()
        .collect();
    keys.into_iter()
        .filter_map(|key| {
            let given = draft.values.remove(&key)?;
            Some((key[prefix.len()..].to_string(), given))
        })
        .collect()
}

fn switches(draft: &mut Draft, faults: &mut Faults) -> BTreeMap<&'static str, Switch> {
    let mut switches: BTreeMap<&'static str, Switch> = Arrows::names()
        .iter()
        .map(|name| {
            let on_origin = Origin::default();
            (
                *name,
                Switch {
                    on: true,
                    on_origin,
                    scale: 1.0,
                    scale_origin: Origin::default(),
                },
            )
        })
        .collect();
    for (name, given) in taken(draft, "mechanisms.") {
        let mut fault = given.place.fault(&format!("mechanisms.{name}"), &given.text);
        match (switches.get_mut(name.as_str()), &given.value) {
            (Some(switch), toml::Value::Boolean(on)) => {
                switch.on = *on;
                switch.on_origin = Origin {
                    place: given.place,
                    note: String::new(),
                };
                continue;
            }
            (Some(_), _) => {
                fault.expected = "true or false".into();
                fault.suggestion = format!("for a strength between, write it under [scale]: {name} = 0.5");
            }
            (None, _) => {
                fault.message = "there is no switch of this name".into();
                match parameters::nearest_word(&name, Arrows::names().iter().copied()) {
                    Some(near) => fault.suggestion = format!("did you mean {near}?"),
                    None => fault.expected = format!("one of {}", Arrows::names().join(", ")),
                }
            }
        }
        faults.push(&given.place, fault);
    }
    switches
}

fn scales(draft: &mut Draft, faults: &mut Faults) -> BTreeMap<String, (f64, Given)> {
    let registry = Registry::embedded();
    let mut scales = BTreeMap::new();
    for (name, given) in taken(draft, "scale.") {
        let mut fault = given.place.fault(&format!("scale.{name}"), &given.text);
        let factor = match given.value {
            toml::Value::Float(x) => Some(x),
            #[allow(clippy::cast_precision_loss)]
            toml::Value::Integer(i) => Some(i as f64),
            _ => None,
        };
        let row = registry.row(&name);
        let known = row.is_some() || Arrows::names().contains(&name.as_str());
        if !known {
            let nearest = registry
                .nearest(&name)
                .or_else(|| parameters::nearest_word(&name, Arrows::names().iter().copied()));
            let nearest = if name.contains('.') {
                nearest
            } else {
                parameters::nearest_word(&name, Arrows::names().iter().copied()).or(nearest)
            };
            fault.message = "neither a switch nor a key of the registry".into();
            fault.suggestion = nearest.map(|near| format!("did you mean {near}?")).unwrap_or_default();
        } else if row.is_some_and(|row| !matches!(row.value, Value::Number(_) | Value::Integer(_))) {
            fault.message = "this value is not a number and cannot be scaled".into();
        } else {
            match factor {
                Some(factor) if factor.is_finite() && factor >= 0.0 => {
                    scales.insert(name, (factor, given));
                    continue;
                }
                _ => fault.expected = "a number of at least 0: it multiplies the value".into(),
            }
        }
        faults.push(&given.place, fault);
    }
    scales
}

/// The value of a row as its own type; `None` when the type is wrong.
pub(super) fn of_type(row: &Row, value: &toml::Value) -> Option<Value> {
    #[allow(clippy::cast_precision_loss)]
    let number = |value: &toml::Value| match value {
        toml::Value::Float(x) if x.is_finite() => Some(*x),
        toml::Value::Integer(i) => Some(*i as f64),
        _ => None,
    };
    match (&row.value, value) {
        (Value::Number(_), value) => number(value).map(Value::Number),
        (Value::Integer(_), toml::Value::Integer(i)) => Some(Value::Integer(*i)),
        (Value::Bool(_), toml::Value::Boolean(b)) => Some(Value::Bool(*b)),
        (Value::Word(_), toml::Value::String(word)) => Some(Value::Word(word.clone())),
        (Value::Numbers(_), toml::Value::Array(list)) => list
            .iter()
            .map(number)
            .collect::<Option<Vec<f64>>>()
            .map(Value::Numbers),
        _ => None,
    }
}

/// How to mend a value of a wrong type.
pub(super) fn type_hint(row: &Row, value: &toml::Value) -> String {
    let toml::Value::String(text) = value else {
        return match (&row.value, value) {
            (Value::Integer(_), toml::Value::Float(x)) if x.fract() == 0.0 => {
                format!("write {x:.0}")
            }
            (Value::Word(_), _) if !row.choices.is_empty() => "write a word in quotes".into(),
            _ => String::new(),
        };
    };
    let bare = text.trim();
    match row.value {
        Value::Number(_) | Value::Integer(_) if bare.parse::<f64>().is_ok() => {
            format!("write {bare}, without quotes")
        }
        Value::Bool(_) if bare == "true" || bare == "false" => {
            format!("write {bare}, without quotes")
        }
        Value::Number(_) if row.unit != "-" => "write the number alone: the unit is in the key".into(),
        _ => String::new(),
    }
}

/// Takes every given registry value out of the draft; what stays in the draft is unknown.
fn typed(draft: &mut Draft, faults: &mut Faults) -> Vec<Held> {
    let registry = Registry::embedded();
    let default = |row: &Row| Held {
        value: row.value.clone(),
        origin: Origin::default(),
    };
    let mut values: Vec<Held> = registry.rows().iter().map(default).collect();
    let mut clinic = Vec::new();
    for (key, given) in std::mem::take(&mut draft.values) {
        let Some(index) = registry.index(canonical(&key)) else {
            draft.values.insert(key, given);
            continue;
        };
        let row = &registry.rows()[index];
        let Some(value) = of_type(row, &given.value) else {
            let mut fault = given.place.fault(&key, &given.text);
            fault.expected = if row.key == key {
                row.expected()
            } else {
                "a number".into()
            };
            fault.message = format!("{} is wanted: {}", article(&row.value), row.meaning);
            fault.suggestion = type_hint(row, &given.value);
            faults.push(&given.place, fault);
            continue;
        };
        if row.key == key {
            let origin = Origin {
                place: given.place,
                note: String::new(),
            };
            values[index] = Held { value, origin };
        } else {
            clinic.push((index, key, value, given));
        }
    }
    for (index, key, value, given) in clinic {
        let (Some(name), Some(number)) = (units::clinic_name(&key), value.number()) else {
            continue;
        };
        let times = registry
            .index(name.times)
            .and_then(|times| values[times].value.number())
            .unwrap_or(1.0);
        let note = format!("from {} = {}", key.rsplit('.').next().unwrap_or(&key), given.text);
        let origin = Origin {
            place: given.place,
            note,
        };
        values[index] = Held {
            value: Value::Number(name.converted(number, times)),
            origin,
        };
    }
    values
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "a number",
        Value::Integer(_) => "a whole number",
        Value::Bool(_) => "true or false",
        Value::Word(_) => "a text",
        Value::Numbers(_) => "a list of numbers",
    }
}

fn scaled(values: &mut [Held], scales: &BTreeMap<String, (f64, Given)>, faults: &mut Faults) {
    let registry = Registry::embedded();
    for (key, (factor, given)) in scales {
        let Some(index) = registry.index(key) else { continue };
        let (row, held) = (&registry.rows()[index], &mut values[index]);
        let before = held.value.clone();
        let after = match before {
            Value::Number(x) => Value::Number(x * factor),
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
            Value::Integer(i) => {
                let x = i as f64 * factor;
                if x.fract() != 0.0 {
                    let mut fault = given.place.fault(&format!("scale.{key}"), &given.text);
                    fault.message = format!("{i} × {} is not a whole number", units::plain_number(*factor));
                    faults.push(&given.place, fault);
                    continue;
                }
                Value::Integer(x as i64)
            }
            _ => continue,
        };
        let inside = |value: &Value| match (value.number(), row.possible) {
            (Some(x), Some((low, high))) => low <= x && x <= high,
            _ => true,
        };
        if inside(&before) && !inside(&after) {
            let mut fault = given.place.fault(&format!("scale.{key}"), &given.text);
            fault.message = format!(
                "{before} × {} = {after} [{}] is not possible",
                units::plain_number(*factor),
                row.unit
            );
            fault.expected = row.expected();
            faults.push(&given.place, fault);
        }
        let joint = if held.origin.note.is_empty() { "" } else { ", " };
        held.origin.note = format!(
            "{}{joint}{before} × {} by {}",
            held.origin.note,
            units::plain_number(*factor),
            given.place
        );
        held.value = after;
    }
}

fn ranges(values: &[Held], faults: &mut Faults, warnings: &mut Faults) {
    for (row, held) in Registry::embedded().rows().iter().zip(values) {
        if held.origin == Origin::default() {
            continue;
        }
        let place = &held.origin.place;
        let begun = || {
            let mut fault = place.fault(&row.key, &held.value.to_string());
            if !held.origin.note.is_empty() {
                fault.message = format!("{}; ", held.origin.note);
            }
            fault
        };
        if let Value::Word(word) = &held.value {
            if !row.choices.is_empty() && !row.choices.contains(word) {
                let mut fault = begun();
                fault.expected = row.expected();
                fault.message += &row.meaning;
                if let Some(near) = parameters::nearest_word(word, row.choices.iter().map(String::as_str)) {
                    fault.suggestion = format!("did you mean \"{near}\"?");
                }
                faults.push(place, fault);
            }
            continue;
        }
        let outside = |range: Option<(f64, f64)>| {
            range.is_some_and(|(low, high)| {
                let is_out = |x: f64| !(low <= x && x <= high);
                match &held.value {
                    Value::Numbers(list) => list.iter().any(|x| is_out(*x)),
                    value => value.number().is_some_and(is_out),
                }
            })
        };
        // A scaled value out of its possible range has been said at its scale.
        let by_scale = held.origin.note.contains(" × ");
        if outside(row.possible) {
            if !by_scale {
                let mut fault = begun();
                fault.expected = row.expected();
                fault.message += &row.meaning;
                faults.push(place, fault);
            }
        } else if outside(row.evidence)
            && let Some((low, high)) = row.evidence
        {
            let n = units::plain_number;
            let unit = if row.unit == "-" {
                String::new()
            } else {
                format!(" {}", row.unit)
            };
            let mut fault = begun();
            fault.message += &format!(
                "outside the range of the evidence, {} to {}{unit}: {}",
                n(low),
                n(high),
                row.meaning
            );
            warnings.push(place, fault);
        }
    }
}

/// The fault of a key that nothing has: the nearest name, the same name in another table, or another unit.
fn unknown(key: &str, given: &Given) -> Diagnostic {
    let registry = Registry::embedded();
    let mut fault = given.place.fault(key, &given.text);
    let names: Vec<&str> = registry
        .rows()
        .iter()
        .map(|row| row.key.as_str())
        .chain(units::CLINIC_NAMES.iter().map(|name| name.key))
        .collect();
    if registry.is_group(key) {
        fault.message = "this is a table".into();
        fault.expected = format!("its keys: {}", list(registry.rows_of(key).map(Row::name)));
        return fault;
    }
    if let toml::Value::Table(_) = given.value {
        let groups: Vec<&str> = registry
            .rows()
            .iter()
            .filter_map(|row| Some(row.key.rsplit_once('.')?.0))
            .collect();
        fault.message = "no such table".into();
        if let Some(near) = parameters::nearest_word(key, groups) {
            fault.suggestion = format!("did you mean [{near}]?");
        }
        return fault;
    }
    // A slip of one letter is nearer than another unit.
    let slip = names.iter().any(|name| {
        nearly_equal(key, name)
            && units::split_suffix(key).map(|(_, unit)| unit) == units::split_suffix(name).map(|(_, unit)| unit)
    });
    if let Some((group, leaf)) = key.rsplit_once('.')
        && !slip
        && let Some(hint) = unit_hint(
            leaf,
            &given.value,
            names.iter().filter_map(|n| n.strip_prefix(group)?.strip_prefix('.')),
        )
    {
        (fault.message, fault.suggestion) = hint;
        return fault;
    }
    if !key.contains('.')
        && let Some(near) = parameters::nearest_word(key, TOP.iter().chain(LISTS).copied())
            .filter(|near| parameters::likeness(key, near) > 0.7)
    {
        fault.message = "no such key".into();
        fault.suggestion = if LISTS.contains(&near) {
            format!("did you mean [[{near}]]?")
        } else {
            format!("did you mean {near}?")
        };
        return fault;
    }
    fault.message = "no such key".into();
    let clinic = parameters::nearest_word(key, units::CLINIC_NAMES.iter().map(|name| name.key));
    let near = match (registry.nearest(key), clinic) {
        (Some(row), Some(clinic)) if parameters::likeness(key, clinic) > parameters::likeness(key, row) => Some(clinic),
        (Some(row), _) => Some(row),
        (None, clinic) => clinic,
    };
    let Some(near) = near else {
        let group = key.split('.').next().unwrap_or("");
        if registry.is_group(group) && key.contains('.') {
            fault.expected = format!(
                "one of {}",
                list(registry.rows_of(group).map(|row| &row.key[group.len() + 1..]))
            );
        }
        return fault;
    };
    let (near_group, near_leaf) = near.rsplit_once('.').unwrap_or(("", near));
    let (group, leaf) = key.rsplit_once('.').unwrap_or(("", key));
    if near_leaf == leaf {
        fault.suggestion = format!("`{leaf}` belongs to [{near_group}]");
    } else if near_group == group {
        fault.suggestion = format!("did you mean `{near_leaf}`?");
        // A misspelt name with another unit needs the number too.
        if let (Some((_, from)), Some((_, to))) = (units::split_suffix(leaf), units::split_suffix(near_leaf))
            && from != to
            && let Some((text, number)) = converted(&given.value, from, to)
        {
            fault.suggestion = format!("did you mean `{near_leaf}`? {text}: write {near_leaf} = {number}");
        }
    } else {
        fault.suggestion = format!("did you mean `{near}`?");
    }
    fault
}

/// Two names that differ by a letter or two.
fn nearly_equal(a: &str, b: &str) -> bool {
    let most = 1 + a.len() / 20;
    a.len() > 6 && a.len().abs_diff(b.len()) <= most && strsim::osa_distance(a, b) <= most
}

/// A name whose stem exists with another unit, and the converted number.
pub(super) fn unit_hint<'a>(
    leaf: &str,
    value: &toml::Value,
    names: impl Iterator<Item = &'a str>,
) -> Option<(String, String)> {
    let (stem, from) = units::split_suffix(leaf).map_or((leaf, ""), |(stem, unit)| (stem, unit));
    let mut other = None;
    for name in names {
        let (name_stem, to) = units::split_suffix(name).map_or((name, ""), |(stem, unit)| (stem, unit));
        if name_stem != stem || name == leaf {
            continue;
        }
        if let Some((text, number)) = converted(value, from, to) {
            return Some((
                format!("no such key: the unit here is {}", spoken(to)),
                format!("did you mean `{name}`? {text}: write {name} = {number}"),
            ));
        }
        other.get_or_insert((name.to_string(), to));
    }
    let (name, to) = other?;
    let message = if to.is_empty() {
        "no such key: this quantity has no unit in its name".into()
    } else if from.is_empty() {
        "no such key: a key names its unit".into()
    } else {
        format!(
            "no such key: the unit here is {}, which is not the same kind of quantity as {}",
            spoken(to),
            spoken(from)
        )
    };
    Some((message, format!("did you mean `{name}`?")))
}

/// `0.01 mm = 10 µm`, and the 10.
fn converted(value: &toml::Value, from: &str, to: &str) -> Option<(String, String)> {
    #[allow(clippy::cast_precision_loss)]
    let number = match value {
        toml::Value::Float(x) => *x,
        toml::Value::Integer(i) => *i as f64,
        _ => return None,
    };
    let there = units::rounded_number(number * units::factor(from, to)?);
    let here = units::plain_number(number);
    let text = format!("{here} {} = {there} {}", spoken(from), spoken(to));
    Some((text, there))
}

/// `um_per_s` as a person writes it.
fn spoken(unit: &str) -> String {
    let unit = unit
        .strip_prefix("per_")
        .map_or_else(|| unit.to_string(), |rest| format!("1/{rest}"));
    let unit = unit.replace("_per_", "/");
    let micro = |part: &str| match part {
        "um" => "µm".to_string(),
        "um2" => "µm²".into(),
        "mm2" => "mm²".into(),
        "cm2" => "cm²".into(),
        "umol" => "µmol".into(),
        "ug" => "µg".into(),
        "mmhg" => "mmHg".into(),
        "pa" => "Pa".into(),
        "kpa" => "kPa".into(),
        "l" => "L".into(),
        "dl" => "dL".into(),
        other => other.into(),
    };
    unit.split('/').map(micro).collect::<Vec<_>>().join("/")
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// What must fit together.
fn together(scenario: &Scenario, faults: &mut Faults, warnings: &mut Faults) {
    let place = |key: &str| {
        scenario
            .origin(key)
            .map(|origin| origin.place.clone())
            .unwrap_or_default()
    };
    // A resolved scenario writes every value; only one that differs from the default was meant.
    let given = |key: &str| {
        let default = Registry::embedded().row(key).map(|row| &row.value);
        place(key) != Place::Default && scenario.value(key) != default
    };
    // The one of two values that was written, so that the fault points at a line of the user.
    let blame = |keys: &[&'static str]| keys.iter().copied().find(|key| given(key)).unwrap_or(keys[0]);
    let n = units::plain_number;
    let fault_at = |key: &str| {
        let value = scenario.value(key).map(ToString::to_string).unwrap_or_default();
        (place(key), place(key).fault(key, &value))
    };

    let plane = scenario.word("space.plane");
    let voxel = scenario.number("space.voxel_um");
    let extents: &[(&'static str, bool)] = &[
        ("space.width_mm", true),
        ("space.breadth_mm", plane != "section"),
        ("space.depth_mm", plane != "plan"),
    ];
    for &(key, used) in extents {
        if !used {
            if given(key) {
                let (place, mut fault) = fault_at(key);
                fault.message =
                    format!("a {plane} has no such extent: the value is not used; its thickness is slab_thickness_um");
                warnings.push(&place, fault);
            }
            continue;
        }
        let voxels = scenario.number(key) * 1000.0 / voxel;
        let whole = voxels.round();
        if whole < 2.0 {
            let (place, mut fault) = fault_at(blame(&[key, "space.voxel_um"]));
            fault.message = format!(
                "{} mm holds {} voxels of {} µm",
                n(scenario.number(key)),
                n(whole),
                n(voxel)
            );
            fault.expected = "at least two voxels".into();
            faults.push(&place, fault);
        } else if (voxels - whole).abs() > 1e-6 * whole {
            let (place, mut fault) = fault_at(blame(&["space.voxel_um", key]));
            fault.message = format!(
                "{key} = {} is not a whole number of voxels of {} µm: {} mm is used",
                n(scenario.number(key)),
                n(voxel),
                units::rounded_number(whole * voxel / 1000.0)
            );
            warnings.push(&place, fault);
        }
    }
    if scenario.number("space.depth_mm") <= scenario.number("space.skin_mm")
        && plane != "plan"
        && given("space.depth_mm")
        && scenario.word("network.kind") == "skin"
    {
        let (place, mut fault) = fault_at("space.depth_mm");
        fault.message = format!(
            "the skin is {} mm thick: this block has no fat",
            n(scenario.number("space.skin_mm"))
        );
        warnings.push(&place, fault);
    }

    match (scenario.word("network.kind"), scenario.word("network.dir")) {
        ("csv", "") => {
            let (place, mut fault) = fault_at("network.kind");
            fault.expected = "network.dir, the folder with the CSV files".into();
            faults.push(&place, fault);
        }
        ("skin", dir) if !dir.is_empty() => {
            let (place, mut fault) = fault_at("network.dir");
            fault.message = "network.kind is \"skin\": the folder is not read".into();
            fault.suggestion = "write kind = \"csv\" to use it".into();
            warnings.push(&place, fault);
        }
        ("skin", _) => {
            if plane == "plan" {
                let (place, mut fault) = fault_at("space.plane");
                fault.message = "generated skin has a depth, a plan has none".into();
                fault.expected = "\"section\" or \"block\", or network.kind = \"csv\"".into();
                faults.push(&place, fault);
            }
            let pitch = scenario.number("network.arteriole_pitch_mm");
            let across: &[&'static str] = if plane == "block" {
                &["space.width_mm", "space.breadth_mm"]
            } else {
                &["space.width_mm"]
            };
            for &key in across {
                let extent = scenario.number(key);
                let territories = extent / pitch;
                let (place, mut fault) = fault_at(blame(&[key, "network.arteriole_pitch_mm"]));
                if territories < 0.75 && plane != "block" {
                    fault.message = format!(
                        "arterioles ascend every {} mm: a width of {} mm may hold none",
                        n(pitch),
                        n(extent)
                    );
                    faults.push(&place, fault);
                } else if (territories - territories.round()).abs() > 1e-6 && scenario.word("space.sides") == "periodic"
                {
                    let whole = math::max(territories.round(), 1.0);
                    fault.message = format!(
                        "periodic sides: {} mm is not a whole number of arteriole pitches of {} mm, the pitch becomes {} mm",
                        n(extent),
                        n(pitch),
                        units::rounded_number(extent / whole)
                    );
                    warnings.push(&place, fault);
                }
            }
        }
        _ => {}
    }
    if scenario.number("host.inlet_pressure_mmhg") <= scenario.number("host.outlet_pressure_mmhg") {
        let key = blame(&["host.inlet_pressure_mmhg", "host.outlet_pressure_mmhg"]);
        let (place, mut fault) = fault_at(key);
        fault.message = format!(
            "blood flows from {} to {} mmHg: the inlet must be above the outlet",
            n(scenario.number("host.inlet_pressure_mmhg")),
            n(scenario.number("host.outlet_pressure_mmhg"))
        );
        faults.push(&place, fault);
    }

    let step = scenario.number("run.step_h");
    let whole = |hours: f64| (hours / step - (hours / step).round()).abs() < 1e-6;
    if !whole(scenario.days() * 24.0) {
        let (place, mut fault) = fault_at(blame(&["run.days", "run.step_h"]));
        fault.message = format!(
            "{} days is not a whole number of steps of {} h: the run ends with the step before",
            n(scenario.days()),
            n(step)
        );
        warnings.push(&place, fault);
    }
    let every = scenario.number("output.series_every_h");
    if every < step {
        let (place, mut fault) = fault_at(blame(&["output.series_every_h", "run.step_h"]));
        fault.message = format!("a row every {} h is finer than the step of {} h", n(every), n(step));
        faults.push(&place, fault);
    } else if !whole(every) {
        let (place, mut fault) = fault_at(blame(&["output.series_every_h", "run.step_h"]));
        fault.message = format!(
            "not a whole number of steps of {} h: rows fall on the step after",
            n(step)
        );
        warnings.push(&place, fault);
    }
    if let Some(Value::Numbers(days)) = scenario.value("output.snapshot_days")
        && days.iter().any(|day| *day > scenario.written_days())
    {
        let (place, mut fault) = fault_at("output.snapshot_days");
        fault.message = format!("the run ends on day {}", n(scenario.written_days()));
        fault.expected = format!("days from 0 to {}", n(scenario.written_days()));
        faults.push(&place, fault);
    }
    for (key, last, place) in schedule::last_days(scenario) {
        if last >= scenario.written_days() {
            let mut fault = place.fault(&key, "");
            fault.message = format!(
                "the run ends on day {}, before its event on day {}",
                n(scenario.written_days()),
                n(last)
            );
            fault.expected = format!("a day before {}, or a longer run.days", n(scenario.written_days()));
            faults.push(&place, fault);
        }
    }
}

/// Doses, insults and snapshots that `--days` has put beyond the end of the run: warnings.
pub(super) fn beyond_the_end(scenario: &Scenario) -> Vec<Diagnostic> {
    let mut warnings = Faults::default();
    let (days, n) = (scenario.days(), units::plain_number);
    if days >= scenario.written_days() {
        return Vec::new();
    }
    for (key, last, place) in schedule::last_days(scenario) {
        if last >= days {
            let mut fault = place.fault(&key, "");
            fault.message = format!(
                "--days ends the run on day {}, before its event on day {}",
                n(days),
                n(last)
            );
            warnings.push(&place, fault);
        }
    }
    if let Some(Value::Numbers(list)) = scenario.value("output.snapshot_days")
        && let Some(origin) = scenario.origin("output.snapshot_days")
        && list.iter().any(|day| *day > days)
    {
        let mut fault = origin
            .place
            .fault("output.snapshot_days", &Value::Numbers(list.clone()).to_string());
        fault.message = format!("--days ends the run on day {}", n(days));
        warnings.push(&origin.place, fault);
    }
    warnings.into_sorted()
}
