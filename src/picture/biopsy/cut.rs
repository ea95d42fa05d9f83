//! A plane through a punch: voxels, vessels and cells as a section meets them.

use super::{Layer, Lens};
use crate::error::{Error, Result};
use crate::grid::{Grid, Plane};
use crate::math;
use crate::picture::canvas::Point;
use crate::picture::texture;
use crate::state::snapshot::{CellKind, SegmentView};
use crate::state::{Class, Snapshot, Vitality};

/// Thinnest deposit that is drawn [µm]: a ring of crystals, not a line of pixels.
const THINNEST_DEPOSIT_UM: f64 = 1.5;
/// Least radius of an open bore in a picture, share of the healthy one.
const LEAST_BORE: f64 = 0.12;
/// Radius of a moving cell in a section [µm]: neutrophil, macrophage, stem cell.
const CELL_RADIUS_UM: [f64; 3] = [6.0, 9.0, 10.0];

/// Where a punch goes in and how far. Lengths in µm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Punch {
    /// Place of its axis on the surface: x, y; y has no meaning in a section run.
    pub centre_um: [f64; 2],
    /// Diameter.
    pub diameter_um: f64,
    /// Depth below the surface.
    pub depth_um: f64,
}

impl Punch {
    /// Whether this tissue can be punched so, or what is wrong and which argument to change.
    pub fn check(&self, grid: &Grid) -> Result<()> {
        let refuse = |argument: &str, message: String| Err(Error::input(argument, message));
        if grid.plane == Plane::Plan {
            return refuse(
                "RUN",
                "is a plan: a sheet of tissue seen from above, without a depth to punch into".into(),
            );
        }
        let mm = |um: f64| format!("{} mm", (um / 10.0).round() / 100.0);
        let [wide, broad, deep] = grid.extent_um();
        let narrow = if grid.plane == Plane::Block {
            math::min(wide, broad)
        } else {
            wide
        };
        let valid = |um: f64| um.is_finite() && um > 0.0;
        if !valid(self.diameter_um) || self.diameter_um > narrow + 1e-6 {
            return refuse(
                "--punch",
                format!(
                    "{} across does not fit: this tissue is {} wide",
                    mm(self.diameter_um),
                    mm(narrow)
                ),
            );
        }
        if !valid(self.depth_um) || self.depth_um > deep + 1e-6 {
            return refuse(
                "--depth",
                format!("{} is too deep: this tissue is {} deep", mm(self.depth_um), mm(deep)),
            );
        }
        let half = self.diameter_um / 2.0;
        let beyond = |place: f64, extent: f64| {
            let margin = if grid.periodic { 0.0 } else { half };
            !(margin - 1e-6..=extent - margin + 1e-6).contains(&place)
        };
        let across = grid.plane == Plane::Block && beyond(self.centre_um[1], broad);
        if beyond(self.centre_um[0], wide) || across {
            let room = if grid.periodic {
                String::new()
            } else {
                format!(", with {} of room on each side", mm(half))
            };
            return refuse(
                "--site",
                format!(
                    "{} lies outside: expected a place within {}{room}",
                    mm(self.centre_um[usize::from(across)]),
                    mm(if across { broad } else { wide })
                ),
            );
        }
        Ok(())
    }

    /// Places across the plane at which so many sections are taken, evenly [µm]; `shift` (0-1, ½ = middle) moves them within
    /// their shares of a slab. In a block they count from the axis of the punch and their outermost ones are short.
    pub fn levels_um(&self, grid: &Grid, sections: usize, shift: f64) -> Vec<f64> {
        let share = |k: usize, shift: f64| (k as f64 + shift) / sections as f64;
        (0..sections)
            .map(|k| match grid.plane {
                Plane::Block => self.centre_um[1] + (share(k, 0.5) - 0.5) * self.diameter_um,
                _ => share(k, shift) * grid.slab_um,
            })
            .collect()
    }
}

