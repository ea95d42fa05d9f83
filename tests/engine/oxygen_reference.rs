//! Oxygen of measured networks: against the formula of Krogh and Erlang, and against reference tensions.
//!
//! Reference cases are looked for below `CALCISIM_REFERENCE`, else beside the checkout, else those in `tests/data/oxygen`.
//! `CALCISIM_WRITE_DOCS=1 cargo test --release --test engine oxygen_reference` writes `docs/verification-oxygen.md`.
// A test may compare with the platform's own functions.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use calcisim::grid::{Grid, Plane};
use calcisim::oxygen_case::{Case, LIMITS, Solution, Summary, sample};
use calcisim::solve::oxygen_kernel::{Spread, effective_radius_um};
use calcisim::solve::oxygen_transport::{
    self as transport, Haemoglobin, Inlet, Limits, Medium, Network, Problem, Reach, Work,
};

const MEDIUM: Medium = Medium {
    diffusivity_um2_per_s: 2000.0,
    solubility: 3e-5,
    michaelis_mmhg: 1.0,
};

fn cubes(n: [usize; 3], voxel_um: f64) -> Grid {
    Grid {
        plane: Plane::Block,
        nx: n[0],
        ny: n[1],
        nz: n[2],
        voxel_um,
        slab_um: voxel_um,
        periodic: false,
    }
}

// ---- O1: one straight vessel ------------------------------------------------------------------------------------------

/// A vessel whose wall stands at 40 mmHg in a cylinder of use: worst relative error over sixteen directions and three places
/// of the axis between voxel centres, at half of the outer radius and at the outer radius.
fn krogh_error(use_per_s: f64, vessel: f64, cylinder: f64, h: f64) -> [f64; 2] {
    let formula = |r: f64| {
        let m = use_per_s / 0.06;
        40.0 + m * (r * r - vessel * vessel) / 4.0 - m * cylinder * cylinder / 2.0 * (r / vessel).ln()
    };
    let side = ((2.0 * cylinder + 20.0) / h).round() as usize;
    let grid = cubes([side, side, 2], h);
    let medium = Medium {
        michaelis_mmhg: 1e-9,
        ..MEDIUM
    };
    let mut worst = [0.0f64; 2];
    for shift in [[0.0, 0.0], [2.3, 1.1], [5.0, 3.7]] {
        let axis = shift.map(|s| side as f64 * h / 2.0 + s);
        let fine = 8;
        let largest_use: Vec<f32> = (0..grid.len())
            .map(|i| {
                let [x, y, _] = grid.place(i).map(|k| k as f64);
                let inside = (0..fine * fine)
                    .filter(|k| {
                        let [a, b] = [k % fine, k / fine].map(|k| (k as f64 + 0.5) / fine as f64);
                        ((x + a) * h - axis[0]).hypot((y + b) * h - axis[1]) < cylinder
                    })
                    .count();
                (use_per_s / medium.solubility * inside as f64 / (fine * fine) as f64) as f32
            })
            .collect();
        let mut spread = Spread::default();
        let pieces = 4;
        let length = 2.0 * h / f64::from(pieces);
        for piece in 0..pieces {
            let [from, to] = [piece, piece + 1].map(|k| [axis[0], axis[1], f64::from(k) * length]);
            spread.push(&grid, from, to, vessel);
        }
        // So much blood that it stays as it came, above the 40 of the wall by what its own resistance takes.
        let k = medium.exchange_um2_per_s(vessel, effective_radius_um(vessel, h));
        let blood =
            40.0 + transport::inside_resistance(2.0 * vessel) * use_per_s * std::f64::consts::PI * cylinder * cylinder;
        let problem = Problem {
            grid: &grid,
            medium,
            largest_use: &largest_use,
            surface: &[],
            air_mmhg: 0.0,
            network: Network {
                nodes: 2,
                from: &[0],
                to: &[1],
                flow_nl_per_min: &[1e6],
                share: &[1.0],
                bound: &[0.2],
                order: &[0],
                first_piece: &[0, 4],
                exchange: &[k * length; 4],
                reach: Reach::Spread(&spread),
                inlets: &[],
                arterial_mmhg: blood,
            },
            curve: &Haemoglobin::new(3.1e-5, 26.8, 2.7),
        };
        let mut oxygen = vec![30.0f32; grid.len()];
        let limits = Limits {
            balance: 1e-5,
            change_mmhg: 1e-4,
            passes: 2000,
        };
        let outcome = transport::solve(&problem, &mut oxygen, &mut Work::default(), true, &limits);
        assert!(outcome.converged, "h {h}: {outcome:?}");
        for (slot, r) in [cylinder / 2.0, cylinder].into_iter().enumerate() {
            for k in 0..16 {
                let angle = std::f64::consts::TAU * (f64::from(k) + 0.3) / 16.0;
                let found = sample(
                    &grid,
                    &oxygen,
                    [axis[0] + r * angle.cos(), axis[1] + r * angle.sin(), h],
                );
                worst[slot] = worst[slot].max((found / formula(r) - 1.0).abs());
            }
        }
    }
    worst
}

