//! How thick blood is in a narrow tube, and how its haematocrit there differs from that of the outflow.
//!
//! ```text
//! µ = µp [1 + (µ45 − 1) ((1 − H)^C − 1)/((1 − 0.45)^C − 1) k] k
//! C = (0.8 + e^(−0.075 D)) (−1 + L) + L,   L = 1/(1 + 1e-11 D¹²)
//! in vivo:  µ45 = 6 e^(−0.085 D) + 3.2 − 2.44 e^(−0.06 D^0.645),   k = (D/(D − 1.1))²,   D × (92/MCV)^0.33333
//! in vitro: µ45 = 220 e^(−1.3 D) + 3.2 − 2.44 e^(−0.06 D^0.645),   k = 1
//! ```
//!
//! D in µm, µ in cP, H the discharge haematocrit.
//! Source: in vivo Pries et al. 1994 (Circ Res 75:904) as in Pries & Secomb 2005 (doi 10.1152/ajpheart.00297.2005);
//! in vitro Pries et al. 1992 (doi 10.1152/ajpheart.1992.263.6.H1770), which also gives the Fåhraeus effect.

use crate::math;

/// nl/min per (µm⁴ mmHg / (µm cP)): π/128 · 1333 dyn/cm²/mmHg · 60 s/min in these units.
pub const POISEUILLE: f64 = std::f64::consts::PI * 1333.0 / 128.0 / 0.01 * 60.0 / 1e6;

/// Exponent of the correction for the size of red cells, as the published parameters write the third.
const THIRD: f64 = 0.33333;

/// Which law gives the viscosity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// In living vessels, with their surface layer.
    InVivo,
    /// In glass tubes.
    InVitro,
    /// One viscosity everywhere [cP].
    Constant(f64),
}

/// The blood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blood {
    /// Law of viscosity.
    pub law: Law,
    /// Mean volume of a red cell [fL]: 92 in man, 55 in the rat.
    pub mcv_fl: f64,
    /// Viscosity of plasma [cP].
    pub plasma_viscosity_cp: f64,
}

impl Blood {
    /// Human blood in living vessels.
    pub const HUMAN: Self = Self {
        law: Law::InVivo,
        mcv_fl: 92.0,
        plasma_viscosity_cp: 1.0466,
    };

    /// Viscosity as a function of haematocrit in a tube of this diameter.
    pub fn in_tube(&self, diameter_um: f64) -> Tube {
        let (d, k, glass) = match self.law {
            Law::Constant(viscosity_cp) => return Tube::Same(viscosity_cp),
            Law::InVivo => {
                let d = diameter_um * math::pow(92.0 / self.mcv_fl, THIRD);
                (d, math::square(d / (d - 1.1)), false)
            }
            Law::InVitro => (diameter_um, 1.0, true),
        };
        let narrow = if glass {
            220.0 * math::exp(-1.3 * d)
        } else {
            6.0 * math::exp(-0.085 * d)
        };
        let mu45 = narrow + 3.2 - 2.44 * math::exp(-0.06 * math::pow(d, 0.645));
        let large = 1.0 / (1.0 + 1e-11 * math::pow(d, 12.0));
        let c = (0.8 + math::exp(-0.075 * d)) * (-1.0 + large) + large;
        Tube::Curve {
            plasma: self.plasma_viscosity_cp,
            rise: mu45 - 1.0,
            c,
            at_045: math::pow(1.0 - 0.45, c) - 1.0,
            k,
        }
    }

    /// Apparent viscosity [cP] of blood of discharge haematocrit `h` in a tube of this diameter.
    pub fn viscosity_cp(&self, diameter_um: f64, h: f64) -> f64 {
        self.in_tube(diameter_um).viscosity_cp(h)
    }
}

/// Tubes by segment, kept while their diameters stay: each takes six elementary functions.
#[derive(Clone, Debug, Default)]
pub struct Tubes {
    blood: Option<Blood>,
    known: Vec<(f64, Tube)>,
}

impl Tubes {
    /// The tube of a segment.
    pub(super) fn of(&mut self, blood: Blood, segment: usize, diameter_um: f64) -> Tube {
        if self.blood != Some(blood) {
            self.blood = Some(blood);
            self.known.clear();
        }
        if self.known.len() <= segment {
            self.known.resize(segment + 1, (f64::NAN, Tube::Same(1.0)));
        }
        let known = &mut self.known[segment];
        // A diameter that is not known yet is not a number, and equals none.
        if known.0 != diameter_um {
            *known = (diameter_um, blood.in_tube(diameter_um));
        }
        known.1
    }
}

