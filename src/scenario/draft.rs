//! From text to a draft: every value that was written, with its place; files merged, `--set` applied, nothing judged.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::shipped::Library;
use crate::error::{Diagnostic, Error, Result};
use crate::parameters::{self, Registry};
use crate::units;

/// Keys that stand above all tables.
pub(super) const TOP: &[&str] = &["schema", "name", "question", "known", "assumed", "extends"];

/// Lists of dated events.
pub(super) const LISTS: &[&str] = &["challenge", "therapy"];

/// Where a value was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Place {
    /// Nowhere: the registry's default.
    #[default]
    Default,
    /// In a file.
    Text {
        /// How many files were read before it: the order in which faults are shown.
        order: usize,
        /// Display name of the file.
        file: Arc<str>,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// In the n-th `--set`, from 1.
    Set(usize),
    /// In another option, as `--seed`.
    Flag(&'static str),
}

impl Place {
    /// Position in a list of faults.
    pub(crate) fn order(&self) -> (usize, usize, usize) {
        match self {
            Self::Default => (0, 0, 0),
            Self::Text {
                order, line, column, ..
            } => (*order, *line, *column),
            Self::Set(n) => (usize::MAX - 1, *n, 0),
            Self::Flag(_) => (usize::MAX, 0, 0),
        }
    }

    /// A fault at this place.
    pub(crate) fn fault(&self, key: &str, value: &str) -> Diagnostic {
        let (file, line, column) = match self {
            Self::Default => ("registry".to_string(), 0, 0),
            Self::Text { file, line, column, .. } => (file.to_string(), *line, *column),
            Self::Set(n) => (format!("--set {n}"), 0, 0),
            Self::Flag(flag) => ((*flag).to_string(), 0, 0),
        };
        Diagnostic {
            file,
            line,
            column,
            key: key.into(),
            value: value.into(),
            ..Diagnostic::default()
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::Text { file, line, .. } => write!(f, "{file}:{line}"),
            Self::Set(n) => write!(f, "--set {n}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// A value as written.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub value: toml::Value,
    pub text: String,
    pub place: Place,
}

/// One `[[challenge]]` or `[[therapy]]`.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub list: &'static str,
    pub id: String,
    pub place: Place,
    pub fields: BTreeMap<String, Given>,
}

impl Element {
    /// Puts a field; a dose in another unit or another way of saying when replaces the earlier one.
    fn put(&mut self, name: String, given: Given) {
        let rival = |other: &str| {
            let dose = name.starts_with("dose_") && other.starts_with("dose_");
            let when = (name == "when" && other == "start_d") || (name == "start_d" && other == "when");
            let alias = match (name.strip_prefix("set."), other.strip_prefix("set.")) {
                (Some(a), Some(b)) => canonical(&format!("host.{a}")) == canonical(&format!("host.{b}")),
                _ => false,
            };
            other != name && (dose || when || alias)
        };
        self.fields.retain(|other, _| !rival(other));
        self.fields.insert(name, given);
    }
}

/// Faults with the order in which they are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    list: Vec<((usize, usize, usize), Diagnostic)>,
}

impl Faults {
    pub fn push(&mut self, place: &Place, fault: Diagnostic) {
        self.list.push((place.order(), fault));
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    ///
    /// # Errors
    /// [`Error::Input`] with all of them.
    #[cfg(feature = "cli")]
    pub fn into_result(self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        Err(Error::Input(self.into_sorted()))
    }

    /// Sorted by place, without repeats.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|(order, _)| *order);
        let mut sorted: Vec<Diagnostic> = self.list.into_iter().map(|(_, fault)| fault).collect();
        sorted.dedup();
        sorted
    }
}

/// Everything that was written, later layers over earlier ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// Dotted path → value; `scale.` keeps the whole rest as one name.
    pub values: BTreeMap<String, Given>,
    pub elements: Vec<Element>,
    pub faults: Faults,
    /// Display names of the files, the scenario itself last.
    pub files: Vec<String>,
    /// A file that could not be read while others could.
    pub unread: Option<Error>,
}

/// The registry key that a key stands for: itself, or what a clinic name means.
pub(super) fn canonical(key: &str) -> &str {
    units::clinic_name(key).map_or(key, |name| name.means)
}

/// Text of one file, with places.
pub(crate) struct Source<'a> {
    order: usize,
    name: Arc<str>,
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub fn new(order: usize, name: &str, text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(i, _)| i + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self {
            order,
            name: name.into(),
            text,
            lines,
        }
    }

    pub fn place(&self, offset: usize) -> Place {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= offset);
        Place::Text {
            order: self.order,
            file: Arc::clone(&self.name),
            line,
            column: self.text[self.lines[line - 1]..offset].chars().count() + 1,
        }
    }

    pub fn written(&self, span: std::ops::Range<usize>) -> String {
        short(self.text.get(span).unwrap_or(""))
    }
}

