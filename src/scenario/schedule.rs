//! Dated events: from the fields of a list entry to a challenge or a therapy, strictly by kind.

use std::collections::BTreeSet;

use super::Scenario;
use super::check::{of_type, type_hint, unit_hint};
use super::draft::{Element, Faults, Given, Place, canonical};
use crate::parameters::{
    self, ChallengeEntry, ChallengeKind, Course, Dose, DoseUnit, Instrument, Registry, Route, Setting, TherapyEntry,
    TherapyKind, Trigger, Value,
};
use crate::units;

/// Reads all entries. A faulty one is left out and said.
pub(super) fn read(
    scenario: &Scenario,
    faults: &mut Faults,
    warnings: &mut Faults,
) -> (Vec<ChallengeEntry>, Vec<TherapyEntry>) {
    let (mut challenges, mut therapies) = (Vec::new(), Vec::new());
    for element in &scenario.elements {
        let mut reader = Reader {
            scenario,
            element,
            faults,
            warnings,
            used: BTreeSet::new(),
        };
        reader.used.insert("id".into());
        if element.list == "challenge" {
            challenges.extend(reader.challenge());
        } else {
            therapies.extend(reader.therapy());
        }
    }
    (challenges, therapies)
}

/// The last dated event of each entry: path, day, place of what was written.
pub(super) fn last_days(scenario: &Scenario) -> Vec<(String, f64, Place)> {
    let place = |list: &str, id: &str| {
        scenario
            .elements
            .iter()
            .find(|e| e.list == list && e.id == id)
            .map(|e| {
                e.fields
                    .get("start_d")
                    .map_or_else(|| e.place.clone(), |given| given.place.clone())
            })
            .unwrap_or_default()
    };
    let mut days = Vec::new();
    for entry in &scenario.challenges {
        // An open course simply ends with the run; its first event must still act.
        let last = match entry.course.count {
            Some(0) => None,
            _ => Some(entry.course.last_day().unwrap_or(entry.course.start_d)),
        };
        if let Some(day) = last {
            days.push((format!("challenge.{}", entry.id), day, place("challenge", &entry.id)));
        }
    }
    for entry in &scenario.therapies {
        if entry.when.is_some() || entry.course.count == Some(0) {
            continue;
        }
        let last = entry.course.last_day().unwrap_or(entry.course.start_d) + entry.delay_d;
        days.push((format!("therapy.{}", entry.id), last, place("therapy", &entry.id)));
    }
    days
}

const COURSE: &[&str] = &["id", "kind", "start_d", "every_d", "count"];
const PLACE: &[&str] = &["x_mm", "y_mm", "depth_mm", "radius_mm"];
const TRIGGER: &[&str] = &["when", "lockout_d", "max_doses"];

struct Reader<'a> {
    scenario: &'a Scenario,
    element: &'a Element,
    faults: &'a mut Faults,
    warnings: &'a mut Faults,
    used: BTreeSet<String>,
}

