//! Every key of every shipped scenario and experiment with a slip in it: misspelt by one letter, with another unit, type, sign or
//! size. Nothing is accepted in silence; the fault is at its line and column, with the right name; all are said at once.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use calcisim::error::{Diagnostic, Error};
use calcisim::experiment::file;
use calcisim::parameters::Registry;
use calcisim::scenario::{Library, Scenario, Shipped};
use toml::de::{DeTable, DeValue};

/// A file to be spoilt.
struct Text {
    name: String,
    text: String,
    is_experiment: bool,
}

/// One key of a file.
#[derive(Clone, Debug)]
struct Key {
    /// Path, entries of lists as `therapy[1]`.
    path: String,
    name: String,
    span: Range<usize>,
    value: Range<usize>,
    kind: &'static str,
}

fn scenarios() -> Vec<Text> {
    let read = |name: &'static str| Text {
        name: format!("{name}.toml"),
        text: Shipped
            .read(name, None)
            .unwrap_or_else(|fault| panic!("{name}: {fault}"))
            .1,
        is_experiment: false,
    };
    Shipped::names().map(read).collect()
}

fn experiments() -> Vec<Text> {
    let read = |name: &'static str| Text {
        name: format!("{name}.toml"),
        text: Shipped
            .read(&format!("experiments/{name}"), Some("experiments"))
            .unwrap_or_else(|fault| panic!("{name}: {fault}"))
            .1,
        is_experiment: true,
    };
    // Validation reads its own kinds of files beside the experiments; every point of a verdict is a scenario to be checked, which
    // takes seconds each time.
    let quick = file::shipped().into_iter().filter(|name| !name.starts_with("verdict"));
    let all = quick.map(read);
    all.filter(|text| text.text.contains("\nkind = ") || text.text.contains("\nbase = "))
        .collect()
}

/// What loading a text says: nothing, or all faults and the exit code.
fn faults(text: &Text, spoilt: &str) -> Option<(u8, Vec<Diagnostic>)> {
    let refused: Option<Error> = if text.is_experiment {
        file::check(&Shipped, &format!("experiments/{}", text.name), spoilt).err()
    } else {
        Scenario::from_text(&text.name, spoilt, &[]).err()
    };
    refused.map(|error| (error.exit_code(), error.diagnostics()))
}

/// Every key, with the places of itself and its value.
fn keys(text: &str) -> Vec<Key> {
    fn walk(path: &str, table: &DeTable, found: &mut Vec<Key>) {
        for (name, value) in table {
            let label = name.get_ref().to_string();
            let below = if path.is_empty() {
                label.clone()
            } else {
                format!("{path}.{label}")
            };
            let kind = value.get_ref().type_str();
            match value.get_ref() {
                DeValue::Table(inner) => {
                    if !inner.is_empty() {
                        walk(&below, inner, found);
                    }
                    // Only tables that stand as a value have a key that can be misspelt here; heads are tried apart.
                    continue;
                }
                DeValue::Array(list) if list.iter().any(|item| matches!(item.get_ref(), DeValue::Table(_))) => {
                    for (i, item) in list.iter().enumerate() {
                        if let DeValue::Table(inner) = item.get_ref() {
                            walk(&format!("{below}[{i}]"), inner, found);
                        }
                    }
                    continue;
                }
                _ => {}
            }
            found.push(Key {
                path: below,
                name: label,
                span: name.span(),
                value: value.span(),
                kind,
            });
        }
    }
    let (table, wrong) = DeTable::parse_recoverable(text);
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut found = Vec::new();
    walk("", table.get_ref(), &mut found);
    found.sort_by_key(|key| key.span.start);
    found
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

fn put(text: &str, span: &Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..span.start], &text[span.end..])
}

/// Words that are free, so that no slip in them is a fault: prose, names of a user's own.
fn is_free(key: &Key) -> bool {
    let leaf = key.path.rsplit(['.', ']']).next().unwrap_or("");
    [
        "name", "question", "known", "assumed", "cost", "id", "source", "why", "label", "note",
    ]
    .contains(&leaf)
}

/// Faults at the line of a key.
fn at_line(list: &[Diagnostic], line: usize) -> Vec<&Diagnostic> {
    list.iter().filter(|fault| fault.line == line).collect()
}