/// Layers of a wall as distances from the axis [µm], from inside out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wall {
    /// Open bore.
    pub open: f64,
    /// Healthy bore: what lies between is neo-intima and mineral.
    pub healthy: f64,
    /// The deposit, from and to; equal where there is none to see.
    pub deposit: [f64; 2],
    /// Outer edge of the media.
    pub media: f64,
    /// Outer edge of the adventitia.
    pub outer: f64,
}

impl Wall {
    /// The wall of a segment.
    pub fn of(segment: &SegmentView, lens: &Lens) -> Self {
        let p = &lens.parameters;
        let healthy = f64::from(segment.radius_um);
        let (mineral, neointima) = (f64::from(segment.mineral), f64::from(segment.neointima));
        let lost = [lens.narrowing.mineral * mineral, lens.narrowing.neointima * neointima].map(|x| x * healthy);
        let open = math::max(healthy - lost[0] - lost[1], LEAST_BORE * healthy);
        let bore = 2.0 * healthy;
        let (thick, adventitia) = match segment.class {
            Class::Arteriole => (p.arteriole_wall_share * bore, p.adventitia_share * bore),
            Class::Venule => (p.venule_wall_share * bore, p.adventitia_share * bore),
            Class::Capillary => (p.capillary_wall_um, 0.0),
        };
        let media = healthy + thick;
        let deposit = if mineral < p.von_kossa_least {
            [healthy; 2]
        } else {
            let from = math::min(open + lost[1], healthy);
            match p.calcium_layer {
                Layer::Intima => [from, math::max(healthy, from + THINNEST_DEPOSIT_UM)],
                Layer::Media => {
                    let width = math::max(thick * mineral, math::min(THINNEST_DEPOSIT_UM, thick));
                    let middle = healthy + thick / 2.0;
                    [middle - width / 2.0, middle + width / 2.0]
                }
            }
        };
        Self {
            open,
            healthy,
            deposit,
            media: math::max(media, deposit[1]),
            outer: math::max(media, deposit[1]) + adventitia,
        }
    }
}

/// A vessel as a section meets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Index in `Snapshot::segments`.
    pub segment: usize,
    /// Ends of its axis [µm]: x from the left edge of the punch, y from the plane, depth.
    pub axis_um: [[f64; 3]; 2],
    /// Middle of what is seen [µm]: x from the left edge, depth.
    pub centre_um: Point,
    /// Voxel there.
    pub voxel: u32,
    /// Whether the plane meets the lumen, not the wall alone.
    pub meets_lumen: bool,
    /// Its wall.
    pub wall: Wall,
}

/// A moving cell in a section.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellProfile {
    /// Type.
    pub kind: CellKind,
    /// State of the type.
    pub state: u8,
    /// Place [µm]: x from the left edge of the punch, depth.
    pub place_um: Point,
    /// Voxel there.
    pub voxel: u32,
}

/// One section of a punch.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// Width of the section [µm]: the diameter, or a chord of it.
    pub width_um: f64,
    /// Depth [µm].
    pub depth_um: f64,
    /// Left edge in the tissue [µm]; may lie beyond a side that wraps.
    pub left_um: f64,
    /// Place of the plane across [µm].
    pub plane_um: f64,
    /// Edge of a voxel [µm].
    pub voxel_um: f64,
    /// Voxels across and down that the section touches.
    pub shape: [usize; 2],
    /// Where the first of them begins [µm], from the left edge; not positive.
    pub inset_um: f64,
    /// Voxel of the snapshot at each of them, row after row.
    pub voxels: Vec<u32>,
    /// Vessels, thin ones first.
    pub profiles: Vec<Profile>,
    /// Moving cells.
    pub cells: Vec<CellProfile>,
}

