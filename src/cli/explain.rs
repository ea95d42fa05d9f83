//! `calcisim explain`: what a name means, what its value rests on, where it may lie.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::{Reply, show, wrapped};
use crate::error::{Diagnostic, Error, Result};
use crate::parameters::{self, Arrows, ChallengeKind, Instrument, Registry, Route, Row, TherapyKind};
use crate::units;

/// `calcisim explain`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim explain host.phosphate_mmol_per_l\n  calcisim explain space\n  \
                        calcisim explain damp_loop\n  calcisim explain therapy.msc"
)]
pub struct ExplainArgs {
    /// A registry key, a table, a switch, an instrument, `challenge.KIND` or `therapy.KIND`
    pub key: String,
}

pub(super) fn explain(args: &ExplainArgs) -> Result<Reply> {
    let registry = Registry::embedded();
    let key = args.key.trim().trim_matches(['[', ']']);
    if let Some(row) = registry.row(key) {
        return Ok(parameter(row));
    }
    if let Some(name) = units::clinic_name(key) {
        return Ok(clinic(name));
    }
    let switch = key
        .strip_prefix("mechanisms.")
        .or_else(|| key.strip_prefix("scale."))
        .unwrap_or(key);
    if let Some(meaning) = Arrows::meaning(switch) {
        return Ok(arrow(switch, meaning));
    }
    if let Some(found) = Instrument::from_word(key.strip_prefix("instrument.").unwrap_or(key)) {
        return Ok(instrument(registry, found));
    }
    if registry.is_group(key) {
        return Ok(group(registry, key));
    }
    let kind = |list: &str| {
        key.strip_prefix(list)
            .and_then(|rest| rest.strip_prefix('.'))
            .unwrap_or(key)
    };
    if let Some(found) = TherapyKind::from_word(kind("therapy")) {
        return Ok(therapy(found));
    }
    if let Some(found) = ChallengeKind::from_word(kind("challenge")) {
        return Ok(challenge(found));
    }
    // A name without its table, when only one table has it.
    let mut named = registry.rows().iter().filter(|row| row.name() == key);
    if let (Some(row), None) = (named.next(), named.next()) {
        return Ok(parameter(row));
    }
    let words = Arrows::names()
        .iter()
        .copied()
        .chain(registry.sections())
        .chain(Instrument::ALL.iter().map(|one| one.word()))
        .chain(TherapyKind::ALL.iter().map(|kind| kind.word()))
        .chain(ChallengeKind::ALL.iter().map(|kind| kind.word()));
    let near = if key.contains('.') { registry.nearest(key) } else { None };
    let near = near
        .or_else(|| parameters::nearest_word(key, words))
        .or_else(|| registry.nearest(key));
    Err(Error::Input(vec![Diagnostic {
        file: "explain".into(),
        key: key.into(),
        message: "nothing has this name".into(),
        suggestion: near.map_or_else(
            || "`calcisim list parameters` shows all of them".into(),
            |near| format!("did you mean {near}?"),
        ),
        ..Diagnostic::default()
    }]))
}

fn parameter(row: &Row) -> Reply {
    let n = units::plain_number;
    let unit = if row.unit == "-" {
        String::new()
    } else {
        format!(" {}", row.unit)
    };
    let mut text = format!("{} = {}{unit}\n{}\n", row.key, row.value, wrapped(&row.meaning, "  "));
    let mut line = |label: &str, words: String| {
        let _ = writeln!(text, "  {label:<10}{words}");
    };
    if let Some((low, high)) = row.possible {
        line(
            "possible",
            if high >= 9e18 {
                format!("at least {}", n(low))
            } else {
                format!("{} to {}{unit}", n(low), n(high))
            },
        );
    }
    if let Some((low, high)) = row.evidence {
        line("evidence", format!("{} to {}{unit}", n(low), n(high)));
    }
    if !row.choices.is_empty() {
        line("choices", parameters::quoted(&row.choices));
    }
    if row.possible.is_some() {
        line("prior", row.prior.to_string());
    }
    line("status", row.status.word().to_string());
    text += "  source\n";
    text += &wrapped(&row.source, "    ");
    let others: Vec<&str> = units::CLINIC_NAMES
        .iter()
        .filter(|c| c.means == row.key)
        .map(|c| c.key)
        .collect();
    if !others.is_empty() {
        let _ = writeln!(text, "  also as   {}", others.join(", "));
    }
    Reply::text(text)
        .with("key", row.key.clone())
        .with("kind", "parameter")
        .with("value", show::plain(&row.value))
        .with("unit", row.unit.clone())
        .with("possible", pair(row.possible))
        .with("evidence", pair(row.evidence))
        .with("choices", json!(row.choices))
        .with("prior", json!(row.prior))
        .with("status", row.status.word())
        .with("source", row.source.clone())
        .with("meaning", row.meaning.clone())
}

fn pair(range: Option<(f64, f64)>) -> Value {
    range.map_or(Value::Null, |(low, high)| json!([low, high]))
}

fn clinic(name: &units::ClinicName) -> Reply {
    let times = if name.times.is_empty() {
        String::new()
    } else {
        format!(" × {}", name.times)
    };
    let rule = format!(
        "{} = {} × {}{times}",
        name.means,
        name.key,
        units::plain_number(name.factor)
    );
    Reply::text(format!(
        "{}\n{}\n  {rule}\n",
        name.key,
        wrapped(
            &format!("{}, in the unit of a clinic; converted to the registry's", name.meaning),
            "  "
        )
    ))
    .with("key", name.key)
    .with("kind", "clinic unit")
    .with("means", name.means)
    .with("factor", name.factor)
    .with("meaning", name.meaning)
}

