//! A JSON Schema of scenario files, made from the registry: what an editor completes, explains and underlines.
//!
//! It knows names, types, ranges and words. What only the whole can tell (a place inside the block, a dose of this route,
//! what is extended) stays the work of `check`.

use serde_json::{Map, Value as Json, json};

use crate::parameters::{
    Arrows, ChallengeKind, DoseRule, DoseUnit, Instrument, Registry, Route, Row, TherapyKind, Value,
};
use crate::units;

const COURSE: &[&str] = &["id", "kind", "start_d", "every_d", "count"];
const PLACE: &[&str] = &["x_mm", "y_mm", "depth_mm", "radius_mm"];
const CARE: &[&str] = &["when", "lockout_d", "max_doses", "route", "delay_d", "cost_per_dose"];

/// The schema (draft 7, which editors of TOML read).
pub fn schema() -> Json {
    let registry = Registry::embedded();
    let mut properties = head();
    for section in registry.sections() {
        properties.insert(section.into(), json!({ "$ref": format!("#/definitions/{section}") }));
    }
    let mut definitions = Map::new();
    for section in registry.sections() {
        definitions.insert(section.into(), group(registry, section, &leaf));
    }
    definitions.insert("factor".into(), factor());
    definitions.insert("challenge".into(), challenge());
    definitions.insert("therapy".into(), therapy());
    properties.insert("mechanisms".into(), mechanisms());
    properties.insert("scale".into(), scale(registry));
    for list in super::draft::LISTS {
        let items = json!({ "$ref": format!("#/definitions/{list}") });
        properties.insert((*list).into(), json!({ "type": "array", "items": items }));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "a scenario of calcisim",
        "description": "Made by `calcisim schema`. `calcisim check FILE` knows more: it also reads what a file extends.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        // A file that extends another may change one key of an entry; one that stands alone says what it is.
        "if": { "not": { "required": ["extends"] } },
        "then": { "properties": {
            "challenge": { "items": { "required": ["kind", "start_d"] } },
            "therapy": { "items": { "required": ["kind"], "anyOf": [{ "required": ["start_d"] }, { "required": ["when"] }] } },
        } },
        "definitions": definitions,
    })
}

/// What stands above all tables.
fn head() -> Map<String, Json> {
    let mut head = Map::new();
    let mut text = |key: &str, meaning: &str| {
        head.insert(key.into(), json!({ "type": "string", "description": meaning }));
    };
    text(
        "name",
        "name of the scenario and of its run folder; the file's stem by default",
    );
    text("question", "what the scenario asks");
    text("known", "what is known about it");
    text("assumed", "what it assumes");
    if let Some(Json::Object(name)) = head.get_mut("name") {
        name.insert("pattern".into(), json!("^[A-Za-z0-9_][A-Za-z0-9_.-]*$"));
    }
    head.insert(
        "schema".into(),
        json!({ "const": 1, "description": "version of the format" }),
    );
    let path = json!({ "type": "string" });
    head.insert(
        "extends".into(),
        json!({
            "description": "a path or the name of a shipped scenario, or a list of them; what stands here wins",
            "anyOf": [path, { "type": "array", "items": path }],
        }),
    );
    head
}

