//! The text of an experiment as a tree in which every value knows its place, and sections that know which keys they have.

use toml::de::{DeTable, DeValue};

use crate::parameters;
use crate::scenario::{Faults, Place, Source, plain};

/// A value, a table or a list, with its place and how it is written.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub place: Place,
    pub text: String,
    pub node: Node,
}

/// What an item is.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Value(toml::Value),
    Table(Section),
    List(Vec<Item>),
}

/// A table whose keys are asked for one by one; what nobody asked for is unknown.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    /// Dotted path, empty for the whole file.
    pub path: String,
    pub place: Place,
    entries: Vec<(String, Item)>,
    asked: Vec<&'static str>,
}

/// Parses a text; every fault of syntax at once.
pub(super) fn parse(file: &str, text: &str, faults: &mut Faults) -> Section {
    let source = Source::new(1, file, text);
    let (table, broken) = DeTable::parse_recoverable(text);
    for fault in broken {
        let place = source.place(fault.span().map_or(0, |span| span.start));
        let mut diagnostic = place.fault("", "");
        diagnostic.message = format!("this is not TOML: {}", fault.message().trim());
        faults.push(&place, diagnostic);
    }
    if table.get_ref().is_empty() && faults.is_empty() {
        let place = source.place(0);
        let mut fault = place.fault("", "");
        fault.message = "the file is empty: an experiment has at least a kind and a base".into();
        fault.suggestion = "`calcisim experiment run smoke` is an example that ships with calcisim".into();
        faults.push(&place, fault);
    }
    section(&source, "", source.place(0), table.get_ref())
}

fn section(source: &Source, path: &str, place: Place, table: &DeTable) -> Section {
    let entries = table.iter().map(|(name, value)| {
        let label = name.get_ref().to_string();
        let path = if path.is_empty() {
            label.clone()
        } else {
            format!("{path}.{label}")
        };
        let item = Item {
            place: source.place(name.span().start),
            text: source.written(value.span()),
            node: node(source, &path, value.get_ref(), value.span().start),
        };
        (label, item)
    });
    Section {
        path: path.to_owned(),
        place,
        entries: entries.collect(),
        asked: Vec::new(),
    }
}

fn node(source: &Source, path: &str, value: &DeValue, start: usize) -> Node {
    match value {
        DeValue::Table(table) => Node::Table(section(source, path, source.place(start), table)),
        DeValue::Array(list) => Node::List(
            list.iter()
                .map(|item| Item {
                    place: source.place(item.span().start),
                    text: source.written(item.span()),
                    node: node(source, path, item.get_ref(), item.span().start),
                })
                .collect(),
        ),
        other => Node::Value(plain(other)),
    }
}

impl Item {
    /// The value without places.
    pub fn value(&self) -> toml::Value {
        match &self.node {
            Node::Value(value) => value.clone(),
            Node::List(list) => toml::Value::Array(list.iter().map(Self::value).collect()),
            Node::Table(section) => toml::Value::Table(
                section
                    .entries
                    .iter()
                    .map(|(name, item)| (name.clone(), item.value()))
                    .collect(),
            ),
        }
    }

    /// A fault at this value.
    pub fn fault(&self, key: &str, expected: &str) -> crate::error::Diagnostic {
        let mut fault = self.place.fault(key, &self.text);
        fault.expected = expected.to_owned();
        fault
    }

    /// A real number, also when it is written as a whole one.
    pub fn number(&self) -> Option<f64> {
        match &self.node {
            Node::Value(toml::Value::Float(x)) if x.is_finite() => Some(*x),
            Node::Value(toml::Value::Integer(i)) => Some(*i as f64),
            _ => None,
        }
    }

    /// A text.
    pub fn word(&self) -> Option<&str> {
        match &self.node {
            Node::Value(toml::Value::String(word)) => Some(word),
            _ => None,
        }
    }
}

