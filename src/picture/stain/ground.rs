//! The tissue under the vessels: epidermis with rete ridges, collagen, septa, fat, what is dead, gone or healed, and calcium
//! between the vessels.

use super::fat::{Fat, Place};
use super::palette::Palette;
use crate::math;
use crate::picture::biopsy::{Cut, Lens};
use crate::picture::canvas::{Point, Rgb, mix};
use crate::picture::colours::rgb;
use crate::picture::contour;
use crate::picture::section::INTERSTITIAL;
use crate::picture::texture::{grain, noise, of_id, spots};
use crate::state::{Kind, Snapshot, Species, Vitality};

/// Texture is read from places moved by so much, so that they are never negative [µm].
const SHIFT_UM: f64 = 20_000.0;
/// Share of a fine grid that grains of calcium fill at each level of the field.
const GRAINS: [f64; 4] = [0.05, 0.14, 0.3, 0.55];

/// The ground of a section, ready to be asked for any place.
pub struct Ground<'a> {
    cut: &'a Cut,
    palette: &'a Palette,
    /// Size of a pixel [µm].
    soft: f64,
    kinds: Vec<Kind>,
    pure: Vec<bool>,
    shares: Vec<(Kind, Vec<f64>)>,
    dead: Option<Vec<f64>>,
    gone: Option<Vec<f64>>,
    healed: Option<Vec<f64>>,
    mineral: Option<Vec<f64>>,
    /// Depth of the epidermis of the model [µm]; 0 without one.
    epidermis_um: f64,
    covered: Vec<bool>,
    fat: Fat,
}

impl<'a> Ground<'a> {
    /// The ground of a section.
    pub fn new(snapshot: &Snapshot, cut: &'a Cut, lens: &Lens, palette: &'a Palette, soft: f64) -> Self {
        let [nx, nz] = cut.shape;
        let at = |i: usize| cut.voxels[i] as usize;
        let epidermis_rows = (0..nz)
            .take_while(|&z| snapshot.kind[at(nx * z)] == Kind::Epidermis)
            .count();
        // The border of the epidermis is drawn by its ridges, so below it counts as dermis.
        let kinds: Vec<Kind> = (0..nx * nz)
            .map(|i| match snapshot.kind[at(i)] {
                Kind::Epidermis => Kind::Papillary,
                kind => kind,
            })
            .collect();
        let around = |i: usize| {
            let (x, z) = (i % nx, i / nx);
            (z.saturating_sub(2)..(z + 3).min(nz))
                .flat_map(move |z| (x.saturating_sub(2)..(x + 3).min(nx)).map(move |x| x + nx * z))
        };
        let pure = (0..nx * nz).map(|i| around(i).all(|j| kinds[j] == kinds[i])).collect();
        let shares = [Kind::Papillary, Kind::Reticular, Kind::Septum, Kind::Fat]
            .into_iter()
            .filter(|kind| kinds.contains(kind))
            .map(|kind| {
                let mask: Vec<bool> = kinds.iter().map(|&k| k == kind).collect();
                (kind, contour::smooth(&mask, nx, nz, 2))
            })
            .collect();
        let state = |vitality: Vitality| {
            let mask: Vec<bool> = (0..nx * nz).map(|i| snapshot.vitality[at(i)] == vitality).collect();
            mask.contains(&true).then(|| contour::smooth(&mask, nx, nz, 2))
        };
        let field = &snapshot.fields[Species::Mineral as usize];
        let mineral: Vec<f64> = (0..nx * nz).map(|i| f64::from(field[at(i)].to_f32())).collect();
        let shows = mineral.iter().any(|&m| m >= lens.parameters.interstitial_least);
        let columns = snapshot.grid.nx * snapshot.grid.ny;
        Self {
            cut,
            palette,
            soft,
            pure,
            shares,
            dead: state(Vitality::Necrotic),
            gone: state(Vitality::Gone),
            healed: state(Vitality::Healed),
            mineral: shows.then_some(mineral),
            epidermis_um: epidermis_rows as f64 * cut.voxel_um,
            covered: (0..nx)
                .map(|x| snapshot.covered.get(at(x) % columns).is_none_or(|&c| c != 0))
                .collect(),
            fat: Fat::new(snapshot, cut),
            kinds,
        }
    }

