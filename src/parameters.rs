//! The registry: value, unit, range, prior, source and status of every parameter, read from `parameters.toml`.
//!
//! A registry key is the TOML path in a scenario, the `--set` path, the factor path of an experiment and the
//! argument of `explain`. A row is a table with a `value`; a table without one is a group of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::units;

mod entries;
pub use entries::{
    ChallengeEntry, ChallengeKind, ChallengeRule, Course, Dose, DoseRule, DoseUnit, Instrument, Route, Setting,
    TherapyEntry, TherapyKind, TherapyRule, Trigger,
};

/// Value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A real number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Bool(bool),
    /// A word, one of `choices` where the row has them.
    Word(String),
    /// A list of real numbers.
    Numbers(Vec<f64>),
}

impl Value {
    /// As a TOML value of its own type: a real number is always written as one.
    pub fn to_toml(&self) -> toml::Value {
        match self {
            Self::Number(x) => toml::Value::Float(*x),
            Self::Integer(i) => toml::Value::Integer(*i),
            Self::Bool(b) => toml::Value::Boolean(*b),
            Self::Word(word) => toml::Value::String(word.clone()),
            Self::Numbers(list) => toml::Value::Array(list.iter().map(|x| toml::Value::Float(*x)).collect()),
        }
    }

    /// The real number, also of a whole one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(x) => Some(*x),
            #[allow(clippy::cast_precision_loss)]
            Self::Integer(i) => Some(*i as f64),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(x) => write!(f, "{}", units::plain_number(*x)),
            Self::Integer(i) => write!(f, "{i}"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Word(word) => write!(f, "\"{word}\""),
            Self::Numbers(list) => {
                let list: Vec<String> = list.iter().map(|x| units::plain_number(*x)).collect();
                write!(f, "[{}]", list.join(", "))
            }
        }
    }
}

/// What a value rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Measured, or arithmetic on measurements.
    Measured,
    /// Taken from another model.
    Model,
    /// Chosen.
    Assumed,
    /// Fitted to a named behaviour.
    Calibrated,
}

impl Status {
    /// The word of the registry.
    pub fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Model => "model",
            Self::Assumed => "assumed",
            Self::Calibrated => "calibrated",
        }
    }
}

/// What is believed about a value before data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "dist", rename_all = "lowercase", deny_unknown_fields)]
pub enum Prior {
    /// Not varied.
    #[default]
    Fixed,
    /// Equal chance between two bounds.
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Log-normal.
    Lognormal {
        /// Median.
        median: f64,
        /// Geometric standard deviation, above 1.
        gsd: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
}

impl fmt::Display for Prior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = units::plain_number;
        match *self {
            Self::Fixed => write!(f, "fixed"),
            Self::Uniform { low, high } => write!(f, "uniform from {} to {}", n(low), n(high)),
            Self::Lognormal { median, gsd } => {
                write!(f, "log-normal, median {}, geometric sd {}", n(median), n(gsd))
            }
            Self::Normal { mean, sd } => write!(f, "normal, mean {}, sd {}", n(mean), n(sd)),
        }
    }
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Row {
    /// Dotted path, `mineral.growth_rate_per_d`.
    pub key: String,
    /// Default.
    pub value: Value,
    /// Unit, `-` for a pure number.
    pub unit: String,
    /// Inclusive; outside is an error. `None` for booleans and words.
    pub possible: Option<(f64, f64)>,
    /// Inclusive; outside is a warning.
    pub evidence: Option<(f64, f64)>,
    /// What is believed before data.
    pub prior: Prior,
    /// Allowed words; empty = any.
    pub choices: Vec<String>,
    /// What the default rests on.
    pub status: Status,
    /// Where the default comes from.
    pub source: String,
    /// What it is, in words.
    pub meaning: String,
}

impl Row {
    /// First part of the key: the process.
    pub fn section(&self) -> &str {
        self.key.split('.').next().unwrap_or("")
    }

    /// The key below a section or a group inside one; `None` when it lies elsewhere.
    pub fn path_in(&self, group: &str) -> Option<&str> {
        self.key.strip_prefix(group)?.strip_prefix('.')
    }

    /// Last part of the key.
    pub fn name(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or("")
    }