#[test]
fn o1_one_vessel_falls_as_krogh_and_erlang_say_at_any_voxel() {
    for (m, vessel, cylinder) in [(1e-3, 3.0, 30.0), (5e-5, 4.0, 100.0)] {
        let errors: Vec<[f64; 2]> = [10.0, 5.0, 2.5].map(|h| krogh_error(m, vessel, cylinder, h)).to_vec();
        let worst: Vec<f64> = errors.iter().map(|e| e[0].max(e[1])).collect();
        let order = (worst[0] / worst[2]).log2() / 2.0;
        eprintln!("O1 r {vessel} R {cylinder}: errors at mid and outer radius {errors:.4?}, order {order:.2}");
        for (found, limit) in worst.iter().zip([0.05, 0.02, 0.01]) {
            assert!(*found <= limit, "R {cylinder}: {errors:?}");
        }
        assert!(order >= 1.0, "R {cylinder}: order {order}: {errors:?}");
    }
}

// ---- O2, O3, O4, O6: cases --------------------------------------------------------------------------------------------

/// Folder of the reference data, and whether it is the whole of it.
fn reference() -> (PathBuf, bool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("CALCISIM_REFERENCE").map(PathBuf::from);
    let beside = root.join("../shared/reference/haemodynamics");
    match given
        .into_iter()
        .chain([beside])
        .find(|folder| folder.join("cases").is_dir())
    {
        Some(folder) => (folder, true),
        None => (root.join("tests/data/oxygen"), false),
    }
}

fn case(name: &str) -> Option<(Case, PathBuf)> {
    let (root, _) = reference();
    let network = match name {
        _ if name.contains("capA") => "capA",
        _ if name.contains("brain") => "brain50",
        _ => "tumor104",
    };
    let root = if network == "capA" {
        root
    } else {
        root.join("noncommercial")
    };
    let folder = root.join("cases").join(name);
    if !folder.is_dir() {
        eprintln!("{name}: not here, skipped");
        return None;
    }
    let case = Case::read(&root.join("networks").join(network), &folder);
    Some((case.unwrap_or_else(|fault| panic!("{name}: {fault}")), folder))
}

fn solved(case: &Case, h: f64) -> Solution {
    case.solve(h, &LIMITS).unwrap_or_else(|fault| panic!("{fault}"))
}

const CASES: [&str; 9] = [
    "po2_capA_base_m18",
    "po2_capA_occ_m6",
    "po2_capA_occ_m9",
    "po2_capA_occ_m12",
    "po2_capA_occ_m18",
    "po2_brain_m20",
    "po2_brain_m30",
    "po2_brain_m40",
    "po2_tumor",
];

/// What is known not to be reached, with its figure in `docs/verification-oxygen.md`. A case that gets better must leave.
const NOT_REACHED: [(&str, &str); 1] = [("po2_capA_base_m18", "share below 5")];