    fn value(&self, mask: &Option<Vec<f64>>, voxel: Point) -> f64 {
        let [nx, nz] = self.cut.shape;
        mask.as_ref().map_or(0.0, |m| contour::at(m, nx, nz, voxel))
    }

    /// Tone at a place of the section [µm].
    pub fn tone(&self, place: Point) -> Rgb {
        let [x, z] = place;
        let t = [x + self.cut.left_um + SHIFT_UM, z + SHIFT_UM];
        let p = self.palette;
        let ragged = 14.0 * (noise(t[1] / 55.0, 3.5) - 0.5) + 5.0 * (noise(t[1] / 13.0, 7.5) - 0.5);
        let foot = 34.0 * (noise(t[0] / 120.0, 9.5) - 0.5) + 8.0 * (noise(t[0] / 17.0, 2.5) - 0.5);
        let [nx, nz] = self.cut.shape;
        if x < ragged || x > self.cut.width_um + ragged || z > self.cut.depth_um - 20.0 + foot {
            return p.glass;
        }
        let inside = [math::clamp(x, 0.0, self.cut.width_um - 1e-6), math::positive(z)];
        let voxel = [
            (inside[0] - self.cut.inset_um) / self.cut.voxel_um,
            inside[1] / self.cut.voxel_um,
        ];
        let column = (voxel[0] as usize).min(nx - 1);
        let index = column + nx * (voxel[1] as usize).min(nz - 1);
        let covered = self.epidermis_um > 0.0 && self.covered[column];
        let dead = math::unit((self.value(&self.dead, voxel) - 0.42) / 0.16);
        if z < 0.0 {
            return if covered { self.keratin(t, z) } else { p.glass };
        }
        if self.value(&self.gone, voxel) >= 0.5 || (self.epidermis_um > 0.0 && !covered && z < self.epidermis_um) {
            return p.glass;
        }
        let rete = math::positive(noise(t[0] / 44.0, 5.5) - 0.22) / 0.78;
        let junction = self.epidermis_um + 62.0 * rete * (0.8 + 0.4 * noise(t[0] / 9.0, t[1] / 9.0)) - 6.0;
        if covered && z < junction {
            return self.epidermis(t, z, junction, dead);
        }
        let open = !covered && self.epidermis_um > 0.0 && z < self.epidermis_um + 26.0 + 10.0 * noise(t[0] / 30.0, 1.5);
        if open {
            // The surface of a wound: a crust of fibrin.
            let strands = noise(t[0] / 14.0, t[1] / 3.0);
            return mix(p.fibrin, p.glass, 0.15 + 0.5 * strands);
        }
        // Borders of layers waver by less than two voxels.
        let sway = |salt: f64, long: f64| noise(t[0] / long, t[1] / long + salt) - 0.5;
        let swayed = [
            voxel[0] + (44.0 * sway(13.5, 90.0) + 14.0 * sway(17.5, 21.0)) / self.cut.voxel_um,
            voxel[1] + (70.0 * sway(23.5, 110.0) + 14.0 * sway(27.5, 21.0)) / self.cut.voxel_um,
        ];
        let swayed = [
            math::clamp(swayed[0], 0.0, nx as f64 - 0.5),
            math::clamp(swayed[1], 0.0, nz as f64 - 0.5),
        ];
        let there = (swayed[0] as usize).min(nx - 1) + nx * (swayed[1] as usize).min(nz - 1);
        let kind = self.kind(there, swayed);
        let fat = self.fat.place(index, inside);
        let healed = self.value(&self.healed, voxel) >= 0.5;
        // Fat bulges with its round cells; between them and beside them lies what is not fat.
        let fat = fat.filter(|f| f.depth > -3.5);
        let kind = match (fat, kind) {
            (Some(_), _) => Kind::Fat,
            (None, Kind::Fat) => match self.kinds[index] {
                Kind::Fat => Kind::Septum,
                other => other,
            },
            (None, other) => other,
        };
        let tone = match (kind, fat) {
            _ if healed => self.granulation(t),
            (_, Some(fat)) => self.fat_cell(t, fat, dead),
            (Kind::Septum, _) => self.septum(t, dead),
            (Kind::Papillary, _) => self.papillary(t, dead),
            _ => self.reticular(t, dead),
        };
        let washed = self.wash(tone, t, dead, kind);
        self.calcium(washed, t, voxel, fat)
    }

