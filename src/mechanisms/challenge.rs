//! Challenge: a dated insult, local or systemic.
//!
//! | kind            | what happens                                                                               |
//! |-----------------|--------------------------------------------------------------------------------------------|
//! | `trauma`        | inside the radius the endothelium is lost by `strength`, walls get a small mineral nidus    |
//! | `mineral_nidus` | walls inside the radius get a nidus of `strength` and first crystals; so does the tissue    |
//! | `hypotension`   | the pressure at the feeding vessels falls by `strength` for `duration_h`                    |
//! | `punch`         | a cylinder from the surface to `depth_mm` is taken out, as by a biopsy; its rim is injured by `strength` |
//! | `chemistry`     | standing values of the host move by `strength` of the way to `set`; pressures at the ends of the network with them |
//!
//! Reads the dates. Writes `vessels.integrity`, `vessels.nidus`, `vessels.mineral`, `fields.mineral`, `host.pressure_factor`,
//! `host.profile`, `nodes.boundary`, `anatomy.challenged`, events, the mineral books; a punch also `anatomy.vitality`, moving and fixed cells,
//! `fields.bacteria`, `vessels.thrombus`, burden. No dice.
//!
//! Source: local trauma as challenger doi 10.1681/ASN.2015091065; sensitiser and challenger of Selye doi 10.1002/path.1711420105.
//! We assume: an insult kills nothing by itself; two falls of pressure at once multiply; the switch `trauma` scales the bruise
//! (also of needles, and the rim of a punch) and leaves the other kinds alone; a strength of 0 is no challenge, not even an event. A punch is
//! not sutured, closes the vessels that it cuts, and counts as a challenged place only from its day on: the course before it is that without it.

use serde::Deserialize;

use crate::grid::{Grid, Plane};
use crate::math;
use crate::parameters::{Arrows, ChallengeEntry, ChallengeKind, Setting};
use crate::state::ledger::{voxel_capacity_ug, wall_capacity_ug};
use crate::state::vessels::Boundary;
use crate::state::{Blade, EventKind, Now, Profile, Rim, Schedule, Tissue, Vitality, schedule};

/// Registry section `insult`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Nidus that a bruise of full strength leaves in walls, 0-1.
    pub trauma_nidus: f64,
    /// Wall mineral of a mineral nidus of full strength, 0-1.
    pub nidus_wall_mineral: f64,
    /// Interstitial mineral of a mineral nidus of full strength, share of solid.
    pub nidus_interstitial_mineral: f64,
    /// Width of the injured rim of a punch [µm].
    pub punch_rim_um: f64,
    /// Share of endothelial integrity lost at the rim of a punch of full strength.
    pub punch_rim_strength: f64,
    /// Nuclei left in walls at that rim, 0-1.
    pub punch_rim_nidus: f64,
    /// Hours for which a vessel cut by a punch counts as closed [h].
    pub punch_closed_h: f64,
}

/// What a checked challenge does.
#[derive(Clone, Debug, PartialEq)]
enum Insult {
    Trauma,
    MineralNidus,
    Hypotension { duration_h: f64 },
    Chemistry { set: Vec<Setting> },
    Punch,
}

/// A challenge, checked and on the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    /// Name within the scenario.
    pub id: String,
    schedule: Schedule,
    insult: Insult,
    strength: f64,
    centre_um: [f64; 3],
    radius_um: f64,
}

