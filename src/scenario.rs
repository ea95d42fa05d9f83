//! A scenario: TOML text in, checked parameters out. No files: a [`Library`] brings the text.
//!
//! The way of a value: file (after what it `extends`) → `--set` → unit of the registry → `[scale]` → range. Everything is
//! checked before the first step and every fault is reported at once, with its place.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::error::{Diagnostic, Error, Result};
use crate::parameters::{self, Arrows, ChallengeEntry, Registry, Row, TherapyEntry, Value};

mod build;
mod check;
mod draft;
mod print;
mod schedule;
#[cfg(feature = "page")]
pub mod schema;
mod shipped;

pub use draft::Place;
#[cfg(feature = "cli")]
pub(crate) use draft::{Faults, Source, plain};
pub use shipped::{Library, Shipped, stem, tidy};

/// Where a value comes from and what was done to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// Where it was written.
    pub place: Place,
    /// Conversion and scaling, in words; empty when the value stands as written.
    pub note: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if self.note.is_empty() {
            Ok(())
        } else {
            write!(f, ", {}", self.note)
        }
    }
}

/// One resolved value.
#[derive(Clone, Debug)]
struct Held {
    value: Value,
    origin: Origin,
}

/// One switch as the scenario has it.
#[derive(Clone, Debug)]
struct Switch {
    on: bool,
    on_origin: Origin,
    scale: f64,
    scale_origin: Origin,
}

/// A scenario as it is written, with all that it extends: parsed once, to be checked with one list of changes after another.
#[derive(Clone, Debug)]
pub struct Written(draft::Draft);

impl Written {
    /// Reads a scenario and all that it extends.
    ///
    /// # Errors
    /// [`Error::Files`] when there is no such file.
    pub fn read(library: &dyn Library, name_or_path: &str) -> Result<Self> {
        draft::Draft::read(library, name_or_path).map(Self)
    }

    /// Reads a scenario from text. What it extends comes from the shipped scenarios.
    pub fn of_text(file: &str, text: &str) -> Self {
        Self(draft::Draft::read_text(&Shipped, file, text))
    }

    /// Checks it with changes as `--set` takes them. The second part of the answer are warnings.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn checked(&self, sets: &[String]) -> Result<(Scenario, Vec<Diagnostic>)> {
        self.clone().into_checked(sets)
    }

    fn into_checked(mut self, sets: &[String]) -> Result<(Scenario, Vec<Diagnostic>)> {
        self.0.set(sets);
        check::resolve(self.0)
    }
}

/// A checked scenario with every parameter filled in.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name; the file's stem when the text has none.
    pub name: String,
    /// What it asks.
    pub question: String,
    /// What is known about it.
    pub known: String,
    /// What it assumes.
    pub assumed: String,
    /// Display name of the file that was asked for.
    pub file: String,
    /// Display names of all files that were read, the scenario itself last.
    pub files: Vec<String>,
    /// One for each row of the registry, in its order.
    values: Vec<Held>,
    switches: BTreeMap<&'static str, Switch>,
    challenges: Vec<ChallengeEntry>,
    therapies: Vec<TherapyEntry>,
    elements: Vec<draft::Element>,
}

impl Scenario {
    /// Reads, merges and checks a scenario. The second part of the answer are warnings.
    ///
    /// # Errors
    /// [`Error::Input`] with all faults, or [`Error::Files`] when nothing but a missing file is wrong.
    pub fn load(library: &dyn Library, name_or_path: &str, sets: &[String]) -> Result<(Self, Vec<Diagnostic>)> {
        Written::read(library, name_or_path)?.into_checked(sets)
    }

    /// Reads a scenario from text. What it extends comes from the shipped scenarios.
    pub fn from_text(file: &str, text: &str, sets: &[String]) -> Result<(Self, Vec<Diagnostic>)> {
        Written::of_text(file, text).into_checked(sets)
    }

    /// Another seed, from the option `--seed`.
    pub fn set_seed(&mut self, seed: u64) -> Result<()> {
        let seed = i64::try_from(seed).map_err(|_| Error::input("--seed", "a seed is at most 9223372036854775807"))?;
        self.hold("run.seed", Value::Integer(seed), "--seed");
        Ok(())
    }

    /// Another length, from the option `--days`. Doses beyond it are warnings.
    pub fn set_days(&mut self, days: f64) -> Result<Vec<Diagnostic>> {
        let possible = Registry::embedded().row("run.days").and_then(|row| row.possible);
        let fits = possible.is_some_and(|(low, high)| low <= days && days <= high);
        if !days.is_finite() || !fits {
            let mut fault = Place::Flag("--days").fault("run.days", &crate::units::plain_number(days));
            fault.expected = Registry::embedded()
                .row("run.days")
                .map(|r| r.expected())
                .unwrap_or_default();
            return Err(Error::Input(vec![fault]));
        }
        let written = self.written_days();
        if days == written {
            self.hold("run.written_days", Value::Number(0.0), "--days");
        } else {
            self.hold("run.written_days", Value::Number(written), "--days");
        }
        self.hold("run.days", Value::Number(days), "--days");
        Ok(check::beyond_the_end(self))
    }

    fn hold(&mut self, key: &str, value: Value, flag: &'static str) {
        let origin = Origin {
            place: Place::Flag(flag),
            note: String::new(),
        };
        if let Some(row) = Registry::embedded().index(key) {
            self.values[row] = Held { value, origin };
        }
    }

    fn held(&self, key: &str) -> Option<&Held> {
        Registry::embedded().index(key).map(|row| &self.values[row])
    }