    /// Tissue of a place; borders are smoothed over half a voxel.
    fn kind(&self, index: usize, voxel: Point) -> Kind {
        if self.pure[index] {
            return self.kinds[index];
        }
        let [nx, nz] = self.cut.shape;
        let mut best = (self.kinds[index], -1.0);
        for (kind, share) in &self.shares {
            let here = contour::at(share, nx, nz, voxel);
            if here > best.1 {
                best = (*kind, here);
            }
        }
        best.0
    }

    fn nuclei(&self, tone: Rgb, cover: f64, dead: f64) -> Rgb {
        mix(tone, self.palette.nucleus, cover * self.palette.nuclear * (1.0 - dead))
    }

    fn keratin(&self, t: Point, z: f64) -> Rgb {
        let p = self.palette;
        let thick = 20.0 + 14.0 * noise(t[0] / 90.0, 11.5);
        if -z > thick {
            return p.glass;
        }
        let weave = noise(t[0] / 26.0 + 3.0 * noise(t[0] / 60.0, t[1] / 20.0), t[1] / 2.6);
        mix(p.keratin, p.glass, math::unit((weave - 0.42) * 3.0) * 0.85)
    }

    fn epidermis(&self, t: Point, z: f64, junction: f64, dead: f64) -> Rgb {
        let p = self.palette;
        let above = junction - z;
        let basal = math::unit((12.0 - above) / 5.0);
        let membranes = noise(t[0] / 5.0, t[1] / 5.0);
        let upper = math::unit(1.0 - z / 14.0);
        let tone = mix(p.epidermis, p.glass, 0.12 + 0.16 * membranes + 0.1 * upper);
        let tone = mix(tone, p.nucleus, 0.22 * basal * p.nuclear * (1.0 - dead));
        let cover = if basal > 0.3 {
            spots(t, 7.4, 0.95, [2.2, 3.4], [1.0, 0.0], self.soft, 21)
        } else if upper > 0.4 {
            spots(t, 13.0, 0.8, [4.2, 1.6], [1.0, 0.0], self.soft, 22)
        } else {
            spots(t, 11.0, 0.95, [3.0, 2.8], [1.0, 0.0], self.soft, 23)
        };
        let tone = self.nuclei(tone, 0.9 * cover, dead);
        mix(tone, p.necrosis, 0.5 * dead)
    }

    fn papillary(&self, t: Point, dead: f64) -> Rgb {
        let p = self.palette;
        let wave = 2.0 * noise(t[0] / 40.0, t[1] / 40.0);
        let fibre = noise(t[0] / 22.0 + wave, t[1] / 5.0 + 2.0 * wave);
        let pale = noise(t[0] / 60.0, t[1] / 50.0);
        let tone = mix(p.collagen, p.glass, 0.18 + 0.4 * fibre * (0.6 + 0.6 * pale));
        let cover = spots(t, 21.0, 0.5, [4.6, 1.7], [0.96, 0.28], self.soft, 31);
        self.nuclei(tone, 0.85 * cover, dead)
    }

