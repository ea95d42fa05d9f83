//! Needle: every injection wounds like a small trauma, whatever it carries.
//!
//! Where the needle goes, in this order:
//! 1. the place that the scenario names;
//! 2. the edge of the lesion: living voxels below the epidermis that touch a dead one;
//! 3. hypoxic living voxels below the epidermis;
//! 4. living voxels inside the radius of a challenge;
//! 5. the middle of the layer that the route aims at.
//!
//! A route aims at the dermis or at the deep tissue (fat and septa; the muscle itself lies below the model); it takes another
//! layer where the lesion has none of its own. From the candidates, sorted along the surface, so many sites are taken at even ranks.
//!
//! Reads anatomy and oxygen. Writes `vessels.integrity`, `vessels.nidus`, `anatomy.challenged`, burden. No dice: the same needle
//! in the arm with the product and in the arm with its vehicle. We assume: radius, strength, number of needles.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::state::{Kind, Tissue, Vitality};

/// Registry section `needle`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Radius of the injury of one needle [µm].
    pub radius_um: f64,
    /// Share of endothelial integrity lost along the needle.
    pub strength: f64,
    /// Nuclei left in walls along the needle.
    pub nidus: f64,
    /// Needles for one injection into a lesion.
    pub sites: f64,
}

/// What a route aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Dermis.
    Dermis,
    /// Fat and septa.
    Deep,
    /// Wherever the lesion is.
    Any,
}

impl Layer {
    fn holds(self, kind: Kind) -> bool {
        match self {
            Layer::Dermis => matches!(kind, Kind::Papillary | Kind::Reticular | Kind::Membrane),
            Layer::Deep => matches!(kind, Kind::Fat | Kind::Septum | Kind::Membrane),
            Layer::Any => kind.is_deep(),
        }
    }
}

/// Where the needle goes [µm]; never empty.
pub fn sites(
    p: &Parameters,
    tissue: &Tissue,
    layer: Layer,
    named_um: Option<[f64; 3]>,
    hypoxia_mmhg: f64,
) -> Vec<[f64; 3]> {
    if let Some(place) = named_um {
        return vec![place];
    }
    let Tissue {
        grid, anatomy, fields, ..
    } = tissue;
    let living = |v: usize| anatomy.kind[v].is_deep() && anatomy.lives(v);
    let edge = |v: usize| grid.faces(v).any(|f| anatomy.vitality[f] == Vitality::Necrotic);
    let rules: [&dyn Fn(usize) -> bool; 3] = [&edge, &|v| f64::from(fields.oxygen[v]) < hypoxia_mmhg, &|v| {
        anatomy.challenged[v]
    }];
    for rule in rules {
        let all: Vec<usize> = (0..grid.len()).filter(|&v| living(v) && rule(v)).collect();
        if !all.is_empty() {
            let aimed: Vec<usize> = all.iter().copied().filter(|&v| layer.holds(anatomy.kind[v])).collect();
            return spread(p, tissue, if aimed.is_empty() { all } else { aimed });
        }
    }
    let mut middle = grid.extent_um().map(|e| e / 2.0);
    let aimed: Vec<usize> = (0..grid.len()).filter(|&v| layer.holds(anatomy.kind[v])).collect();
    if !aimed.is_empty() && grid.nz > 1 {
        let depth = aimed.iter().fold(0.0, |sum, &v| sum + grid.centre_um(v)[2]);
        middle[2] = depth / aimed.len() as f64;
    }
    vec![middle]
}

/// So many of the candidates, at even ranks along the surface.
fn spread(p: &Parameters, tissue: &Tissue, mut candidates: Vec<usize>) -> Vec<[f64; 3]> {
    candidates.sort_by_key(|&v| tissue.grid.place(v));
    let n = candidates.len();
    let wanted = math::max(p.sites.round(), 1.0) as usize;
    let sites = if wanted < n { wanted } else { n };
    (0..sites)
        .map(|i| tissue.grid.centre_um(candidates[(2 * i + 1) * n / (2 * sites)]))
        .collect()
}

/// The injury and the count of one injection.
pub(crate) fn puncture(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, sites: &[[f64; 3]], event: u64) {
    tissue.burden.procedures += 1;
    tissue.burden.visits += 1;
    let strength = p.strength * arrows.trauma;
    if strength <= 0.0 {
        return;
    }
    tissue.events.latest_trigger = Some(event);
    for &site in sites {
        tissue.injure(site, p.radius_um, strength, p.nidus * arrows.trauma);
        tissue.blame(site, p.radius_um, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture;

    fn needle() -> Parameters {
        fixture::defaults("needle")
    }

    #[test]
    fn a_named_place_wins() {
        let tissue = fixture::tissue(fixture::healthy());
        let named = [1.0, 2.0, 3.0];
        assert_eq!(sites(&needle(), &tissue, Layer::Any, Some(named), 15.0), [named]);
    }

    #[test]
    fn without_a_lesion_the_needle_takes_the_middle_of_its_layer() {
        let tissue = fixture::tissue(fixture::healthy());
        let dermis = sites(&needle(), &tissue, Layer::Dermis, None, 15.0);
        let deep = sites(&needle(), &tissue, Layer::Deep, None, 15.0);
        assert_eq!((dermis.len(), deep.len()), (1, 1));
        assert!(dermis[0][2] < 220.0 && deep[0][2] > 220.0);
    }

    #[test]
    fn a_lesion_draws_the_needles_to_its_living_edge() {
        let mut tissue = fixture::tissue(fixture::healthy());
        for x in 6..12 {
            for z in 6..16 {
                let voxel = tissue.grid.index(x, 0, z);
                tissue.anatomy.kill(voxel, 0);
            }
        }
        let found = sites(&needle(), &tissue, Layer::Deep, None, 15.0);
        assert_eq!(found.len(), 4);
        for site in found {
            let voxel = tissue.grid.voxel_at(site);
            assert!(tissue.anatomy.lives(voxel));
            assert!(Layer::Deep.holds(tissue.anatomy.kind[voxel]));
        }
    }

    #[test]
    fn hypoxia_then_a_challenge_draws_it_when_nothing_is_dead() {
        let mut tissue = fixture::tissue(fixture::healthy());
        let bruised = tissue.grid.index(3, 0, 15);
        tissue.anatomy.challenged[bruised] = true;
        let at = |t: &Tissue| t.grid.voxel_at(sites(&needle(), t, Layer::Any, None, 15.0)[0]);
        assert_eq!(at(&tissue), bruised);
        let hypoxic = tissue.grid.index(9, 0, 12);
        tissue.fields.oxygen[hypoxic] = 4.0;
        assert_eq!(at(&tissue), hypoxic);
    }
}
