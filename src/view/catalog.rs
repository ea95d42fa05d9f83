//! What a page can offer: scenarios, levers from the registry, fields with their colours, columns, lessons.

use serde_json::{Map, Value, json};

use super::frame;
use crate::error::Result;
use crate::output::series::COLUMNS;
use crate::parameters::{Arrows, Prior, Registry, Row};
use crate::picture::colours::{Ramp, VIK, ramp_of};
use crate::scenario::Shipped;
use crate::state::Species;
use crate::version;

/// Values of the patient that a page moves; a move is a dated change of chemistry.
const LEVERS: [&str; 13] = [
    "host.phosphate_mmol_per_l",
    "host.calcium_ionised_mmol_per_l",
    "host.magnesium_mmol_per_l",
    "host.pyrophosphate_umol_per_l",
    "host.fetuin_a_g_per_l",
    "host.albumin_g_per_l",
    "host.warfarin",
    "host.thrombophilia",
    "host.lysis_factor",
    "host.repair_factor",
    "host.systemic_inflammation",
    "host.toxin_level",
    "host.inlet_pressure_mmhg",
];

/// Everything that does not depend on a run.
pub fn hello(engine: &str) -> Result<Value> {
    let texts = texts()?;
    Ok(json!({
        "version": version::VERSION,
        "engine": engine,
        "scenarios": scenarios(),
        "levers": levers(),
        "switches": Arrows::names(),
        "fields": fields(),
        "difference": table(VIK),
        "columns": COLUMNS.iter().map(|c| json!({ "name": c.name, "unit": c.unit })).collect::<Vec<_>>(),
        "lessons": texts.0,
        "scenarios_zh": texts.1,
    }))
}

/// Lessons, and the words of scenarios in Chinese; an offline page has them beside its engine, so that their text can change
/// without it.
#[cfg(not(feature = "cli"))]
fn texts() -> Result<(Vec<Value>, Value)> {
    Ok((Vec::new(), json!({})))
}

/// Lessons, and the words of scenarios in Chinese.
#[cfg(feature = "cli")]
fn texts() -> Result<(Vec<Value>, Value)> {
    Ok((super::lessons::all()?, super::lessons::scenarios_zh()?))
}

/// Questions of the shipped scenarios, as their files say them.
fn scenarios() -> Vec<Value> {
    Shipped::names()
        .filter_map(|name| {
            let table: toml::Table = Shipped::text(name)?.parse().ok()?;
            let word = |key: &str| table.get(key).and_then(toml::Value::as_str).unwrap_or("").to_owned();
            Some(json!({
                "name": name,
                "question": word("question"),
                "known": word("known"),
                "assumed": word("assumed"),
                "days": days_of(name, 8),
            }))
        })
        .collect()
}

/// Length of a shipped scenario, or of what it extends.
fn days_of(name: &str, depth: u32) -> Option<f64> {
    let table: toml::Table = Shipped::text(name)?.parse().ok()?;
    let written = table.get("run").and_then(|run| run.get("days"));
    let number = |value: &toml::Value| value.as_float().or_else(|| value.as_integer().map(|i| i as f64));
    written.and_then(number).or_else(|| {
        let base = table.get("extends").and_then(toml::Value::as_str);
        base.filter(|_| depth > 0).and_then(|base| days_of(base, depth - 1))
    })
}

fn levers() -> Vec<Value> {
    let registry = Registry::embedded();
    LEVERS
        .into_iter()
        .filter_map(|key| registry.row(key))
        .map(lever)
        .collect()
}

fn lever(row: &Row) -> Value {
    let value = match &row.value {
        crate::parameters::Value::Bool(on) => json!(on),
        other => json!(other.number()),
    };
    // What is usual in health, where the registry knows a spread; else what there is evidence for.
    let usual = match row.prior {
        Prior::Normal { mean, sd } => Some((mean - 1.96 * sd, mean + 1.96 * sd)),
        _ => None,
    };
    json!({
        "key": row.key,
        "value": value,
        "unit": row.unit,
        "possible": row.possible,
        "evidence": row.evidence,
        "usual": usual,
        "status": row.status,
        "source": row.source,
        "meaning": row.meaning,
    })
}

fn fields() -> Vec<Value> {
    Species::ALL
        .into_iter()
        .map(|species| {
            let (low, high) = species.picture_range();
            let mut field = Map::new();
            field.insert("name".into(), species.name().into());
            field.insert("unit".into(), species.unit().into());
            field.insert("low".into(), low.into());
            field.insert("high".into(), high.into());
            field.insert("power".into(), frame::power(species).into());
            field.insert("ramp".into(), ramp_of(species).name.into());
            field.insert("colours".into(), table(ramp_of(species)));
            Value::Object(field)
        })
        .collect()
}

/// 256 colours as hexadecimal digits.
fn table(ramp: Ramp) -> Value {
    let digits: String = ramp
        .table()
        .iter()
        .map(|[r, g, b]| format!("{r:02x}{g:02x}{b:02x}"))
        .collect();
    Value::String(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lever_is_a_row_of_the_registry_and_every_scenario_has_a_question() -> Result<()> {
        assert_eq!(levers().len(), LEVERS.len());
        let hello = hello("native")?;
        let scenarios = hello["scenarios"].as_array().map_or(0, Vec::len);
        assert_eq!(scenarios, Shipped::names().count());
        for scenario in hello["scenarios"].as_array().into_iter().flatten() {
            assert_ne!(scenario["question"], "", "{scenario}");
        }
        assert_eq!(hello["fields"][0]["colours"].as_str().map(str::len), Some(6 * 256));
        Ok(())
    }
}