    /// «a number from 0 to 100 [1/d]», for a person who wrote something else.
    pub fn expected(&self) -> String {
        let kind = match &self.value {
            Value::Number(_) => "a number",
            Value::Integer(_) => "a whole number",
            Value::Bool(_) => return "true or false".into(),
            Value::Word(_) if self.choices.is_empty() => return "a text in quotes".into(),
            Value::Word(_) => return format!("one of {}", quoted(&self.choices)),
            Value::Numbers(_) => "a list of numbers",
        };
        let n = units::plain_number;
        let range = match self.possible {
            Some((low, high)) if high >= 9e18 => format!(" of at least {}", n(low)),
            Some((low, high)) => format!(" from {} to {}", n(low), n(high)),
            None => String::new(),
        };
        let unit = if self.unit == "-" {
            String::new()
        } else {
            format!(" [{}]", self.unit)
        };
        format!("{kind}{range}{unit}")
    }
}

/// `"a", "b" or "c"`.
pub fn quoted<T: AsRef<str>>(words: &[T]) -> String {
    let mut text = String::new();
    for (i, word) in words.iter().enumerate() {
        let joint = match i {
            0 => "",
            _ if i + 1 == words.len() => " or ",
            _ => ", ",
        };
        text.push_str(joint);
        text.push('"');
        text.push_str(word.as_ref());
        text.push('"');
    }
    text
}

/// A row as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowText {
    value: toml::Value,
    unit: Option<String>,
    possible: Option<[f64; 2]>,
    evidence: Option<[f64; 2]>,
    #[serde(default)]
    prior: Prior,
    #[serde(default)]
    choices: Vec<String>,
    #[serde(default)]
    integer: bool,
    status: Status,
    source: String,
    meaning: String,
}

/// All rows, in the order of the file.
#[derive(Clone, Debug)]
pub struct Registry {
    rows: Vec<Row>,
    by_key: BTreeMap<String, usize>,
    /// Names of the sections and of the groups inside them.
    groups: BTreeSet<String>,
}

impl Registry {
    /// The registry of this calcisim, read once.
    ///
    /// # Panics
    /// When the embedded file is not well formed, which a test of this module rules out.
    pub fn embedded() -> &'static Self {
        static REGISTRY: OnceLock<Registry> = OnceLock::new();
        REGISTRY.get_or_init(|| match Self::from_toml(include_str!("parameters.toml")) {
            Ok(registry) => registry,
            Err(fault) => panic!("the embedded registry is well formed: {fault}"),
        })
    }

    /// Reads a registry and checks every row.
    pub fn from_toml(text: &str) -> Result<Self> {
        let fail = |key: &str, what: &str| Err(Error::Internal(format!("parameters.toml: {key}: {what}")));
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(fault) => return fail("text", &fault.to_string()),
        };
        let mut found = Vec::new();
        gather(String::new(), table, &mut found);
        let mut registry = Self {
            rows: Vec::new(),
            by_key: BTreeMap::new(),
            groups: BTreeSet::new(),
        };
        for (key, value) in found {
            let toml::Value::Table(table) = value else {
                return fail(&key, "a row is a table with a `value`");
            };
            let row: RowText = match toml::Value::Table(table).try_into() {
                Ok(row) => row,
                Err(fault) => return fail(&key, &fault.to_string()),
            };
            match checked(key.clone(), row) {
                Ok(row) => {
                    let dots = key.match_indices('.').map(|(at, _)| key[..at].to_owned());
                    registry.groups.extend(dots);
                    registry.by_key.insert(key, registry.rows.len());
                    registry.rows.push(row);
                }
                Err(what) => return fail(&key, &what),
            }
        }
        Ok(registry)
    }

    /// Every row.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of a key.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.index(key).map(|i| &self.rows[i])
    }

    /// Which of the rows a key is.
    pub fn index(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// Names of the sections, in the order of their first row.
    pub fn sections(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !names.contains(&row.section()) {
                names.push(row.section());
            }
        }
        names
    }

    /// Rows of one section, or of a group inside one (`host.burn_in`).
    pub fn rows_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Row> + 'a {
        self.rows.iter().filter(move |row| row.path_in(group).is_some())
    }

    /// Is this the name of a section or of a group inside one?
    pub fn is_group(&self, name: &str) -> bool {
        self.groups.contains(name)
    }

    /// The defaults of one section as a table, groups nested: what its `Parameters` struct loads from.
    pub fn defaults(&self, section: &str) -> toml::Table {
        let mut table = toml::Table::new();
        for row in self.rows_of(section) {
            insert(&mut table, &row.key[section.len() + 1..], row.value.to_toml());
        }
        table
    }

    /// The defaults of one section as the `Parameters` of its process.
    ///
    /// # Errors
    /// [`Error::Internal`] when the fields of the struct are not the rows of the section.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        from_section(name, self.defaults(name))
    }

    /// The key most like `name`, over all tables; the same name in another table counts as near.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let (section, leaf) = name.split_once('.').unwrap_or(("", name));
        let mut best: Option<(&str, f64)> = None;
        // Rows of one section stand together.
        let (mut last_section, mut of_section) = ("", likeness(section, ""));
        for row in &self.rows {
            let (row_section, row_leaf) = row.key.split_once('.').unwrap_or(("", &row.key));
            if row_section != last_section {
                (last_section, of_section) = (row_section, likeness(section, row_section));
            }
            let joined = |of_leaf: f64| {
                if section.is_empty() {
                    of_leaf
                } else {
                    0.7 * of_leaf + 0.3 * of_section
                }
            };
            if joined(likeness_at_most(leaf, row_leaf)) <= best.map_or(0.6, |(_, most)| most) {
                continue;
            }
            let score = joined(likeness(leaf, row_leaf));
            if best.is_none_or(|(_, most)| score > most) {
                best = Some((&row.key, score));
            }
        }
        best.filter(|(_, score)| *score > 0.6).map(|(key, _)| key)
    }
}