impl Cut {
    /// Takes a section of a punch, which must have passed [`Punch::check`], at a place across the plane [µm].
    pub fn new(snapshot: &Snapshot, punch: &Punch, plane_um: f64, lens: &Lens) -> Self {
        let grid = &snapshot.grid;
        let half = match grid.plane {
            Plane::Block => {
                let off = plane_um - punch.centre_um[1];
                math::positive(math::square(punch.diameter_um / 2.0) - off * off).sqrt()
            }
            _ => punch.diameter_um / 2.0,
        };
        let mut cut = Self {
            width_um: 2.0 * half,
            depth_um: punch.depth_um,
            left_um: punch.centre_um[0] - half,
            plane_um,
            voxel_um: grid.voxel_um,
            shape: [0; 2],
            inset_um: 0.0,
            voxels: Vec::new(),
            profiles: Vec::new(),
            cells: Vec::new(),
        };
        cut.take_voxels(grid);
        cut.take_vessels(snapshot, lens);
        cut.take_cells(snapshot, lens);
        cut
    }

    fn take_voxels(&mut self, grid: &Grid) {
        let h = grid.voxel_um;
        let first = (self.left_um / h + 1e-9).floor();
        self.inset_um = first * h - self.left_um;
        let nx = ((self.width_um - self.inset_um) / h - 1e-9).ceil() as usize;
        let nz = ((self.depth_um / h - 1e-9).ceil() as usize).min(grid.nz);
        self.shape = [nx, nz];
        let wrap = |i: i64, n: usize| {
            if grid.periodic {
                i.rem_euclid(n as i64) as usize
            } else {
                i.clamp(0, n as i64 - 1) as usize
            }
        };
        let y = match grid.plane {
            Plane::Block => wrap((self.plane_um / h).floor() as i64, grid.ny),
            _ => 0,
        };
        self.voxels = (0..nx * nz)
            .map(|i| {
                let x = wrap(first as i64 + (i % nx) as i64, grid.nx);
                grid.index(x, y, i / nx) as u32
            })
            .collect();
    }

    /// Voxel at a place of the section [µm]; `None` outside.
    pub fn voxel_at(&self, place_um: Point) -> Option<u32> {
        let inside = (0.0..self.width_um).contains(&place_um[0]) && (0.0..self.depth_um).contains(&place_um[1]);
        if !inside || self.voxels.is_empty() {
            return None;
        }
        let [nx, nz] = self.shape;
        let x = ((place_um[0] - self.inset_um) / self.voxel_um) as usize;
        let z = (place_um[1] / self.voxel_um) as usize;
        self.voxels.get(x.min(nx - 1) + nx * z.min(nz - 1)).copied()
    }

    fn take_vessels(&mut self, snapshot: &Snapshot, lens: &Lens) {
        let grid = &snapshot.grid;
        let mut order: Vec<usize> = (0..snapshot.segments.len()).collect();
        let radius = |i: usize| snapshot.segments[i].radius_um;
        order.sort_by(|&a, &b| {
            let id = |i: usize| snapshot.segments[i].id;
            radius(a).total_cmp(&radius(b)).then(id(a).cmp(&id(b)))
        });
        for index in order {
            let segment = &snapshot.segments[index];
            let [a, b] = segment.ends_um.map(|p| p.map(f64::from));
            let way = grid.offset_um(a, b);
            let middle = std::array::from_fn(|i| a[i] + way[i] / 2.0);
            let Some(middle) = self.relative(grid, middle) else {
                continue;
            };
            let wall = Wall::of(segment, lens);
            let axis = |middle: [f64; 3], half: [f64; 3]| {
                [
                    std::array::from_fn(|i| middle[i] - half[i]),
                    std::array::from_fn(|i| middle[i] + half[i]),
                ]
            };
            let axis_um = if grid.plane == Plane::Block {
                axis(middle, way.map(|w| w / 2.0))
            } else {
                let y = texture::of_id(segment.id, 3) * grid.slab_um - self.plane_um;
                let half = across_slab(segment.id, way, wall.outer);
                if y.abs() > half[1].abs() + wall.outer {
                    continue;
                }
                // It leaves the plane on both sides: an ellipse, not a tube with ends.
                let longer = math::max(1.0, (y.abs() + wall.outer + 1.0) / math::max(half[1].abs(), 1e-6));
                axis([middle[0], y, middle[2]], half.map(|h| h * longer))
            };
            let Some(centre_um) = met(axis_um, wall.outer) else {
                continue;
            };
            let Some(voxel) = self.voxel_at(centre_um) else {
                continue;
            };
            // What was removed is not on the glass.
            if snapshot.vitality[voxel as usize] == Vitality::Gone {
                continue;
            }
            self.profiles.push(Profile {
                segment: index,
                axis_um,
                centre_um,
                voxel,
                meets_lumen: met(axis_um, wall.healthy).is_some(),
                wall,
            });
        }
    }