    /// Rows of the registry with the values that they have here.
    fn rows(&self) -> impl Iterator<Item = (&'static Row, &Held)> {
        Registry::embedded().rows().iter().zip(&self.values)
    }

    /// The values of one section, converted and scaled, groups nested as in a scenario; empty when there is no such section.
    pub fn section_table(&self, name: &str) -> toml::Table {
        let mut table = toml::Table::new();
        for (row, held) in self.rows() {
            if let Some(path) = row.path_in(name) {
                parameters::insert(&mut table, path, held.value.to_toml());
            }
        }
        table
    }

    /// One section as the `Parameters` of its process.
    ///
    /// # Errors
    /// [`Error::Internal`] when the fields of the struct are not the rows of the section.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let section = self.section_table(name);
        if section.is_empty() {
            return Err(Error::Internal(format!("the registry has no section [{name}]")));
        }
        parameters::from_section(name, section)
    }

    /// A resolved value by its registry key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.held(key).map(|held| &held.value)
    }

    /// A resolved number by its registry key, 0 where there is none.
    pub fn number(&self, key: &str) -> f64 {
        self.value(key).and_then(Value::number).unwrap_or(0.0)
    }

    /// A resolved word by its registry key, empty where there is none.
    pub fn word(&self, key: &str) -> &str {
        match self.value(key) {
            Some(Value::Word(word)) => word,
            _ => "",
        }
    }

    /// Where a value comes from.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.held(key).map(|held| &held.origin)
    }

    /// The file that wrote a value: what a path in that value is relative to.
    pub fn file_of(&self, key: &str) -> Option<&str> {
        match &self.held(key)?.origin.place {
            Place::Text { file, .. } => Some(file),
            _ => None,
        }
    }

    /// Length of the run [d].
    pub fn days(&self) -> f64 {
        self.number("run.days")
    }

    /// Length that the scenario itself asks for, before `--days` [d].
    pub fn written_days(&self) -> f64 {
        let written = self.number("run.written_days");
        if written > 0.0 { written } else { self.days() }
    }

    /// Length of a step [h].
    pub fn step_h(&self) -> f64 {
        self.number("run.step_h")
    }

    /// Interval of the rows of series.csv [h].
    pub fn series_every_h(&self) -> f64 {
        self.number("output.series_every_h")
    }

    /// Days of which a snapshot is kept: the regular ones, those asked for, and the last; sorted, each once.
    pub fn snapshot_days(&self) -> Vec<f64> {
        let (end, every) = (self.days(), self.number("output.snapshot_every_d"));
        let mut days = vec![end];
        if every > 0.0 {
            days.extend(
                (1..100_000_u32)
                    .map(|i| f64::from(i) * every)
                    .take_while(|day| *day < end),
            );
        }
        if let Some(Value::Numbers(list)) = self.value("output.snapshot_days") {
            days.extend(list.iter().copied().filter(|day| *day <= end));
        }
        days.sort_by(f64::total_cmp);
        days.dedup();
        days
    }

    /// Currency of every cost.
    pub fn currency(&self) -> &str {
        self.word("output.currency")
    }

    /// Seed of the dice.
    pub fn seed(&self) -> u64 {
        match self.value("run.seed") {
            Some(Value::Integer(seed)) => seed.unsigned_abs(),
            _ => 1,
        }
    }

    /// Strength of every causal arrow.
    pub fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::default();
        for (name, switch) in &self.switches {
            arrows.set(name, if switch.on { switch.scale } else { 0.0 });
        }
        arrows
    }

    /// Dated insults, in the order of the scenario.
    pub fn challenges(&self) -> &[ChallengeEntry] {
        &self.challenges
    }

    /// Treatments, in the order of the scenario.
    pub fn therapies(&self) -> &[TherapyEntry] {
        &self.therapies
    }

    /// Host values that the scenario does not give and that fell to the registry's default, by key.
    pub fn reported_defaults(&self) -> Vec<(&str, &Value)> {
        let mut found: Vec<(&str, &Value)> = self
            .rows()
            .filter(|(row, held)| row.section() == "host" && held.origin.place == Place::Default)
            .map(|(row, held)| (row.key.as_str(), &held.value))
            .collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        found
    }

    /// The whole scenario as TOML, every value written out. Reading it again gives the same bits.
    pub fn resolved_toml(&self) -> String {
        print::toml(self, false)
    }

    /// [`Self::resolved_toml`] with unit and origin of each value as comments.
    pub fn show(&self) -> String {
        print::toml(self, true)
    }

    /// Every value with its key and origin, in the order of the registry; then the switches.
    pub fn origins(&self) -> Vec<(String, Value, String)> {
        let mut rows: Vec<(String, Value, String)> = self
            .rows()
            .map(|(row, held)| (row.key.clone(), held.value.clone(), held.origin.to_string()))
            .collect();
        for name in Arrows::names() {
            let Some(switch) = self.switches.get(name) else {
                continue;
            };
            rows.push((
                format!("mechanisms.{name}"),
                Value::Bool(switch.on),
                switch.on_origin.to_string(),
            ));
            if switch.scale != 1.0 {
                rows.push((
                    format!("scale.{name}"),
                    Value::Number(switch.scale),
                    switch.scale_origin.to_string(),
                ));
            }
        }
        rows
    }
}

impl std::str::FromStr for Scenario {
    type Err = Error;

    /// Reads a scenario that is not in a file; warnings are dropped.
    fn from_str(text: &str) -> Result<Self> {
        Ok(Self::from_text("scenario.toml", text, &[])?.0)
    }
}
