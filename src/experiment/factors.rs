//! Factors: registry keys, switches, scales and fields of therapies that an experiment varies, each with its levels or
//! its distribution.

use super::arms::{Arm, moved, set_text};
use super::design::{Distribution, spaced};
use super::text::{Item, Section};
use crate::error::Error;
use crate::parameters::{Registry, Value};
use crate::scenario::{Faults, Place, Written};
use crate::units;

/// By how much a distribution may be widened or narrowed.
pub(super) const WIDEN: (f64, f64) = (0.01, 100.0);

/// One factor.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Dotted path, as for `--set`.
    pub path: String,
    /// Unit, `-` for a pure number.
    pub unit: String,
    /// What its values are.
    pub kind: Kind,
    /// Its levels, where the design needs them.
    pub levels: Vec<toml::Value>,
    /// `low` and `high` without `steps`, and where they are written.
    pub(super) range: Option<(Distribution, Place)>,
    /// How much wider its distribution is than written or than its prior.
    pub(super) widen: f64,
    pub(super) place: Place,
}

/// What the values of a factor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Real numbers.
    Number,
    /// Whole numbers.
    Integer,
    /// Yes or no: 1 and 0 in a design.
    Bool,
    /// Words: their index among the levels in a design.
    Word,
}

impl Factor {
    /// The value of a cell of a design.
    pub fn value(&self, cell: f64) -> toml::Value {
        match self.kind {
            Kind::Number => toml::Value::Float(cell),
            Kind::Integer => toml::Value::Integer(cell.round() as i64),
            Kind::Bool => toml::Value::Boolean(cell != 0.0),
            Kind::Word => self
                .levels
                .get(cell as usize)
                .cloned()
                .unwrap_or(toml::Value::Boolean(false)),
        }
    }

    /// The cell of a value; nothing when the value is of another kind.
    pub fn cell(&self, value: &toml::Value) -> Option<f64> {
        match (self.kind, value) {
            (Kind::Number | Kind::Integer, toml::Value::Integer(i)) => Some(*i as f64),
            (Kind::Number, toml::Value::Float(x)) if x.is_finite() => Some(*x),
            (Kind::Integer, toml::Value::Float(x)) if x.fract() == 0.0 => Some(*x),
            (Kind::Bool, toml::Value::Boolean(b)) => Some(f64::from(u8::from(*b))),
            (Kind::Word, value) => {
                let at = self.levels.iter().position(|level| level == value)?;
                Some(at as f64)
            }
            _ => None,
        }
    }

    /// A factor whose levels come from elsewhere.
    pub(super) fn bare(path: &str, levels: Vec<toml::Value>, place: Place) -> Self {
        let kind = kind(path, &levels);
        Self {
            path: path.to_owned(),
            unit: unit(path),
            kind,
            levels,
            range: None,
            widen: 1.0,
            place,
        }
    }
}

/// Kind of a path by the registry, else by its levels.
fn kind(path: &str, levels: &[toml::Value]) -> Kind {
    let key = units::clinic_name(path).map_or(path, |name| name.means);
    if let Some(row) = Registry::embedded().row(key) {
        return match row.value {
            Value::Number(_) => Kind::Number,
            Value::Integer(_) => Kind::Integer,
            Value::Bool(_) => Kind::Bool,
            Value::Word(_) | Value::Numbers(_) => Kind::Word,
        };
    }
    let is = |of: fn(&toml::Value) -> bool| !levels.is_empty() && levels.iter().all(of);
    if path.starts_with("mechanisms.") || is(toml::Value::is_bool) {
        Kind::Bool
    } else if levels.is_empty() || is(|v| v.is_float() || v.is_integer()) {
        // Whole numbers stay so: `count = 3.0` is no count.
        if is(toml::Value::is_integer) {
            Kind::Integer
        } else {
            Kind::Number
        }
    } else {
        Kind::Word
    }
}

