//! Small pictures inside the page: sections of kept days, virtual biopsies. Each is a PNG of few colours with its words.

use super::html::escape;
use crate::error::Result;
use crate::experiment::biopsies::{Ground, Site};
use crate::figures::palette::encode_png;
use crate::figures::sheet::base64;
use crate::math;
use crate::picture::biopsy::{Cut, Findings, Lens, Punch, Rule};
use crate::picture::section::{self, Scale};
use crate::picture::stain::{self, Marks, Stain, Window};
use crate::picture::{Canvas, View};
use crate::random::{Dice, Purpose};
use crate::state::{Snapshot, Vitality};

/// Largest section of a strip [px].
const STRIP_PX: [f64; 2] = [230.0, 400.0];
/// Largest section of a biopsy [px].
const SLIDE_PX: [f64; 2] = [330.0, 470.0];
/// Colours of a picture.
const COLOURS: usize = 48;
/// Diameter and depth of a biopsy [µm], or what the tissue has.
const PUNCH_UM: [f64; 2] = [4000.0, 6000.0];

/// A picture as an element.
pub fn image(canvas: &Canvas, alt: &str, caption: &str) -> Result<String> {
    Ok(format!(
        "<figure><img src=\"data:image/png;base64,{}\" width=\"{}\" height=\"{}\" alt=\"{}\"/><figcaption>{}</figcaption></figure>",
        base64(&encode_png(canvas, COLOURS)?),
        canvas.width,
        canvas.height,
        escape(alt),
        escape(caption)
    ))
}

/// The map of a day, small, with a scale bar.
pub fn section(snapshot: &Snapshot, hypoxia_mmhg: f64, name: &str) -> Result<String> {
    let view = View::of(snapshot);
    let [width, height] = view.extent_um();
    let px_per_um = math::min(STRIP_PX[0] / width, STRIP_PX[1] / height);
    // Drawn twice as large and halved: lines stay clean.
    let scale = Scale {
        px_per_um: 2.0 * px_per_um,
        px_per_pt: 2.0,
    };
    let mut canvas = section::draw(snapshot, &view, scale, hypoxia_mmhg).halved();
    bar(&mut canvas, px_per_um);
    let dead = snapshot.vitality.iter().filter(|&&v| v == Vitality::Necrotic).count();
    let share = 100.0 * dead as f64 / snapshot.vitality.len() as f64;
    let closed = snapshot
        .segments
        .iter()
        .filter(|s| f64::from(s.thrombus) >= section::THROMBOSED)
        .count();
    let day = (snapshot.day * 100.0).round() / 100.0;
    let caption = format!("{name}day {day}: {share:.1} % of the voxels dead, {closed} vessels closed by clot");
    let alt = format!("Simulated section, not a patient image. {caption}.");
    image(&canvas, &alt, &caption)
}

/// A bar of the length that [`key`] names, in the lower left corner.
fn bar(canvas: &mut Canvas, px_per_um: f64) {
    let length = crate::picture::scale_bar_um(canvas.width as f64 / px_per_um) * px_per_um;
    let y = canvas.height as f64 - 9.0;
    canvas.rectangle([4.0, y - 4.0], [length + 12.0, y + 7.0], [255; 3], 0.85);
    canvas.rectangle([8.0, y], [8.0 + length, y + 3.0], [26; 3], 1.0);
}

/// What the marks of a section mean.
pub fn key(snapshot: &Snapshot, hypoxia_mmhg: f64) -> String {
    let [width, _] = View::of(snapshot).extent_um();
    let bar = crate::picture::scale_bar_label(crate::picture::scale_bar_um(width));
    format!(
        "Bar {bar}. Brown hatch: dead tissue. Orange cross: vessel closed by clot. Hollow vessel: less than a tenth of its first flow. Black edge: \
         mineral in the wall. Dashed line: PO2 {hypoxia_mmhg} mmHg. Fibres and fat cells are texture."
    )
}

/// A punch that a report takes.
pub struct Taken {
    /// The punch.
    pub punch: Punch,
    /// What a reader notes.
    pub findings: Findings,
    cut: Cut,
}

/// Where the report takes its biopsy: the edge of the lesion where there is one, else the middle. The same place for all arms.
pub fn place(snapshot: &Snapshot) -> (Punch, &'static str) {
    let grid = &snapshot.grid;
    let [wide, broad, deep] = grid.extent_um();
    let is_block = grid.plane == crate::grid::Plane::Block;
    let least = if is_block { math::min(wide, broad) } else { wide };
    let diameter_um = math::min(PUNCH_UM[0], 0.9 * least);
    let ground = Ground::new(snapshot);
    let mut roll = Dice::new(1).roll(Purpose::Biopsy, 0);
    let (site, words) = if ground.check(Site::LesionEdge, snapshot.day).is_ok() {
        (Site::LesionEdge, "at the edge of the lesion")
    } else {
        let middle = Site::At {
            x_um: wide / 2.0,
            y_um: None,
        };
        (middle, "in the middle, as there is no edge of a lesion")
    };
    let punch = Punch {
        centre_um: ground.centre(site, diameter_um, 0.0, &mut roll),
        diameter_um,
        depth_um: math::min(PUNCH_UM[1], deep),
    };
    (punch, words)
}

/// Cuts and reads a punch, one section through its middle.
pub fn take(snapshot: &Snapshot, punch: Punch, lens: &Lens) -> Result<Taken> {
    punch.check(&snapshot.grid)?;
    let level = punch.levels_um(&snapshot.grid, 1, 0.5).first().copied().unwrap_or(0.0);
    let cut = Cut::new(snapshot, &punch, level, lens);
    let findings = Findings::of(snapshot, std::slice::from_ref(&cut), lens);
    Ok(Taken { punch, findings, cut })
}

/// The section in two stains, with what a reader notes.
pub fn slides(snapshot: &Snapshot, taken: &Taken, lens: &Lens, name: &str) -> Result<String> {
    let window = Window::whole(&taken.cut);
    let px_per_um = math::min(SLIDE_PX[0] / window.size_um[0], SLIDE_PX[1] / window.size_um[1]);
    let scale = Scale {
        px_per_um: 2.0 * px_per_um,
        px_per_pt: 2.0,
    };
    let size_mm = [taken.punch.diameter_um / 1000.0, taken.punch.depth_um / 1000.0];
    let words = taken.findings.sentences(snapshot, size_mm);
    let mut out = String::new();
    for stain in [Stain::HaematoxylinEosin, Stain::VonKossa] {
        let drawn = stain::draw(snapshot, &taken.cut, lens, stain, window, scale, Marks::All);
        let mut canvas = drawn.halved();
        bar(&mut canvas, px_per_um);
        let alt = format!("Simulated section, not a patient image. {}. {words}", stain.label());
        let caption = format!("{name}{}, simulated, not a patient image", stain.label());
        out += &image(&canvas, &alt, &caption)?;
    }
    Ok(out)
}

/// The verdicts of the rules in words.
pub fn verdicts(findings: &Findings) -> String {
    let each: Vec<String> = Rule::ALL
        .iter()
        .map(|&rule| format!("{} {}", rule.name(), findings.verdict(rule).word()))
        .collect();
    let agree = if findings.rules_disagree() {
        "the rules of reading do not agree"
    } else {
        "the rules of reading agree"
    };
    format!("{} ({agree})", each.join(", "))
}
