//! The patient around the tissue: plasma chemistry, clotting, drugs.

use serde::{Deserialize, Serialize};

use crate::math;
use crate::parameters::{Setting, Value};

/// Wall mineral at the start, for chronic disease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurnIn {
    /// Median wall mineral of the walls that carry any, 0-1.
    pub wall_mineral_median: f64,
    /// Its geometric standard deviation.
    pub gsd: f64,
    /// Share of arteriolar branches that carry any.
    pub share: f64,
    /// Share of sites with such branches.
    pub sites: f64,
}

/// The patient's standing values: laboratory, markers, treatment by dialysis. Registry section `host`.
/// A `chemistry` challenge or a therapy may move them during a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Ionised calcium [mmol/L].
    pub calcium_ionised_mmol_per_l: f64,
    /// Ionised share of total calcium; only converts a total given in clinic units.
    pub calcium_ionised_share: f64,
    /// Phosphate before dialysis [mmol/L].
    pub phosphate_mmol_per_l: f64,
    /// Magnesium [mmol/L].
    pub magnesium_mmol_per_l: f64,
    /// Pyrophosphate [µmol/L].
    pub pyrophosphate_umol_per_l: f64,
    /// Fetuin-A [g/L].
    pub fetuin_a_g_per_l: f64,
    /// Carboxylated share of matrix Gla protein when vitamin K works, 0-1.
    pub cmgp_fraction: f64,
    /// Albumin [g/L].
    pub albumin_g_per_l: f64,
    /// Haematocrit, 0-1.
    pub haematocrit: f64,
    /// Pressure at the feeding vessels [mmHg].
    pub inlet_pressure_mmhg: f64,
    /// Pressure at the draining vessels [mmHg].
    pub outlet_pressure_mmhg: f64,
    /// Oxygen tension of arterial blood [mmHg].
    pub arterial_po2_mmhg: f64,
    /// Oxygen tension at half saturation [mmHg].
    pub p50_mmhg: f64,
    /// Hill exponent of haemoglobin.
    pub hill_n: f64,
    /// Uraemic toxins; 0 healthy, 1 on dialysis.
    pub toxin_level: f64,
    /// Systemic inflammation; 0 healthy.
    pub systemic_inflammation: f64,
    /// Whether the patient is dialysed.
    pub dialysis: bool,
    /// Dialysis sessions a week.
    pub sessions_per_week: f64,
    /// Length of a session [h].
    pub session_h: f64,
    /// Share by which a session lowers phosphate.
    pub dialysis_phosphate_fall: f64,
    /// Share by which a session lowers pyrophosphate.
    pub dialysis_pyrophosphate_fall: f64,
    /// Time constant of the rebound after a session [h].
    pub rebound_h: f64,
    /// Whether the patient takes warfarin.
    pub warfarin: bool,
    /// Factor on endothelial repair.
    pub repair_factor: f64,
    /// Factor on lysis and recanalisation.
    pub lysis_factor: f64,
    /// Thrombophilia; 0 none, 1 as in severe disease.
    pub thrombophilia: f64,
    /// Lupus anticoagulant, an antibody; 0 absent, 1 present.
    pub lupus_anticoagulant: f64,
    /// Protein C at rest, 1 = normal.
    pub protein_c: f64,
    /// Factor II at rest, 1 = normal.
    pub factor_ii: f64,
    /// Spread of mineral growth between sites (geometric standard deviation).
    pub mineral_site_gsd: f64,
    /// Body weight [kg].
    pub weight_kg: f64,
    /// Plasma values per dialysis session, from a table; empty = none.
    pub course_csv: String,
    /// Wall mineral at the start.
    pub burn_in: BurnIn,
}

/// Doses that a rule of care has ordered so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ordered {
    /// Name of the treatment within the scenario.
    pub therapy: String,
    /// Steps of its doses, in order; the last ones may lie ahead.
    pub steps: Vec<u64>,
}

