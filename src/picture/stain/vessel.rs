//! A vessel in a section, in true scale: adventitia, media, the deposit in the layer that the model names, neo-intima, and what
//! fills the bore: red cells or a clot of fibrin.
//!
//! The plane cuts a cylinder: at each pixel the distance to the axis in space says which layer it meets, so a vessel that
//! crosses steeply is round and one that lies in the plane is a band.

use super::Window;
use super::ground::{speckle, textured};
use super::palette::Palette;
use crate::math;
use crate::picture::biopsy::{Cut, Lens, Profile};
use crate::picture::canvas::{Canvas, Rgb, mix};
use crate::picture::section::Scale;
use crate::picture::texture::{noise, of_id, spots};
use crate::state::snapshot::SegmentView;
use crate::state::{Class, Snapshot, Vitality};

/// Part of a vessel: all walls are drawn before all lumens, so that lumens join where vessels meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Adventitia, media, deposit.
    Wall,
    /// Neo-intima, blood, clot.
    Lumen,
}

/// One vessel with what it takes to shade a pixel.
struct Shade<'a> {
    segment: &'a SegmentView,
    profile: &'a Profile,
    lens: &'a Lens,
    palette: &'a Palette,
    dead: f64,
    soft: f64,
}

/// Draws one layer of one vessel.
pub fn draw(
    canvas: &mut Canvas,
    snapshot: &Snapshot,
    cut: &Cut,
    profile: &Profile,
    lens: &Lens,
    palette: &Palette,
    window: Window,
    scale: Scale,
    layer: Layer,
) {
    let segment = &snapshot.segments[profile.segment];
    let vitality = snapshot.vitality[profile.voxel as usize];
    let shade = Shade {
        segment,
        profile,
        lens,
        palette,
        dead: if vitality == Vitality::Necrotic { 1.0 } else { 0.0 },
        soft: 1.0 / scale.px_per_um,
    };
    let reach = profile.wall.outer + shade.soft;
    let [a, b] = profile.axis_um;
    let range = |a: f64, b: f64, axis: usize, pixels: usize| {
        let low = (math::min(a, b) - reach - window.corner_um[axis]) * scale.px_per_um;
        let high = (math::max(a, b) + reach - window.corner_um[axis]) * scale.px_per_um;
        let edge = |value: f64| math::clamp(value, 0.0, pixels as f64) as usize;
        edge(low.floor())..edge(high.ceil())
    };
    for y in range(a[2], b[2], 1, canvas.height) {
        for x in range(a[0], b[0], 0, canvas.width) {
            let place = [
                window.corner_um[0] + (x as f64 + 0.5) * shade.soft,
                window.corner_um[1] + (y as f64 + 0.5) * shade.soft,
            ];
            // Nothing hangs over the edge of the section.
            if cut.voxel_at(place).is_none() {
                continue;
            }
            let distance = shade.distance(place);
            if distance > reach {
                continue;
            }
            let t = textured(cut, place);
            if let Some((colour, opacity)) = match layer {
                Layer::Wall => shade.wall(t, distance),
                Layer::Lumen => shade.lumen(t, distance),
            } {
                canvas.blend(x as i64, y as i64, colour, opacity);
            }
        }
    }
}