/// One table of the registry, groups nested; nothing else may stand in it.
fn group(registry: &Registry, name: &str, of: &dyn Fn(&Row) -> Option<Json>) -> Json {
    let mut properties = Map::new();
    for row in registry.rows_of(name) {
        let rest = &row.key[name.len() + 1..];
        match rest.split_once('.') {
            None => {
                if let Some(json) = of(row) {
                    properties.insert(rest.into(), json);
                }
            }
            Some((inner, _)) if !properties.contains_key(inner) => {
                properties.insert(inner.into(), group(registry, &format!("{name}.{inner}"), of));
            }
            Some(_) => {}
        }
    }
    for clinic in units::CLINIC_NAMES {
        if let Some((section, key)) = clinic.key.rsplit_once('.')
            && section == name
        {
            let meaning = format!(
                "{}, in the unit of a clinic; stands for {}",
                clinic.meaning, clinic.means
            );
            properties.insert(
                key.into(),
                json!({ "type": "number", "minimum": 0, "description": meaning }),
            );
        }
    }
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// One parameter.
fn leaf(row: &Row) -> Option<Json> {
    let mut json = match &row.value {
        Value::Number(_) => bounded("number", row.possible),
        Value::Integer(_) => bounded("integer", row.possible),
        Value::Bool(_) => typed("boolean"),
        Value::Word(_) if row.choices.is_empty() => typed("string"),
        Value::Word(_) => {
            let mut word = typed("string");
            word.insert("enum".into(), json!(row.choices));
            word
        }
        Value::Numbers(_) => {
            let mut list = typed("array");
            list.insert("items".into(), Json::Object(bounded("number", row.possible)));
            list
        }
    };
    let default = match &row.value {
        Value::Number(x) => json!(x),
        Value::Integer(i) => json!(i),
        Value::Bool(b) => json!(b),
        Value::Word(word) => json!(word),
        Value::Numbers(list) => json!(list),
    };
    json.insert("default".into(), default);
    let unit = if row.unit == "-" {
        String::new()
    } else {
        format!(" [{}]", row.unit)
    };
    let status = row.status.word();
    let words = format!(
        "{}{unit}. {}{}: {}",
        row.meaning,
        status[..1].to_uppercase(),
        &status[1..],
        row.source
    );
    json.insert("description".into(), words.into());
    Some(Json::Object(json))
}

fn typed(name: &str) -> Map<String, Json> {
    let mut json = Map::new();
    json.insert("type".into(), name.into());
    json
}

/// A number in its possible range; a whole number is written as one.
fn bounded(name: &str, range: Option<(f64, f64)>) -> Map<String, Json> {
    let mut json = typed(name);
    let bound = |x: f64| {
        if x.fract() == 0.0 && x.abs() < 1e15 {
            json!(x as i64)
        } else {
            json!(x)
        }
    };
    if let Some((low, high)) = range {
        json.insert("minimum".into(), bound(low));
        if high < 9e18 {
            json.insert("maximum".into(), bound(high));
        }
    }
    json
}

fn factor() -> Json {
    json!({ "type": "number", "minimum": 0, "description": "multiplies the value" })
}

fn mechanisms() -> Json {
    let switch = |name: &str| {
        let meaning = Arrows::meaning(name).unwrap_or_default();
        json!({ "type": "boolean", "default": true, "description": meaning })
    };
    let switches: Map<String, Json> = Arrows::names()
        .iter()
        .map(|name| ((*name).to_owned(), switch(name)))
        .collect();
    json!({
        "type": "object",
        "description": "causal arrows: false turns one off",
        "properties": switches,
        "additionalProperties": false,
    })
}

/// Factors of switches and of registry keys, quoted (`"mineral.growth_rate_per_d" = 2.0`) or as tables.
fn scale(registry: &Registry) -> Json {
    let reference = || json!({ "$ref": "#/definitions/factor" });
    let is_number = |row: &Row| matches!(row.value, Value::Number(_) | Value::Integer(_));
    let mut properties = Map::new();
    for name in Arrows::names() {
        let meaning = format!("strength of: {}", Arrows::meaning(name).unwrap_or_default());
        properties.insert(
            (*name).into(),
            json!({ "type": "number", "minimum": 0, "description": meaning }),
        );
    }
    for section in registry.sections() {
        let nested = group(registry, section, &|row| is_number(row).then(reference));
        let both = match properties.remove(section) {
            Some(arrow) => json!({ "anyOf": [arrow, nested] }),
            None => nested,
        };
        properties.insert(section.into(), both);
    }
    for row in registry.rows().iter().filter(|row| is_number(row)) {
        properties.insert(row.key.clone(), reference());
    }
    json!({
        "type": "object",
        "description": "multiplies switches and numbers of the registry",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// A number of a dated entry.
fn number(meaning: &str, low: f64, high: Option<f64>) -> Json {
    let mut json = bounded("number", Some((low, high.unwrap_or(f64::INFINITY))));
    json.insert("description".into(), meaning.into());
    Json::Object(json)
}

/// What challenges and therapies share.
fn dated(kinds: &[&str]) -> Map<String, Json> {
    let mut properties = Map::new();
    let mut put = |key: &str, json: Json| {
        properties.insert(key.into(), json);
    };
    put(
        "id",
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$", "description": "name within the scenario; its kind by default" }),
    );
    put("kind", json!({ "type": "string", "enum": kinds }));
    put("start_d", number("first day [d]", 0.0, Some(1e5)));
    put("every_d", number("interval between repeats [d]", 0.01, Some(1e5)));
    put(
        "count",
        json!({ "type": "integer", "minimum": 0, "maximum": 100_000, "description": "how often; to the end of the run by default" }),
    );
    put("x_mm", number("place along the surface [mm]", 0.0, None));
    put("y_mm", number("second place along the surface [mm]", 0.0, None));
    put("depth_mm", number("depth below the surface [mm]", 0.0, None));
    put("radius_mm", number("radius [mm]", 0.001, Some(100.0)));
    put("duration_h", number("how long it lasts [h]", 0.01, Some(1e4)));
    put(
        "set",
        json!({ "$ref": "#/definitions/host", "description": "host values from `start_d`" }),
    );
    properties
}

/// «Of this kind, only these keys», as a rule of the schema.
fn only(kind: &str, allowed: &[String], more: Json) -> Json {
    let mut then = match more {
        Json::Object(map) => map,
        _ => Map::new(),
    };
    then.insert("propertyNames".into(), json!({ "enum": allowed }));
    json!({
        "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] },
        "then": then,
    })
}

fn keys(parts: &[&[&str]]) -> Vec<String> {
    parts
        .iter()
        .flat_map(|part| part.iter())
        .map(|key| (*key).to_owned())
        .collect()
}

fn challenge() -> Json {
    let words: Vec<&str> = ChallengeKind::ALL.iter().map(|kind| kind.word()).collect();
    let mut properties = dated(&words);
    properties.insert(
        "strength".into(),
        number("share of the full effect, 0-1", 0.0, Some(1.0)),
    );
    let rules = ChallengeKind::ALL.iter().map(|kind| {
        let rule = kind.rule();
        let mut allowed = keys(&[COURSE, &["strength"]]);
        if rule.place {
            allowed.extend(keys(&[PLACE]));
        }
        if rule.duration {
            allowed.push("duration_h".into());
        }
        if rule.set {
            allowed.push("set".into());
        }
        only(kind.word(), &allowed, json!({ "description": kind.meaning() }))
    });
    let rules: Vec<Json> = rules.collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false, "allOf": rules })
}

fn therapy() -> Json {
    let words: Vec<&str> = TherapyKind::ALL.iter().map(|kind| kind.word()).collect();
    let mut properties = dated(&words);
    let routes: Vec<&str> = Route::ALL.iter().map(|route| route.word()).collect();
    properties.insert(
        "route".into(),
        json!({ "type": "string", "enum": routes, "description": "how it is given" }),
    );
    for unit in DoseUnit::ALL {
        let words = format!("dose [{}]", unit.word().replace("_per_", "/"));
        properties.insert(dose_key(*unit), number(&words, 0.0, None));
    }
    properties.insert("when".into(), when());
    properties.insert(
        "lockout_d".into(),
        number("days without a further dose after one", 0.0, Some(1e4)),
    );
    properties.insert(
        "max_doses".into(),
        json!({ "type": "integer", "minimum": 0, "maximum": 100_000, "description": "most doses that `when` may give" }),
    );
    properties.insert(
        "delay_d".into(),
        number("days between decision and product", 0.0, Some(1e4)),
    );
    properties.insert(
        "viability".into(),
        number("share of cells alive at injection", 0.0, Some(1.0)),
    );
    properties.insert(
        "cost_per_dose".into(),
        number("in the currency of the scenario", 0.0, Some(1e12)),
    );
    let rules: Vec<Json> = TherapyKind::ALL.iter().map(|kind| rule_of(*kind)).collect();
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "not": { "required": ["start_d", "when"] },
        "allOf": rules,
    })
}