/// One line of at most 60 characters.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("").trim();
    let cut = line.chars().count() > 60 || text.trim().lines().count() > 1;
    let head: String = line.chars().take(60).collect();
    if cut { format!("{head} …") } else { head }
}

impl Draft {
    /// Reads a scenario and all that it extends.
    pub fn read(library: &dyn Library, name: &str) -> Result<Self> {
        let mut draft = Self::default();
        let (file, text) = library.read(name, None)?;
        let mut chain = vec![file];
        draft.layer(library, &text, &mut chain);
        Ok(draft)
    }

    /// Reads a scenario from text; what it extends comes from the library.
    pub fn read_text(library: &dyn Library, file: &str, text: &str) -> Self {
        let mut draft = Self::default();
        draft.layer(library, text, &mut vec![file.to_string()]);
        draft
    }

    /// One file: what it extends first, then itself. The last name of `chain` is the file.
    fn layer(&mut self, library: &dyn Library, text: &str, chain: &mut Vec<String>) {
        let name = chain.last().cloned().unwrap_or_default();
        // The file itself comes first in a list of faults, before what it extends.
        let source = Source::new(chain.len() * 1000 + self.files.len(), &name, text);
        let (table, faults) = DeTable::parse_recoverable(text);
        let mut broken = Vec::new();
        for fault in faults {
            let place = source.place(fault.span().map_or(0, |span| span.start));
            broken.push(place.order().1);
            let mut diagnostic = place.fault("", "");
            diagnostic.message = format!("this is not TOML: {}", fault.message().trim());
            self.faults.push(&place, diagnostic);
        }
        let mut own = Self::default();
        own.flatten(&source, "", table.get_ref(), &mut Vec::new());
        if table.get_ref().is_empty() && broken.is_empty() {
            let place = source.place(0);
            let mut fault = place.fault("", "");
            fault.message = "the file is empty: a scenario has at least a name and a question".into();
            fault.suggestion = "`calcisim new NAME` writes a file to start from".into();
            self.faults.push(&place, fault);
        }
        // A line that is not TOML has said so; what recovery made of it is not judged.
        for (order, fault) in own.faults.list {
            if !broken.contains(&order.1) {
                self.faults.list.push((order, fault));
            }
        }
        let whole = |given: &Given| !broken.contains(&given.place.order().1);
        if let Some(given) = own.values.remove("extends") {
            self.extends(library, &given, chain);
        }
        let doubled: Vec<_> = own
            .values
            .iter()
            .filter(|(key, _)| {
                canonical(key) != key.as_str() && own.values.keys().any(|o| o != *key && canonical(o) == canonical(key))
            })
            .map(|(key, given)| (key.clone(), given.clone()))
            .collect();
        for (key, given) in doubled {
            let mut fault = given.place.fault(&key, &given.text);
            fault.expected = "one of the two units".into();
            fault.message = format!("the same quantity is also given as another key for {}", canonical(&key));
            self.faults.push(&given.place, fault);
        }
        for (key, given) in own.values {
            if whole(&given) {
                self.put(key, given);
            }
        }
        for element in own.elements {
            match self
                .elements
                .iter_mut()
                .find(|e| e.list == element.list && e.id == element.id)
            {
                Some(old) => {
                    old.place = element.place;
                    for (name, given) in element.fields {
                        old.put(name, given);
                    }
                }
                None => self.elements.push(element),
            }
        }
        self.files.push(name);
    }