    /// Thick wavy bundles of collagen with clefts between them.
    fn reticular(&self, t: Point, dead: f64) -> Rgb {
        let p = self.palette;
        let drift = 52.0 * (noise(t[0] / 120.0, t[1] / 95.0) - 0.5) + 16.0 * (noise(t[0] / 37.0, t[1] / 31.0) - 0.5);
        // Two families of bundles, one along the skin, one crossing it at some 35 degrees.
        let turned = [
            0.82 * t[0] + 0.57 * t[1],
            0.82 * t[1] - 0.57 * t[0] + 2.0 * SHIFT_UM + drift,
        ];
        let flat = noise((t[0] + 0.7 * drift) / 92.0, (t[1] + drift) / 17.0);
        let crossing = 0.94 * noise(turned[0] / 74.0, turned[1] / 15.0);
        let is_flat = flat > crossing;
        let body = math::max(flat, crossing);
        let cleft = math::unit((0.43 - body) / 0.07);
        let stripe = if is_flat {
            noise(t[0] / 46.0, (t[1] + drift) / 3.4)
        } else {
            noise(turned[0] / 40.0, turned[1] / 3.0)
        };
        let tone = mix(p.collagen, p.glass, 0.04 + 0.2 * stripe + 0.3 * math::unit(1.15 - body));
        let tone = mix(tone, p.glass, 0.85 * cleft);
        let along = if is_flat { [0.985, 0.174] } else { [0.82, 0.57] };
        let cover = spots(t, 33.0, 0.42, [7.0, 1.5], along, self.soft, 32);
        self.nuclei(tone, 0.9 * cover, dead)
    }

    fn septum(&self, t: Point, dead: f64) -> Rgb {
        let p = self.palette;
        let bend = noise(t[0] / 90.0, t[1] / 160.0);
        let fibre = noise(t[0] / 7.0 + 3.0 * bend, t[1] / 66.0 + bend);
        let cleft = math::unit((0.24 - fibre) / 0.08);
        let stripe = noise(t[0] / 2.6 + 4.0 * bend, t[1] / 40.0);
        let tone = mix(p.septum, p.glass, 0.05 + 0.24 * stripe);
        let tone = mix(tone, p.glass, 0.7 * cleft);
        let lean = 0.5 * (bend - 0.5);
        let length = (1.0 + lean * lean).sqrt();
        let cover = spots(t, 27.0, 0.45, [1.5, 6.6], [1.0 / length, lean / length], self.soft, 33);
        self.nuclei(tone, 0.9 * cover, dead)
    }

    fn granulation(&self, t: Point) -> Rgb {
        let p = self.palette;
        let loose = noise(t[0] / 12.0, t[1] / 12.0);
        let tone = mix(p.granulation, p.glass, 0.5 * loose);
        let cover = spots(t, 12.5, 0.62, [3.4, 2.2], [0.8, 0.6], self.soft, 34);
        self.nuclei(tone, 0.85 * cover, 0.0)
    }

    /// A fat cell: empty but for its membrane, its nucleus pressed flat against it. Dead ones are hazy, their membranes torn.
    fn fat_cell(&self, t: Point, fat: Place, dead: f64) -> Rgb {
        let p = self.palette;
        let torn = dead * math::unit((noise(t[0] / 23.0, t[1] / 23.0) - 0.4) * 4.0);
        let half = 1.2;
        let membrane = math::unit((half - fat.depth) / self.soft + 0.5) * (1.0 - 0.75 * torn);
        let matrix = math::unit((-fat.depth - half) / 2.0);
        let haze = 0.2 * dead * (0.3 + 0.7 * noise(t[0] / 15.0, t[1] / 15.0));
        let tone = mix(p.fat, p.necrosis, haze);
        // A pixel wider than a membrane shows its share.
        let thin = math::min(1.0, 2.0 * half / self.soft + 0.25);
        let tone = mix(tone, p.membrane, membrane * thin);
        let strand = noise(t[0] / 3.1, t[1] / 3.1);
        let tone = mix(tone, mix(p.septum, p.glass, 0.35 + 0.5 * strand), matrix);
        // One cell in three shows its nucleus in a section.
        let id = u64::from(fat.cell);
        if of_id(id, 41) < 0.36 {
            let turn = std::f64::consts::TAU * of_id(id, 43);
            let along = [math::cos(turn), math::sin(turn)];
            let out = fat.from_centre[0] * along[0] + fat.from_centre[1] * along[1];
            let side = (fat.from_centre[1] * along[0] - fat.from_centre[0] * along[1]) * fat.radius;
            let (a, b) = (side / 6.0, (fat.depth - 1.2) / 1.4);
            if out > 0.0 {
                let cover = math::unit((1.0 - (a * a + b * b).sqrt()) * 1.6 / self.soft + 0.5);
                return self.nuclei(tone, cover * math::min(1.0, 2.8 / self.soft), dead);
            }
        }
        tone
    }