fn dose_key(unit: DoseUnit) -> String {
    format!("dose_{}", unit.word())
}

/// What one kind of therapy takes: its keys, its routes, its doses in their ranges.
fn rule_of(kind: TherapyKind) -> Json {
    let rule = kind.rule();
    let mut allowed = keys(&[COURSE, CARE]);
    let mut doses: Vec<DoseRule> = Vec::new();
    for route in rule.routes {
        for dose in kind.doses(*route) {
            if !doses.iter().any(|known| known.unit == dose.unit) {
                doses.push(*dose);
            }
        }
    }
    let mut properties = Map::new();
    let routes: Vec<&str> = rule.routes.iter().map(|route| route.word()).collect();
    properties.insert("route".into(), json!({ "enum": routes }));
    for dose in &doses {
        properties.insert(dose_key(dose.unit), json!({ "maximum": dose.possible_max }));
        allowed.push(dose_key(dose.unit));
    }
    if rule.cells {
        allowed.push("viability".into());
    }
    if rule.place {
        allowed.extend(keys(&[PLACE]));
    }
    if rule.duration {
        allowed.push("duration_h".into());
    }
    if rule.set {
        allowed.push("set".into());
    }
    only(
        kind.word(),
        &allowed,
        json!({ "description": kind.meaning(), "properties": properties }),
    )
}

