//! `calcisim list`: what there is to choose from.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Reply, show};
use crate::experiment::file;
use crate::parameters::{Arrows, ChallengeKind, Registry, TherapyKind};
use crate::scenario::{Scenario, Shipped};

/// `calcisim list`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim list\n  calcisim list experiments\n  calcisim list parameters | grep phosphate"
)]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum, default_value_t = What::Scenarios)]
    pub what: What,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Scenarios that ship with calcisim.
    Scenarios,
    /// Experiments that ship with calcisim.
    Experiments,
    /// Every parameter of the registry.
    Parameters,
    /// Causal arrows that can be turned off.
    Switches,
    /// Kinds of challenge.
    Challenges,
    /// Kinds of therapy.
    Therapies,
}

pub(super) fn list(args: &ListArgs) -> Reply {
    let (name, rows): (&str, Vec<(String, String, Value)>) = match args.what {
        What::Scenarios => (
            "scenarios",
            Shipped::names()
                .map(|name| {
                    let question = Scenario::load(&Shipped, name, &[])
                        .map(|(s, _)| s.question)
                        .unwrap_or_default();
                    (
                        name.into(),
                        question.clone(),
                        json!({ "name": name, "question": question }),
                    )
                })
                .collect(),
        ),
        What::Experiments => (
            "experiments",
            file::shipped()
                .into_iter()
                .map(|name| {
                    let (kind, question, cost) = file::load(&Shipped, name)
                        .map_or_else(|_| Default::default(), |(e, _)| (e.kind.word(), e.question, e.cost));
                    let value = json!({"name": name, "kind": kind, "question": question, "cost": cost});
                    (format!("{name} ({kind})"), format!("{question} {cost}"), value)
                })
                .collect(),
        ),
        What::Parameters => (
            "parameters",
            Registry::embedded()
                .rows()
                .iter()
                .map(|row| {
                    let unit = if row.unit == "-" {
                        String::new()
                    } else {
                        format!(" {}", row.unit)
                    };
                    let value = json!({
                        "key": row.key, "value": show::plain(&row.value), "unit": row.unit,
                        "status": row.status.word(), "meaning": row.meaning,
                    });
                    let words = format!("{}  [{}]", row.meaning, row.status.word());
                    (format!("{} = {}{unit}", row.key, row.value), words, value)
                })
                .collect(),
        ),
        What::Switches => (
            "switches",
            Arrows::names()
                .iter()
                .map(|name| words(name, Arrows::meaning(name).unwrap_or_default()))
                .collect(),
        ),
        What::Challenges => (
            "challenges",
            ChallengeKind::ALL
                .iter()
                .map(|kind| words(kind.word(), kind.meaning()))
                .collect(),
        ),
        What::Therapies => (
            "therapies",
            TherapyKind::ALL
                .iter()
                .map(|kind| words(kind.word(), kind.meaning()))
                .collect(),
        ),
    };
    let width = rows.iter().map(|(left, _, _)| left.chars().count()).max().unwrap_or(0);
    let text: String = rows
        .iter()
        .map(|(left, right, _)| format!("{left:width$}  {right}\n"))
        .collect();
    let values: Vec<Value> = rows.into_iter().map(|(_, _, value)| value).collect();
    Reply::text(text).with(name, values)
}

fn words(name: &str, meaning: &str) -> (String, String, Value) {
    (name.into(), meaning.into(), json!({ "name": name, "meaning": meaning }))
}