fn arrow(name: &str, meaning: &str) -> Reply {
    Reply::text(format!(
        "{name}: a switch\n{}\n  [mechanisms] {name} = false   turns it off\n  [scale] {name} = 0.5          makes it half as strong\n",
        wrapped(meaning, "  ")
    ))
    .with("key", name)
    .with("kind", "switch")
    .with("meaning", meaning)
}

fn group(registry: &Registry, name: &str) -> Reply {
    let rows: Vec<&Row> = registry.rows_of(name).collect();
    let left = |row: &Row| {
        let unit = if row.unit == "-" {
            String::new()
        } else {
            format!(" {}", row.unit)
        };
        format!("{} = {}{unit}", &row.key[name.len() + 1..], row.value)
    };
    let width = rows.iter().map(|row| left(row).chars().count()).max().unwrap_or(0);
    let mut text = format!("[{name}]\n");
    for row in &rows {
        let _ = writeln!(
            text,
            "  {:width$}  {:<10}  {}",
            left(row),
            row.status.word(),
            row.meaning
        );
    }
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    Reply::text(text)
        .with("key", name)
        .with("kind", "table")
        .with("keys", keys)
}

fn therapy(kind: TherapyKind) -> Reply {
    let rule = kind.rule();
    let mut text = format!("therapy of kind {}\n{}", kind.word(), wrapped(kind.meaning(), "  "));
    let mut routes = Vec::new();
    for route in rule.routes {
        let doses: Vec<String> = kind
            .doses(*route)
            .iter()
            .map(|dose| format!("dose_{}", dose.unit.word()))
            .collect();
        let with = if doses.is_empty() {
            String::new()
        } else {
            format!("  {}", doses.join(" or "))
        };
        if *route == Route::None {
            if !doses.is_empty() {
                let _ = writeln!(text, "\n  {}", doses.join(" or "));
            }
        } else {
            let _ = writeln!(
                text,
                "{}  route = {:<15}{with}",
                if routes.is_empty() { "\n" } else { "" },
                format!("\"{}\"", route.word())
            );
        }
        routes.push(json!({ "route": route.word(), "doses": doses }));
    }
    let mut fields = vec![
        "id",
        "start_d",
        "every_d",
        "count",
        "when, lockout_d, max_doses",
        "delay_d",
        "cost_per_dose",
    ];
    if rule.cells {
        fields.push("viability");
    }
    if rule.place {
        fields.extend(["x_mm", "y_mm", "depth_mm", "radius_mm"]);
    }
    if rule.duration {
        fields.push("duration_h");
    }
    if rule.set {
        fields.push("set = { host values }");
    }
    let _ = write!(text, "\n  also\n{}", wrapped(&fields.join(", "), "    "));
    Reply::text(text)
        .with("key", format!("therapy.{}", kind.word()))
        .with("kind", "therapy")
        .with("routes", routes)
        .with("meaning", kind.meaning())
}

fn instrument(registry: &Registry, found: Instrument) -> Reply {
    let word = found.word();
    let mut text = format!(
        "instrument {word} [{}]\n{}",
        found.unit(),
        wrapped(found.meaning(), "  ")
    );
    let rows: Vec<&Row> = registry.rows_of(word).collect();
    for row in &rows {
        let unit = if row.unit == "-" { "" } else { &row.unit };
        let status = row.status.word();
        let _ = write!(
            text,
            "\n  {} = {} {unit} ({status}): {}",
            row.key, row.value, row.meaning
        );
    }
    if found.is_read_at_visits() {
        let (low, high) = found.possible();
        let middle = units::plain_number(if high > 1000.0 { 20.0 } else { (low + high) / 2.0 });
        let use_it = format!(
            "A treatment may wait for it: when = \"{word} > {middle}\" or \"{word} < {middle}\", with lockout_d, max_doses and delay_d, \
             read every clinic.visit_every_d days. Readings of every visit stand in observe.csv of the run folder."
        );
        let _ = write!(text, "\n\n{}", wrapped(&use_it, "  "));
    }
    Reply::text(text)
        .with("key", word)
        .with("kind", "instrument")
        .with("unit", found.unit())
        .with("meaning", found.meaning())
        .with("keys", rows.iter().map(|row| row.key.clone()).collect::<Vec<_>>())
}

fn challenge(kind: ChallengeKind) -> Reply {
    let rule = kind.rule();
    let mut fields = vec!["id", "start_d", "every_d", "count", "strength"];
    if rule.place {
        fields.extend(["x_mm", "depth_mm", "radius_mm"]);
    }
    if rule.duration {
        fields.push("duration_h");
    }
    if rule.set {
        fields.push("set = { host values }");
    }
    Reply::text(format!(
        "challenge of kind {}\n{}\n  keys\n{}",
        kind.word(),
        wrapped(kind.meaning(), "  "),
        wrapped(&fields.join(", "), "    ")
    ))
    .with("key", format!("challenge.{}", kind.word()))
    .with("kind", "challenge")
    .with("fields", fields)
    .with("meaning", kind.meaning())
}
