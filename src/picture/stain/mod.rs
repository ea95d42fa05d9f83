//! Stain lenses: a section as it would look on glass, in tones like haematoxylin and eosin, von Kossa or alizarin red.
//!
//! Layers from below: ground tissue, wash of dead tissue, interstitial calcium, walls, lumens, inflammatory cells, stem cells,
//! borders of hypoxia and of dead tissue. Tissue, vessels, deposits, clots and moving cells are the model's; fibres, nuclei,
//! red cells, rete ridges, the wavering of borders within two voxels, the place of a vessel among the fat cells around it and the
//! raggedness of edges are texture from a hash of the place and carry no data. The same
//! snapshot gives the same pixels, on any number of threads.

mod fat;
mod ground;
mod overlay;
mod palette;
mod sample;
mod vessel;

use super::biopsy::{Cut, Lens, Profile};
use super::canvas::{Canvas, Point};
use super::section::Scale;
use crate::state::{Kind, Snapshot};

pub use overlay::msc_mark;
pub use palette::{Palette, Stain};
pub use sample::{Sample, sample};

/// The part of a section that a picture shows [µm]: x from the left edge of the punch, depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Upper left corner.
    pub corner_um: Point,
    /// Width and height.
    pub size_um: Point,
}

impl Window {
    /// The whole section with some glass around it.
    pub fn whole(cut: &Cut) -> Self {
        const GLASS_UM: f64 = 110.0;
        Self {
            corner_um: [-GLASS_UM, -GLASS_UM],
            size_um: [cut.width_um + 2.0 * GLASS_UM, cut.depth_um + 2.0 * GLASS_UM],
        }
    }

    /// A field of view around a place, moved so that it stays on the tissue.
    pub fn field(cut: &Cut, centre_um: Point, edge_um: f64) -> Self {
        let along = |centre: f64, extent: f64| {
            let low = crate::math::min(0.0, extent - edge_um);
            crate::math::clamp(centre - edge_um / 2.0, low, crate::math::positive(extent - edge_um))
        };
        Self {
            corner_um: [along(centre_um[0], cut.width_um), along(centre_um[1], cut.depth_um)],
            size_um: [edge_um, edge_um],
        }
    }
}

/// What is drawn besides the tissue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// Nothing: as a reader of slides gets it.
    None,
    /// Borders of hypoxia and of dead tissue, stem cells.
    All,
}

/// Draws a window of a section in a stain.
pub fn draw(
    snapshot: &Snapshot,
    cut: &Cut,
    lens: &Lens,
    stain: Stain,
    window: Window,
    scale: Scale,
    marks: Marks,
) -> Canvas {
    let palette = stain.palette();
    let px = |um: f64| (um * scale.px_per_um).round() as usize;
    let mut canvas = Canvas::new(px(window.size_um[0]), px(window.size_um[1]), palette.glass);
    let ground = ground::Ground::new(snapshot, cut, lens, palette, 1.0 / scale.px_per_um);
    canvas.shade(|x, y| {
        let place = [
            window.corner_um[0] + (x as f64 + 0.5) / scale.px_per_um,
            window.corner_um[1] + (y as f64 + 0.5) / scale.px_per_um,
        ];
        Some((ground.tone(place), 1.0))
    });
    let seated: Vec<Profile> = cut.profiles.iter().map(|p| seated(snapshot, &ground, p)).collect();
    for layer in [vessel::Layer::Wall, vessel::Layer::Lumen] {
        for profile in &seated {
            vessel::draw(&mut canvas, snapshot, cut, profile, lens, palette, window, scale, layer);
        }
    }
    overlay::cells(&mut canvas, snapshot, cut, palette, window, scale, marks);
    if marks == Marks::All {
        overlay::borders(&mut canvas, snapshot, cut, lens, window, scale);
    }
    canvas
}

