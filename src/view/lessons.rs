//! Lessons: text, lens, day and levers of each step, in two languages, from `lessons/*.toml`; and the words of the shipped
//! scenarios in Chinese.

use serde_json::Value;

use crate::error::{Error, Result};

/// Lessons in the order in which they build on each other: name and text.
const FILES: [(&str, &str); 6] = [
    (
        "what_is_calciphylaxis",
        include_str!("../../lessons/what_is_calciphylaxis.toml"),
    ),
    (
        "calcium_is_not_enough",
        include_str!("../../lessons/calcium_is_not_enough.toml"),
    ),
    ("the_clot", include_str!("../../lessons/the_clot.toml")),
    (
        "why_biopsies_miss",
        include_str!("../../lessons/why_biopsies_miss.toml"),
    ),
    (
        "can_stem_cells_help",
        include_str!("../../lessons/can_stem_cells_help.toml"),
    ),
    (
        "what_patients_live_with",
        include_str!("../../lessons/what_patients_live_with.toml"),
    ),
];

/// All lessons, as a page reads them.
pub fn all() -> Result<Vec<Value>> {
    FILES
        .into_iter()
        .map(|(name, text)| {
            let fault = |words: String| Error::Internal(format!("lessons/{name}.toml: {words}"));
            let table: toml::Table = text.parse().map_err(|f: toml::de::Error| fault(f.to_string()))?;
            let mut lesson = serde_json::to_value(table).map_err(|f| fault(f.to_string()))?;
            lesson["id"] = name.into();
            Ok(lesson)
        })
        .collect()
}

/// Question, known and assumed of the shipped scenarios in Chinese, by name.
pub fn scenarios_zh() -> Result<Value> {
    let fault = |words: String| Error::Internal(format!("web/scenarios_zh.toml: {words}"));
    let table: toml::Table = include_str!("../../web/scenarios_zh.toml")
        .parse()
        .map_err(|f: toml::de::Error| fault(f.to_string()))?;
    serde_json::to_value(table).map_err(|f| fault(f.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Shipped;

    /// Whether every text beside `en` has its `zh`, and the other way round.
    fn is_bilingual(value: &Value, place: &str, faults: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if map.contains_key("en") != map.contains_key("zh") {
                    faults.push(format!("{place}: one language alone"));
                }
                map.iter()
                    .for_each(|(key, value)| is_bilingual(value, &format!("{place}.{key}"), faults));
            }
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(i, value)| is_bilingual(value, &format!("{place}[{i}]"), faults)),
            _ => {}
        }
    }

    #[test]
    fn every_shipped_scenario_has_its_words_in_chinese() -> Result<()> {
        let words = scenarios_zh()?;
        let names: Vec<&str> = Shipped::names().collect();
        for name in &names {
            for key in ["question", "known", "assumed"] {
                let text = words[name][key].as_str().unwrap_or("");
                assert!(text.chars().any(|c| c > '\u{4e00}'), "{name}: no {key} in Chinese");
            }
        }
        assert_eq!(words.as_object().map_or(0, serde_json::Map::len), names.len());
        Ok(())
    }

    #[test]
    fn every_lesson_is_whole_in_both_languages() -> Result<()> {
        let mut faults = Vec::new();
        for lesson in all()? {
            let name = lesson["id"].as_str().unwrap_or("").to_owned();
            is_bilingual(&lesson, &name, &mut faults);
            for key in [
                "title",
                "aim",
                "minutes",
                "level",
                "scenario",
                "step",
                "misconception",
                "sources",
            ] {
                if lesson[key].is_null() {
                    faults.push(format!("{name}: no {key}"));
                }
            }
            let scenario = lesson["scenario"].as_str().unwrap_or("");
            if !Shipped::names().any(|shipped| shipped == scenario) {
                faults.push(format!("{name}: no scenario {scenario}"));
            }
            for (i, step) in lesson["step"].as_array().into_iter().flatten().enumerate() {
                for key in ["text", "task", "expected"] {
                    if step[key]["en"].as_str().unwrap_or("").trim().is_empty() {
                        faults.push(format!("{name}: step {}: no {key}", i + 1));
                    }
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    }
}