/// Unit of a path: of the registry, else what its name ends with.
fn unit(path: &str) -> String {
    if let Some(row) = Registry::embedded().row(path) {
        return row.unit.clone();
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    if path.starts_with("therapy.") || path.starts_with("challenge.") || units::clinic_name(path).is_some() {
        units::split_suffix(name).map_or("-", |(_, unit)| unit).to_owned()
    } else {
        "-".to_owned()
    }
}

/// Reads `[[factors]]` as far as every design has them: path, levels or range, and how much wider its distribution is taken
/// (`widen` of the whole file where the factor does not say).
pub(super) fn read(sections: Vec<Section>, widen: f64, faults: &mut Faults) -> Vec<(Factor, Section)> {
    let mut found: Vec<(Factor, Section)> = Vec::new();
    for mut section in sections {
        let place = section.place.clone();
        let Some((path, item)) = section.word("path", faults) else {
            let mut fault = place.fault("factors.path", "");
            fault.expected =
                "a path as for --set: a registry key, mechanisms.SWITCH, scale.ARROW, therapy.ID.FIELD".into();
            faults.push(&place, fault);
            section.misspelt("path", faults);
            continue;
        };
        if found.iter().any(|(factor, _)| factor.path == path) {
            let mut fault = item.fault("factors.path", "each path once");
            fault.message = "two factors have this path".into();
            faults.push(&item.place, fault);
            continue;
        }
        let (levels, range) = levels(&path, &mut section, faults);
        let mut factor = Factor::bare(&path, levels, item.place.clone());
        factor.range = range;
        factor.widen = section.number("widen", WIDEN, faults).map_or(widen, |(by, _)| by);
        found.push((factor, section));
    }
    found
}

/// `levels = […]`, or `low`, `high`, `steps` and `scale`; without `steps` they are a distribution.
fn levels(path: &str, section: &mut Section, faults: &mut Faults) -> (Vec<toml::Value>, Option<(Distribution, Place)>) {
    let given = section.list("levels");
    let (low, high) = (bound(section, "low", faults), bound(section, "high", faults));
    let steps = section.whole("steps", 2, 10_000, faults);
    let log = section.choice("scale", &["linear", "log"], faults);
    if let Some((list, whole)) = given {
        let values: Vec<toml::Value> = list.iter().map(Item::value).collect();
        if let Some((i, twice)) =
            (1..values.len()).find_map(|i| values[..i].contains(&values[i]).then_some((i, &list[i])))
        {
            let mut fault = twice.fault("factors.levels", "each level once");
            fault.message = format!("level {} of {path} is written twice", i + 1);
            faults.push(&twice.place, fault);
        }
        if values.is_empty() {
            faults.push(&whole.place, whole.fault("factors.levels", "at least one level"));
        }
        return (values, None);
    }
    let (Some((low, item)), Some((high, high_item))) = (low, high) else {
        return (Vec::new(), None);
    };
    let is_log = log.is_some_and(|(word, _)| word == "log");
    if low >= high {
        let mut fault = high_item.fault(
            "factors.high",
            &format!("a number above low = {}", units::plain_number(low)),
        );
        fault.message = "this range is empty".into();
        faults.push(&high_item.place, fault);
        return (Vec::new(), None);
    }
    if is_log && low <= 0.0 {
        let mut fault = item.fault("factors.low", "a number above 0: the scale is logarithmic");
        fault.suggestion = "write scale = \"linear\" to include 0".into();
        faults.push(&item.place, fault);
        return (Vec::new(), None);
    }
    let Some((steps, _)) = steps else {
        let range = if is_log {
            Distribution::LogUniform { low, high }
        } else {
            Distribution::Uniform { low, high }
        };
        return (Vec::new(), Some((range, item.place)));
    };
    let numbers = spaced(low, high, steps as usize, is_log);
    (numbers.into_iter().map(toml::Value::Float).collect(), None)
}

fn bound(section: &mut Section, name: &'static str, faults: &mut Faults) -> Option<(f64, Item)> {
    section.number(name, (f64::MIN, f64::MAX), faults)
}

/// Tries values on every arm before anything runs: each batch is one value per factor, and its faults come back with the
/// places of the factors.
pub(super) fn judge(arms: &[Arm], batches: &[Vec<(String, toml::Value, Place)>], faults: &mut Faults) {
    for arm in arms {
        let written = Written::of_text(&format!("arm {}", arm.id), &arm.text);
        for batch in batches {
            let texts: Vec<String> = batch.iter().map(|(path, value, _)| set_text(path, value)).collect();
            let places: Vec<Place> = batch.iter().map(|(_, _, place)| place.clone()).collect();
            match written.checked(&texts) {
                Ok(_) => {}
                Err(Error::Input(list)) => {
                    // A fault in the text of the arm itself comes from values that do not fit together.
                    let list = list.into_iter().map(|mut fault| {
                        if !fault.file.starts_with("--set") {
                            fault.message = format!("with {}: {}", texts.join(", "), fault.message);
                        }
                        fault
                    });
                    moved(list.collect(), &places, faults);
                }
                Err(error) => {
                    let place = places.first().cloned().unwrap_or_default();
                    let mut fault = place.fault("factors", "");
                    fault.message = error.to_string();
                    faults.push(&place, fault);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_factor_have_the_type_of_its_path() {
        let place = Place::Default;
        let whole = Factor::bare("therapy.product.count", vec![toml::Value::Integer(3)], place.clone());
        assert_eq!(whole.value(3.0), toml::Value::Integer(3));
        let real = Factor::bare(
            "mineral.growth_rate_per_d",
            vec![toml::Value::Integer(3)],
            place.clone(),
        );
        assert_eq!(
            (real.value(3.0), real.unit.is_empty()),
            (toml::Value::Float(3.0), false)
        );
        let switch = Factor::bare("mechanisms.lysis", Vec::new(), place.clone());
        assert_eq!(switch.value(1.0), toml::Value::Boolean(true));
        let words = vec![toml::Value::from("iv"), toml::Value::from("intradermal")];
        let word = Factor::bare("therapy.product.route", words, place);
        assert_eq!(word.cell(&toml::Value::from("intradermal")), Some(1.0));
        assert_eq!(word.value(1.0), toml::Value::from("intradermal"));
    }
}