/// A section's table as the `Parameters` of its process: every row a field and every field a row.
pub fn from_section<T: DeserializeOwned>(name: &str, table: toml::Table) -> Result<T> {
    toml::Value::Table(table).try_into().map_err(|fault: toml::de::Error| {
        Error::Internal(format!(
            "the fields of [{name}] are not the rows of the registry: {}",
            fault.message()
        ))
    })
}

/// 1 for equal names, 0 for names with nothing in common.
pub fn likeness(a: &str, b: &str) -> f64 {
    let longest = a.chars().count().max(b.chars().count());
    if longest == 0 {
        return 1.0;
    }
    #[allow(clippy::cast_precision_loss)]
    let score = 1.0 - strsim::osa_distance(a, b) as f64 / longest as f64;
    score
}

/// A cheap upper bound of [`likeness`]: lengths alone.
fn likeness_at_most(a: &str, b: &str) -> f64 {
    let (a, b) = (a.chars().count(), b.chars().count());
    #[allow(clippy::cast_precision_loss)]
    let bound = 1.0 - a.abs_diff(b) as f64 / a.max(b).max(1) as f64;
    bound
}

/// The word of a list most like `name`, when any is near.
pub fn nearest_word<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(&str, f64)> = None;
    for word in words {
        if likeness_at_most(name, word) < best.map_or(0.5, |(_, most)| most) {
            continue;
        }
        let score = likeness(name, word);
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((word, score));
        }
    }
    best.filter(|(_, score)| *score >= 0.5).map(|(word, _)| word)
}