impl Section {
    /// `path.key`.
    pub fn key(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// All that is left, for tables whose keys are free (`set`).
    pub fn rest(&mut self) -> Vec<(String, Item)> {
        std::mem::take(&mut self.entries)
    }

    /// Takes a key, whatever it is.
    pub fn take(&mut self, name: &'static str) -> Option<Item> {
        self.asked.push(name);
        let at = self.entries.iter().position(|(label, _)| label == name)?;
        Some(self.entries.remove(at).1)
    }

    fn typed<T>(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
        expected: &str,
        of: impl Fn(&Item) -> Option<T>,
    ) -> Option<(T, Item)> {
        let item = self.take(name)?;
        match of(&item) {
            Some(value) => Some((value, item)),
            None => {
                faults.push(&item.place, item.fault(&self.key(name), expected));
                None
            }
        }
    }

    /// A text in quotes.
    pub fn word(&mut self, name: &'static str, faults: &mut Faults) -> Option<(String, Item)> {
        self.typed(name, faults, "a text in quotes", |item| item.word().map(str::to_owned))
    }

    /// One word of a list.
    pub fn choice(&mut self, name: &'static str, choices: &[&str], faults: &mut Faults) -> Option<(String, Item)> {
        let (word, item) = self.word(name, faults)?;
        if choices.contains(&word.as_str()) {
            return Some((word, item));
        }
        let mut fault = item.fault(&self.key(name), &format!("one of {}", parameters::quoted(choices)));
        if let Some(near) = parameters::nearest_word(&word, choices.iter().copied()) {
            fault.suggestion = format!("did you mean \"{near}\"?");
        }
        faults.push(&item.place, fault);
        None
    }

    /// A number between two bounds.
    pub fn number(&mut self, name: &'static str, (low, high): (f64, f64), faults: &mut Faults) -> Option<(f64, Item)> {
        let expected = match (low, high) {
            (l, h) if l == f64::MIN && h == f64::MAX => "a number".to_owned(),
            (l, h) if h == f64::MAX => format!("a number of at least {l}"),
            (l, h) => format!("a number from {l} to {h}"),
        };
        self.typed(name, faults, &expected, |item| {
            item.number().filter(|x| (low..=high).contains(x))
        })
    }

    /// A whole number between two bounds.
    pub fn whole(&mut self, name: &'static str, low: u64, high: u64, faults: &mut Faults) -> Option<(u64, Item)> {
        let expected = format!("a whole number from {low} to {high}");
        self.typed(name, faults, &expected, |item| match item.node {
            Node::Value(toml::Value::Integer(i)) => u64::try_from(i).ok().filter(|n| (low..=high).contains(n)),
            _ => None,
        })
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &'static str, faults: &mut Faults) -> Option<(bool, Item)> {
        self.typed(name, faults, "true or false", |item| match item.node {
            Node::Value(toml::Value::Boolean(b)) => Some(b),
            _ => None,
        })
    }

    /// A list; a single value is a list of one.
    pub fn list(&mut self, name: &'static str) -> Option<(Vec<Item>, Item)> {
        let item = self.take(name)?;
        let list = match &item.node {
            Node::List(list) => list.clone(),
            _ => vec![item.clone()],
        };
        Some((list, item))
    }

    /// A table.
    pub fn table(&mut self, name: &'static str, faults: &mut Faults) -> Option<Self> {
        let expected = format!(
            "a table: write [{}] on a line of its own and its keys below",
            self.key(name)
        );
        let (mut table, item) = self.typed(name, faults, &expected, |item| match &item.node {
            Node::Table(section) => Some(section.clone()),
            _ => None,
        })?;
        table.place = item.place;
        Some(table)
    }

    /// A list of tables.
    pub fn tables(&mut self, name: &'static str, faults: &mut Faults) -> Vec<Self> {
        let expected = format!("a list: write [[{}]] once for each", self.key(name));
        let all = |item: &Item| match &item.node {
            Node::List(list) => list
                .iter()
                .map(|one| match &one.node {
                    Node::Table(section) => Some(Self {
                        place: one.place.clone(),
                        ..section.clone()
                    }),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        self.typed(name, faults, &expected, all)
            .map(|(list, _)| list)
            .unwrap_or_default()
    }

    /// Says that an entry looks like a key that is missing.
    pub fn misspelt(&self, key: &str, faults: &mut Faults) {
        for (name, item) in &self.entries {
            if parameters::nearest_word(name, [key]).is_some() {
                let mut fault = item.place.fault(&self.key(name), &item.text);
                fault.suggestion = format!("did you mean `{key}`?");
                faults.push(&item.place, fault);
            }
        }
    }

    /// Says of every key that nobody asked for that it is unknown. `elsewhere` holds words of other tools and what they
    /// are called here.
    pub fn done(self, faults: &mut Faults, elsewhere: &[(&str, &str)]) {
        for (name, item) in &self.entries {
            let mut fault = item.place.fault(&self.key(name), &item.text);
            fault.message = match self.path.as_str() {
                "" => "an experiment has no such key".to_owned(),
                path => format!("[{path}] has no such key"),
            };
            let known = elsewhere.iter().find(|(other, _)| other == name).map(|(_, here)| *here);
            let near = known.or_else(|| parameters::nearest_word(name, self.asked.iter().copied()));
            match near {
                Some(near) => fault.suggestion = format!("did you mean `{near}`?"),
                None => fault.expected = format!("one of {}", self.asked.join(", ")),
            }
            faults.push(&item.place, fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_answered_with_its_place_and_the_nearest() {
        let mut faults = Faults::default();
        let mut top = parse("e.toml", "kind = \"sweep\"\nreplicats = 3\n", &mut faults);
        assert_eq!(top.word("kind", &mut faults).map(|(w, _)| w).as_deref(), Some("sweep"));
        assert!(top.whole("replicates", 1, 9, &mut faults).is_none());
        top.done(&mut faults, &[]);
        let found = faults.into_sorted();
        assert_eq!((found.len(), found[0].line, found[0].column), (1, 2, 1));
        assert!(found[0].suggestion.contains("replicates"), "{:?}", found[0]);
    }

    #[test]
    fn every_fault_of_syntax_is_said() {
        let mut faults = Faults::default();
        parse("e.toml", "a = \nb = [1,\nc = ]", &mut faults);
        assert!(!faults.is_empty());
        let mut faults = Faults::default();
        parse("e.toml", "", &mut faults);
        assert!(faults.into_sorted()[0].message.contains("empty"));
    }
}