/// Slips of one letter: one left out, one doubled, two that changed places, another one.
fn misspellings(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let middle = letters.len() / 2;
    let of = |change: &dyn Fn(&mut Vec<char>)| {
        let mut copy = letters.clone();
        change(&mut copy);
        copy.into_iter().collect::<String>()
    };
    let mut list = vec![
        of(&|l| l.insert(middle, l[middle])),
        of(&|l| l[middle] = if l[middle] == 'x' { 'y' } else { 'x' }),
    ];
    if letters.len() > 2 {
        list.push(of(&|l| {
            l.remove(middle);
        }));
        list.push(of(&|l| l.swap(middle - 1, middle)));
    }
    list.retain(|slip| {
        slip != name
            && slip
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.')
    });
    list
}

/// The same key with another unit.
fn other_unit(name: &str) -> Option<String> {
    const UNITS: [(&str, &str); 16] = [
        ("_um2_per_s", "_cm2_per_s"),
        ("_cells_per_cm2", "_cells_per_mm2"),
        ("_mmol_per_l", "_umol_per_l"),
        ("_umol_per_l", "_mmol_per_l"),
        ("_g_per_l", "_g_per_dl"),
        ("_per_d", "_per_h"),
        ("_per_h", "_per_d"),
        ("_per_min", "_per_s"),
        ("_mmhg", "_kpa"),
        ("_um", "_mm"),
        ("_mm", "_um"),
        ("_d", "_h"),
        ("_h", "_d"),
        ("_mg", "_g"),
        ("_g", "_mg"),
        ("_kg", "_g"),
    ];
    let (old, new) = UNITS.into_iter().find(|(old, _)| name.ends_with(old))?;
    Some(format!("{}{new}", name.strip_suffix(old)?))
}

/// What went wrong with a slip, if anything did.
fn judge(text: &Text, spoilt: &str, at: usize, wants: Option<&str>, what: &str) -> Option<String> {
    let (line, column) = place(&text.text, at);
    let Some((code, list)) = faults(text, spoilt) else {
        return Some(format!("{}:{line}:{column}: {what}: accepted", text.name));
    };
    if code != 3 && code != 4 {
        return Some(format!("{}:{line}:{column}: {what}: exit {code}", text.name));
    }
    let here = at_line(&list, line);
    if here.is_empty() {
        return Some(format!(
            "{}:{line}:{column}: {what}: said elsewhere: {:?}",
            text.name,
            list.first()
        ));
    }
    if here.iter().all(|fault| fault.column == 0) {
        return Some(format!(
            "{}:{line}:{column}: {what}: no column: {:?}",
            text.name, here[0]
        ));
    }
    let words = |fault: &Diagnostic| format!("{} {} {}", fault.suggestion, fault.expected, fault.message);
    match wants {
        Some(right) if !here.iter().any(|fault| words(fault).contains(right)) => Some(format!(
            "{}:{line}:{column}: {what}: {right} is not suggested: {:?}",
            text.name, here[0]
        )),
        _ => None,
    }
}

fn report(missed: &[String], tried: usize, least: usize) {
    assert!(tried >= least, "only {tried} slips were tried");
    let mut text = String::new();
    for line in missed.iter().take(40) {
        let _ = writeln!(text, "{line}");
    }
    assert!(missed.is_empty(), "{} of {tried} slips:\n{text}", missed.len());
}

/// The keys of a file that are tried: of an experiment, whose arms are many and alike, each path once.
fn tried_keys(text: &Text) -> Vec<Key> {
    let mut seen = BTreeSet::new();
    let plain = |key: &Key| {
        let parts = key
            .path
            .split('[')
            .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
        parts.collect::<String>()
    };
    let mut list = keys(&text.text);
    list.retain(|key| !text.is_experiment || seen.insert(plain(key)));
    list
}

/// Runs over the files on as many threads as there are cores: slips are independent.
fn over(texts: &[Text], spoil: impl Fn(&Text, &Key, &mut Vec<String>) -> usize + Sync) -> (usize, Vec<String>) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let found = std::sync::Mutex::new((0, Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(text) = texts.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let (mut tried, mut missed) = (0, Vec::new());
                    for key in tried_keys(text) {
                        tried += spoil(text, &key, &mut missed);
                    }
                    let mut found = found.lock().unwrap_or_else(|poison| poison.into_inner());
                    found.0 += tried;
                    found.1.append(&mut missed);
                }
            });
        }
    });
    let (tried, mut missed) = found.into_inner().unwrap_or_else(|poison| poison.into_inner());
    missed.sort();
    (tried, missed)
}