impl Challenge {
    /// Checks an entry of a scenario against the tissue and the host that it will meet.
    pub fn from_entry(entry: &ChallengeEntry, grid: &Grid, profile: &Profile) -> Result<Self, String> {
        let fault = |message: String| format!("challenge.{}: {message}", entry.id);
        if !(0.0..=1.0).contains(&entry.strength) {
            return Err(fault(format!("strength = {}: expected 0 to 1", entry.strength)));
        }
        let radius_um = entry.radius_mm.unwrap_or(0.0) * 1000.0;
        let insult = match entry.kind {
            ChallengeKind::Trauma | ChallengeKind::MineralNidus | ChallengeKind::Punch => {
                if !(radius_um.is_finite() && radius_um > 0.0) {
                    return Err(fault("radius_mm: expected a radius above 0".into()));
                }
                match entry.kind {
                    ChallengeKind::Trauma => Insult::Trauma,
                    ChallengeKind::Punch => Insult::Punch,
                    _ => Insult::MineralNidus,
                }
            }
            ChallengeKind::Hypotension => match entry.duration_h {
                Some(duration_h) if duration_h.is_finite() && duration_h > 0.0 => Insult::Hypotension { duration_h },
                _ => return Err(fault("duration_h: expected a length above 0 h".into())),
            },
            ChallengeKind::Chemistry => {
                let mut trial = profile.clone();
                for setting in &entry.set {
                    trial.set(setting, entry.strength).map_err(fault)?;
                }
                Insult::Chemistry { set: entry.set.clone() }
            }
        };
        Ok(Self {
            id: entry.id.clone(),
            schedule: Schedule::new(&entry.course, 0.0).map_err(fault)?,
            insult,
            strength: entry.strength,
            centre_um: schedule::place_um(grid, [entry.x_mm, entry.y_mm, entry.depth_mm]).map_err(fault)?,
            radius_um,
        })
    }

    fn is_local(&self) -> bool {
        matches!(self.insult, Insult::Trauma | Insult::MineralNidus)
    }

    fn happens(&self, p: &Parameters, wall_share: f64, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
        let scale = if self.insult == Insult::Trauma {
            arrows.trauma
        } else {
            1.0
        };
        let strength = self.strength * scale;
        if strength <= 0.0 {
            return;
        }
        if self.insult == Insult::Punch {
            return self.punch(p, wall_share, arrows, tissue, now);
        }
        let event = tissue.events.add(
            now.step,
            EventKind::Challenge,
            format!("challenge:{}", self.id),
            self.centre_um,
            None,
            &[("strength", strength), ("radius_um", self.radius_um)],
        );
        tissue.events.latest_trigger = Some(event);
        match &self.insult {
            Insult::Trauma => {
                tissue.injure(self.centre_um, self.radius_um, strength, p.trauma_nidus * strength);
                tissue.blame(self.centre_um, self.radius_um, event);
            }
            Insult::MineralNidus => {
                tissue.injure(self.centre_um, self.radius_um, 0.0, strength);
                deposit(p, wall_share, tissue, self.centre_um, self.radius_um, strength);
                tissue.blame(self.centre_um, self.radius_um, event);
            }
            Insult::Hypotension { .. } | Insult::Punch => {}
            Insult::Chemistry { set } => {
                // Checked when the challenge was made; a refusal here would change nothing.
                let _ = change_host(tissue, set, strength);
            }
        }
    }
}

impl Challenge {
    /// What a punch takes out: all that is still there within the radius, from the surface to its depth.
    fn cylinder(&self, tissue: &Tissue) -> Vec<bool> {
        let Tissue { grid, anatomy, .. } = tissue;
        let inside = |voxel: usize| {
            let place = grid.centre_um(voxel);
            let [dx, dy, _] = grid.offset_um(self.centre_um, place);
            let is_deep_enough = grid.plane == Plane::Plan || place[2] <= self.centre_um[2];
            is_deep_enough && dx * dx + dy * dy <= self.radius_um * self.radius_um
        };
        (0..grid.len())
            .map(|v| anatomy.vitality[v] != Vitality::Gone && inside(v))
            .collect()
    }

    /// A biopsy is taken.
    fn punch(&self, p: &Parameters, wall_share: f64, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
        let taken = self.cylinder(tissue);
        let count = taken.iter().filter(|&&t| t).count();
        let event = tissue.events.add(
            now.step,
            EventKind::Challenge,
            format!("challenge:{}", self.id),
            self.centre_um,
            None,
            &[
                ("strength", self.strength),
                ("radius_um", self.radius_um),
                ("voxels", count as f64),
            ],
        );
        tissue.burden.procedures += 1;
        tissue.burden.visits += 1;
        tissue.lose_cells(&taken, now.step);
        let blade = Blade {
            wall_share,
            bacteria_left: 0.0,
            closed_h: p.punch_closed_h,
        };
        tissue.excise(&taken, blade);
        let strength = self.strength * arrows.trauma;
        let rim = Rim {
            width_um: p.punch_rim_um,
            strength: p.punch_rim_strength * strength,
            nidus: p.punch_rim_nidus * strength,
        };
        tissue.injure_rim(&taken, rim, event);
    }
}