/// Viscosity in one tube, as a function of haematocrit.
#[derive(Clone, Copy, Debug)]
pub enum Tube {
    /// The same at every haematocrit [cP].
    Same(f64),
    /// The law above, with what does not depend on haematocrit worked out.
    Curve {
        /// µp.
        plasma: f64,
        /// µ45 − 1.
        rise: f64,
        /// C.
        c: f64,
        /// 0.55^C − 1.
        at_045: f64,
        /// k.
        k: f64,
    },
}

impl Tube {
    /// Apparent viscosity [cP] at discharge haematocrit `h`.
    pub fn viscosity_cp(&self, h: f64) -> f64 {
        match *self {
            Self::Same(viscosity_cp) => viscosity_cp,
            Self::Curve {
                plasma,
                rise,
                c,
                at_045,
                k,
            } => {
                let shape = (math::pow(1.0 - h, c) - 1.0) / at_045;
                plasma * (1.0 + rise * shape * k) * k
            }
        }
    }
}

/// Fåhraeus effect: tube haematocrit over discharge haematocrit `hd`, at most 1.
pub fn tube_over_discharge(diameter_um: f64, hd: f64) -> f64 {
    hd + (1.0 - hd) * thinning(diameter_um)
}

/// Discharge haematocrit of blood whose tube haematocrit is `ht`: the inverse of the Fåhraeus effect.
pub fn discharge_from_tube(diameter_um: f64, ht: f64) -> f64 {
    let x = thinning(diameter_um);
    // HD² (1 − x) + HD x = HT, in the form that does not cancel.
    2.0 * ht / (x + (x * x + 4.0 * (1.0 - x) * ht).sqrt())
}

/// Tube over discharge haematocrit for blood with few cells.
fn thinning(diameter_um: f64) -> f64 {
    let x = 1.0 + 1.7 * math::exp(-0.35 * diameter_um) - 0.6 * math::exp(-0.01 * diameter_um);
    math::min(x, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check values of the law over plasma (µm, at H 0.2, at H 0.45), computed from the published constants.
    #[test]
    fn viscosity_in_vivo_follows_the_published_law() {
        let blood = Blood {
            plasma_viscosity_cp: 1.0,
            ..Blood::HUMAN
        };
        for (d, at_02, at_045) in [
            (4.0, 8.921562, 17.696482),
            (6.0, 5.250770, 10.011561),
            (8.0, 3.588058, 7.307301),
            (10.0, 2.651410, 5.872438),
            (20.0, 1.761742, 3.231084),
            (40.0, 1.453586, 2.313670),
            (100.0, 1.503257, 2.531539),
        ] {
            assert!((blood.viscosity_cp(d, 0.2) - at_02).abs() < 1e-6);
            assert!((blood.viscosity_cp(d, 0.45) - at_045).abs() < 1e-6);
        }
    }

    #[test]
    fn glass_is_easier_than_a_living_capillary_and_alike_in_a_large_vessel() {
        let glass = Blood {
            law: Law::InVitro,
            ..Blood::HUMAN
        };
        assert!(glass.viscosity_cp(7.0, 0.45) < 0.5 * Blood::HUMAN.viscosity_cp(7.0, 0.45));
        let (a, b) = (glass.viscosity_cp(500.0, 0.45), Blood::HUMAN.viscosity_cp(500.0, 0.45));
        assert!((a / b - 1.0).abs() < 0.02, "{a} {b}");
        assert!((glass.viscosity_cp(20.0, 0.0) - 1.0466).abs() < 1e-12);
    }

    #[test]
    fn discharge_and_tube_haematocrit_are_inverse_to_each_other() {
        for d in [3.0, 5.0, 8.0, 15.0, 60.0, 500.0] {
            for hd in [0.0, 0.1, 0.45, 0.9] {
                let ht = hd * tube_over_discharge(d, hd);
                assert!((discharge_from_tube(d, ht) - hd).abs() < 1e-12);
                assert!(ht <= hd);
            }
        }
    }
}