    /// Where a vessel in fat is drawn, from its place: the nearest border between cells, as vessels do not run through them.
    pub fn seat(&self, place: Point) -> Point {
        const STEPS: [[f64; 2]; 8] = [
            [1.0, 0.0],
            [0.71, 0.71],
            [0.0, 1.0],
            [-0.71, 0.71],
            [-1.0, 0.0],
            [-0.71, -0.71],
            [0.0, -1.0],
            [0.71, -0.71],
        ];
        let [nx, nz] = self.cut.shape;
        let depth = |at: Point| {
            let voxel = [
                (at[0] - self.cut.inset_um) / self.cut.voxel_um,
                at[1] / self.cut.voxel_um,
            ];
            let inside = voxel[0] >= 0.0 && voxel[1] >= 0.0 && voxel[0] < nx as f64 && voxel[1] < nz as f64;
            if !inside {
                return None;
            }
            self.fat
                .place(voxel[0] as usize + nx * voxel[1] as usize, at)
                .map(|fat| fat.depth)
        };
        let mut here = place;
        for _ in 0..12 {
            let Some(now) = depth(here).filter(|&d| d > 0.0) else {
                break;
            };
            let step = math::min(5.0, now);
            let best = STEPS
                .iter()
                .map(|s| [here[0] + step * s[0], here[1] + step * s[1]])
                .filter_map(|at| depth(at).map(|d| (d, at)))
                .reduce(|a, b| if b.0 < a.0 { b } else { a });
            match best {
                Some((d, at)) if d < now => here = at,
                _ => break,
            }
        }
        here
    }

    /// The wash of dead tissue: smudged, pinker, without nuclei.
    fn wash(&self, tone: Rgb, t: Point, dead: f64, kind: Kind) -> Rgb {
        if dead <= 0.0 {
            return tone;
        }
        let smudge = noise(t[0] / 34.0, t[1] / 27.0);
        let strength = if kind == Kind::Fat { 0.16 } else { 0.5 };
        mix(tone, self.palette.necrosis, strength * dead * (0.75 + 0.5 * smudge))
    }

    /// Grains of calcium between the vessels, along membranes in fat.
    fn calcium(&self, tone: Rgb, t: Point, voxel: Point, fat: Option<Place>) -> Rgb {
        let amount = self.value(&self.mineral, voxel);
        let level = INTERSTITIAL.iter().filter(|&&least| amount >= least).count();
        if level == 0 {
            return tone;
        }
        let mut density = GRAINS[level - 1];
        if let Some(fat) = fat {
            if fat.depth.abs() > 4.0 {
                return tone;
            }
            density = math::min(0.95, 1.8 * density);
        }
        let cover = spots(t, 4.2, density, [1.5, 1.2], [0.8, 0.6], self.soft, 51);
        mix(
            tone,
            self.palette.calcium,
            cover * math::max(self.palette.fine_calcium, 0.5),
        )
    }
}

/// Speckle of a deposit: a calcified place is not one flat tone.
pub fn speckle(colour: Rgb, t: Point) -> Rgb {
    let here = grain((t[0] / 1.6) as i64, (t[1] / 1.6) as i64);
    mix(colour, rgb(0xffffff), 0.16 * here)
}

/// Place in texture of a place in the section.
pub fn textured(cut: &Cut, place: Point) -> Point {
    [place[0] + cut.left_um + SHIFT_UM, place[1] + SHIFT_UM]
}
