//! `calcisim show`: the whole scenario, each value with its origin.

use clap::Args;
use serde_json::{Value, json};

use super::Reply;
use crate::error::Result;
use crate::library::Disk;
use crate::parameters::{self, Registry};
use crate::scenario::Scenario;

/// `calcisim show`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim show cua_warfarin\n  calcisim show mine.toml --set host.phosphate_mg_per_dl=6.7 > resolved.toml\n  \
                        calcisim show mine.toml --changed"
)]
pub struct ShowArgs {
    /// Path of a scenario, or the name of a shipped one
    pub file: String,
    /// Change one value first: a dotted path
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Only values that differ from the registry's default
    #[arg(long)]
    pub changed: bool,
}

pub(super) fn show(args: &ShowArgs) -> Result<Reply> {
    let (scenario, warnings) = Scenario::load(&Disk, &args.file, &args.sets)?;
    let registry = Registry::embedded();
    let mut rows = scenario.origins();
    if args.changed {
        rows.retain(|(_, _, origin)| origin != "default");
    }
    let values: Vec<Value> = rows
        .iter()
        .map(|(key, value, origin)| {
            let row = registry.row(key);
            json!({
                "key": key,
                "value": plain(value),
                "unit": row.map_or("-", |row| row.unit.as_str()),
                "origin": origin,
                "status": row.map_or("", |row| row.status.word()),
            })
        })
        .collect();
    let text = if args.changed {
        let width = rows
            .iter()
            .map(|(key, value, _)| format!("{key} = {value}").chars().count())
            .max()
            .unwrap_or(0);
        rows.iter()
            .map(|(key, value, origin)| format!("{:width$}  # {origin}\n", format!("{key} = {value}")))
            .collect()
    } else {
        scenario.show()
    };
    let mut reply = Reply::text(text)
        .with("scenario", scenario.name.clone())
        .with("file", scenario.file.clone())
        .with("values", values)
        .with("toml", scenario.resolved_toml());
    reply.warnings = warnings;
    Ok(reply)
}

/// A parameter's value as JSON.
pub(super) fn plain(value: &parameters::Value) -> Value {
    match value {
        parameters::Value::Number(x) => json!(x),
        parameters::Value::Integer(i) => json!(i),
        parameters::Value::Bool(b) => json!(b),
        parameters::Value::Word(word) => json!(word),
        parameters::Value::Numbers(list) => json!(list),
    }
}
