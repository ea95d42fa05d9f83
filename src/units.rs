//! Units as they stand at the end of a name: `voxel_um`, `phosphate_mmol_per_l`.
//!
//! Inside, calcisim counts in µm, hours, mmol/L, mmHg, Pa and nl/min. A person may know another unit;
//! this page knows how the two are related, so that a wrong suffix can be answered with the right number.

/// What a unit measures. Two units can be converted only within one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    Length,
    Area,
    Time,
    Rate,
    Mass,
    Substance,
    MassConcentration,
    Pressure,
    Diffusivity,
    Speed,
}

/// Suffix, dimension, how many of the dimension's base unit one of it is.
const SUFFIXES: &[(&str, Dimension, f64)] = &[
    ("nm", Dimension::Length, 1e-3),
    ("um", Dimension::Length, 1.0),
    ("mm", Dimension::Length, 1e3),
    ("cm", Dimension::Length, 1e4),
    ("m", Dimension::Length, 1e6),
    ("um2", Dimension::Area, 1.0),
    ("mm2", Dimension::Area, 1e6),
    ("cm2", Dimension::Area, 1e8),
    ("s", Dimension::Time, 1.0),
    ("min", Dimension::Time, 60.0),
    ("h", Dimension::Time, 3600.0),
    ("d", Dimension::Time, 86_400.0),
    ("days", Dimension::Time, 86_400.0),
    ("weeks", Dimension::Time, 604_800.0),
    ("per_s", Dimension::Rate, 86_400.0),
    ("per_min", Dimension::Rate, 1440.0),
    ("per_h", Dimension::Rate, 24.0),
    ("per_d", Dimension::Rate, 1.0),
    ("per_week", Dimension::Rate, 1.0 / 7.0),
    ("ug", Dimension::Mass, 1e-6),
    ("mg", Dimension::Mass, 1e-3),
    ("g", Dimension::Mass, 1.0),
    ("kg", Dimension::Mass, 1e3),
    ("nmol_per_l", Dimension::Substance, 1e-6),
    ("umol_per_l", Dimension::Substance, 1e-3),
    ("mmol_per_l", Dimension::Substance, 1.0),
    ("mol_per_l", Dimension::Substance, 1e3),
    ("ug_per_l", Dimension::MassConcentration, 1e-6),
    ("mg_per_l", Dimension::MassConcentration, 1e-3),
    ("ug_per_ml", Dimension::MassConcentration, 1e-3),
    ("mg_per_dl", Dimension::MassConcentration, 1e-2),
    ("mg_per_ml", Dimension::MassConcentration, 1.0),
    ("g_per_l", Dimension::MassConcentration, 1.0),
    ("g_per_dl", Dimension::MassConcentration, 10.0),
    ("pa", Dimension::Pressure, 1.0),
    ("kpa", Dimension::Pressure, 1e3),
    ("mmhg", Dimension::Pressure, 133.322_387_415),
    ("um2_per_s", Dimension::Diffusivity, 1.0),
    ("um2_per_min", Dimension::Diffusivity, 1.0 / 60.0),
    ("um2_per_h", Dimension::Diffusivity, 1.0 / 3600.0),
    ("mm2_per_d", Dimension::Diffusivity, 1e6 / 86_400.0),
    ("mm2_per_s", Dimension::Diffusivity, 1e6),
    ("cm2_per_s", Dimension::Diffusivity, 1e8),
    ("um_per_s", Dimension::Speed, 1.0),
    ("um_per_min", Dimension::Speed, 1.0 / 60.0),
    ("um_per_h", Dimension::Speed, 1.0 / 3600.0),
    ("um_per_d", Dimension::Speed, 1.0 / 86_400.0),
    ("mm_per_d", Dimension::Speed, 1e3 / 86_400.0),
    ("mm_per_s", Dimension::Speed, 1e3),
];

/// Splits `voxel_mm` into `voxel` and `mm`: the longest suffix that is a unit. `None` when the name ends in no unit.
pub fn split_suffix(name: &str) -> Option<(&str, &'static str)> {
    SUFFIXES
        .iter()
        .filter_map(|(suffix, _, _)| {
            let stem = name.strip_suffix(suffix)?.strip_suffix('_')?;
            (!stem.is_empty()).then_some((stem, *suffix))
        })
        .max_by_key(|(_, suffix)| suffix.len())
}

/// One unit in terms of another: `factor("mm", "um")` is 1000. `None` when they measure different things.
pub fn factor(from: &str, to: &str) -> Option<f64> {
    let find = |name: &str| SUFFIXES.iter().find(|(suffix, _, _)| *suffix == name);
    let ((_, a, x), (_, b, y)) = (find(from)?, find(to)?);
    (a == b).then(|| x / y)
}