/// The patient now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Standing values, as moved by challenges and therapies so far.
    pub profile: Profile,
    /// Ionised calcium [mmol/L].
    pub calcium: f64,
    /// Phosphate [mmol/L].
    pub phosphate: f64,
    /// Magnesium [mmol/L].
    pub magnesium: f64,
    /// Pyrophosphate [µmol/L].
    pub pyrophosphate: f64,
    /// Fetuin-A [g/L].
    pub fetuin_a: f64,
    /// Carboxylated share of matrix Gla protein, 0-1.
    pub cmgp: f64,
    /// Effective inhibition of mineral in plasma, 0-1.
    pub inhibition: f64,
    /// Uraemic toxin level.
    pub toxin: f64,
    /// Protein C activity, 1 = normal.
    pub protein_c: f64,
    /// Vitamin-K dependent clotting factor II, 1 = normal.
    pub factor_ii: f64,
    /// Anticoagulant effect on thrombin, 1 = none, smaller = more.
    pub anticoagulation: f64,
    /// Extra lysis by a thrombolytic drug, 1 = none.
    pub thrombolysis: f64,
    /// Factor on the inlet pressure, 1 = usual; hypotension lowers it.
    pub pressure_factor: f64,
    /// Added arterial oxygen tension by hyperbaric oxygen [mmHg].
    pub added_po2_mmhg: f64,
    /// Hours into the current dialysis session; negative between sessions.
    pub session_hour: f64,
    /// Phosphate removed by dialysis and not yet back, share of the standing value.
    pub phosphate_gap: f64,
    /// Pyrophosphate removed by dialysis and not yet back, share.
    pub pyrophosphate_gap: f64,
    /// Thiosulfate in plasma, fast compartment [mmol/L].
    pub thiosulfate: f64,
    /// Thiosulfate, slow compartment [mmol/L].
    pub thiosulfate_slow: f64,
    /// Fytate in plasma [µmol/L].
    pub fytate: f64,
    /// Vitamin K given and still in the body [mg].
    pub vitamin_k_mg: f64,
    /// Fall of the standing phosphate by binders and diet [mmol/L]; a function of the date, written by the therapies.
    pub phosphate_fall: f64,
    /// Antibiotic effect on bacteria [1/h].
    pub antibiotic_kill_per_h: f64,
    /// Living infused stem cells in the lung [cells].
    pub msc_lung: f64,
    /// Systemic repair signal from infused cells, at perfused vessels [a.u.].
    pub msc_signal: f64,
    /// Tissue factor of infused cells; multiplies clotting by 1 + this.
    pub msc_tissue_factor: f64,
    /// Slow relief of hypercoagulability by stem cells, 0-1.
    pub msc_coagulation_relief: f64,
    /// Doses ordered by rules of care; none without such a rule or an order.
    pub ordered: Vec<Ordered>,
}

impl Host {
    /// A patient at rest, with the standing values.
    pub fn at_rest(profile: Profile) -> Self {
        Self {
            calcium: profile.calcium_ionised_mmol_per_l,
            phosphate: profile.phosphate_mmol_per_l,
            magnesium: profile.magnesium_mmol_per_l,
            pyrophosphate: profile.pyrophosphate_umol_per_l,
            fetuin_a: profile.fetuin_a_g_per_l,
            cmgp: profile.cmgp_fraction,
            inhibition: 0.0,
            toxin: profile.toxin_level,
            protein_c: profile.protein_c,
            factor_ii: profile.factor_ii,
            anticoagulation: 1.0,
            thrombolysis: 1.0,
            pressure_factor: 1.0,
            added_po2_mmhg: 0.0,
            session_hour: -1.0,
            phosphate_gap: 0.0,
            pyrophosphate_gap: 0.0,
            thiosulfate: 0.0,
            thiosulfate_slow: 0.0,
            fytate: 0.0,
            vitamin_k_mg: 0.0,
            phosphate_fall: 0.0,
            antibiotic_kill_per_h: 0.0,
            msc_lung: 0.0,
            msc_signal: 0.0,
            msc_tissue_factor: 0.0,
            msc_coagulation_relief: 0.0,
            ordered: Vec::new(),
            profile,
        }
    }