impl Reader<'_> {
    fn path(&self, field: &str) -> String {
        format!("{}.{}.{field}", self.element.list, self.element.id)
    }

    fn take(&mut self, field: &str) -> Option<Given> {
        self.used.insert(field.into());
        self.element.fields.get(field).cloned()
    }

    fn fault(&mut self, field: &str, given: Option<&Given>, expected: &str, message: &str, suggestion: &str) {
        let place = given.map_or(&self.element.place, |given| &given.place).clone();
        let mut fault = place.fault(&self.path(field), given.map_or("", |given| &given.text));
        fault.expected = expected.into();
        fault.message = message.into();
        fault.suggestion = suggestion.into();
        self.faults.push(&place, fault);
    }

    fn number(&mut self, field: &str, unit: &str, low: f64, high: f64) -> Option<f64> {
        let given = self.take(field)?;
        let n = units::plain_number;
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!(" [{unit}]")
        };
        let expected = format!("a number from {} to {}{unit}", n(low), n(high));
        let number = match &given.value {
            toml::Value::Float(x) if x.is_finite() => *x,
            #[allow(clippy::cast_precision_loss)]
            toml::Value::Integer(i) => *i as f64,
            toml::Value::String(text) if text.trim().parse::<f64>().is_ok() => {
                let hint = format!("write {}, without quotes", text.trim());
                self.fault(field, Some(&given), &expected, "", &hint);
                return None;
            }
            _ => {
                self.fault(field, Some(&given), &expected, "", "");
                return None;
            }
        };
        if low <= number && number <= high {
            Some(number)
        } else {
            self.fault(field, Some(&given), &expected, "", "");
            None
        }
    }

    fn whole(&mut self, field: &str) -> Option<u32> {
        let given = self.take(field)?;
        match given.value {
            toml::Value::Integer(i) if (0..=100_000).contains(&i) => u32::try_from(i).ok(),
            _ => {
                self.fault(field, Some(&given), "a whole number from 0 to 100000", "", "");
                None
            }
        }
    }

    /// A word of a list; `None` when it is not there or not one of them (then said).
    fn word<T: Copy>(&mut self, field: &str, all: &[T], word: impl Fn(T) -> &'static str, needed: bool) -> Option<T> {
        let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
        let expected = format!("one of {}", parameters::quoted(&words));
        let Some(given) = self.take(field) else {
            if needed {
                self.fault(field, None, &expected, "this is missing", "");
            }
            return None;
        };
        if let toml::Value::String(text) = &given.value {
            if let Some(found) = all.iter().find(|one| word(**one) == text) {
                return Some(*found);
            }
            let hint = parameters::nearest_word(text, words.iter().copied())
                .map(|near| format!("did you mean \"{near}\"?"))
                .unwrap_or_default();
            self.fault(field, Some(&given), &expected, "", &hint);
        } else {
            self.fault(field, Some(&given), &expected, "", "");
        }
        None
    }

    fn course(&mut self) -> Course {
        let start = self.number("start_d", "d", 0.0, 1e5);
        let every = self.number("every_d", "d", 0.01, 1e5);
        let count = self.whole("count");
        if let (None, Some(count @ 2..)) = (every, count)
            && !self.element.fields.contains_key("every_d")
        {
            let given = self.take("count");
            let why = format!("{count} times needs an interval");
            self.fault("count", given.as_ref(), "every_d beside it", &why, "");
        }
        Course {
            start_d: start.unwrap_or(0.0),
            every_d: every,
            count,
        }
    }

    /// Missing start, said at the entry.
    fn needs_start(&mut self) {
        if !self.element.fields.contains_key("start_d") {
            self.fault("start_d", None, "the day on which it starts", "this is missing", "");
        }
    }

    /// x, y, depth, radius, each inside the block.
    fn place(&mut self) -> [Option<f64>; 4] {
        let extent = |key: &str| self.scenario.number(key);
        let (width, breadth, depth) = (
            extent("space.width_mm"),
            extent("space.breadth_mm"),
            extent("space.depth_mm"),
        );
        let x = self.number("x_mm", "mm", 0.0, width);
        let y = self.number("y_mm", "mm", 0.0, breadth);
        let z = self.number("depth_mm", "mm", 0.0, depth);
        let radius = self.number("radius_mm", "mm", 0.001, 100.0);
        [x, y, z, radius]
    }

    /// `set.…`: host values in registry or clinic units.
    fn settings(&mut self) -> Vec<Setting> {
        let registry = Registry::embedded();
        let mut settings = Vec::new();
        let fields: Vec<(String, Given)> = self
            .element
            .fields
            .iter()
            .filter(|(name, _)| name.starts_with("set."))
            .map(|(name, given)| (name.clone(), given.clone()))
            .collect();
        for (name, given) in fields {
            self.used.insert(name.clone());
            let leaf = &name["set.".len()..];
            let key = format!("host.{leaf}");
            let Some(row) = registry.row(canonical(&key)) else {
                let hosts = registry.rows_of("host").map(|row| &row.key["host.".len()..]);
                let hosts: Vec<&str> = hosts.collect();
                let (message, hint) = unit_hint(leaf, &given.value, hosts.iter().copied()).unwrap_or_else(|| {
                    let near = parameters::nearest_word(leaf, hosts.iter().copied());
                    (
                        "no such host value".into(),
                        near.map(|n| format!("did you mean `{n}`?")).unwrap_or_default(),
                    )
                });
                self.fault(&name, Some(&given), "", &message, &hint);
                continue;
            };
            let Some(mut value) = of_type(row, &given.value) else {
                self.fault(
                    &name,
                    Some(&given),
                    &row.expected(),
                    &row.meaning,
                    &type_hint(row, &given.value),
                );
                continue;
            };
            if let (Some(clinic), Some(x)) = (units::clinic_name(&key), value.number()) {
                let times = if clinic.times.is_empty() {
                    1.0
                } else {
                    self.scenario.number(clinic.times)
                };
                value = Value::Number(clinic.converted(x, times));
            }
            match (value.number(), row.possible, row.evidence) {
                (Some(x), Some((low, high)), _) if !(low <= x && x <= high) => {
                    self.fault(&name, Some(&given), &row.expected(), &row.meaning, "");
                }
                (Some(x), _, Some((low, high))) if !(low <= x && x <= high) => {
                    let path = self.path(&name);
                    let mut warning = given.place.fault(&path, &given.text);
                    warning.message = format!(
                        "outside the range of the evidence, {} to {} {}",
                        units::plain_number(low),
                        units::plain_number(high),
                        row.unit
                    );
                    self.warnings.push(&given.place, warning);
                    settings.push(Setting {
                        key: row.key.clone(),
                        value,
                    });
                }
                _ => settings.push(Setting {
                    key: row.key.clone(),
                    value,
                }),
            }
        }
        settings
    }

    /// Without a kind it is not known what an entry takes; what no kind takes is said all the same, above all a misspelt `kind`.
    fn without_kind(&mut self) {
        let doses: Vec<String> = DoseUnit::ALL
            .iter()
            .map(|unit| format!("dose_{}", unit.word()))
            .collect();
        let mut known: Vec<&str> = [COURSE, PLACE].concat();
        if self.element.list == "challenge" {
            known.extend(["strength", "duration_h", "set"]);
        } else {
            known.extend(TRIGGER);
            known.extend(["route", "delay_d", "cost_per_dose", "viability", "duration_h", "set"]);
            known.extend(doses.iter().map(String::as_str));
        }
        let names = self.element.fields.keys();
        let taken = names.filter(|name| known.contains(&name.as_str()) || name.starts_with("set."));
        let taken: Vec<String> = taken.cloned().collect();
        self.used.extend(taken);
        self.rest("unknown", &known, &[]);
    }

    /// Fields that this kind does not take.
    fn rest(&mut self, kind: &str, allowed: &[&str], elsewhere: &[&str]) {
        let unknown: Vec<(String, Given)> = self
            .element
            .fields
            .iter()
            .filter(|(name, _)| !self.used.contains(*name))
            .map(|(name, given)| (name.clone(), given.clone()))
            .collect();
        for (name, given) in unknown {
            let bare = name.split('.').next().unwrap_or(&name);
            if elsewhere.contains(&bare) || DoseUnit::ALL.iter().any(|unit| name == format!("dose_{}", unit.word())) {
                let message = format!("a {} of kind {kind} does not take this", self.element.list);
                let hint = unit_hint(&name, &given.value, allowed.iter().copied()).map(|(_, hint)| hint);
                let taken = format!("one of {}", allowed.join(", "));
                self.fault(&name, Some(&given), &taken, &message, &hint.unwrap_or_default());
            } else if let Some((message, hint)) = unit_hint(&name, &given.value, allowed.iter().copied()) {
                self.fault(&name, Some(&given), "", &message, &hint);
            } else {
                let hint = parameters::nearest_word(bare, allowed.iter().copied())
                    .map(|near| format!("did you mean `{near}`?"))
                    .unwrap_or_default();
                let taken = if hint.is_empty() {
                    format!("one of {}", allowed.join(", "))
                } else {
                    String::new()
                };
                self.fault(&name, Some(&given), &taken, "no such key", &hint);
            }
        }
    }

    fn challenge(mut self) -> Option<ChallengeEntry> {
        let before = self.faults.len();
        let Some(kind) = self.word("kind", ChallengeKind::ALL, ChallengeKind::word, true) else {
            self.without_kind();
            return None;
        };
        let rule = kind.rule();
        let course = self.course();
        self.needs_start();
        let strength = self.number("strength", "", 0.0, 1.0);
        let mut allowed: Vec<&str> = COURSE.to_vec();
        allowed.push("strength");
        let [mut x, mut y, mut z, mut radius] = [None; 4];
        if rule.place {
            allowed.extend(PLACE);
            [x, y, z, radius] = self.place();
            let depth = if kind == ChallengeKind::Punch {
                "how deep it goes"
            } else {
                "the depth of its centre"
            };
            for (field, what) in [("depth_mm", depth), ("radius_mm", "its radius")] {
                if !self.element.fields.contains_key(field) {
                    self.fault(field, None, what, "this is missing", "");
                }
            }
        }
        let mut duration = None;
        if rule.duration {
            allowed.push("duration_h");
            // Six hours is the fall that a prototype used; a scenario that means another says so.
            duration = Some(self.number("duration_h", "h", 0.01, 1e4).unwrap_or(6.0));
        }
        let mut set = Vec::new();
        if rule.set {
            allowed.push("set");
            set = self.settings();
            if !self.element.fields.keys().any(|name| name.starts_with("set.")) {
                self.fault(
                    "set",
                    None,
                    "host values, as set = { phosphate_mmol_per_l = 2.1 }",
                    "this is missing",
                    "",
                );
            }
        }
        self.rest(
            kind.word(),
            &allowed,
            &["x_mm", "y_mm", "depth_mm", "radius_mm", "duration_h", "set"],
        );
        if self.faults.len() > before {
            return None;
        }
        Some(ChallengeEntry {
            id: self.element.id.clone(),
            kind,
            course,
            x_mm: x,
            y_mm: y,
            depth_mm: z,
            radius_mm: radius,
            strength: strength.unwrap_or(1.0),
            duration_h: duration,
            set,
        })
    }

    fn therapy(mut self) -> Option<TherapyEntry> {
        let before = self.faults.len();
        let Some(kind) = self.word("kind", TherapyKind::ALL, TherapyKind::word, true) else {
            self.without_kind();
            return None;
        };
        let rule = kind.rule();
        let route = match rule.routes {
            [only] => self.word("route", rule.routes, Route::word, false).or(Some(*only)),
            several => self.word("route", several, Route::word, true),
        };
        let course = self.course();
        let when = self.when();
        if when.is_none() && !self.element.fields.contains_key("when") {
            self.needs_start();
        }
        let lockout = self.number("lockout_d", "d", 0.0, 1e4);
        let max_doses = self.whole("max_doses");
        let has_when = self.element.fields.contains_key("when");
        for field in ["lockout_d", "max_doses"] {
            if !has_when && let Some(given) = self.take(field) {
                self.fault(field, Some(&given), "", "this belongs to a dose with `when`", "");
            }
        }
        for field in ["start_d", "every_d", "count"] {
            if has_when && let Some(given) = self.take(field) {
                self.fault(
                    field,
                    Some(&given),
                    "either dates or `when`",
                    "the trigger decides when",
                    "use lockout_d and max_doses",
                );
            }
        }
        let delay = self.number("delay_d", "d", 0.0, 1e4);
        let cost = self.number("cost_per_dose", "", 0.0, 1e12);
        let mut allowed: Vec<&str> = COURSE.to_vec();
        allowed.extend(TRIGGER);
        allowed.extend(["route", "delay_d", "cost_per_dose"]);
        let doses = route.map_or(&[] as &[_], |route| kind.doses(route));
        let names: Vec<String> = doses.iter().map(|rule| format!("dose_{}", rule.unit.word())).collect();
        let dose = self.dose(doses, &names, route);
        allowed.extend(names.iter().map(String::as_str));
        let mut viability = None;
        if rule.cells {
            allowed.push("viability");
            viability = self.number("viability", "", 0.0, 1.0);
        }
        let [mut x, mut y, mut z, mut radius] = [None; 4];
        if rule.place {
            allowed.extend(PLACE);
            [x, y, z, radius] = self.place();
        }
        let mut duration = None;
        if rule.duration {
            allowed.push("duration_h");
            duration = self.number("duration_h", "h", 0.01, 24.0);
        }
        let mut set = Vec::new();
        if rule.set {
            allowed.push("set");
            set = self.settings();
            if !self.element.fields.keys().any(|name| name.starts_with("set.")) {
                self.fault(
                    "set",
                    None,
                    "host values, as set = { phosphate_mmol_per_l = 1.2 }",
                    "this is missing",
                    "",
                );
            }
        }
        // Without a route it is not known which dose is meant: that fault has been said.
        if route.is_none() {
            for unit in DoseUnit::ALL {
                self.used.insert(format!("dose_{}", unit.word()));
            }
        }
        self.rest(
            kind.word(),
            &allowed,
            &[
                "viability",
                "x_mm",
                "y_mm",
                "depth_mm",
                "radius_mm",
                "duration_h",
                "set",
            ],
        );
        if self.faults.len() > before {
            return None;
        }
        Some(TherapyEntry {
            id: self.element.id.clone(),
            kind,
            route: route?,
            course,
            dose,
            when,
            lockout_d: lockout.unwrap_or(0.0),
            max_doses,
            delay_d: delay.unwrap_or(0.0),
            viability: viability.unwrap_or(1.0),
            cost_per_dose: cost.unwrap_or(0.0),
            x_mm: x,
            y_mm: y,
            depth_mm: z,
            radius_mm: radius,
            duration_h: duration,
            set,
        })
    }

    fn dose(&mut self, doses: &[parameters::DoseRule], names: &[String], route: Option<Route>) -> Option<Dose> {
        let present: Vec<&String> = names
            .iter()
            .filter(|name| self.element.fields.contains_key(*name))
            .collect();
        if doses.is_empty() {
            return None;
        }
        if present.is_empty() {
            // The carrier alone needs no number of cells; a dose under another unit is said below.
            let other = self.element.fields.keys().any(|name| name.starts_with("dose"));
            if route != Some(Route::Vehicle) && !other {
                self.fault(&names[0], None, &names.join(" or "), "the dose is missing", "");
            }
            return None;
        }
        if present.len() > 1 {
            let given = self.take(present[1]);
            self.fault(
                present[1],
                given.as_ref(),
                &format!("one of {}", names.join(", ")),
                "two doses",
                "",
            );
        }
        let mut found = None;
        for (rule, name) in doses.iter().zip(names) {
            let Some(amount) = self.number(name, &rule.unit.word().replace("_per_", "/"), 0.0, rule.possible_max)
            else {
                continue;
            };
            let (low, high) = rule.evidence;
            if amount != 0.0
                && !(low <= amount && amount <= high)
                && let Some(given) = self.take(name)
            {
                let path = self.path(name);
                let mut warning = given.place.fault(&path, &given.text);
                warning.message = format!(
                    "outside the doses on record, {} to {}",
                    units::plain_number(low),
                    units::plain_number(high)
                );
                self.warnings.push(&given.place, warning);
            }
            found = Some(Dose {
                amount,
                unit: rule.unit,
            });
        }
        found
    }

    /// `when = "wound_area > 20"`.
    fn when(&mut self) -> Option<Trigger> {
        let given = self.take("when")?;
        let words: Vec<&str> = Instrument::ALL.iter().map(|one| one.word()).collect();
        let expected = "\"INSTRUMENT > value\" or \"INSTRUMENT < value\", as \"wound_area > 20\"";
        let toml::Value::String(text) = &given.value else {
            self.fault("when", Some(&given), expected, "", "");
            return None;
        };
        let Some((name, above, value)) = text
            .split_once('>')
            .map(|(a, b)| (a, true, b))
            .or_else(|| text.split_once('<').map(|(a, b)| (a, false, b)))
        else {
            self.fault("when", Some(&given), expected, "", "");
            return None;
        };
        let value = value.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        match (Instrument::from_word(name.trim()), value) {
            (Some(instrument), _) if !instrument.is_read_at_visits() => {
                let readable = words.iter().filter(|word| **word != instrument.word());
                let readable: Vec<&str> = readable.copied().collect();
                self.fault(
                    "when",
                    Some(&given),
                    &format!("one of {}", readable.join(", ")),
                    "a biopsy is looked at after the run: no dose can wait for it",
                    "",
                );
                None
            }
            (Some(instrument), Some(value))
                if !(instrument.possible().0..=instrument.possible().1).contains(&value) =>
            {
                let (low, high) = instrument.possible();
                let n = units::plain_number;
                self.fault(
                    "when",
                    Some(&given),
                    &format!("a reading from {} to {} [{}]", n(low), n(high), instrument.unit()),
                    "the instrument never reads this: the rule would decide always or never",
                    "",
                );
                None
            }
            (Some(instrument), Some(value)) => Some(Trigger {
                instrument,
                above,
                value,
            }),
            (None, _) => {
                let hint = parameters::nearest_word(name.trim(), words.iter().copied())
                    .map(|near| format!("did you mean {near}?"))
                    .unwrap_or_default();
                let message = "a rule of care reads instruments, never the state of the model";
                self.fault(
                    "when",
                    Some(&given),
                    &format!("one of {}", words.join(", ")),
                    message,
                    &hint,
                );
                None
            }
            (_, None) => {
                self.fault("when", Some(&given), expected, "no number after the sign", "");
                None
            }
        }
    }
}