    fn take_cells(&mut self, snapshot: &Snapshot, lens: &Lens) {
        let grid = &snapshot.grid;
        for (i, cell) in snapshot.cells.iter().enumerate() {
            let Some(mut place) = self.relative(grid, cell.place_um.map(f64::from)) else {
                continue;
            };
            if grid.plane != Plane::Block {
                // A slab keeps no place across; it is drawn from the place in the plane.
                let bits = cell.place_um.map(|x| u64::from(x.to_bits()));
                place[1] = texture::of_id(bits[0] << 32 ^ bits[2] ^ i as u64, 5) * grid.slab_um - self.plane_um;
            }
            let reach = CELL_RADIUS_UM[cell.kind as usize] + lens.parameters.section_um / 2.0;
            let place_um = [place[0], place[2]];
            if place[1].abs() > reach {
                continue;
            }
            if let Some(voxel) = self.voxel_at(place_um) {
                self.cells.push(CellProfile {
                    kind: cell.kind,
                    state: cell.state,
                    place_um,
                    voxel,
                });
            }
        }
    }

    /// A place of the tissue as x from the left edge, y from the plane, depth; `None` far from the section.
    fn relative(&self, grid: &Grid, place: [f64; 3]) -> Option<[f64; 3]> {
        let middle = [self.left_um + self.width_um / 2.0, self.plane_um, 0.0];
        let d = grid.offset_um(middle, place);
        let far = self.width_um / 2.0 + 500.0;
        (d[0].abs() <= far && place[2] <= self.depth_um + 500.0).then_some([d[0] + self.width_um / 2.0, d[1], place[2]])
    }
}

/// Half of an axis that crosses a slab: as long as the segment, leaning in the direction of the segment by an angle drawn
/// from its identity, all directions alike but those in which the profile would be longer than the segment.
fn across_slab(id: u64, way: [f64; 3], outer: f64) -> [f64; 3] {
    let length = (way[0] * way[0] + way[2] * way[2]).sqrt();
    if length <= 0.0 {
        return [0.0, outer, 0.0];
    }
    let least = math::min(0.95, 2.0 * outer / length);
    let steep = math::max(least, math::max(0.28, texture::of_id(id, 11)));
    let lean = math::positive(1.0 - steep * steep).sqrt();
    [way[0] / 2.0 * lean, length / 2.0 * steep, way[2] / 2.0 * lean]
}