    fn extends(&mut self, library: &dyn Library, given: &Given, chain: &mut Vec<String>) {
        let from = chain.last().cloned().unwrap_or_default();
        let parents: Option<Vec<&str>> = match &given.value {
            toml::Value::String(one) => Some(vec![one]),
            toml::Value::Array(list) => list.iter().map(toml::Value::as_str).collect(),
            _ => None,
        };
        let Some(parents) = parents else {
            let mut fault = given.place.fault("extends", &given.text);
            fault.expected = "a path or the name of a shipped scenario, or a list of them".into();
            self.faults.push(&given.place, fault);
            return;
        };
        for parent in parents {
            let mut fault = given.place.fault("extends", &format!("\"{parent}\""));
            match library.read(parent, Some(&from)) {
                Ok((file, _)) if chain.contains(&file) => {
                    let start = chain.iter().position(|name| *name == file).unwrap_or(0);
                    let mut circle: Vec<&str> = chain[start..].iter().map(String::as_str).collect();
                    circle.push(&file);
                    fault.message = format!("these scenarios extend each other in a circle: {}", circle.join(" → "));
                    self.faults.push(&given.place, fault);
                }
                Ok((file, text)) => {
                    chain.push(file);
                    self.layer(library, &text, chain);
                    chain.pop();
                }
                Err(error) => {
                    let reason = match &error {
                        Error::Files { message, .. } => message.clone(),
                        other => other.to_string(),
                    };
                    fault.message = reason;
                    self.unread.get_or_insert(Error::files(
                        format!("{}: extends = \"{parent}\"", given.place),
                        fault.message.clone(),
                    ));
                    self.faults.push(&given.place, fault);
                }
            }
        }
    }

    /// Puts a value; the same quantity in another unit is replaced.
    fn put(&mut self, key: String, given: Given) {
        for other in units::names_of(canonical(&key)) {
            if other != key {
                self.values.remove(other);
            }
        }
        self.values.insert(key, given);
    }

    /// Walks a table down to its values.
    fn flatten(&mut self, source: &Source, prefix: &str, table: &DeTable, ids: &mut Vec<String>) {
        for (name, value) in table {
            let (label, place) = (name.get_ref().as_ref(), source.place(name.span().start));
            let path = if prefix.is_empty() {
                label.to_string()
            } else {
                format!("{prefix}.{label}")
            };
            let text = source.written(value.span());
            let in_scale = prefix == "scale" || prefix.starts_with("scale.");
            match value.get_ref() {
                DeValue::Array(list) if prefix.is_empty() && LISTS.contains(&label) => {
                    let list_name = if label == "challenge" { LISTS[0] } else { LISTS[1] };
                    ids.clear();
                    for item in list.iter() {
                        self.element(source, list_name, item, ids);
                    }
                }
                other if prefix.is_empty() && LISTS.contains(&label) => {
                    let mut fault = place.fault(label, "");
                    fault.expected = format!("a list: write [[{label}]] once for each, with its id inside");
                    fault.message = format!("this is a {}", other.type_str());
                    self.faults.push(&place, fault);
                }
                DeValue::Table(inner) if prefix.is_empty() => {
                    if label == "scale" || label == "mechanisms" || Registry::embedded().is_group(label) {
                        self.flatten(source, &path, inner, ids);
                    } else {
                        self.faults.push(&place, unknown_table(&place, label));
                    }
                }
                DeValue::Table(inner) if in_scale || Registry::embedded().is_group(&path) => {
                    self.flatten(source, &path, inner, ids);
                }
                other => {
                    let is_section = prefix.is_empty()
                        && (label == "scale" || label == "mechanisms" || Registry::embedded().is_group(label));
                    if is_section {
                        let mut fault = place.fault(label, &text);
                        fault.expected = format!("a table: write [{label}] on a line of its own and its keys below");
                        self.faults.push(&place, fault);
                    } else {
                        self.values.insert(
                            path,
                            Given {
                                value: plain(other),
                                text,
                                place,
                            },
                        );
                    }
                }
            }
        }
    }