/// Puts a value under a dotted path, making the tables on the way.
pub fn insert(table: &mut toml::Table, path: &str, value: toml::Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.into(), value);
        }
        Some((head, rest)) => {
            let inner = table
                .entry(head)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn gather(path: String, table: toml::Table, found: &mut Vec<(String, toml::Value)>) {
    for (name, value) in table {
        let key = if path.is_empty() {
            name
        } else {
            format!("{path}.{name}")
        };
        match value {
            toml::Value::Table(inner) if !inner.contains_key("value") => gather(key, inner, found),
            other => found.push((key, other)),
        }
    }
}

fn checked(key: String, row: RowText) -> Result<Row, String> {
    if !key.contains('.') {
        return Err("a row stands in a section".into());
    }
    // A scenario uses these words for something else: [[challenge]] and [challenge] cannot stand in one file.
    let section = key.split('.').next().unwrap_or("");
    if ["challenge", "therapy", "mechanisms", "scale", "experiment"].contains(&section) {
        return Err(format!("[{section}] is taken: another name for the section"));
    }
    let range = |name: &str, pair: Option<[f64; 2]>| match pair {
        Some([low, high]) if !(low.is_finite() && high.is_finite() && low <= high) => {
            Err(format!("{name} is [low, high], both finite"))
        }
        pair => Ok(pair.map(|[low, high]| (low, high))),
    };
    let possible = range("possible", row.possible)?;
    let evidence = range("evidence", row.evidence)?;
    let value = match row.value {
        toml::Value::Boolean(b) => Value::Bool(b),
        toml::Value::String(word) => Value::Word(word),
        toml::Value::Integer(i) if row.integer => Value::Integer(i),
        #[allow(clippy::cast_precision_loss)]
        toml::Value::Integer(i) => Value::Number(i as f64),
        toml::Value::Float(x) if !row.integer => Value::Number(x),
        toml::Value::Array(list) => Value::Numbers(numbers(&list).ok_or("a list of numbers only")?),
        _ => return Err("the value has no type of a parameter".into()),
    };
    let all: &[f64] = match &value {
        Value::Number(x) => std::slice::from_ref(x),
        Value::Integer(_) => &[],
        Value::Numbers(list) => list,
        Value::Bool(_) | Value::Word(_) => &[],
    };
    let is_number = matches!(value, Value::Number(_) | Value::Integer(_) | Value::Numbers(_));
    let unit = match (row.unit, is_number) {
        (Some(unit), _) if unit.is_empty() => return Err("unit: write - for a pure number".into()),
        (Some(unit), _) => unit,
        (None, true) => return Err("a number has a unit".into()),
        (None, false) => "-".into(),
    };
    if is_number {
        let Some((low, high)) = possible else {
            return Err("a number has a possible range".into());
        };
        let integer = value.number().filter(|_| matches!(value, Value::Integer(_)));
        if all.iter().chain(integer.iter()).any(|x| !(low <= *x && *x <= high)) {
            return Err("the default lies outside the possible range".into());
        }
        if evidence.is_some_and(|(a, b)| a < low || b > high) {
            return Err("the evidence range lies outside the possible range".into());
        }
    } else if possible.is_some() || evidence.is_some() {
        return Err("only numbers have ranges".into());
    }
    if let Value::Word(word) = &value
        && !row.choices.is_empty()
        && !row.choices.contains(word)
    {
        return Err("the default is none of the choices".into());
    }
    match row.prior {
        Prior::Uniform { low, high } if low >= high || low.is_nan() || high.is_nan() => {
            return Err("prior: low < high".into());
        }
        Prior::Lognormal { median, gsd } if !(median > 0.0 && gsd > 1.0) => {
            return Err("prior: median > 0 and gsd > 1".into());
        }
        Prior::Normal { sd, .. } if sd <= 0.0 || sd.is_nan() => return Err("prior: sd > 0".into()),
        _ => {}
    }
    if row.source.trim().is_empty() || row.meaning.trim().is_empty() {
        return Err("source and meaning are written".into());
    }
    Ok(Row {
        key,
        value,
        unit,
        possible,
        evidence,
        prior: row.prior,
        choices: row.choices,
        status: row.status,
        source: row.source,
        meaning: row.meaning,
    })
}

fn numbers(list: &[toml::Value]) -> Option<Vec<f64>> {
    list.iter()
        .map(|item| match item {
            toml::Value::Float(x) => Some(*x),
            #[allow(clippy::cast_precision_loss)]
            toml::Value::Integer(i) => Some(*i as f64),
            _ => None,
        })
        .collect()
}

/// One field per switch, and what the switch owns.
macro_rules! arrows {
    ($($name:ident: $meaning:literal,)*) => {
        /// Strength of every causal arrow: 1 = on, 0 = off, other = scaled. Rules multiply their arrow by it.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Arrows {
            $(#[doc = $meaning] pub $name: f64,)*
        }

        impl Default for Arrows {
            fn default() -> Self { Self { $($name: 1.0,)* } }
        }

        impl Arrows {
            /// Names of the switches, in the order of the contract.
            pub fn names() -> &'static [&'static str] { &[$(stringify!($name),)*] }

            /// Strength of a switch by name.
            pub fn get(&self, name: &str) -> Option<f64> {
                match name { $(stringify!($name) => Some(self.$name),)* _ => None }
            }

            /// Sets a switch by name; false when there is none of that name.
            pub fn set(&mut self, name: &str, strength: f64) -> bool {
                match name { $(stringify!($name) => { self.$name = strength; true })* _ => false }
            }

            /// What a switch owns, in words.
            pub fn meaning(name: &str) -> Option<&'static str> {
                match name { $(stringify!($name) => Some($meaning),)* _ => None }
            }
        }
    };
}

