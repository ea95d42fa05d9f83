//! The tones of the stains (sRGB). Shape and texture carry meaning, hue decorates: readers with a colour deficiency read
//! rings, septa and clots by their form.

use crate::picture::canvas::Rgb;
use crate::picture::colours::rgb;

/// A stain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stain {
    /// Like haematoxylin and eosin: nuclei violet, fibres pink, calcium deep blue-violet.
    HaematoxylinEosin,
    /// Like von Kossa with nuclear fast red: calcium black, nuclei red.
    VonKossa,
    /// Like alizarin red S: calcium orange-red.
    Alizarin,
}

impl Stain {
    /// All stains.
    pub const ALL: [Self; 3] = [Self::HaematoxylinEosin, Self::VonKossa, Self::Alizarin];

    /// Word on the command line and in names of files.
    pub fn word(self) -> &'static str {
        match self {
            Self::HaematoxylinEosin => "he",
            Self::VonKossa => "vk",
            Self::Alizarin => "alizarin",
        }
    }

    /// Name on a picture.
    pub fn label(self) -> &'static str {
        match self {
            Self::HaematoxylinEosin => "H&E-like",
            Self::VonKossa => "von Kossa-like",
            Self::Alizarin => "alizarin red-like",
        }
    }

    /// Its tones.
    pub fn palette(self) -> &'static Palette {
        match self {
            Self::HaematoxylinEosin => &HE,
            Self::VonKossa => &VON_KOSSA,
            Self::Alizarin => &ALIZARIN,
        }
    }
}

/// Tones of a stain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palette {
    /// Empty slide.
    pub glass: Rgb,
    /// Stratum corneum.
    pub keratin: Rgb,
    /// Cytoplasm of the epidermis.
    pub epidermis: Rgb,
    /// Nuclei.
    pub nucleus: Rgb,
    /// How strongly nuclei take the stain, 0-1.
    pub nuclear: f64,
    /// Collagen of the dermis.
    pub collagen: Rgb,
    /// Septa.
    pub septum: Rgb,
    /// Inside of a fat cell.
    pub fat: Rgb,
    /// Its membrane.
    pub membrane: Rgb,
    /// Media.
    pub media: Rgb,
    /// Neo-intima.
    pub intima: Rgb,
    /// Calcium.
    pub calcium: Rgb,
    /// How much of a fine deposit is seen, 0-1.
    pub fine_calcium: f64,
    /// Fibrin.
    pub fibrin: Rgb,
    /// Dead tissue.
    pub necrosis: Rgb,
    /// Red cells.
    pub red_cell: Rgb,
    /// Granulation tissue.
    pub granulation: Rgb,
}

const HE: Palette = Palette {
    glass: rgb(0xfdfbfd),
    keratin: rgb(0xd77a9e),
    epidermis: rgb(0x965aa0),
    nucleus: rgb(0x4e2c7c),
    nuclear: 1.0,
    collagen: rgb(0xe896b4),
    septum: rgb(0xe48cac),
    fat: rgb(0xfcf6f8),
    membrane: rgb(0xdea0be),
    media: rgb(0xce5c8e),
    intima: rgb(0xf0c4d6),
    calcium: rgb(0x42307a),
    fine_calcium: 0.25,
    fibrin: rgb(0xc42c48),
    necrosis: rgb(0xd66078),
    red_cell: rgb(0xe0607a),
    granulation: rgb(0xecb6c8),
};

const VON_KOSSA: Palette = Palette {
    glass: rgb(0xfdfcfb),
    keratin: rgb(0xe4a8a0),
    epidermis: rgb(0xecb4b2),
    nucleus: rgb(0xcd6e78),
    nuclear: 1.0,
    collagen: rgb(0xf5d6d0),
    septum: rgb(0xf4d0cc),
    fat: rgb(0xfdfaf6),
    membrane: rgb(0xeec4c4),
    media: rgb(0xd67884),
    intima: rgb(0xf6e0da),
    calcium: rgb(0x100c0a),
    fine_calcium: 1.0,
    fibrin: rgb(0xd66060),
    necrosis: rgb(0xe2aaa0),
    red_cell: rgb(0xe89a90),
    granulation: rgb(0xf2d2ca),
};

const ALIZARIN: Palette = Palette {
    glass: rgb(0xfdfcf8),
    keratin: rgb(0xe2d2c4),
    epidermis: rgb(0xe8e0d8),
    nucleus: rgb(0xd8ccc0),
    nuclear: 0.0,
    collagen: rgb(0xefe6dc),
    septum: rgb(0xeadfd3),
    fat: rgb(0xfbf8f2),
    membrane: rgb(0xe4d9cc),
    media: rgb(0xe3cdbe),
    intima: rgb(0xf1e6da),
    calcium: rgb(0xd8401a),
    fine_calcium: 1.0,
    fibrin: rgb(0xcfa9a0),
    necrosis: rgb(0xddbfb2),
    red_cell: rgb(0xdcc0b0),
    granulation: rgb(0xeadccf),
};
