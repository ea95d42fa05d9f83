//! Sentences about effects that claim no more than a model can.

use crate::figures::words::{endpoint, short, signed};

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
    fn is_apart(&self) -> bool {
        self.interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0)
    }

    /// Why no effect is shown; empty where one is.
    fn doubt(&self) -> String {
        const LEVEL: f64 = 0.05;
        match self.p_holm {
            _ if self.interval.is_none() => " Without an interval no effect is shown.".to_owned(),
            _ if !self.is_apart() => " The interval holds «no difference»: no effect is shown.".to_owned(),
            Some(p) if p >= LEVEL => format!(
                " One of many endpoints (p {} after Holm): no effect is shown.",
                short(p)
            ),
            _ => String::new(),
        }
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
            return format!("In this model, {}: {what} did not change ({interval}).", self.arms());
        }
        format!(
            "In this model, {}: {what} changed by {}{unit} ({interval}).{}",
            self.arms(),
            shown(self.difference),
            self.doubt()
        )
    }

    fn arms(&self) -> String {
        format!("{} against {}", self.arm, self.reference)
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
            p_holm: Some(0.01),
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
            let nothing = words.contains("no effect is shown") || words.contains("did not change");
            assert_eq!(nothing, !clear, "{words}");
        }
        // An interval apart from zero is one look among many.
        let many = Effect {
            p_holm: Some(0.275),
            ..effect(-0.05, Some([-0.08, -0.01]))
        };
        assert!(
            many.sentence().ends_with("(p 0.275 after Holm): no effect is shown."),
            "{}",
            many.sentence()
        );
        assert!(
            effect(-0.05, Some([-0.08, -0.01]))
                .sentence()
                .contains("a against b: tissue that ever died (at the end) changed by −5 percentage points")
        );
    }
}