/// Middle of the part of an axis that lies within a radius of the plane y = 0, as x and depth; `None` where there is none.
fn met([a, b]: [[f64; 3]; 2], radius: f64) -> Option<Point> {
    let rise = b[1] - a[1];
    let (mut from, mut to) = (0.0, 1.0);
    if rise.abs() < 1e-9 {
        if a[1].abs() > radius {
            return None;
        }
    } else {
        let at = |y: f64| (y - a[1]) / rise;
        let (low, high) = (at(-radius), at(radius));
        from = math::max(from, math::min(low, high));
        to = math::min(to, math::max(low, high));
        if from > to {
            return None;
        }
    }
    let t = (from + to) / 2.0;
    Some([a[0] + t * (b[0] - a[0]), a[2] + t * (b[2] - a[2])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::biopsy::tests::{block, lens, section};

    #[test]
    fn a_plane_meets_what_crosses_it_and_nothing_else() {
        let up = |x: f64, y0: f64, y1: f64| [[x, y0, 50.0], [x, y1, 50.0]];
        assert_eq!(met(up(7.0, -10.0, 30.0), 5.0), Some([7.0, 50.0]));
        assert_eq!(met(up(7.0, 10.0, 30.0), 5.0), None);
        assert_eq!(met(up(7.0, 4.0, 4.0), 5.0), Some([7.0, 50.0]));
    }

    #[test]
    fn a_block_is_cut_where_the_plane_lies() {
        let snapshot = block();
        let punch = Punch {
            centre_um: [500.0, 500.0],
            diameter_um: 800.0,
            depth_um: 1000.0,
        };
        let here = Cut::new(&snapshot, &punch, 500.0, &lens());
        let beside = Cut::new(&snapshot, &punch, 700.0, &lens());
        // The vessel along x at y = 500 lies in the first plane alone; the one along y is met by both.
        let ids = |cut: &Cut| -> Vec<u64> {
            let mut ids: Vec<u64> = cut.profiles.iter().map(|p| snapshot.segments[p.segment].id).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(ids(&here), [1, 2]);
        assert_eq!(ids(&beside), [2]);
        assert!((here.width_um - 800.0).abs() < 1e-9);
        assert!(
            (beside.width_um - 2.0 * 346.4).abs() < 0.1,
            "a chord: {}",
            beside.width_um
        );
    }

    #[test]
    fn a_punch_that_does_not_fit_is_refused_with_the_argument() {
        let snapshot = section();
        let punch = |x: f64, diameter_um: f64, depth_um: f64| Punch {
            centre_um: [x, 0.0],
            diameter_um,
            depth_um,
        };
        let refused = |p: Punch| {
            let error = p.check(&snapshot.grid).err();
            error.map(|e| (e.exit_code(), e.diagnostics()[0].file.clone()))
        };
        assert_eq!(refused(punch(1000.0, 1000.0, 1500.0)), None);
        assert_eq!(refused(punch(1000.0, 9000.0, 1500.0)), Some((3, "--punch".into())));
        assert_eq!(refused(punch(1000.0, 1000.0, 9000.0)), Some((3, "--depth".into())));
        assert_eq!(refused(punch(-5.0, 1000.0, 1500.0)), Some((3, "--site".into())));
        assert_eq!(refused(punch(f64::NAN, 1000.0, 1500.0)), Some((3, "--site".into())));
    }

    #[test]
    fn a_punch_across_a_side_that_wraps_sees_both_sides() {
        let snapshot = section();
        let punch = Punch {
            centre_um: [0.0, 0.0],
            diameter_um: 400.0,
            depth_um: 1000.0,
        };
        let cut = Cut::new(&snapshot, &punch, 75.0, &lens());
        let columns: Vec<usize> = cut.voxels[..cut.shape[0]].iter().map(|&v| v as usize).collect();
        assert_eq!(columns.first(), Some(&90));
        assert_eq!(columns.last(), Some(&9));
    }

    #[test]
    fn mineral_lies_in_the_layer_that_the_parameter_names() {
        let snapshot = block();
        let mut lens = lens();
        let segment = SegmentView {
            mineral: 0.6,
            neointima: 0.5,
            ..snapshot.segments[0].clone()
        };
        let wall = Wall::of(&segment, &lens);
        assert!(wall.open < wall.deposit[0] && wall.deposit[1] <= wall.healthy);
        lens.parameters.calcium_layer = Layer::Media;
        let wall = Wall::of(&segment, &lens);
        assert!(wall.healthy < wall.deposit[0] && wall.deposit[1] < wall.media);
        assert!(wall.media < wall.outer);
    }
}