#[test]
fn o2_o3_tensions_agree_with_the_reference_in_a_closed_box() {
    let mut table = String::from(
        "# Oxygen against reference tensions\n\nWritten by `CALCISIM_WRITE_DOCS=1 cargo test --release --test engine oxygen_reference` \
         (acceptance rows O2 and O3: closed box, voxels of 10 µm).\nReference: GreensV4, an infinite domain without net exchange; \
         limits: mean ± max(3 mmHg, 15 %), r ≥ 0.95,\nRMS at least 30 µm from the faces ≤ 3 mmHg, share below 5 mmHg ± 0.10, \
         balance ≤ 1e-4, 0 ≤ PO2 ≤ highest inflow.\n\n\
         | case | mean, reference [mmHg] | r | inner RMS [mmHg] | share below 5, reference | lowest, highest [mmHg] | balance | passes | time [s] | |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    let (mut missed, mut whole) = (Vec::new(), true);
    for name in CASES {
        let Some((case, folder)) = case(name) else {
            whole = false;
            continue;
        };
        let solution = solved(&case, 10.0);
        let text = std::fs::read_to_string(folder.join("tissue_po2.csv")).unwrap_or_default();
        let expected: Vec<f64> = text
            .lines()
            .skip(1)
            .filter_map(|line| line.rsplit(',').next()?.parse().ok())
            .collect();
        assert_eq!(expected.len(), solution.tissue_mmhg.len(), "{name}: same points");
        let (ours, theirs) = (Summary::of(&solution.tissue_mmhg), Summary::of(&expected));
        let pairs = || solution.tissue_mmhg.iter().zip(&expected);
        let product =
            |f: fn((f64, f64)) -> f64| -> f64 { pairs().map(|(a, b)| f((a - ours.mean, b - theirs.mean))).sum() };
        let r = product(|(a, b)| a * b) / (product(|(a, _)| a * a) * product(|(_, b)| b * b)).sqrt();
        let inner: Vec<f64> = pairs()
            .zip(&case.points_um)
            .filter(|(_, p)| (0..3).all(|d| p[d] >= 30.0 && p[d] <= case.box_um[d] - 30.0))
            .map(|((a, b), _)| (a - b) * (a - b))
            .collect();
        let rms = (inner.iter().sum::<f64>() / inner.len() as f64).sqrt();
        let highest = case.inflow_po2_mmhg.values().fold(0.0f64, |a, &b| a.max(b));
        let field: Vec<f64> = solution.oxygen.iter().map(|&p| f64::from(p)).collect();
        let bounds = Summary::of(&field);
        let checks = [
            ("mean", (ours.mean - theirs.mean).abs() <= (0.15 * theirs.mean).max(3.0)),
            ("r", r >= 0.95),
            ("inner RMS", rms <= 3.0),
            ("share below 5", (ours.below_5 - theirs.below_5).abs() <= 0.10),
            ("balance", solution.outcome.gap.abs() <= 1e-4),
            ("bounds", bounds.low >= 0.0 && bounds.high <= highest),
            ("converged", solution.outcome.converged),
        ];
        let failed: Vec<&str> = checks
            .iter()
            .filter(|(_, holds)| !holds)
            .map(|(what, _)| *what)
            .collect();
        let verdict = if failed.is_empty() {
            "pass".to_owned()
        } else {
            format!("not reached: {}", failed.join(", "))
        };
        let row = format!(
            "| `{name}` | {:.2}, {:.2} | {r:.3} | {rms:.2} | {:.3}, {:.3} | {:.3}, {:.1} | {:+.1e} | {} | {:.2} | {verdict} |",
            ours.mean,
            theirs.mean,
            ours.below_5,
            theirs.below_5,
            bounds.low,
            bounds.high,
            solution.outcome.gap,
            solution.outcome.passes,
            solution.wall_s,
        );
        eprintln!("{row}");
        let _ = writeln!(table, "{row}");
        missed.extend(failed.into_iter().map(|what| (name, what)));
    }
    if std::env::var_os("CALCISIM_WRITE_DOCS").is_some() {
        assert!(whole, "the table needs every case");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verification-oxygen.md");
        table.push_str(
            "\nA limit that is not reached stays as it was set. In `po2_capA_base_m18` ours stands 1.1-1.7 mmHg below the reference \
             near\nthe faces and far from them alike (1.0 on average with voxels of 5 µm); much of that block lies close to 5 mmHg. Boundary and \
             source\nmodel of the two methods both differ; which of them makes the offset was not separated.\n",
        );
        std::fs::write(&path, table).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    }
    assert_eq!(missed, NOT_REACHED);
}

#[test]
fn o4_tension_falls_with_use_and_with_less_flow() {
    for name in ["po2_capA_base_m18", "po2_brain_m20"] {
        let Some((case, _)) = case(name) else { continue };
        let mean = |use_factor: f64, flow_factor: f64| {
            let mut case = case.clone();
            case.constants.largest_use *= use_factor;
            case.flow_nl_per_min.iter_mut().for_each(|q| *q *= flow_factor);
            let solution = solved(&case, 10.0);
            assert!(solution.outcome.converged, "{name} {use_factor} {flow_factor}");
            Summary::of(&solution.tissue_mmhg).mean
        };
        let by_use = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0].map(|f| mean(f, 1.0));
        let by_flow = [1.0, 0.7, 0.5, 0.3, 0.1, 0.01].map(|f| mean(1.0, f));
        eprintln!("O4 {name}: by use {by_use:.2?}, by flow {by_flow:.2?}");
        for list in [by_use, by_flow] {
            assert!(list.windows(2).all(|pair| pair[1] < pair[0]), "{name}: {list:?}");
        }
    }
}