/// A laboratory value under the name and unit of a clinic, and the registry row that it fills.
#[derive(Clone, Copy, Debug)]
pub struct ClinicName {
    /// Key as a clinician writes it.
    pub key: &'static str,
    /// Registry key that it stands for.
    pub means: &'static str,
    /// Multiply the clinic's number by this.
    pub factor: f64,
    /// A second factor that is itself a registry row (the ionised share of calcium), or empty.
    pub times: &'static str,
    /// What it is, in words.
    pub meaning: &'static str,
}

impl ClinicName {
    /// The clinic's number in the registry's unit, free of the dust of multiplication (12 digits).
    pub fn converted(&self, number: f64, times: f64) -> f64 {
        rounded(number * self.factor * times)
    }
}

/// Laboratory values accepted in the units of a clinic.
///
/// Factors are 10 / molar mass for mg/dL → mmol/L (P 30.97, Ca 40.08, Mg 24.305).
/// Haemoglobin becomes haematocrit with a red-cell concentration of 33.3 g/dL (the usual normal value).
pub const CLINIC_NAMES: &[ClinicName] = &[
    ClinicName {
        key: "host.phosphate_mg_per_dl",
        means: "host.phosphate_mmol_per_l",
        factor: 0.3229,
        times: "",
        meaning: "plasma phosphorus",
    },
    ClinicName {
        key: "host.calcium_mg_per_dl",
        means: "host.calcium_ionised_mmol_per_l",
        factor: 0.2495,
        times: "host.calcium_ionised_share",
        meaning: "total plasma calcium",
    },
    ClinicName {
        key: "host.calcium_total_mmol_per_l",
        means: "host.calcium_ionised_mmol_per_l",
        factor: 1.0,
        times: "host.calcium_ionised_share",
        meaning: "total plasma calcium",
    },
    ClinicName {
        key: "host.calcium_ionised_mg_per_dl",
        means: "host.calcium_ionised_mmol_per_l",
        factor: 0.2495,
        times: "",
        meaning: "ionised plasma calcium",
    },
    ClinicName {
        key: "host.magnesium_mg_per_dl",
        means: "host.magnesium_mmol_per_l",
        factor: 0.4114,
        times: "",
        meaning: "plasma magnesium",
    },
    ClinicName {
        key: "host.albumin_g_per_dl",
        means: "host.albumin_g_per_l",
        factor: 10.0,
        times: "",
        meaning: "plasma albumin",
    },
    ClinicName {
        key: "host.fetuin_a_mg_per_dl",
        means: "host.fetuin_a_g_per_l",
        factor: 0.01,
        times: "",
        meaning: "plasma fetuin-A",
    },
    ClinicName {
        key: "host.haemoglobin_g_per_dl",
        means: "host.haematocrit",
        factor: 0.03,
        times: "",
        meaning: "haemoglobin of blood",
    },
];

/// The clinic name with this key.
pub fn clinic_name(key: &str) -> Option<&'static ClinicName> {
    CLINIC_NAMES.iter().find(|name| name.key == key)
}

/// Every key of one quantity: that of the registry and those of a clinic.
pub fn names_of(registry_key: &str) -> impl Iterator<Item = &str> {
    let clinic = CLINIC_NAMES.iter().filter(move |name| name.means == registry_key);
    std::iter::once(registry_key).chain(clinic.map(|name| name.key))
}

/// A number as a person would write it: shortest decimal that reads back to the same bits.
pub fn plain_number(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    let size = x.abs();
    if (1e-4..1e7).contains(&size) {
        format!("{x}")
    } else {
        format!("{x:e}")
    }
}

/// A number of 12 digits.
fn rounded(x: f64) -> f64 {
    format!("{x:.11e}").parse().unwrap_or(x)
}

/// A converted number as a person would write it, free of the dust of multiplication.
pub fn rounded_number(x: f64) -> String {
    plain_number(rounded(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_in_its_longest_unit() {
        assert_eq!(split_suffix("voxel_mm"), Some(("voxel", "mm")));
        assert_eq!(split_suffix("phosphate_mmol_per_l"), Some(("phosphate", "mmol_per_l")));
        assert_eq!(split_suffix("growth_rate_per_d"), Some(("growth_rate", "per_d")));
        assert_eq!(split_suffix("haematocrit"), None);
    }

    #[test]
    fn a_hundredth_of_a_millimetre_is_ten_micrometres() {
        assert_eq!(factor("mm", "um").map(|f| rounded_number(0.01 * f)), Some("10".into()));
        assert_eq!(factor("mm", "h"), None);
    }

    #[test]
    fn a_patients_phosphate_of_5_8_mg_per_dl_is_1_87_mmol_per_l() {
        let name = clinic_name("host.phosphate_mg_per_dl").map(|n| 5.8 * n.factor);
        assert!(name.is_some_and(|x| (x - 1.873).abs() < 1e-3));
    }
}