    /// One entry of a list.
    fn element(&mut self, source: &Source, list: &'static str, item: &toml::Spanned<DeValue>, ids: &mut Vec<String>) {
        let place = source.place(item.span().start);
        let DeValue::Table(table) = item.get_ref() else {
            let mut fault = place.fault(list, &source.written(item.span()));
            fault.expected = format!("a table: write [[{list}]] once for each");
            self.faults.push(&place, fault);
            return;
        };
        let mut element = Element {
            list,
            id: String::new(),
            place,
            fields: BTreeMap::new(),
        };
        fields(source, "", table, &mut element.fields);
        let text = |name: &str| match element.fields.get(name).map(|given| &given.value) {
            Some(toml::Value::String(word)) => Some(word.clone()),
            _ => None,
        };
        match text("id") {
            Some(id) => {
                let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
                if (!plain || ids.contains(&id))
                    && let Some(given) = element.fields.get("id")
                {
                    let mut fault = given.place.fault(&format!("{list}.id"), &given.text);
                    if plain {
                        fault.message = format!("two entries of [[{list}]] in this file have this id");
                    } else {
                        fault.expected = "letters, digits, _ and - only: the id is part of a --set path".into();
                    }
                    self.faults.push(&given.place, fault);
                }
                element.id = id;
            }
            None => {
                let base = text("kind").unwrap_or_else(|| list.to_string());
                let mut n = 1;
                element.id.clone_from(&base);
                while ids.contains(&element.id) {
                    n += 1;
                    element.id = format!("{base}_{n}");
                }
            }
        }
        // An id of another type, or a table of that name, would make another entry in silence.
        let no_text = |given: &&Given| !matches!(given.value, toml::Value::String(_));
        let odd = element.fields.iter().find(|(name, _)| name.starts_with("id."));
        if let Some(given) = element.fields.get("id").filter(no_text).or(odd.map(|(_, given)| given)) {
            let mut fault = given.place.fault(&format!("{list}.id"), &given.text);
            fault.expected = "a short name in quotes".into();
            self.faults.push(&given.place, fault);
        }
        element.doubled(&mut self.faults);
        ids.push(element.id.clone());
        self.elements.push(element);
    }

    /// Applies `--set path=value`, in order.
    pub fn set(&mut self, sets: &[String]) {
        for (i, text) in sets.iter().enumerate() {
            let place = Place::Set(i + 1);
            let Some((path, value)) = text.split_once('=') else {
                let mut fault = place.fault("", text);
                fault.expected = "path=value, as run.days=30".into();
                self.faults.push(&place, fault);
                continue;
            };
            let parts = path_parts(path.trim());
            let key = parts.join(".");
            let text = value.trim().to_string();
            let given = |value: toml::Value, text: String| Given {
                value,
                text,
                place: place.clone(),
            };
            let parsed = match DeValue::parse(&text) {
                Ok(parsed) => plain(parsed.get_ref()),
                Err(_) => toml::Value::String(text.clone()),
            };
            let mut leaves = Vec::new();
            leaves_of(&key, parsed, &mut leaves);
            let head = parts.first().map_or("", String::as_str);
            if key == "extends" || head.is_empty() {
                let mut fault = place.fault(&key, &text);
                fault.message = "`extends` stands in a file: --set comes after it".into();
                if head.is_empty() {
                    fault.message = "the path is empty".into();
                }
                self.faults.push(&place, fault);
            } else if LISTS.contains(&head) {
                for (leaf, value) in leaves {
                    self.set_element(&place, head, &leaf, given(value, text.clone()));
                }
            } else {
                let known = TOP.contains(&head)
                    || head == "scale"
                    || head == "mechanisms"
                    || Registry::embedded().is_group(head);
                if !known && parts.len() > 1 && Registry::embedded().nearest(&key).is_none() {
                    self.faults.push(&place, unknown_table(&place, head));
                    continue;
                }
                for (leaf, value) in leaves {
                    self.put(leaf, given(value, text.clone()));
                }
            }
        }
    }

