//! Names of endpoints as people say them, numbers with few places, and sentences that claim no more than a model can.

use crate::figures::chart::number;
use crate::output::series::{COLUMNS, column};

/// How an endpoint is said and shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// In words: «tissue that ever died, at the end».
    pub words: String,
    /// Factor from the table to what is shown.
    pub factor: f64,
    /// Unit of a value.
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
    if let Some((_, words)) = DATES.iter().find(|(date, _)| *date == name) {
        return Said {
            words: (*words).to_owned(),
            factor: 1.0,
            unit: "d".into(),
            difference_unit: "days".into(),
        };
    }
    let (when, bare) = match name.rsplit_once('.') {
        Some(("final", bare)) => (", at the end".to_owned(), bare),
        Some(("max", bare)) => (", at its highest".to_owned(), bare),
        Some((at, bare)) => match at.strip_prefix("at_").and_then(|day| day.strip_suffix('d')) {
            Some(day) => (format!(", on day {day}"), bare),
            None => (format!(", {at}"), bare),
        },
        None => (String::new(), name),
    };
    let plain = PLAIN.iter().find(|(column, _)| *column == bare);
    let words = plain.map_or_else(|| bare.replace('_', " "), |(_, words)| (*words).to_owned());
    let (factor, unit, difference_unit) = match column(bare).map(|i| COLUMNS[i].unit) {
        Some("-") if bare.ends_with("_fraction") || bare == "endothelial_integrity" => {
            (100.0, "%".to_owned(), "percentage points".to_owned())
        }
        Some("-") | None => (1.0, String::new(), String::new()),
        Some(unit) => (1.0, unit.to_owned(), unit.to_owned()),
    };
    Said {
        words: format!("{words}{when}"),
        factor,
        unit,
        difference_unit,
    }
}

/// A number with about three digits.
pub fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e7).contains(&size) {
        return format!("{value:.2e}").replace('-', "−");
    }
    let step = match size {
        s if s >= 1000.0 => 1.0,
        s if s >= 100.0 => 1.0,
        s if s >= 10.0 => 0.1,
        s if s >= 0.1 => 0.01,
        _ => 0.001,
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
    if value > 0.0 {
        format!("+{}", short(value))
    } else {
        short(value)
    }
}

/// A number and its unit.
pub fn with_unit(value: f64, unit: &str) -> String {
    if unit.is_empty() {
        value_only(value)
    } else {
        format!("{} {unit}", value_only(value))
    }
}

fn value_only(value: f64) -> String {
    short(value)
}

/// A contrast as a table has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Arm.
    pub arm: String,
    /// What it is compared with.
    pub reference: String,
    /// Endpoint by name.
    pub endpoint: String,
    /// Mean difference over pairs, in the unit of the table.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Share of pairs of runs in which the arm is higher (Vargha and Delaney's A).
    pub superiority: Option<f64>,
    /// p after Holm.
    pub p_holm: Option<f64>,
    /// Pairs.
    pub pairs: Option<f64>,
}

impl Effect {
    /// Whether the interval leaves no difference out.
    pub fn is_clear(&self) -> bool {
        self.interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0)
    }

    /// The effect in a sentence about the model.
    pub fn sentence(&self) -> String {
        let said = endpoint(&self.endpoint);
        let shown = |x: f64| signed(x * said.factor);
        let pairs = self
            .pairs
            .map_or(String::new(), |n| format!("; {n} pairs of equal seed"));
        let interval = match self.interval {
            Some([low, high]) => format!("95 % interval {} to {}{pairs}", shown(low), shown(high)),
            None => format!("no interval{pairs}"),
        };
        let unit = if said.difference_unit.is_empty() {
            String::new()
        } else {
            format!(" {}", said.difference_unit)
        };
        // «tissue that ever died, at the end»: the moment stands in brackets inside a sentence.
        let what = match said.words.split_once(", ") {
            Some((what, when)) => format!("{what} ({when})"),
            None => said.words.clone(),
        };
        if self.difference == 0.0 && self.interval.is_none_or(|[low, high]| low == 0.0 && high == 0.0) {
            return format!(
                "In this model, {} changed nothing against {} in {what} ({interval}).",
                self.arm, self.reference
            );
        }
        let verdict = if self.is_clear() {
            ""
        } else {
            " The interval holds «no difference»: no effect is shown."
        };
        format!(
            "In this model, {} against {} changed {what} by {}{unit} ({interval}).{verdict}",
            self.arm,
            self.reference,
            shown(self.difference)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(difference: f64, interval: Option<[f64; 2]>) -> Effect {
        Effect {
            arm: "a".into(),
            reference: "b".into(),
            endpoint: "final.necrotic_fraction".into(),
            difference,
            interval,
            superiority: Some(0.5),
            p_holm: Some(1.0),
            pairs: Some(8.0),
        }
    }

    #[test]
    fn every_sentence_about_causes_speaks_of_this_model_and_an_interval_with_zero_shows_no_effect() {
        for (e, clear) in [
            (effect(-0.05, Some([-0.08, -0.01])), true),
            (effect(-0.05, Some([-0.08, 0.01])), false),
            (effect(0.0, Some([0.0, 0.0])), false),
            (effect(0.3, None), false),
        ] {
            let words = e.sentence();
            assert!(words.starts_with("In this model, "), "{words}");
            assert_eq!(e.is_clear(), clear);
            let nothing = words.contains("no effect is shown") || words.contains("changed nothing");
            assert_eq!(nothing, !clear, "{words}");
        }
        assert!(
            effect(-0.05, Some([-0.08, -0.01]))
                .sentence()
                .contains("changed tissue that ever died (at the end) by −5 percentage points")
        );
    }

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
        assert_eq!(short(0.0), "0");
        assert_eq!(short(12.345), "12.3");
        assert_eq!(
            (short(4.0).as_str(), short(3.6).as_str(), short(100.0).as_str()),
            ("4", "3.6", "100")
        );
    }
}
