//! Wall remodelling: an arteriole that is long without endothelium, or inflamed, thickens inward.
//!
//! ```text
//! dF/dt = k·neointima·[ (1 − E)² + γ·H(C; K_C, 2) ]·(1 − F) − r·E·F
//! ```
//!
//! | symbol | meaning                               | unit | in code                     |
//! |--------|---------------------------------------|------|-----------------------------|
//! | F      | neo-intima                            | 0-1  | `vessels.neointima`         |
//! | E      | endothelial integrity of the segment  | 0-1  | `vessels.integrity`         |
//! | C, K_C | cytokine, half-effect                 | a.u. | `fields.cytokine`           |
//! | k, r   | growth, regress                       | 1/d  | `growth_rate_per_d`, `regress_rate_per_d` |
//!
//! Reads the above. Writes `vessels.neointima`. No dice. Exact relaxation.
//! Source: subintimal fibroplasia in calciphylaxis doi 10.1016/j.jaad.2007.12.006. We assume: rates; the square, so that mild
//! lasting wear counts little; arterioles only; regress under an intact endothelium.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::state::{Class, Now, Tissue};

/// Registry section `wall`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// k: growth of neo-intima on a denuded wall [1/d].
    pub growth_rate_per_d: f64,
    /// γ: weight of the cytokine against full endothelial loss.
    pub cytokine_gain: f64,
    /// K_C: cytokine with half of the effect [a.u.].
    pub cytokine_half: f64,
    /// r: regress under an intact endothelium [1/d].
    pub regress_rate_per_d: f64,
}

/// Neo-intima after some days.
fn thickened(p: &Parameters, neointima: f64, strength: f64, integrity: f64, cytokine: f64, days: f64) -> f64 {
    let irritation =
        math::square(math::positive(1.0 - integrity)) + p.cytokine_gain * math::hill(cytokine, p.cytokine_half, 2.0);
    let gain = p.growth_rate_per_d * strength * irritation;
    let rate = gain + p.regress_rate_per_d * integrity;
    if rate <= 0.0 {
        return neointima;
    }
    math::unit(math::relax(neointima, gain / rate, rate, days))
}

/// Every arteriole; each writes only to itself.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue { vessels, fields, .. } = tissue;
    for s in 0..vessels.len() {
        if vessels.class[s] != Class::Arteriole {
            continue;
        }
        let pieces = vessels.pieces(s);
        let n = pieces.len() as f64;
        let cytokine = pieces.fold(0.0, |sum, i| {
            sum + f64::from(fields.cytokine[vessels.piece_voxel[i] as usize])
        }) / n;
        let integrity = vessels.mean_integrity(s);
        vessels.neointima[s] = thickened(
            p,
            vessels.neointima[s],
            arrows.neointima,
            integrity,
            cytokine,
            now.hours / 24.0,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture;

    fn parameters() -> Parameters {
        fixture::defaults("wall")
    }

    fn after(integrity: f32, cytokine: f32, arrows: &Arrows, days: u64) -> Tissue {
        let mut tissue = fixture::tissue(fixture::healthy());
        tissue.vessels.integrity.fill(integrity);
        tissue.fields.cytokine.fill(cytokine);
        for step in 0..24 * days {
            apply(&parameters(), arrows, &mut tissue, fixture::now(step, 1.0));
        }
        tissue
    }

    #[test]
    fn an_intact_quiet_wall_stays_thin() {
        assert_eq!(after(1.0, 0.0, &Arrows::default(), 100).vessels.neointima, [0.0, 0.0]);
    }

    #[test]
    fn a_denuded_arteriole_thickens_within_months_and_a_capillary_never() {
        let tissue = after(0.0, 0.0, &Arrows::default(), 90);
        assert!(tissue.vessels.neointima[0] > 0.3 && tissue.vessels.neointima[0] < 1.0);
        assert_eq!(tissue.vessels.neointima[1], 0.0);
        assert!(after(0.9, 0.0, &Arrows::default(), 90).vessels.neointima[0] < 0.02);
    }

    #[test]
    fn cytokine_thickens_and_the_switch_stops_all() {
        assert!(after(1.0, 1.0, &Arrows::default(), 90).vessels.neointima[0] > 0.05);
        let off = Arrows {
            neointima: 0.0,
            ..Arrows::default()
        };
        assert_eq!(after(0.0, 1.0, &off, 90).vessels.neointima[0], 0.0);
    }

    #[test]
    fn a_healed_wall_thins_slowly() {
        let p = parameters();
        let left = thickened(&p, 0.4, 1.0, 1.0, 0.0, 100.0);
        assert!(left < 0.4 && left > 0.2);
    }
}