/// Whether a slip of a name is another name that is right there.
fn is_another_name(text: &Text, key: &Key, slip: &str) -> bool {
    let registry = Registry::embedded();
    let path = key.path.replace(&key.name, slip);
    let siblings: BTreeSet<String> = keys(&text.text).into_iter().map(|other| other.path).collect();
    registry.row(&path).is_some() || calcisim::units::clinic_name(&path).is_some() || siblings.contains(&path)
}

fn misspell(text: &Text, key: &Key, missed: &mut Vec<String>) -> usize {
    let mut tried = 0;
    let most = if text.is_experiment { 1 } else { usize::MAX };
    for slip in misspellings(&key.name).into_iter().take(most) {
        if is_another_name(text, key, &slip) {
            continue;
        }
        tried += 1;
        let written = if slip.contains('.') {
            format!("\"{slip}\"")
        } else {
            slip.clone()
        };
        let spoilt = put(&text.text, &key.span, &written);
        let leaf = key.name.rsplit('.').next().unwrap_or(&key.name);
        // Keys of two letters and less have no nearest name.
        let wants = (leaf.len() > 2).then_some(leaf);
        missed.extend(judge(
            text,
            &spoilt,
            key.span.start,
            wants,
            &format!("{} as {slip}", key.path),
        ));
    }
    tried
}

#[test]
fn every_key_of_every_scenario_misspelt_by_one_letter_is_answered_with_its_name() {
    let (tried, missed) = over(&scenarios(), misspell);
    report(&missed, tried, 2000);
}

#[test]
fn every_key_of_every_experiment_misspelt_by_one_letter_is_answered_with_its_name() {
    let (tried, missed) = over(&experiments(), misspell);
    report(&missed, tried, 100);
}

fn wrong_unit(text: &Text, key: &Key, missed: &mut Vec<String>) -> usize {
    let Some(slip) = other_unit(&key.name).filter(|slip| !is_another_name(text, key, slip)) else {
        return 0;
    };
    let spoilt = put(&text.text, &key.span, &slip);
    // A unit of the clinic is right there, and its number is out of range.
    let is_clinic = calcisim::units::clinic_name(&format!("host.{slip}")).is_some();
    missed.extend(judge(
        text,
        &spoilt,
        key.span.start,
        (!is_clinic).then_some(key.name.as_str()),
        &format!("{} as {slip}", key.path),
    ));
    1
}

#[test]
fn every_key_with_another_unit_is_answered_with_the_right_one() {
    let (tried, missed) = over(&scenarios(), wrong_unit);
    report(&missed, tried, 150);
}

#[test]
#[ignore = "a minute: cargo test --release --test trust misconfiguration -- --ignored"]
fn every_key_of_every_experiment_with_another_unit_is_answered_with_the_right_one() {
    let (tried, missed) = over(&experiments(), wrong_unit);
    report(&missed, tried, 5);
}

/// Values of another type than the one that stands there.
fn other_types(kind: &str) -> &'static [&'static str] {
    match kind {
        "string" => &["3", "true", "[1, 2]", "{ a = 1 }"],
        "boolean" => &["\"yes\"", "1", "[true]"],
        "array" => &["{ a = 1 }", "true"],
        _ => &["\"12\"", "\"many\"", "true", "[[1]]", "{ a = 1 }", "1979-05-27"],
    }
}

/// What is wrong with the answer to a file in which a key has another value.
fn replaced(text: &Text, key: &Key, other: &str) -> Option<String> {
    let spoilt = put(&text.text, &key.value, other);
    judge(text, &spoilt, key.span.start, None, &format!("{} = {other}", key.path))
}