#[test]
fn o6_nearly_saturated_tissue_and_halved_flow_converge() {
    let with = |name: &str, largest_use: Option<f64>, flow: f64| {
        let Some((mut case, _)) = case(name) else { return };
        case.constants.largest_use = largest_use.unwrap_or(case.constants.largest_use);
        case.flow_nl_per_min.iter_mut().for_each(|q| *q *= flow);
        let solution = solved(&case, 10.0);
        let mean = Summary::of(&solution.tissue_mmhg).mean;
        eprintln!(
            "O6 {name} {largest_use:?} x{flow}: {:?}, mean {mean:.2}",
            solution.outcome
        );
        assert!(solution.outcome.converged && solution.outcome.gap.abs() <= 1e-4);
        assert!(solution.oxygen.iter().all(|p| (0.0..=70.0).contains(p)));
    };
    for m in [3e-4, 6e-4, 1e-6] {
        with("po2_capA_base_m18", Some(m), 1.0);
    }
    for name in ["po2_brain_m20", "po2_brain_m30", "po2_brain_m40"] {
        with(name, None, 0.5);
    }
}

/// Air behind lost skin brings more than arterial tension, and blood that passes there carries it on: the kernel must not
/// take the arterial tension for the most that a voxel can hold.
#[test]
fn a_slow_vessel_through_tissue_richer_than_its_blood_settles() {
    let grid = cubes([12, 12, 16], 20.0);
    // Only the deepest two layers live.
    let living = |i: usize| grid.place(i)[2] >= 14;
    let largest_use: Vec<f32> = (0..grid.len()).map(|i| if living(i) { 5.0 } else { 0.0 }).collect();
    let mut spread = Spread::default();
    // Down from below the surface into the tissue that lives.
    let place = |k: u32| [123.0, 117.0, 45.0 + 30.0 * f64::from(k)];
    (0..8).for_each(|k| spread.push(&grid, place(k), place(k + 1), 3.0));
    let exchange = MEDIUM.exchange_um2_per_s(3.0, effective_radius_um(3.0, 20.0)) * 30.0;
    for flow in [1e-4, 1e-3, 1e-2, 0.1, 1.0] {
        let problem = Problem {
            grid: &grid,
            medium: MEDIUM,
            largest_use: &largest_use,
            surface: &[2.0; 144],
            air_mmhg: 150.0,
            network: Network {
                nodes: 2,
                from: &[0],
                to: &[1],
                flow_nl_per_min: &[flow],
                share: &[1.0],
                bound: &[0.2],
                order: &[0],
                first_piece: &[0, 8],
                exchange: &[exchange; 8],
                reach: Reach::Spread(&spread),
                inlets: &[],
                arterial_mmhg: 95.0,
            },
            curve: &Haemoglobin::new(3.1e-5, 26.8, 2.7),
        };
        let mut oxygen = vec![40.0f32; grid.len()];
        let limits = Limits {
            balance: 1e-4,
            change_mmhg: 0.01,
            passes: 200,
        };
        let outcome = transport::solve(&problem, &mut oxygen, &mut Work::default(), true, &limits);
        assert!(outcome.converged, "flow {flow}: {outcome:?}");
        let beside = f64::from(oxygen[grid.voxel_at(place(0))]);
        assert!(
            (95.0..150.0).contains(&beside),
            "flow {flow}: {beside} mmHg beside the vessel"
        );
    }
}