arrows! {
    passive_mineral: "mineral nucleates and grows from plasma without the help of cells",
    osteo: "phosphate turns mural cells osteogenic, which nucleate mineral",
    adipo: "adipocytes calcify and drive the calcification of mural cells",
    inhibitor: "pyrophosphate, fetuin-A, carboxylated MGP, magnesium and fytate hold mineral back",
    stenosis: "wall mineral narrows the lumen",
    neointima: "an injured wall thickens inward",
    ec_injury: "phosphate, cytokine, damage signal and hypoxia injure the endothelium",
    ec_osteo: "an injured endothelium turns mural cells osteogenic",
    shear: "wall shear protects and repairs the endothelium",
    thrombosis: "a denuded wall clots",
    lysis: "clots dissolve and are recanalised",
    stagnation: "low flow promotes clotting",
    hypoxia_osteo: "hypoxia turns mural cells osteogenic",
    infl_osteo: "cytokine turns mural cells osteogenic",
    crystal_infl: "mineral activates macrophages",
    damp_loop: "dead tissue emits a damage signal that inflames and injures endothelium",
    reperfusion: "blood that returns brings a pulse of damage signal",
    infection: "an open surface is seeded with bacteria",
    angiogenesis: "hypoxia calls new vessels",
    reepithelialise: "keratinocytes close an open surface from its edge",
    trauma: "bruises and needles injure vessels",
    systemic_uraemia: "uraemic toxins of plasma injure endothelium",
    msc_immune: "stem cells quieten inflammation",
    msc_angio: "stem cells call new vessels",
    msc_anticalc: "stem cells hold the osteogenic switch back",
    msc_antibact: "stem cells kill bacteria",
    msc_coag: "stem cells slowly relieve hypercoagulability",
    msc_tf: "stem cells carry tissue factor: acute clotting",
    msc_osteogenic: "stem cells turn osteogenic under inflammation: a harm",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_registry_is_well_formed() {
        assert!(Registry::embedded().rows().len() > 50);
    }

    #[test]
    fn a_misspelt_key_finds_its_row() {
        let registry = Registry::embedded();
        assert_eq!(registry.nearest("space.voxl_um"), Some("space.voxel_um"));
        assert_eq!(registry.nearest("run.voxel_um"), Some("space.voxel_um"));
        assert_eq!(registry.nearest("voxel_um"), Some("space.voxel_um"));
        assert_eq!(registry.nearest("space.hamburger"), None);
    }

    #[test]
    fn a_row_without_unit_range_or_source_is_refused() {
        let row = |text: &str| Registry::from_toml(text).map(|r| r.rows().len());
        let whole = "[a.b]\nvalue = 1.0\nunit = \"1/d\"\npossible = [0.0, 2.0]\nstatus = \"assumed\"\nsource = \"s\"\nmeaning = \"m\"\n";
        assert!(row(whole).is_ok());
        for line in whole.lines().skip(1) {
            let without: String = whole.lines().filter(|l| *l != line).map(|l| format!("{l}\n")).collect();
            assert!(row(&without).is_err(), "{line}");
        }
        assert!(row(&whole.replace("1/d", "")).is_err());
        assert!(row(&whole.replace("[a.b]", "[challenge.b]")).is_err());
        assert!(row(&whole.replace("value = 1.0", "value = 3.0")).is_err());
    }

    #[test]
    fn every_switch_can_be_read_and_set_by_name() {
        let mut arrows = Arrows::default();
        assert_eq!(Arrows::names().len(), 29);
        for name in Arrows::names() {
            assert_eq!(arrows.get(name), Some(1.0));
            assert!(arrows.set(name, 0.5) && Arrows::meaning(name).is_some());
            assert_eq!(arrows.get(name), Some(0.5));
        }
        assert!(!arrows.set("damp_lop", 0.0));
    }
}