impl Shade<'_> {
    /// Distance of a place of the plane from the axis [µm].
    fn distance(&self, place: [f64; 2]) -> f64 {
        let [a, b] = self.profile.axis_um;
        let d = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
        let v = [place[0] - a[0], -a[1], place[1] - a[2]];
        let length2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        let along = if length2 > 0.0 {
            math::unit((v[0] * d[0] + v[1] * d[1] + v[2] * d[2]) / length2)
        } else {
            0.0
        };
        let r = [v[0] - along * d[0], v[1] - along * d[1], v[2] - along * d[2]];
        (r[0] * r[0] + r[1] * r[1] + r[2] * r[2]).sqrt()
    }

    /// Share of a pixel within a distance of the axis.
    fn within(&self, radius: f64, distance: f64) -> f64 {
        math::unit((radius - distance) / self.soft + 0.5)
    }

    fn wall(&self, t: [f64; 2], distance: f64) -> Option<(Rgb, f64)> {
        let (p, wall) = (self.palette, self.profile.wall);
        let cover = self.within(wall.outer, distance);
        if cover <= 0.0 {
            return None;
        }
        let loose = noise(t[0] / 5.0, t[1] / 5.0);
        let adventitia = mix(p.septum, p.glass, 0.2 + 0.3 * loose);
        let in_media = self.within(wall.media, distance);
        // Muscle runs round the vessel: stripes along the distance from the axis.
        let lamella = 0.5 + 0.5 * math::sin(distance * 1.9 + 2.0 * noise(t[0] / 9.0, t[1] / 9.0));
        let media = mix(p.media, p.glass, 0.1 + 0.22 * lamella);
        let media = if self.segment.class == Class::Arteriole {
            let cover = spots(t, 8.0, 0.5, [3.4, 1.3], [0.7, 0.714], self.soft, 61);
            mix(media, p.nucleus, 0.85 * cover * p.nuclear * (1.0 - self.dead))
        } else {
            let cover = spots(t, 9.0, 0.35, [2.6, 1.1], [0.8, 0.6], self.soft, 62);
            mix(media, p.nucleus, 0.85 * cover * p.nuclear * (1.0 - self.dead))
        };
        let tone = mix(adventitia, media, in_media);
        let tone = mix(tone, p.necrosis, 0.4 * self.dead);
        Some((self.deposit(tone, t, distance), cover))
    }

    /// Calcium on a tone: stippled below the cut between fine and coarse, chunky above.
    fn deposit(&self, tone: Rgb, t: [f64; 2], distance: f64) -> Rgb {
        let parameters = &self.lens.parameters;
        let [from, to] = self.profile.wall.deposit;
        if to <= from {
            return tone;
        }
        let mineral = f64::from(self.segment.mineral);
        let ring = self.within(to, distance) * (1.0 - self.within(from, distance));
        if ring <= 0.0 {
            return tone;
        }
        if mineral < parameters.chunky_least {
            let fill = 0.35 + 0.6 * mineral / parameters.chunky_least;
            let grains = spots(t, 2.6, fill, [1.15, 0.95], [0.8, 0.6], self.soft, 71);
            let seen = if mineral < parameters.he_least {
                self.palette.fine_calcium
            } else {
                1.0
            };
            // Grains smaller than a pixel leave their share.
            let cover = math::max(grains, math::unit(self.soft / 3.0) * 0.6 * fill);
            return mix(tone, speckle(self.palette.calcium, t), ring * cover * seen);
        }
        // Chunks with cracks, as a knife leaves them.
        let crack = math::unit((0.17 - (noise(t[0] / 7.0, t[1] / 7.0) - 0.5).abs()) / 0.1);
        let cover = 1.0 - 0.55 * crack * math::unit(2.0 / self.soft);
        mix(tone, speckle(self.palette.calcium, t), ring * cover)
    }

    fn lumen(&self, t: [f64; 2], distance: f64) -> Option<(Rgb, f64)> {
        let (p, wall) = (self.palette, self.profile.wall);
        let cover = self.within(wall.healthy, distance);
        if cover <= 0.0 {
            return None;
        }
        let swirl = noise(t[0] / 4.0, t[1] / 4.0);
        let spindle = spots(t, 9.0, 0.35, [2.8, 1.2], [0.6, 0.8], self.soft, 63);
        let intima = mix(p.intima, p.media, 0.25 * swirl);
        let intima = mix(intima, p.nucleus, 0.7 * spindle * p.nuclear * (1.0 - self.dead));
        let intima = mix(intima, p.necrosis, 0.35 * self.dead);
        let intima = self.deposit(intima, t, distance);
        let open = self.within(wall.open, distance);
        let endothelium = self.within(wall.open + 0.7, distance) * (1.0 - self.within(wall.open - 0.7, distance));
        let inside = self.content(t, distance);
        let tone = mix(intima, inside, open);
        let lining = 0.5 * endothelium * p.nuclear * f64::from(self.segment.integrity) * (1.0 - self.dead);
        Some((mix(tone, p.nucleus, lining), cover))
    }

    /// What fills the open bore: fibrin from the wall inward, red cells, or nothing.
    fn content(&self, t: [f64; 2], distance: f64) -> Rgb {
        let p = self.palette;
        let open = self.profile.wall.open;
        let clot = math::unit(f64::from(self.segment.thrombus));
        // What a clot that fills a share of the lumen leaves open, not quite in the middle.
        let free = open * (1.0 - clot).sqrt();
        if clot > 0.02 && distance > free - 0.5 {
            let strands = noise(t[0] / 7.0 + 2.0 * noise(t[0] / 12.0, t[1] / 12.0), t[1] / 2.2);
            let trapped = spots(t, 7.2, 0.3, [2.8, 2.6], [1.0, 0.0], self.soft, 65);
            let fibrin = mix(p.fibrin, p.glass, 0.05 + 0.3 * strands);
            return mix(fibrin, p.red_cell, 0.5 * trapped);
        }
        // Arteries empty themselves before fixation, veins and capillaries keep their cells; still blood is packed.
        let still = f64::from(self.segment.relative_flow) < 0.1;
        let packed = match self.segment.class {
            _ if still => 0.95,
            Class::Arteriole => 0.16 + 0.4 * of_id(self.segment.id, 67),
            Class::Venule => 0.75,
            Class::Capillary => 0.7,
        };
        let cells = spots(t, 6.6, packed, [3.0, 2.8], [1.0, 0.0], self.soft, 66);
        mix(p.glass, p.red_cell, 0.9 * math::max(cells, 0.35 * packed))
    }
}