/// A vessel in fat, moved to the border between two cells.
fn seated(snapshot: &Snapshot, ground: &ground::Ground, profile: &Profile) -> Profile {
    let [a, b] = profile.axis_um;
    let (along, across) = ((b[0] - a[0]).abs() + (b[2] - a[2]).abs(), (b[1] - a[1]).abs());
    // One that runs in the plane passes many cells and joins its neighbours: it stays.
    if snapshot.kind[profile.voxel as usize] != Kind::Fat || along > 4.0 * across {
        return *profile;
    }
    let to = ground.seat(profile.centre_um);
    let (dx, dz) = (to[0] - profile.centre_um[0], to[1] - profile.centre_um[1]);
    Profile {
        axis_um: profile.axis_um.map(|[x, y, z]| [x + dx, y, z + dz]),
        centre_um: to,
        ..*profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::par;
    use crate::picture::biopsy::Punch;
    use crate::picture::biopsy::tests::{block, lens, section};

    const SCALE: Scale = Scale {
        px_per_um: 0.25,
        px_per_pt: 2.0,
    };

    fn drawn(snapshot: &Snapshot, stain: Stain) -> Canvas {
        let punch = Punch {
            centre_um: [1000.0, 0.0],
            diameter_um: 1800.0,
            depth_um: 1800.0,
        };
        let cut = Cut::new(snapshot, &punch, 75.0, &lens());
        draw(snapshot, &cut, &lens(), stain, Window::whole(&cut), SCALE, Marks::All)
    }

    fn hash(canvas: &Canvas) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&canvas.pixels)
    }

    #[test]
    fn a_stain_has_the_same_pixels_every_time_and_on_any_number_of_threads() {
        let snapshot = section();
        let once = par::with_threads(1, || drawn(&snapshot, Stain::HaematoxylinEosin));
        let twice = par::with_threads(2, || drawn(&snapshot, Stain::HaematoxylinEosin));
        assert_eq!(once, twice);
        // These numbers change when, and only when, a stain looks different: then look at the gallery again.
        let hashes: Vec<String> = Stain::ALL
            .iter()
            .map(|&stain| format!("{:016x}", hash(&drawn(&snapshot, stain))))
            .collect();
        assert_eq!(hashes, GOLDEN);
    }

    const GOLDEN: [&str; 3] = ["202ce5c4532015d5", "534b31e63517c63e", "099462618f68aeda"];

    #[test]
    fn von_kossa_turns_mineral_black_and_nothing_else() {
        let dark = |mineral: f32| {
            let mut snapshot = block();
            snapshot.segments[1].mineral = mineral;
            let punch = Punch {
                centre_um: [500.0, 500.0],
                diameter_um: 800.0,
                depth_um: 1000.0,
            };
            let cut = Cut::new(&snapshot, &punch, 500.0, &lens());
            let scale = Scale {
                px_per_um: 1.5,
                ..SCALE
            };
            let window = Window::field(&cut, [350.0, 800.0], 150.0);
            let canvas = draw(&snapshot, &cut, &lens(), Stain::VonKossa, window, scale, Marks::None);
            canvas
                .pixels
                .chunks(3)
                .filter(|p| p.iter().all(|&channel| channel < 90))
                .count()
        };
        let (none, fine, coarse) = (dark(0.0), dark(0.15), dark(0.8));
        assert!(none == 0 && fine > 30 && coarse > 4 * fine, "{none}, {fine}, {coarse}");
    }

    #[test]
    fn dead_tissue_has_no_nuclei() {
        let mut snapshot = section();
        snapshot.segments.clear();
        let nuclei = |snapshot: &Snapshot| {
            let canvas = drawn(snapshot, Stain::HaematoxylinEosin);
            // Blue well above red: haematoxylin.
            canvas
                .pixels
                .chunks(3)
                .filter(|p| p[2] > p[0].saturating_add(12))
                .count()
        };
        let alive = nuclei(&snapshot);
        snapshot.vitality.fill(crate::state::Vitality::Necrotic);
        assert!(alive > 300, "{alive}");
        assert!(nuclei(&snapshot) < alive / 20, "{} of {alive}", nuclei(&snapshot));
    }
}