    /// So many hours of dialysis: phosphate and pyrophosphate fall exponentially, by the stated share in one whole session.
    pub fn dialyse(&mut self, hours: f64) {
        let share = if self.profile.session_h > 0.0 {
            hours / self.profile.session_h
        } else {
            0.0
        };
        let fall = |gap: f64, by: f64| 1.0 - (1.0 - gap) * math::pow(1.0 - math::clamp(by, 0.0, 0.999), share);
        self.phosphate_gap = fall(self.phosphate_gap, self.profile.dialysis_phosphate_fall);
        self.pyrophosphate_gap = fall(self.pyrophosphate_gap, self.profile.dialysis_pyrophosphate_fall);
    }
}

impl Profile {
    /// Moves one standing value a share of the way (0-1) to a new one; the key is that of the registry, with or without
    /// `host.`. A yes-or-no value changes when the share is above 0. The message of an error says what was expected.
    pub fn set(&mut self, setting: &Setting, share: f64) -> Result<(), String> {
        let name = setting.key.strip_prefix("host.").unwrap_or(&setting.key);
        let flag = match name {
            "dialysis" => Some(&mut self.dialysis),
            "warfarin" => Some(&mut self.warfarin),
            _ => None,
        };
        if let Some(flag) = flag {
            let Value::Bool(value) = setting.value else {
                return Err(format!("host.{name}: expected true or false, found {}", setting.value));
            };
            if share > 0.0 {
                *flag = value;
            }
            return Ok(());
        }
        let number = match name {
            "calcium_ionised_mmol_per_l" => &mut self.calcium_ionised_mmol_per_l,
            "phosphate_mmol_per_l" => &mut self.phosphate_mmol_per_l,
            "magnesium_mmol_per_l" => &mut self.magnesium_mmol_per_l,
            "pyrophosphate_umol_per_l" => &mut self.pyrophosphate_umol_per_l,
            "fetuin_a_g_per_l" => &mut self.fetuin_a_g_per_l,
            "cmgp_fraction" => &mut self.cmgp_fraction,
            "albumin_g_per_l" => &mut self.albumin_g_per_l,
            "haematocrit" => &mut self.haematocrit,
            "inlet_pressure_mmhg" => &mut self.inlet_pressure_mmhg,
            "outlet_pressure_mmhg" => &mut self.outlet_pressure_mmhg,
            "arterial_po2_mmhg" => &mut self.arterial_po2_mmhg,
            "p50_mmhg" => &mut self.p50_mmhg,
            "hill_n" => &mut self.hill_n,
            "toxin_level" => &mut self.toxin_level,
            "systemic_inflammation" => &mut self.systemic_inflammation,
            "sessions_per_week" => &mut self.sessions_per_week,
            "session_h" => &mut self.session_h,
            "dialysis_phosphate_fall" => &mut self.dialysis_phosphate_fall,
            "dialysis_pyrophosphate_fall" => &mut self.dialysis_pyrophosphate_fall,
            "rebound_h" => &mut self.rebound_h,
            "repair_factor" => &mut self.repair_factor,
            "lysis_factor" => &mut self.lysis_factor,
            "thrombophilia" => &mut self.thrombophilia,
            "lupus_anticoagulant" => &mut self.lupus_anticoagulant,
            "protein_c" => &mut self.protein_c,
            "weight_kg" => &mut self.weight_kg,
            "course_csv" => return Err("host.course_csv: a table cannot begin during a run".into()),
            _ if name.starts_with("burn_in") => {
                return Err(format!("host.{name}: burn-in is over when a run begins"));
            }
            _ => return Err(format!("host.{name}: no such value of the host profile")),
        };
        let Some(value) = setting.value.number().filter(|x| x.is_finite()) else {
            return Err(format!("host.{name}: expected a number, found {}", setting.value));
        };
        *number += (value - *number) * math::unit(share);
        Ok(())
    }
}