// ---- O5: flow stops ---------------------------------------------------------------------------------------------------

/// A loop in a closed block of a papilla and the dermis below it, 30 loops per mm²: tension at base and tip beside the
/// loop [mmHg], and the time in which the tip falls to 1/e after arrest [s].
fn papilla(use_per_s: f64, inflow_mmhg: f64) -> ([f64; 2], f64) {
    let h = 10.0;
    let grid = cubes([18, 18, 25], h);
    let nodes = [
        [80.0, 90.0, 250.0],
        [80.0, 90.0, 60.0],
        [100.0, 90.0, 60.0],
        [100.0, 90.0, 250.0],
    ];
    let (from, to, diameter) = ([0, 1, 2], [1, 2, 3], [6.0, 7.0, 8.25]);
    let (mut spread, mut exchange, mut lumen, mut first) = (Spread::default(), Vec::new(), Vec::new(), vec![0u32]);
    for s in 0..3 {
        let (a, b): ([f64; 3], [f64; 3]) = (nodes[from[s] as usize], nodes[to[s] as usize]);
        let length = (0..3).map(|d| (b[d] - a[d]) * (b[d] - a[d])).sum::<f64>().sqrt();
        let count = (length / 5.0).round() as usize;
        let radius = diameter[s] / 2.0;
        let k = MEDIUM.exchange_um2_per_s(radius, effective_radius_um(radius, h));
        for piece in 0..count {
            let at = |t: usize| [0, 1, 2].map(|d| a[d] + (b[d] - a[d]) * t as f64 / count as f64);
            spread.push(&grid, at(piece), at(piece + 1), radius);
            exchange.push(k * length / count as f64);
            lumen.push(std::f64::consts::PI * radius * radius * length / count as f64);
        }
        first.push(exchange.len() as u32);
    }
    // 0.76 mm/s in the arterial limb.
    let flow = 760.0 * std::f64::consts::PI * 9.0 * 60.0 / 1e6;
    let largest_use = vec![(use_per_s / MEDIUM.solubility) as f32; grid.len()];
    let inlets = [Inlet {
        node: 0,
        flow_nl_per_min: flow,
        po2_mmhg: inflow_mmhg,
    }];
    let problem = Problem {
        grid: &grid,
        medium: MEDIUM,
        largest_use: &largest_use,
        surface: &[],
        air_mmhg: 0.0,
        network: Network {
            nodes: 4,
            from: &from,
            to: &to,
            flow_nl_per_min: &[flow; 3],
            share: &[1.0; 3],
            bound: &[0.2; 3],
            order: &[0, 1, 2],
            first_piece: &first,
            exchange: &exchange,
            reach: Reach::Spread(&spread),
            inlets: &inlets,
            arterial_mmhg: 95.0,
        },
        curve: &Haemoglobin::new(3.1e-5, 26.8, 2.83),
    };
    let mut work = Work::default();
    let mut oxygen = vec![30.0f32; grid.len()];
    let outcome = transport::solve(&problem, &mut oxygen, &mut work, true, &LIMITS);
    assert!(outcome.converged, "{outcome:?}");
    let [base, tip] = [[90.0, 110.0, 200.0], [90.0, 90.0, 40.0]];
    let start = [base, tip].map(|place| sample(&grid, &oxygen, place));
    let step = 0.1;
    let fall = transport::decay_after_arrest(&problem, &mut oxygen, &mut work, &lumen, step, 600, |field| {
        sample(&grid, field, tip)
    });
    assert!(
        fall.windows(2).all(|pair| pair[1] <= pair[0] + 1e-3),
        "tension only falls"
    );
    assert!(fall.iter().all(|p| *p >= 0.0));
    let at = fall.iter().position(|&p| p < start[1] / std::f64::consts::E);
    (start, at.map_or(f64::INFINITY, |k| (k + 1) as f64 * step))
}