/// Marks the voxels of all local challenges before the first step: «outside every challenge radius» holds from day 0.
pub fn prepare(tissue: &mut Tissue, challenges: &[Challenge]) {
    for challenge in challenges.iter().filter(|c| c.is_local()) {
        for voxel in tissue.grid.within_um(challenge.centre_um, challenge.radius_um) {
            tissue.anatomy.challenged[voxel] = true;
        }
    }
}

/// Moves standing values of the patient a share of the way; the ends of the network follow. The message of an error says what
/// was expected; the values before it are moved all the same.
pub fn change_host(tissue: &mut Tissue, set: &[Setting], share: f64) -> Result<(), String> {
    let before = pressures(&tissue.host.profile);
    let mut refused = Ok(());
    for setting in set {
        refused = refused.and(tissue.host.profile.set(setting, share));
    }
    shift_boundaries(tissue, before);
    refused
}

/// Pressures where blood enters and leaves [mmHg].
fn pressures(profile: &Profile) -> [f64; 2] {
    [profile.inlet_pressure_mmhg, profile.outlet_pressure_mmhg]
}

/// The ends of the network follow the host when a standing pressure moved.
fn shift_boundaries(tissue: &mut Tissue, before: [f64; 2]) {
    let now = pressures(&tissue.host.profile);
    if now == before {
        return;
    }
    let v = &mut tissue.vessels;
    for (boundary, &is_inlet) in v.nodes.boundary.iter_mut().zip(&v.nodes.is_inlet) {
        if let Boundary::Pressure(level) = boundary {
            let i = usize::from(!is_inlet);
            *level += now[i] - before[i];
        }
    }
    // No factor is below 0: the flow is solved anew in this step.
    v.solved_pressure_factor = -1.0;
}

/// First crystals in walls and interstitium inside the radius, booked.
fn deposit(p: &Parameters, wall_share: f64, tissue: &mut Tissue, centre_um: [f64; 3], radius_um: f64, strength: f64) {
    let Tissue {
        grid,
        vessels,
        fields,
        ledger,
        anatomy,
        ..
    } = tissue;
    for segment in 0..vessels.len() {
        let pieces = vessels.pieces(segment);
        let inside = pieces
            .clone()
            .filter(|&i| {
                let place = grid.centre_um(vessels.piece_voxel[i] as usize);
                grid.distance_um(place, centre_um) <= radius_um
            })
            .count();
        if inside > 0 {
            let share = inside as f64 / pieces.len() as f64;
            let new = math::max(vessels.mineral[segment], p.nidus_wall_mineral * strength * share);
            let gain = new - vessels.mineral[segment];
            vessels.mineral[segment] = new;
            ledger
                .mineral_ug
                .book(gain * wall_capacity_ug(vessels, segment, wall_share));
        }
    }
    let capacity = voxel_capacity_ug(grid);
    for voxel in grid.within_um(centre_um, radius_um) {
        if anatomy.kind[voxel].is_deep() {
            let old = fields.mineral[voxel];
            let new = math::max(f64::from(old), p.nidus_interstitial_mineral * strength) as f32;
            fields.mineral[voxel] = new;
            ledger.mineral_ug.book((f64::from(new) - f64::from(old)) * capacity);
        }
    }
}

