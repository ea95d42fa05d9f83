//! What a page asks of its session.
//!
//! One request, one text: `{"id": 7, "do": "advance", "branch": 0, "steps": 6}`. The answer is any number of binary messages and
//! then one text with the same `id`; `"is": "error"` says what was wrong. Time is counted in steps; days are for people.
//!
//! | do | gives |
//! |---|---|
//! | `hello` | what there is: scenarios, levers, fields, lessons; what to open first |
//! | `open` | a new site: geometry, first frame |
//! | `advance` | steps on: a frame, what happened; a geometry when vessels were added |
//! | `fork` | a branch that leaves another at an earlier step, with changes |
//! | `look` | the frame of an earlier step |
//! | `ground` | the tissue in a stain, without what changes |
//! | `biopsy`, `lottery` | one virtual biopsy with its pictures; how many of many find the disease |
//! | `toml` | the scenario of a branch, to be run again |

use std::collections::BTreeMap;

use serde::Deserialize;

/// A request.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Ask {
    Hello,
    Open(Open),
    Advance {
        branch: usize,
        steps: u64,
    },
    Fork(Fork),
    Look {
        branch: usize,
        step: u64,
    },
    Ground {
        branch: usize,
        stain: String,
        px_per_mm: f64,
    },
    Biopsy(Biopsy),
    Lottery(Lottery),
    Toml {
        branch: usize,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Open {
    /// A shipped scenario; or `text`; or neither: what the command line named.
    pub(super) scenario: Option<String>,
    pub(super) text: Option<String>,
    /// Tables that the text reads, by path beside it.
    pub(super) files: BTreeMap<String, String>,
    /// Further `[[challenge]]` and `[[therapy]]` tables.
    pub(super) append: String,
    pub(super) sets: Vec<String>,
    pub(super) without: Vec<String>,
    pub(super) hold: Vec<String>,
    pub(super) seed: Option<u64>,
    pub(super) days: Option<f64>,
    /// `classroom`: 3 × 6 mm at 40 µm.
    pub(super) size: Option<String>,
    /// Whether the courses so far are forgotten.
    pub(super) fresh: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fork {
    pub(super) branch: usize,
    pub(super) step: u64,
    #[serde(default)]
    pub(super) append: String,
    #[serde(default)]
    pub(super) sets: Vec<String>,
    #[serde(default)]
    pub(super) without: Vec<String>,
    #[serde(default)]
    pub(super) hold: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Biopsy {
    pub(super) branch: usize,
    pub(super) step: u64,
    pub(super) x_mm: f64,
    pub(super) punch_mm: f64,
    pub(super) depth_mm: f64,
    pub(super) stains: Vec<String>,
    pub(super) px_per_mm: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lottery {
    pub(super) branch: usize,
    pub(super) step: u64,
    pub(super) n: usize,
    pub(super) seed: u64,
    pub(super) punch_mm: f64,
    pub(super) depth_mm: f64,
    pub(super) within: [f64; 2],
}
