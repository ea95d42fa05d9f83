//! Names of endpoints as people say them, and numbers with few places: one way for figures and reports.

use super::chart::number;
use crate::output::series::{COLUMNS, column};

/// How an endpoint is said and shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// In words: «tissue that ever died, at the end».
    pub words: String,
    /// Factor from the table to what is shown.
    pub factor: f64,
    /// Unit of a value; empty where there is none.
    pub unit: String,
    /// Unit of a difference.
    pub difference_unit: String,
}

/// Columns that have plainer words than their name.
const PLAIN: [(&str, &str); 19] = [
    ("necrotic_fraction", "tissue that ever died"),
    ("necrotic_now_fraction", "dead tissue still there"),
    ("ulcer_fraction", "open surface"),
    ("perfused_fraction", "perfused vessel length"),
    ("mean_po2_mmhg", "mean oxygen tension of the tissue"),
    ("hypoxic_fraction", "living tissue short of oxygen"),
    ("tcpo2_low_fraction", "surface with a low TcPO2"),
    ("mineral_ug", "mineral"),
    ("calcified_segment_fraction", "calcified vessel segments"),
    ("thrombosed_segment_fraction", "vessel segments closed by clot"),
    ("endothelial_integrity", "endothelial integrity"),
    ("inflammation", "inflammation"),
    ("bacterial_load", "bacteria on open columns"),
    ("neutrophils", "neutrophils"),
    ("macrophages", "macrophages"),
    ("msc", "stem cells"),
    ("open_wound_days", "days with an open wound"),
    ("procedures", "procedures"),
    ("visits", "visits"),
];

/// Dates that have plainer words than their name.
const DATES: [(&str, &str); 7] = [
    ("t_first_thrombosis_d", "day of the first clot that closes a vessel"),
    (
        "t_first_necrosis_d",
        "day of the first dead tissue outside every challenge",
    ),
    ("t_ulcer_d", "day of the ulcer"),
    ("t_closure_d", "day on which the wound closed for good"),
    ("t10_d", "day of a tenth of the final necrosis"),
    ("t90_d", "day of nine tenths of the final necrosis"),
    (
        "delta_10_90_d",
        "days from a tenth to nine tenths of the final necrosis",
    ),
];

/// An endpoint by its name in the tables.
pub fn endpoint(name: &str) -> Said {
    let bare = name.rsplit_once('.').map_or(name, |(_, bare)| bare);
    said(name, column(bare).map_or("-", |i| COLUMNS[i].unit), "at the end")
}

/// An endpoint whose unit is known, with words for the end of a run.
pub fn said(name: &str, unit: &str, at_the_end: &str) -> Said {
    if let Some((_, words)) = DATES.iter().find(|(date, _)| *date == name) {
        return Said {
            words: (*words).to_owned(),
            factor: 1.0,
            unit: "d".into(),
            difference_unit: "days".into(),
        };
    }
    let (when, bare) = match name.rsplit_once('.') {
        Some(("final", bare)) => (format!(", {at_the_end}"), bare),
        Some(("max", bare)) => (", at its highest".to_owned(), bare),
        Some(("read", bare)) => (format!(", as measured {at_the_end}"), bare),
        Some((at, bare)) => (format!(", {}", on_a_day(at)), bare),
        None => (String::new(), name),
    };
    let plain = PLAIN.iter().find(|(column, _)| *column == bare);
    let words = plain.map_or_else(|| bare.replace('_', " "), |(_, words)| (*words).to_owned());
    let (factor, unit, difference_unit) = match unit {
        "-" if bare.ends_with("_fraction") || bare == "endothelial_integrity" => (100.0, "%", "percentage points"),
        "-" | "" => (1.0, "", ""),
        unit => (1.0, unit, unit),
    };
    Said {
        words: format!("{words}{when}"),
        factor,
        unit: unit.to_owned(),
        difference_unit: difference_unit.to_owned(),
    }
}

/// `at_15d` and `read_15d` in words.
fn on_a_day(at: &str) -> String {
    let day = |prefix: &str| at.strip_prefix(prefix).and_then(|day| day.strip_suffix('d'));
    match (day("at_"), day("read_")) {
        (Some(day), _) => format!("on day {day}"),
        (_, Some(day)) => format!("as measured on day {day}"),
        _ => at.to_owned(),
    }
}

/// A number with three digits that count, without zeros at its end.
pub fn short(value: f64) -> String {
    let size = if value.abs() < 1e-12 { 0.0 } else { value.abs() };
    if size != 0.0 && !(5e-4..1e7).contains(&size) {
        return format!("{value:.1e}").replace('-', "−");
    }
    let step = match size {
        s if s >= 99.95 => 1.0,
        s if s >= 9.995 => 0.1,
        s if s >= 0.9995 => 0.01,
        s if s >= 0.01 => 0.001,
        _ => 0.0001,
    };
    let text = number(value, step);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The same with its sign.
pub fn signed(value: f64) -> String {
    let sign = if value >= 1e-12 { "+" } else { "" };
    format!("{sign}{}", short(value))
}

/// A number and its unit.
pub fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", short(value)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_words_and_units() {
        assert_eq!(endpoint("final.necrotic_fraction").unit, "%");
        assert_eq!(endpoint("t_ulcer_d").words, "day of the ulcer");
        assert_eq!(
            endpoint("at_28d.mineral_ug"),
            Said {
                words: "mineral, on day 28".into(),
                factor: 1.0,
                unit: "µg".into(),
                difference_unit: "µg".into()
            }
        );
        assert_eq!(said("read_15d.crp", "mg/L", "").words, "crp, as measured on day 15");
        assert_eq!(
            said("read.crp", "mg/L", "on day 45").words,
            "crp, as measured on day 45"
        );
    }

    #[test]
    fn numbers_are_short_and_have_a_true_minus() {
        assert_eq!(short(0.0), "0");
        assert_eq!(short(-12.345), "−12.3");
        assert_eq!(short(0.00012), "1.2e−4");
        assert_eq!(
            (short(4.0), short(3.6), short(100.0)),
            ("4".into(), "3.6".into(), "100".into())
        );
        assert_eq!(
            (signed(3.0), signed(-0.25), signed(0.0)),
            ("+3".into(), "−0.25".into(), "0".into())
        );
        assert_eq!((with_unit(2.0, "d"), with_unit(2.0, "")), ("2 d".into(), "2".into()));
    }
}