/// What happens in this step; `wall_share` is `mineral.wall_share`, for the mineral books.
pub(crate) fn apply(
    p: &Parameters,
    wall_share: f64,
    challenges: &[Challenge],
    arrows: &Arrows,
    tissue: &mut Tissue,
    now: Now,
) {
    tissue.host.pressure_factor = challenges.iter().fold(1.0, |factor, c| match c.insult {
        Insult::Hypotension { duration_h } => {
            let share = c.schedule.overlap_h(now.step, now.hours, duration_h) / now.hours;
            factor * (1.0 - c.strength * share)
        }
        _ => factor,
    });
    for challenge in challenges {
        for _ in challenge.schedule.at(now.step, now.hours) {
            challenge.happens(p, wall_share, arrows, tissue, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{Course, Value};
    use crate::state::fixture;
    use crate::state::ledger::mineral_inventory_ug;

    fn entry(kind: ChallengeKind) -> ChallengeEntry {
        ChallengeEntry {
            id: "insult".into(),
            kind,
            course: Course {
                start_d: 1.0,
                every_d: None,
                count: None,
            },
            x_mm: Some(0.1),
            y_mm: None,
            depth_mm: Some(0.25),
            radius_mm: Some(0.05),
            strength: 1.0,
            duration_h: None,
            set: Vec::new(),
        }
    }

    fn run(entry: &ChallengeEntry, arrows: &Arrows, steps: u64) -> Tissue {
        let mut tissue = fixture::tissue(fixture::healthy());
        let challenge = Challenge::from_entry(entry, &tissue.grid, &tissue.host.profile).unwrap();
        let list = [challenge];
        prepare(&mut tissue, &list);
        for step in 0..steps {
            let p = fixture::defaults("insult");
            apply(&p, 0.5, &list, arrows, &mut tissue, fixture::now(step, 1.0));
        }
        tissue
    }

    #[test]
    fn a_bruise_denudes_inside_its_radius_and_kills_nothing() {
        let tissue = run(&entry(ChallengeKind::Trauma), &Arrows::default(), 25);
        let lost = tissue.vessels.integrity.iter().filter(|&&e| e == 0.0).count();
        assert!(lost > 0 && lost < tissue.vessels.integrity.len());
        assert!(tissue.vessels.nidus[0] > 0.0 && tissue.vessels.nidus[1] == 0.0);
        assert!(!tissue.anatomy.ever_died.contains(&true));
        assert_eq!(tissue.events.latest_trigger, Some(1));
        assert_eq!(tissue.vessels.latest_event[0], Some(1));
    }

    #[test]
    fn its_place_counts_as_challenged_before_it_happens() {
        let tissue = run(&entry(ChallengeKind::Trauma), &Arrows::default(), 1);
        assert!(tissue.anatomy.challenged.contains(&true));
        assert!(tissue.vessels.integrity.iter().all(|&e| e == 1.0));
    }

    #[test]
    fn trauma_switched_off_or_of_no_strength_leaves_no_trace() {
        let off = Arrows {
            trauma: 0.0,
            ..Arrows::default()
        };
        let weak = ChallengeEntry {
            strength: 0.0,
            ..entry(ChallengeKind::Trauma)
        };
        for tissue in [
            run(&entry(ChallengeKind::Trauma), &off, 30),
            run(&weak, &Arrows::default(), 30),
        ] {
            assert_eq!(tissue.events.count, 0);
            assert!(tissue.vessels.integrity.iter().all(|&e| e == 1.0));
        }
    }

    #[test]
    fn pressure_falls_for_its_hours_and_comes_back() {
        let fall = ChallengeEntry {
            strength: 0.5,
            duration_h: Some(6.0),
            ..entry(ChallengeKind::Hypotension)
        };
        for (steps, factor) in [(24, 1.0), (25, 0.5), (30, 0.5), (31, 1.0)] {
            let tissue = run(&fall, &Arrows::default(), steps);
            assert_eq!(tissue.host.pressure_factor, factor, "after step {steps}");
        }
    }

    #[test]
    fn chemistry_sets_the_standing_values_from_its_day_on() {
        let step = ChallengeEntry {
            set: vec![
                Setting {
                    key: "host.warfarin".into(),
                    value: Value::Bool(true),
                },
                Setting {
                    key: "host.phosphate_mmol_per_l".into(),
                    value: Value::Number(2.16),
                },
            ],
            ..entry(ChallengeKind::Chemistry)
        };
        assert!(!run(&step, &Arrows::default(), 24).host.profile.warfarin);
        let after = run(&step, &Arrows::default(), 25).host.profile;
        assert!(after.warfarin);
        assert_eq!(after.phosphate_mmol_per_l, 2.16);
    }

    #[test]
    fn an_unknown_host_value_or_a_place_outside_is_refused() {
        let tissue = fixture::tissue(fixture::healthy());
        let make = |e: &ChallengeEntry| Challenge::from_entry(e, &tissue.grid, &tissue.host.profile);
        let unknown = ChallengeEntry {
            set: vec![Setting {
                key: "host.phosphat".into(),
                value: Value::Number(2.0),
            }],
            ..entry(ChallengeKind::Chemistry)
        };
        assert!(make(&unknown).unwrap_err().contains("host.phosphat"));
        let outside = ChallengeEntry {
            x_mm: Some(7.0),
            ..entry(ChallengeKind::Trauma)
        };
        assert!(make(&outside).unwrap_err().contains("x_mm = 7"));
    }

    #[test]
    fn a_punch_takes_a_cylinder_out_and_leaves_a_wound_and_nothing_before_its_day() {
        let punch = entry(ChallengeKind::Punch);
        let before = run(&punch, &Arrows::default(), 24);
        assert_eq!(
            format!("{before:?}"),
            format!("{:?}", fixture::tissue(fixture::healthy()))
        );
        let after = run(&punch, &Arrows::default(), 25);
        let grid = &after.grid;
        let columns = grid.nx * grid.ny;
        let (mut taken, mut open) = (0, 0);
        for voxel in 0..grid.len() {
            let [x, _, z] = grid.centre_um(voxel);
            let inside = (x - 100.0).abs() <= 50.0 && z <= 250.0;
            assert_eq!(after.anatomy.vitality[voxel] == Vitality::Gone, inside, "{x} {z}");
            assert!(!inside || !after.anatomy.ever_died[voxel], "taken is not dead");
            taken += usize::from(inside);
            open += usize::from(inside && voxel < columns && after.cells.keratinocytes.covered[voxel] == 0);
        }
        assert!(taken > 0 && open == 6, "{taken} {open}");
        assert_eq!((after.burden.procedures, after.burden.visits), (1, 1));
        assert!(after.vessels.integrity.iter().any(|&e| e < 1.0));
        let off = Arrows {
            trauma: 0.0,
            ..Arrows::default()
        };
        let clean = run(&punch, &off, 25);
        assert!(clean.vessels.integrity.iter().all(|&e| e == 1.0));
        assert!(clean.anatomy.vitality.contains(&Vitality::Gone));
    }

    #[test]
    fn what_a_punch_takes_leaves_the_books() {
        let mut tissue = fixture::tissue(fixture::uraemic());
        tissue.vessels.mineral.fill(0.4);
        tissue.fields.mineral.fill(0.01);
        let inside = tissue.grid.centre_um(tissue.grid.index(5, 0, 8));
        tissue.cells.neutrophils.push(1, inside, 0);
        let mineral = |t: &Tissue| mineral_inventory_ug(&t.grid, &t.vessels, &t.fields.mineral, 0.5);
        let there = mineral(&tissue);
        tissue.ledger.mineral_ug.close(there);
        tissue.ledger.cells.close(1.0);
        let entry = entry(ChallengeKind::Punch);
        let list = [Challenge::from_entry(&entry, &tissue.grid, &tissue.host.profile).unwrap()];
        let p = fixture::defaults("insult");
        apply(&p, 0.5, &list, &Arrows::default(), &mut tissue, fixture::now(24, 1.0));
        let left = mineral(&tissue);
        assert!(left < there);
        assert!(tissue.ledger.mineral_ug.gap(left).abs() < 1e-9 * there);
        assert_eq!((tissue.cells.neutrophils.len(), tissue.ledger.cells.gap(0.0)), (0, 0.0));
    }

    #[test]
    fn the_crystals_of_a_nidus_are_booked() {
        let tissue = run(&entry(ChallengeKind::MineralNidus), &Arrows::default(), 25);
        let there = mineral_inventory_ug(&tissue.grid, &tissue.vessels, &tissue.fields.mineral, 0.5);
        assert!(there > 0.0);
        assert!(tissue.ledger.mineral_ug.gap(there).abs() < 1e-9 * there);
        assert_eq!(tissue.vessels.nidus[0], 1.0);
    }
}
