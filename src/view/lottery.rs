//! Many biopsies of one day, for a page: how often each rule of reading finds the disease.
//!
//! Punch i of a seed has the same place and level as punch i of `calcisim biopsy --n`.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::grid::Plane;
use crate::picture::biopsy::{Cut, Findings, Lens, Punch, Rule, Verdict};
use crate::random::{Dice, Purpose};
use crate::state::Snapshot;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// Biopsies.
    pub n: usize,
    /// Seed of their places.
    pub seed: u64,
    /// Diameter [µm].
    pub diameter_um: f64,
    /// Depth [µm].
    pub depth_um: f64,
    /// Part of the surface that is hit, as shares of the width; it may wrap around.
    pub within: [f64; 2],
}

/// Most biopsies of one draw.
pub const MOST: usize = 1000;

/// Takes them.
pub fn take(snapshot: &Snapshot, draw: &Draw, lens: &Lens) -> Result<Value> {
    if draw.n == 0 || draw.n > MOST {
        return Err(Error::input("n", format!("{} biopsies: expected 1 to {MOST}", draw.n)));
    }
    if draw.within.iter().any(|x| !x.is_finite()) || draw.within[1] <= draw.within[0] {
        return Err(Error::input(
            "within",
            "expected two shares of the width, the smaller first",
        ));
    }
    let grid = &snapshot.grid;
    let [wide, broad, _] = grid.extent_um();
    let dice = Dice::new(draw.seed);
    let mut counts = [[0_usize; 3]; Rule::ALL.len()];
    let mut places = Vec::with_capacity(draw.n);
    for i in 0..draw.n {
        let mut roll = dice.roll(Purpose::Biopsy, i as u64);
        let [a, b, _, _] = std::array::from_fn(|_| roll.uniform());
        let share = draw.within[0] + a * (draw.within[1] - draw.within[0]);
        let x_um = fitted(share * wide, wide, draw.diameter_um, grid.periodic);
        let y_um = match grid.plane {
            Plane::Block => fitted(b * broad, broad, draw.diameter_um, grid.periodic),
            _ => 0.0,
        };
        let punch = Punch {
            centre_um: [x_um, y_um],
            diameter_um: draw.diameter_um,
            depth_um: draw.depth_um,
        };
        punch.check(grid)?;
        let cuts: Vec<Cut> = punch
            .levels_um(grid, 1, roll.uniform())
            .into_iter()
            .map(|level| Cut::new(snapshot, &punch, level, lens))
            .collect();
        let findings = Findings::of(snapshot, &cuts, lens);
        for (rule, count) in Rule::ALL.into_iter().zip(&mut counts) {
            count[findings.verdict(rule) as usize] += 1;
        }
        places.push(json!([x_um / 1000.0, findings.verdict(Rule::ALL[0]).word()]));
    }
    let rules: Vec<Value> = Rule::ALL
        .into_iter()
        .zip(counts)
        .map(|(rule, count)| {
            json!({
                "rule": rule.name(),
                "positive": count[Verdict::Positive as usize],
                "negative": count[Verdict::Negative as usize],
                "inadequate": count[Verdict::Inadequate as usize],
            })
        })
        .collect();
    Ok(json!({ "n": draw.n, "rules": rules, "places": places }))
}

/// A place within sides that do not wrap, or wrapped.
fn fitted(place: f64, extent: f64, diameter_um: f64, periodic: bool) -> f64 {
    if periodic {
        place - (place / extent).floor() * extent
    } else {
        crate::math::clamp(place, diameter_um / 2.0, extent - diameter_um / 2.0)
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;
    use crate::experiment::biopsies::{self, Condition, Site};
    use crate::simulation::{simulate, tests::settings};

    #[test]
    fn a_page_and_the_command_line_draw_the_same_biopsies() -> Result<()> {
        let run = settings(1.0)?;
        let (model, _) = simulate(&run, 1, &mut |_| Ok(()))?;
        let (scenario, _) = crate::scenario::Scenario::from_text("small.toml", &run.text, &[])?;
        let (snapshot, lens) = (model.snapshot(), super::super::slide::lens(&scenario)?);
        let condition = Condition {
            diameter_um: 800.0,
            depth_um: 3500.0,
            site: Site::Random,
            sections: 1,
        };
        let theirs = biopsies::take(&snapshot, condition, 30, 7, &lens)?;
        let draw = Draw {
            n: 30,
            seed: 7,
            diameter_um: 800.0,
            depth_um: 3500.0,
            within: [0.0, 1.0],
        };
        let ours = take(&snapshot, &draw, &lens)?;
        for (theirs, ours) in theirs.iter().zip(ours["places"].as_array().into_iter().flatten()) {
            assert_eq!(Some(theirs.x_mm), ours[0].as_f64());
            assert_eq!(Some(theirs.findings.verdict(Rule::ALL[0]).word()), ours[1].as_str());
        }
        assert!(take(&snapshot, &Draw { n: MOST + 1, ..draw }, &lens).is_err());
        Ok(())
    }
}