    fn set_element(&mut self, place: &Place, list: &str, key: &str, given: Given) {
        let ids: Vec<&str> = self
            .elements
            .iter()
            .filter(|e| e.list == list)
            .map(|e| e.id.as_str())
            .collect();
        let mut parts = key.splitn(3, '.').skip(1);
        let (id, field) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        if !ids.contains(&id) || field.is_empty() {
            let mut fault = place.fault(key, &given.text);
            fault.expected = if ids.is_empty() {
                format!("a path that exists: this scenario has no {list}")
            } else if field.is_empty() {
                format!("{list}.ID.field, as {list}.{}.start_d=3", ids[0])
            } else {
                format!("the id of a {list} of this scenario: {}", parameters::quoted(&ids))
            };
            if let Some(near) = parameters::nearest_word(id, ids) {
                fault.suggestion = format!("did you mean {list}.{near}.{field}?");
            }
            self.faults.push(place, fault);
            return;
        }
        let (id, field) = (id.to_string(), field.to_string());
        if let Some(element) = self.elements.iter_mut().find(|e| e.list == list && e.id == id) {
            element.put(field, given);
        }
    }
}

impl Element {
    /// The same host value twice in one `set` table.
    fn doubled(&self, faults: &mut Faults) {
        for (name, given) in &self.fields {
            let Some(leaf) = name.strip_prefix("set.") else {
                continue;
            };
            let key = format!("host.{leaf}");
            let twin = self.fields.keys().any(|other| {
                other != name
                    && other
                        .strip_prefix("set.")
                        .is_some_and(|o| canonical(&format!("host.{o}")) == canonical(&key))
            });
            if twin && canonical(&key) != key {
                let mut fault = given.place.fault(&format!("{}.{name}", self.list), &given.text);
                fault.expected = "one of the two units".into();
                fault.message = "the same quantity is also given in another unit".into();
                faults.push(&given.place, fault);
            }
        }
    }
}

/// Fields of a list entry; tables inside become dotted names.
fn fields(source: &Source, prefix: &str, table: &DeTable, found: &mut BTreeMap<String, Given>) {
    for (name, value) in table {
        let label = name.get_ref().as_ref();
        let path = if prefix.is_empty() {
            label.to_string()
        } else {
            format!("{prefix}.{label}")
        };
        if let DeValue::Table(inner) = value.get_ref() {
            fields(source, &path, inner, found);
        } else {
            let place = source.place(name.span().start);
            let text = source.written(value.span());
            found.insert(
                path,
                Given {
                    value: plain(value.get_ref()),
                    text,
                    place,
                },
            );
        }
    }
}

/// A `--set` value that is a table is several values.
fn leaves_of(path: &str, value: toml::Value, leaves: &mut Vec<(String, toml::Value)>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            for (name, inner) in table {
                leaves_of(&format!("{path}.{name}"), inner, leaves);
            }
        }
        other => leaves.push((path.to_string(), other)),
    }
}

/// Parts of a dotted path; a part in quotes may hold dots.
fn path_parts(path: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    parts
}

/// A parsed value without spans.
pub(crate) fn plain(value: &DeValue) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix())
            .map_or_else(|_| toml::Value::String(i.to_string()), toml::Value::Integer),
        DeValue::Float(x) => x
            .as_str()
            .parse()
            .map_or_else(|_| toml::Value::String(x.to_string()), toml::Value::Float),
        DeValue::Boolean(b) => toml::Value::Boolean(*b),
        DeValue::Datetime(d) => toml::Value::Datetime(*d),
        DeValue::Array(list) => toml::Value::Array(list.iter().map(|v| plain(v.get_ref())).collect()),
        DeValue::Table(table) => toml::Value::Table(
            table
                .iter()
                .map(|(k, v)| (k.get_ref().to_string(), plain(v.get_ref())))
                .collect(),
        ),
    }
}

fn unknown_table(place: &Place, name: &str) -> Diagnostic {
    let mut tables = Registry::embedded().sections();
    tables.extend(["mechanisms", "scale", "challenge", "therapy"]);
    let mut fault = place.fault(&format!("[{name}]"), "");
    fault.message = "a scenario has no such table".into();
    match parameters::nearest_word(name, tables.iter().copied()) {
        Some(near) if LISTS.contains(&near) => fault.suggestion = format!("did you mean [[{near}]]?"),
        Some(near) => fault.suggestion = format!("did you mean [{near}]?"),
        None => {
            tables.sort_unstable();
            fault.expected = format!("one of {}", tables.join(", "));
        }
    }
    fault
}