fn wrong_type(text: &Text, key: &Key, missed: &mut Vec<String>) -> usize {
    let mut tried = 0;
    let most = if text.is_experiment { 2 } else { usize::MAX };
    for other in other_types(key.kind).iter().take(most) {
        // A whole number may be a number, and a list of numbers a number each.
        if is_free(key) && *other == "3" && key.path != "name" && text.is_experiment {
            continue;
        }
        tried += 1;
        missed.extend(replaced(text, key, other));
    }
    tried
}

#[test]
fn every_value_of_another_type_is_refused_at_its_place() {
    let (tried, missed) = over(&scenarios(), wrong_type);
    report(&missed, tried, 1500);
}

#[test]
#[ignore = "a minute: cargo test --release --test trust misconfiguration -- --ignored"]
fn every_value_of_another_type_in_an_experiment_is_refused_at_its_place() {
    let (tried, missed) = over(&experiments(), wrong_type);
    report(&missed, tried, 100);
}

/// Whether the registry takes any number of this sign and size for a key.
fn is_possible(key: &Key, x: f64) -> bool {
    let possible = Registry::embedded().row(&key.path).and_then(|row| row.possible);
    possible.is_some_and(|(low, high)| low <= x && x <= high)
}

fn wrong_number(text: &Text, key: &Key, missed: &mut Vec<String>) -> usize {
    if !["integer", "float"].contains(&key.kind) {
        return 0;
    }
    let mut tried = 0;
    let written = &text.text[key.value.clone()];
    let negative = format!("-{}", written.trim_start_matches(['-', '+']));
    for other in [
        negative.as_str(),
        "1e300",
        "-1e300",
        "nan",
        "inf",
        "-inf",
        "99999999999999999999",
    ] {
        let x: f64 = other.parse().unwrap_or(f64::NAN);
        if is_possible(key, x) || x == 0.0 {
            continue;
        }
        tried += 1;
        missed.extend(replaced(text, key, other));
    }
    tried
}

#[test]
fn every_number_of_another_sign_or_size_is_refused_at_its_place() {
    let (tried, missed) = over(&scenarios(), wrong_number);
    report(&missed, tried, 1000);
}

#[test]
fn all_misspelt_keys_of_a_file_are_said_at_once_each_at_its_place() {
    let mut missed = Vec::new();
    let mut tried = 0;
    for text in scenarios() {
        // What says how the rest is read stays: a kind, an id, what is extended.
        let spoilt: Vec<Key> = keys(&text.text)
            .into_iter()
            .filter(|key| {
                !["kind", "id", "extends", "route", "schema", "when"].contains(&key.name.as_str()) && key.name.len() > 3
            })
            .collect();
        let mut changed = text.text.clone();
        for key in spoilt.iter().rev() {
            let slip = format!("{}q", key.name);
            let written = if slip.contains('.') {
                format!("\"{slip}\"")
            } else {
                slip
            };
            changed = put(&changed, &key.span, &written);
        }
        let list = faults(&text, &changed).map(|(_, list)| list).unwrap_or_default();
        let mut lines: BTreeSet<usize> = BTreeSet::new();
        for key in &spoilt {
            lines.insert(place(&text.text, key.span.start).0);
        }
        for line in lines {
            tried += 1;
            if at_line(&list, line).is_empty() {
                missed.push(format!("{}:{line}: not among the {} faults", text.name, list.len()));
            }
        }
    }
    report(&missed, tried, 400);
}

#[test]
fn a_misspelt_head_of_a_table_is_answered_with_its_name() {
    let (mut tried, mut missed) = (0, Vec::new());
    for text in scenarios().iter().chain(&experiments()) {
        let (mut at, mut seen) = (0, BTreeSet::new());
        for line in text.text.split_inclusive('\n') {
            let head = line.trim_end().trim_start_matches('[').trim_end_matches(']');
            let is_head =
                line.starts_with('[') && line.trim_end().ends_with(']') && !head.contains([',', ' ', '.', '"']);
            if is_head && seen.insert(head.to_owned()) {
                let slip = &misspellings(head)[0];
                let start = at + line.find(head).unwrap_or(0);
                let spoilt = put(&text.text, &(start..start + head.len()), slip);
                tried += 1;
                missed.extend(judge(
                    text,
                    &spoilt,
                    start,
                    Some(head),
                    &format!("[{head}] as [{slip}]"),
                ));
            }
            at += line.len();
        }
    }
    report(&missed, tried, 100);
}
