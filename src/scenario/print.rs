//! A scenario as TOML again, every value written out.

use std::fmt::{Display, Write as _};

use super::{Origin, Scenario};
use crate::parameters::{Arrows, Registry, Value};

/// Sections that a reader wants first; the processes follow in the order of the registry.
const FIRST: &[&str] = &["run", "space", "network", "host"];

/// The whole scenario; `explained` adds unit and origin to each line.
pub(super) fn toml(scenario: &Scenario, explained: bool) -> String {
    let mut text = String::from("schema = 1\n");
    let tops = [
        ("name", &scenario.name),
        ("question", &scenario.question),
        ("known", &scenario.known),
        ("assumed", &scenario.assumed),
    ];
    for (key, value) in tops {
        if !value.is_empty() {
            let _ = writeln!(text, "{key} = {}", word(value));
        }
    }
    // An origin is said only where one asks for it.
    let said = |origin: &dyn Display| if explained { origin.to_string() } else { String::new() };
    let registry = Registry::embedded();
    let sections = registry.sections();
    let mut order: Vec<&str> = FIRST.iter().copied().filter(|s| sections.contains(s)).collect();
    order.extend(sections.iter().filter(|s| !FIRST.contains(s) && **s != "output"));
    order.extend(sections.iter().filter(|s| **s == "output"));
    for section in order {
        let lines: Vec<(String, String)> = scenario
            .rows()
            .filter_map(|(row, held)| {
                let line = format!("{} = {}", row.path_in(section)?, written(&held.value));
                let origin = match row.unit.as_str() {
                    "-" => said(&held.origin),
                    unit => said(&format_args!("{unit} · {}", held.origin)),
                };
                Some((line, origin))
            })
            .collect();
        table(&mut text, &format!("[{section}]"), &lines, explained);
    }
    let switches: Vec<(String, String)> = Arrows::names()
        .iter()
        .filter_map(|name| {
            let switch = scenario.switches.get(name)?;
            Some((format!("{name} = {}", switch.on), said(&switch.on_origin)))
        })
        .collect();
    table(&mut text, "[mechanisms]", &switches, explained);
    // Scaled registry values stand above as they are; only arrows are still to be scaled.
    let scales: Vec<(String, String)> = Arrows::names()
        .iter()
        .filter_map(|name| {
            let switch = scenario.switches.get(name)?;
            let given = switch.scale_origin != Origin::default();
            given.then(|| (format!("{name} = {:?}", switch.scale), said(&switch.scale_origin)))
        })
        .collect();
    if !scales.is_empty() {
        table(&mut text, "[scale]", &scales, explained);
    }
    // One list after the other, as they are read: a scenario that extends another may have added a challenge behind its therapies.
    let (challenges, therapies): (Vec<_>, Vec<_>) = scenario.elements.iter().partition(|e| e.list == "challenge");
    for element in challenges.into_iter().chain(therapies) {
        let mut lines = vec![(format!("id = {}", word(&element.id)), said(&element.place))];
        // The kind before the rest: it says what the rest means.
        let (kind, rest): (Vec<_>, Vec<_>) = element
            .fields
            .iter()
            .filter(|(name, _)| *name != "id")
            .partition(|(name, _)| *name == "kind");
        for (name, given) in kind.into_iter().chain(rest) {
            lines.push((format!("{name} = {}", raw(&given.value)), said(&given.place)));
        }
        table(&mut text, &format!("[[{}]]", element.list), &lines, explained);
    }
    text
}

fn table(text: &mut String, head: &str, lines: &[(String, String)], explained: bool) {
    let _ = writeln!(text, "\n{head}");
    let width = lines
        .iter()
        .map(|(line, _)| line.chars().count())
        .max()
        .unwrap_or(0)
        .min(48);
    for (line, origin) in lines {
        if explained {
            let _ = writeln!(text, "{line:width$}  # {origin}");
        } else {
            let _ = writeln!(text, "{line}");
        }
    }
}

fn word(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

/// Shortest decimal that reads back to the same bits, always as a real number.
fn written(value: &Value) -> String {
    match value {
        Value::Number(x) => format!("{x:?}"),
        Value::Integer(i) => i.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Word(text) => word(text),
        Value::Numbers(list) => {
            let list: Vec<String> = list.iter().map(|x| format!("{x:?}")).collect();
            format!("[{}]", list.join(", "))
        }
    }
}

fn raw(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(x) => format!("{x:?}"),
        other => other.to_string(),
    }
}
