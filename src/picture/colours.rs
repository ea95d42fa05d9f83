//! Colours: perceptually even ramps for fields, colour-blind-safe hues for lines, stain-like tones for tissue.

use super::canvas::{Rgb, mix};
use crate::math;
use crate::state::{Class, Kind, Species};

/// A ramp of colours through evenly spaced anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// Name under which the ramp is known.
    pub name: &'static str,
    anchors: [u32; 9],
}

/// Oxygen: dark is low, and low is bad. Made for all forms of colour deficiency (Nuñez 2018).
pub const CIVIDIS: Ramp = Ramp {
    name: "cividis",
    anchors: [
        0x00224e, 0x1a386f, 0x434e6c, 0x61656f, 0x7d7c78, 0x9b9476, 0xbcae6c, 0xdec958, 0xfee838,
    ],
};

/// Phosphate, flow (Crameri).
pub const BATLOW: Ramp = Ramp {
    name: "batlow",
    anchors: [
        0x011959, 0x114360, 0x226061, 0x4d734d, 0x828231, 0xc09036, 0xf29d6d, 0xfdb4b6, 0xfaccfa,
    ],
};

/// Signals of damage and inflammation (Crameri).
pub const LAJOLLA: Ramp = Ramp {
    name: "lajolla",
    anchors: [
        0x191900, 0x372411, 0x67342a, 0xa64644, 0xd9604e, 0xe58851, 0xedae54, 0xf7da74, 0xfffecb,
    ],
};

/// Differences, centred at zero (Crameri).
pub const VIK: Ramp = Ramp {
    name: "vik",
    anchors: [
        0x001261, 0x034481, 0x307da6, 0x94bed2, 0xece5e0, 0xdbaa8d, 0xc27041, 0x912d06, 0x590008,
    ],
};

/// Inhibition, repair, VEGF.
pub const VIRIDIS: Ramp = Ramp {
    name: "viridis",
    anchors: [
        0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725,
    ],
};

/// A colour from its six hexadecimal digits.
pub const fn rgb(hex: u32) -> Rgb {
    [(hex >> 16) as u8, (hex >> 8) as u8, hex as u8]
}

impl Ramp {
    /// Colour at a place of the ramp, 0-1; what lies beyond is the end colour.
    pub fn at(&self, place: f64) -> Rgb {
        let place = math::unit(place) * 8.0;
        let below = place.floor() as usize;
        if below >= 8 {
            return rgb(self.anchors[8]);
        }
        mix(
            rgb(self.anchors[below]),
            rgb(self.anchors[below + 1]),
            place - below as f64,
        )
    }

    /// The ramp as 256 colours.
    pub fn table(&self) -> [Rgb; 256] {
        std::array::from_fn(|i| self.at(i as f64 / 255.0))
    }
}

/// Ramp of a field.
pub fn ramp_of(species: Species) -> Ramp {
    match species {
        Species::Oxygen => CIVIDIS,
        Species::Phosphate | Species::Mineral => BATLOW,
        Species::Damage | Species::Cytokine | Species::Bacteria => LAJOLLA,
        Species::Inhibitor | Species::Repair | Species::Vegf => VIRIDIS,
    }
}

/// Lines: Okabe and Ito, without black and yellow (too pale on white).
pub const OKABE_ITO: [Rgb; 6] = [
    rgb(0x0072b2),
    rgb(0xd55e00),
    rgb(0x009e73),
    rgb(0xcc79a7),
    rgb(0x56b4e9),
    rgb(0xe69f00),
];

/// Dash patterns that go with the hues, so that hue is never alone; lengths in widths of a line.
pub const DASHES: [&[f64]; 6] = [
    &[],
    &[6.0, 3.0],
    &[1.5, 2.5],
    &[8.0, 2.5, 1.5, 2.5],
    &[4.0, 1.5],
    &[10.0, 4.0, 4.0, 4.0],
];

/// Black of text and ink.
pub const INK: Rgb = rgb(0x1a1a1a);
/// Grey of axes and second words.
pub const GREY: Rgb = rgb(0x6a6a6a);
/// Light grey of grid lines and frames.
pub const PALE: Rgb = rgb(0xd9d9d9);
/// White.
pub const WHITE: Rgb = rgb(0xffffff);

/// Mineral: black, as in a von Kossa stain.
pub const MINERAL: Rgb = rgb(0x0a0806);
/// Cross of a thrombus.
pub const THROMBUS: Rgb = rgb(0xe66100);
/// Wash over dead tissue.
pub const NECROSIS: Rgb = rgb(0x6e5a4a);
/// Outline of dead tissue.
pub const NECROSIS_LINE: Rgb = rgb(0x2b1a10);
/// Outline of hypoxia.
pub const HYPOXIA_LINE: Rgb = rgb(0x12427e);
/// Granulation tissue.
pub const GRANULATION: Rgb = rgb(0xd98880);
/// An open bed.
pub const OPEN_BED: Rgb = rgb(0xf4e9c9);
/// Stem cell.
pub const MSC: Rgb = rgb(0x009e73);
/// Neutrophil.
pub const NEUTROPHIL: Rgb = rgb(0x3b2a7a);
/// Macrophage.
pub const MACROPHAGE: Rgb = rgb(0x8c5fbf);

/// Ground tone of a tissue.
pub fn tissue(kind: Kind) -> Rgb {
    match kind {
        Kind::Epidermis => rgb(0xa678b4),
        Kind::Papillary => rgb(0xf9dbe3),
        Kind::Reticular => rgb(0xf3c6d2),
        Kind::Septum => rgb(0xdfaac0),
        Kind::Fat => rgb(0xfffaf3),
        Kind::Membrane => rgb(0xf8ebe4),
    }
}

/// Membrane between fat cells.
pub const FAT_MEMBRANE: Rgb = rgb(0xe2b9c0);

/// Blood in a vessel of a class.
pub fn lumen(class: Class) -> Rgb {
    match class {
        Class::Arteriole => rgb(0xc0182b),
        Class::Capillary => rgb(0x9a3f86),
        Class::Venule => rgb(0x2f5fa8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_begins_and_ends_at_its_anchors_and_never_turns_back_in_lightness() {
        for ramp in [CIVIDIS, BATLOW, LAJOLLA, VIRIDIS] {
            let table = ramp.table();
            assert_eq!(table[0], rgb(ramp.anchors[0]));
            assert_eq!(table[255], rgb(ramp.anchors[8]));
            let light = |c: Rgb| 0.2126 * f64::from(c[0]) + 0.7152 * f64::from(c[1]) + 0.0722 * f64::from(c[2]);
            for pair in table.windows(2) {
                assert!(light(pair[1]) > light(pair[0]) - 1.0, "{}", ramp.name);
            }
        }
    }

    #[test]
    fn beyond_a_range_the_end_colours_hold() {
        assert_eq!(VIK.at(-3.0), VIK.at(0.0));
        assert_eq!(VIK.at(7.0), VIK.at(1.0));
    }
}
