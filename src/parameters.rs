//! Strength of every causal arrow.

use serde::{Deserialize, Serialize};

macro_rules! arrows {
    ($($name:ident),* $(,)?) => {
        /// Strength of every switch: 1 on, 0 off, other values scale.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub struct Arrows { $(pub $name: f64,)* }

        impl Default for Arrows {
            fn default() -> Self { Self { $($name: 1.0,)* } }
        }
    };
}

arrows! {
    passive_mineral, osteo, adipo, inhibitor, stenosis, neointima, ec_injury, ec_osteo, shear, thrombosis, lysis,
    stagnation, hypoxia_osteo, infl_osteo, crystal_infl, damp_loop, reperfusion, infection, angiogenesis,
    reepithelialise, trauma, systemic_uraemia, msc_immune, msc_angio, msc_anticalc, msc_antibact, msc_coag, msc_tf,
    msc_osteogenic,
}