fn when() -> Json {
    let readable: Vec<&str> = Instrument::ALL
        .iter()
        .filter(|one| one.is_read_at_visits())
        .map(|one| one.word())
        .collect();
    json!({
        "type": "string",
        "pattern": format!("^\\s*({})\\s*[<>]\\s*[-+0-9.eE]+\\s*$", readable.join("|")),
        "description": "a dose that waits for a measurement, as \"wound_area > 20\"",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_registry_and_every_switch_has_its_place_in_the_schema() {
        let schema = schema();
        for row in Registry::embedded().rows() {
            let mut parts = row.key.split('.');
            let mut at = &schema["definitions"][parts.next().unwrap_or_default()];
            for part in parts {
                at = &at["properties"][part];
            }
            assert!(
                at["description"].as_str().is_some_and(|d| d.contains(&row.meaning)),
                "{}",
                row.key
            );
        }
        for name in Arrows::names() {
            assert_eq!(
                schema["properties"]["mechanisms"]["properties"][name]["type"],
                "boolean"
            );
        }
    }

    #[test]
    fn a_range_a_choice_and_a_default_are_those_of_the_registry() {
        let schema = schema();
        let plane = &schema["definitions"]["space"]["properties"]["plane"];
        assert_eq!(plane["enum"], json!(["section", "plan", "block"]));
        let phosphate = &schema["definitions"]["host"]["properties"]["phosphate_mmol_per_l"];
        let row = Registry::embedded().row("host.phosphate_mmol_per_l");
        let (low, high) = row.and_then(|row| row.possible).unwrap_or_default();
        assert_eq!(
            (phosphate["minimum"].as_f64(), phosphate["maximum"].as_f64()),
            (Some(low), Some(high))
        );
        assert_eq!(
            schema["definitions"]["host"]["properties"]["phosphate_mg_per_dl"]["type"],
            "number"
        );
    }
}
