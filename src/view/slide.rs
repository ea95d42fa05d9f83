//! Sections in stains for a page: the ground of the whole tissue, and virtual biopsies with what a reader notes.

use serde_json::{Value, json};

use super::Message;
use super::frame;
use crate::error::{Error, Result};
use crate::grid::Plane;
use crate::math;
use crate::model::Model;
use crate::picture::biopsy::{Cut, Findings, Lens, Narrowing, Punch, Rule, checklist};
use crate::picture::section::{self, Scale};
use crate::picture::stain::{self, Marks, Stain, Window};
use crate::picture::{Canvas, View};
use crate::scenario::Scenario;
use crate::state::{Snapshot, Species, Vitality};

/// Most pixels of a picture that a page may ask for.
const MOST_PIXELS: f64 = 3e6;

/// What a biopsy of this scenario needs besides its tissue.
pub fn lens(scenario: &Scenario) -> Result<Lens> {
    Ok(Lens {
        parameters: scenario.section("biopsy")?,
        narrowing: Narrowing {
            mineral: scenario.number("blood.mineral_narrowing"),
            neointima: scenario.number("blood.neointima_narrowing"),
        },
        hypoxia_mmhg: scenario.number("oxygen.hypoxia_mmhg"),
    })
}

/// A stain by its word.
pub fn stain(word: &str) -> Result<Stain> {
    let known = Stain::ALL.into_iter().find(|stain| stain.word() == word);
    known.ok_or_else(|| Error::input("stain", format!("{word:?}: expected he, vk or alizarin")))
}

fn scale(px_per_mm: f64, size_um: [f64; 2]) -> Result<Scale> {
    let px_per_um = px_per_mm / 1000.0;
    let pixels = px_per_um * px_per_um * size_um[0] * size_um[1];
    if !(px_per_um.is_finite() && px_per_um > 0.0 && pixels <= MOST_PIXELS) {
        return Err(Error::input(
            "px_per_mm",
            format!("{px_per_mm}: this picture would be too large"),
        ));
    }
    Ok(Scale {
        px_per_um,
        px_per_pt: math::clamp(10.0 * px_per_um, 0.8, 2.0),
    })
}

/// The tissue as it was, without its vessels and cells: a page draws over it what changes.
pub fn ground(model: &Model, lens: &Lens, word: &str, px_per_mm: f64) -> Result<Message> {
    let mut snapshot = model.snapshot();
    snapshot.segments.clear();
    snapshot.cells.clear();
    snapshot.vitality.fill(Vitality::Alive);
    snapshot.covered.fill(1);
    snapshot.fields[Species::Mineral as usize].fill(half::f16::ZERO);
    let view = View::of(&snapshot);
    let scale = scale(px_per_mm, view.extent_um())?;
    if word == "section" || snapshot.grid.plane == Plane::Plan {
        return Ok(frame::picture(&section::ground(&snapshot, &view, scale)));
    }
    let [width, height] = view.extent_um();
    let [_, broad, _] = snapshot.grid.extent_um();
    let is_block = snapshot.grid.plane == Plane::Block;
    let punch = Punch {
        centre_um: [width / 2.0, if is_block { broad / 2.0 } else { 0.0 }],
        diameter_um: width,
        depth_um: height,
    };
    let cut = Cut::new(&snapshot, &punch, broad / 2.0, lens);
    let window = Window {
        corner_um: [0.0, 0.0],
        size_um: [width, height],
    };
    let canvas = stain::draw(&snapshot, &cut, lens, stain(word)?, window, scale, Marks::None);
    Ok(frame::picture(&canvas))
}

/// What a page asks of one biopsy.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Place along the surface [µm].
    pub x_um: f64,
    /// Diameter [µm].
    pub diameter_um: f64,
    /// Depth [µm].
    pub depth_um: f64,
    /// Stains, by word.
    pub stains: Vec<String>,
    /// Scale of the pictures.
    pub px_per_mm: f64,
}

/// One biopsy: its pictures and what a reader notes.
pub fn biopsy(snapshot: &Snapshot, lens: &Lens, order: &Order) -> Result<(Vec<Message>, Value)> {
    let grid = &snapshot.grid;
    let [_, broad, _] = grid.extent_um();
    let is_block = grid.plane == Plane::Block;
    let punch = Punch {
        centre_um: [order.x_um, if is_block { broad / 2.0 } else { 0.0 }],
        diameter_um: order.diameter_um,
        depth_um: order.depth_um,
    };
    punch.check(grid)?;
    let levels = punch.levels_um(grid, 1, 0.5);
    let cuts: Vec<Cut> = levels
        .into_iter()
        .map(|level| Cut::new(snapshot, &punch, level, lens))
        .collect();
    let Some(cut) = cuts.first() else {
        return Err(Error::Internal("a punch without a section".to_owned()));
    };
    let window = Window::whole(cut);
    let scale = scale(order.px_per_mm, window.size_um)?;
    let mut pictures = Vec::new();
    for word in order.stains.iter().take(Stain::ALL.len()) {
        let canvas: Canvas = stain::draw(snapshot, cut, lens, stain(word)?, window, scale, Marks::All);
        pictures.push(frame::picture(&canvas));
    }
    let findings = Findings::of(snapshot, &cuts, lens);
    let verdicts: Vec<Value> = Rule::ALL
        .into_iter()
        .map(|rule| {
            json!({
                "rule": rule.name(),
                "meaning": rule.meaning(),
                "source": rule.source(),
                "verdict": findings.verdict(rule).word(),
            })
        })
        .collect();
    let size_mm = [order.diameter_um / 1000.0, order.depth_um / 1000.0];
    let answer = json!({
        "findings": findings,
        "verdicts": verdicts,
        "sentences": findings.sentences(snapshot, size_mm),
        "cut": checklist::what_was_cut(grid.plane),
        "window_um": [window.corner_um, window.size_um],
        "px_per_mm": order.px_per_mm,
    });
    Ok((pictures, answer))
}