#[test]
fn o5_tension_in_a_papilla_falls_within_5_to_12_seconds_of_arrest() {
    // Use of skin of people of 20 at 43 °C, 0.45 mL/100 g/min (doi 10.1080/00365518809168182); the tip then stands near
    // the measured 30.4 ± 5.2 mmHg.
    let (start, seconds) = papilla(7.5e-5, 58.0);
    eprintln!(
        "O5 base {:.1}, tip {:.1} mmHg; 1/e after {seconds:.1} s",
        start[0], start[1]
    );
    eprintln!(
        "O5 with the mean use of all ages, 5.4e-5 /s: {:?}",
        papilla(5.4e-5, 50.0)
    );
    eprintln!(
        "O5 with the registry's use of papillary tissue, 2.7e-5 /s: {:?}",
        papilla(2.7e-5, 40.0)
    );
    assert!((25.2..=35.6).contains(&start[1]), "tip {start:?}");
    assert!((5.0..=12.0).contains(&seconds), "{seconds} s");
}

// ---- the command ------------------------------------------------------------------------------------------------------

fn command(case: &Path, out: &Path, more: &[&str]) -> Output {
    let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/oxygen/networks/capA");
    let started = Command::new(env!("CARGO_BIN_EXE_calcisim"))
        .args(["oxygen", "--json", "--network"])
        .arg(network)
        .arg("--case")
        .arg(case)
        .arg("--out")
        .arg(out)
        .args(more)
        .output();
    started.unwrap_or_else(|fault| panic!("calcisim starts: {fault}"))
}

#[test]
fn the_command_writes_the_same_points_and_refuses_what_it_should() -> Result<(), Box<dyn std::error::Error>> {
    let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/oxygen/cases/po2_capA_occ_m6");
    let place = tempfile::tempdir()?;
    let out = place.path().join("out");
    assert_eq!(command(&good, &out, &["--voxel-um", "20"]).status.code(), Some(0));
    for table in ["tissue_po2.csv", "vessel_po2.csv"] {
        let [ours, theirs] = [out.join(table), good.join(table)].map(std::fs::read_to_string);
        let (ours, theirs) = (ours?, theirs?);
        assert_eq!(ours.lines().count(), theirs.lines().count(), "{table}");
        for (a, b) in ours.lines().zip(theirs.lines()).skip(1) {
            for (x, y) in a.split(',').zip(b.split(',')).take(3) {
                assert!(
                    (x.parse::<f64>()? - y.parse::<f64>()?).abs() < 0.01,
                    "{table}: {a} | {b}"
                );
            }
        }
    }
    assert!(out.join("report.json").is_file());
    // There already; a box of 1e15 voxels; no such case.
    assert_eq!(command(&good, &out, &[]).status.code(), Some(4));
    assert_eq!(
        command(&good, &out, &["--force", "--voxel-um", "0.0025"]).status.code(),
        Some(3)
    );
    assert_eq!(command(&good, &out, &["--voxel-um", "0"]).status.code(), Some(2));
    assert_eq!(
        command(&place.path().join("none"), &place.path().join("x"), &[])
            .status
            .code(),
        Some(4)
    );
    // Faults of several files at once, by line.
    let bad = place.path().join("bad");
    std::fs::create_dir(&bad)?;
    std::fs::write(
        bad.join("flow.csv"),
        "segment,q_nl_min,hd\n1,x,0.4\n9999,1,0.4\n2,1,1.4\n",
    )?;
    std::fs::write(bad.join("inflow_po2.csv"), "node,po2_mmHg\n1,-3\n1,nan\n")?;
    std::fs::write(
        bad.join("meta.json"),
        "{\n \"parameters\": {\n  \"hill_n\": \"three\"\n }\n}\n",
    )?;
    let answer = command(&bad, &place.path().join("y"), &[]);
    assert_eq!(answer.status.code(), Some(3));
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    let object: serde_json::Value = serde_json::from_str(&text)?;
    let lines: Vec<u64> = (object["errors"].as_array().into_iter().flatten())
        .filter_map(|fault| fault["line"].as_u64())
        .collect();
    assert_eq!(lines, [2, 3, 4, 2, 3, 3, 3], "{text}");
    Ok(())
}
