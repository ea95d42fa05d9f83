//! Figures of made-up run folders. The pictures stay in the target folder, to be looked at.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use calcisim::figures;
use calcisim::grid::{Grid, Plane};
use calcisim::math;
use calcisim::state::snapshot::{CellKind, CellView, SegmentView};
use calcisim::state::{Class, Kind, Snapshot, Species, Vitality};
use half::f16;

/// A repeatable number in 0..1.
fn chance(key: u64) -> f64 {
    let mut h = key.wrapping_add(11).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    h ^= h >> 30;
    h = h.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h ^= h >> 27;
    h = h.wrapping_mul(0x94d0_49bb_1331_11eb);
    (h >> 11) as f64 / (1u64 << 53) as f64
}

/// A made-up network, one straight segment after another.
#[derive(Default)]
struct Network(Vec<SegmentView>);

impl Network {
    fn add(&mut self, a: [f64; 2], b: [f64; 2], class: Class, radius_um: f64) {
        let end = |p: [f64; 2]| [p[0] as f32, 75.0, p[1] as f32];
        self.0.push(SegmentView {
            id: self.0.len() as u64 + 1,
            ends_um: [end(a), end(b)],
            class,
            radius_um: radius_um as f32,
            mineral: 0.0,
            neointima: 0.0,
            thrombus: 0.0,
            integrity: 1.0,
            flow_nl_per_min: 1.0,
            relative_flow: (0.8 + 0.5 * chance(self.0.len() as u64)) as f32,
            po2_mmhg: 60.0,
            haematocrit: 0.4,
            feeder: 0,
            feeder_share: 1.0,
        });
    }

    /// A winding vessel of several segments; returns the points on its way.
    fn wind(&mut self, a: [f64; 2], b: [f64; 2], class: Class, radius_um: f64) -> Vec<[f64; 2]> {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let length = (dx * dx + dy * dy).sqrt();
        let n = (length / 180.0).ceil() as usize + 1;
        let points: Vec<[f64; 2]> = (0..=n)
            .map(|i| {
                let t = i as f64 / n as f64;
                let inner = i > 0 && i < n;
                let dice = chance(self.0.len() as u64 + 31 * i as u64) - 0.5;
                let sway = if inner { 60.0 * dice / (length + 1.0) } else { 0.0 };
                [a[0] + t * dx - sway * dy, a[1] + t * dy + sway * dx]
            })
            .collect();
        for pair in points.windows(2) {
            self.add(pair[0], pair[1], class, radius_um);
        }
        points
    }
}

const SEPTA_UM: [f64; 3] = [640.0, 1980.0, 3300.0];

fn skin_network() -> Network {
    use Class::{Arteriole, Capillary, Venule};
    let mut net = Network::default();
    for (i, &x) in SEPTA_UM.iter().enumerate() {
        let trunk = net.wind([x - 25.0, 8000.0], [x - 25.0, 1500.0], Arteriole, 26.0);
        let vein = net.wind([x + 45.0, 8000.0], [x + 45.0, 1560.0], Venule, 34.0);
        for (k, &p) in trunk.iter().enumerate() {
            for side in [-1.0, 1.0] {
                let y = p[1] - 60.0 + 30.0 * chance(k as u64 + 77);
                let reach = 260.0 + 250.0 * chance(k as u64 * 3 + i as u64);
                let to = [p[0] + side * reach, y];
                net.wind(p, to, Arteriole, 9.0);
                let back = vein[k.min(vein.len() - 1)];
                let collect = [back[0] + side * 120.0, y + 120.0];
                for j in 0..3 {
                    let j = f64::from(j);
                    let out = [to[0] + side * 60.0 * j, to[1] - 90.0 + 80.0 * j];
                    net.wind(to, out, Capillary, 3.2);
                    net.wind(out, collect, Capillary, 3.2);
                }
                net.wind(collect, back, Venule, 12.0);
            }
        }
        net.wind([x - 25.0, 1500.0], [x + 30.0, 420.0], Arteriole, 14.0);
        net.wind([x + 45.0, 1560.0], [x + 110.0, 470.0], Venule, 18.0);
    }
    for k in 0..8 {
        let x = 500.0 * f64::from(k);
        net.wind([x, 1490.0], [x + 500.0, 1490.0], Arteriole, 15.0);
        net.wind([x, 1570.0], [x + 500.0, 1570.0], Venule, 20.0);
        net.wind([x, 400.0], [x + 500.0, 400.0], Arteriole, 8.0);
        net.wind([x, 450.0], [x + 500.0, 450.0], Venule, 12.0);
    }
    for k in 0..26 {
        let x = 150.0 * f64::from(k) + 60.0;
        net.add([x, 400.0], [x + 5.0, 150.0], Capillary, 3.0);
        net.add([x + 5.0, 150.0], [x + 45.0, 150.0], Capillary, 3.2);
        net.add([x + 45.0, 150.0], [x + 50.0, 450.0], Capillary, 3.6);
    }
    for k in 0..60 {
        let a = [60.0 + 3800.0 * chance(k), 500.0 + 800.0 * chance(k + 400)];
        let b = [a[0] + 300.0 * (chance(k + 90) - 0.5), a[1] + 160.0];
        net.wind(a, b, Capillary, 3.0);
    }
    // Around the side that wraps.
    net.add([3960.0, 900.0], [40.0, 940.0], Venule, 9.0);
    net
}

/// Fat cells of a jittered honeycomb.
fn adipocytes(kind: &[Kind], place: impl Fn(usize) -> [f64; 2]) -> Vec<u32> {
    let (wide, high) = (78.0, 77.0);
    let seed = |row: i64, column: i64| {
        let key = (row * 64 + column) as u64;
        let shift = if row % 2 == 0 { 0.0 } else { 0.5 };
        [
            wide * (column as f64 + shift + 0.45 * (chance(key) - 0.5)),
            high * (row as f64 + 0.45 * (chance(key + 9999) - 0.5)),
        ]
    };
    (0..kind.len())
        .map(|v| {
            if kind[v] != Kind::Fat {
                return u32::MAX;
            }
            let [x, z] = place(v);
            let (row, column) = ((z / high) as i64, (x / wide) as i64);
            let mut best = (f64::INFINITY, u32::MAX);
            for r in (row - 1).max(0)..row + 3 {
                for c in (column - 1).max(0)..column + 3 {
                    let [sx, sz] = seed(r, c);
                    let distance = math::square(sx - x) + math::square(sz - z);
                    if distance < best.0 {
                        best = (distance, (r * 64 + c) as u32);
                    }
                }
            }
            best.1
        })
        .collect()
}

/// A section of skin and fat with a dead area around a point, as wide as `radius_um` (0 = healthy).
fn skin(day: f64, radius_um: f64) -> Snapshot {
    let (nx, nz, h) = (200usize, 400usize, 20.0);
    let focus = [2150.0, 1900.0];
    let n = nx * nz;
    let ill = radius_um > 0.0;
    let place = |v: usize| [(v % nx) as f64 * h + 10.0, (v / nx) as f64 * h + 10.0];
    let kind: Vec<Kind> = (0..n)
        .map(|v| {
            let [x, z] = place(v);
            let wave = 60.0 * math::sin(x / 310.0) + 30.0 * math::cos(x / 97.0);
            let septum = SEPTA_UM
                .iter()
                .any(|s| (x - s - 40.0 * math::sin(z / 500.0)).abs() < 90.0);
            let cross = (z - 4700.0 - 0.12 * x).abs() < 55.0;
            match z {
                z if z < 100.0 => Kind::Epidermis,
                z if z < 380.0 + 0.2 * wave => Kind::Papillary,
                z if z < 1620.0 + wave => Kind::Reticular,
                _ if septum || cross => Kind::Septum,
                _ => Kind::Fat,
            }
        })
        .collect();
    // Distance to the focus in radii of the dead area.
    let reach_at = |x: f64, z: f64| {
        let (dx, dz) = ((x - focus[0]) / 1.15, (z - focus[1]) / 1.7);
        let lobes = 1.0 + 0.18 * math::sin(x / 260.0) * math::cos(z / 330.0);
        if ill {
            (dx * dx + dz * dz).sqrt() * lobes / radius_um
        } else {
            9.0
        }
    };
    let reach = |v: usize| reach_at(place(v)[0], place(v)[1]);
    let dead = |v: usize| reach(v) < 1.0;
    let mut net = skin_network();
    for s in &mut net.0 {
        let [a, b] = s.ends_um.map(|p| p.map(f64::from));
        let r = reach_at((a[0] + b[0]) / 2.0, (a[2] + b[2]) / 2.0);
        if s.class == Class::Arteriole && ill {
            let wall = chance(s.id * 13);
            s.mineral = if wall > 0.45 { wall * wall } else { 0.0 } as f32;
            s.neointima = (0.7 * chance(s.id * 29) * chance(s.id * 31)) as f32;
        }
        if r < 1.0 {
            s.relative_flow = 0.02;
            s.thrombus = if chance(s.id) < 0.55 { 1.0 } else { 0.1 };
        } else if r < 1.4 {
            s.relative_flow *= 0.4;
        }
    }
    let field = |species: Species, v: usize| -> f64 {
        let r = reach(v);
        let rim = math::exp(-math::square(r - 1.0) / 0.06);
        let core = 1.0 / (1.0 + math::exp((r - 1.0) * 8.0));
        let [x, z] = place(v);
        let ripple = math::sin(x / 170.0) * math::cos(z / 150.0);
        match species {
            Species::Oxygen => (52.0 + 12.0 * ripple) * (1.0 - 0.93 * core - 0.2 * rim) + 30.0 * math::exp(-z / 90.0),
            Species::Phosphate => 1.9 + 0.15 * ripple,
            Species::Inhibitor => 0.55 - 0.2 * core + 0.05 * ripple,
            Species::Mineral => 0.02 * rim * chance(v as u64),
            Species::Damage => 0.95 * core,
            Species::Cytokine => 0.7 * rim + 0.1 * core,
            Species::Repair => 0.05,
            Species::Vegf => 2.0 * rim,
            Species::Bacteria => 0.0,
        }
    };
    let cells = (0..if ill { 700u64 } else { 0 })
        .map(|i| {
            let angle = std::f64::consts::TAU * chance(i + 5);
            let r = radius_um * (0.9 + 0.35 * chance(i + 1234));
            let x = focus[0] + 1.15 * r * math::cos(angle);
            let z = focus[1] + 1.7 * r * math::sin(angle);
            CellView {
                kind: match i % 20 {
                    0 => CellKind::Msc,
                    1..=5 => CellKind::Macrophage,
                    _ => CellKind::Neutrophil,
                },
                place_um: [x as f32, 75.0, z.abs() as f32],
                state: 0,
            }
        })
        .collect();
    Snapshot {
        day,
        step: (day * 24.0) as u64,
        grid: Grid {
            plane: Plane::Section,
            nx,
            ny: 1,
            nz,
            voxel_um: h,
            slab_um: 150.0,
            periodic: true,
        },
        fields: Species::ALL
            .iter()
            .map(|&s| (0..n).map(|v| f16::from_f64(field(s, v))).collect())
            .collect(),
        vitality: (0..n)
            .map(|v| if dead(v) { Vitality::Necrotic } else { Vitality::Alive })
            .collect(),
        challenged: (0..n)
            .map(|v| {
                let [x, z] = place(v);
                math::square(x - 2000.0) + math::square(z - 2600.0) < 250_000.0
            })
            .collect(),
        covered: (0..nx)
            .map(|x| {
                let open = (x as f64 * h - focus[0]).abs() < 0.6 * radius_um;
                u8::from(!(radius_um > 900.0 && open))
            })
            .collect(),
        adipocyte: adipocytes(&kind, place),
        kind,
        segments: net.0,
        inlets: Vec::new(),
        cells,
    }
}

/// A membrane seen from above.
fn mesentery() -> Snapshot {
    let (nx, ny, h) = (120usize, 90usize, 15.0);
    let n = nx * ny;
    let mut net = Network::default();
    for k in 0..6 {
        let y = 120.0 + 220.0 * f64::from(k);
        let class = if k % 2 == 0 { Class::Arteriole } else { Class::Venule };
        for p in net.wind([0.0, y], [1790.0, y + 90.0], class, 12.0) {
            net.wind(p, [p[0] + 90.0, p[1] + 200.0], Class::Capillary, 4.0);
        }
    }
    for end in net.0.iter_mut().flat_map(|s| &mut s.ends_um) {
        *end = [end[0], end[2], 10.0];
    }
    let value = |v: usize| f16::from_f64(20.0 + (v % nx) as f64 / 4.0);
    Snapshot {
        day: 3.5,
        step: 84,
        grid: Grid {
            plane: Plane::Plan,
            nx,
            ny,
            nz: 1,
            voxel_um: h,
            slab_um: 30.0,
            periodic: false,
        },
        fields: vec![(0..n).map(value).collect(); Species::ALL.len()],
        kind: vec![Kind::Membrane; n],
        vitality: vec![Vitality::Alive; n],
        challenged: vec![false; n],
        adipocyte: vec![u32::MAX; n],
        covered: Vec::new(),
        segments: net.0,
        inlets: Vec::new(),
        cells: Vec::new(),
    }
}

fn write_snapshot(path: &Path, snapshot: &Snapshot) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let bytes = postcard::to_stdvec(snapshot).unwrap();
    fs::write(path, zstd::encode_all(bytes.as_slice(), 1).unwrap()).unwrap();
}

/// A series with necrosis that sets in on a day and rises to a share.
fn series(onset_d: f64, share: f64, seed: u64) -> String {
    let mut text = String::from(
        "t_d,perfused_fraction,mean_po2_mmhg,hypoxic_fraction,tcpo2_low_fraction,mineral_ug,\
         calcified_segment_fraction,thrombosed_segment_fraction,endothelial_integrity,\
         necrotic_fraction,necrotic_now_fraction,ulcer_fraction,\
         inflammation,bacterial_load,neutrophils,macrophages,msc\n",
    );
    let jitter = chance(seed) - 0.5;
    let share = share * (1.0 + 0.5 * jitter);
    for day in 0..=90 {
        let t = f64::from(day);
        let rise = 1.0 / (1.0 + math::exp(-(t - onset_d - 6.0 * jitter) / 1.4));
        let late = math::positive(t - onset_d);
        let dead = rise * share;
        writeln!(
            text,
            "{day},{:.4},{:.2},{:.4},,{:.3},{:.4},{:.4},{:.4},{:.5},{:.5},{:.4},0.1,0,{:.0},{:.0},{}",
            1.0 - 1.3 * dead,
            48.0 - 60.0 * dead,
            0.3 * dead,
            12.0 + 0.9 * t + 20.0 * dead,
            0.25 + 0.002 * t,
            0.6 * dead,
            0.97 - 0.5 * dead,
            dead,
            dead * (1.0 - 0.004 * late),
            1.4 * math::positive(dead - 0.05),
            900.0 * rise * math::exp(-late / 15.0),
            400.0 * rise,
            if day > 35 { "180" } else { "" },
        )
        .unwrap();
    }
    text
}

fn make_run(dir: &Path, status: &str) {
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).unwrap();
    let days = if status == "running" { 120 } else { 90 };
    fs::write(
        dir.join("run.json"),
        format!("{{\"status\":\"{status}\",\"seed\":1,\"days\":{days}}}"),
    )
    .unwrap();
    fs::write(
        dir.join("summary.json"),
        "{\"scenario\":\"cua_warfarin\",\"seed\":1,\"days\":90,\"t10_d\":26.5,\"t90_d\":33.2}",
    )
    .unwrap();
    fs::write(dir.join("series.csv"), series(30.0, 0.24, 4)).unwrap();
    let mut events = String::from("id,t_d,kind,entity,x_um,y_um,z_um,cause,values\n");
    events.push_str("1,21,challenge,challenge:trauma,2000,0,2600,,strength=1\n");
    events.push_str("2,24.5,closure,segment:118,2000,0,2600,1,\n");
    for k in 0..12 {
        writeln!(events, "{},{},dose,therapy:sts,0,0,0,,dose_g=25", k + 3, 40 + 2 * k).unwrap();
    }
    events.push_str("20,35,dose,therapy:msc,0,0,0,,\n");
    fs::write(dir.join("events.csv"), events).unwrap();
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures").join(name)
}

fn names(paths: &[PathBuf]) -> Vec<&str> {
    paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect()
}

#[test]
fn a_run_folder_gives_six_figures_and_the_same_bytes_again() {
    let dir = place("run");
    make_run(&dir, "complete");
    write_snapshot(&dir.join("snapshots/day-0007.00.snap"), &skin(7.0, 0.0));
    write_snapshot(&dir.join("snapshots/day-0090.00.snap"), &skin(90.0, 1050.0));
    let start = std::time::Instant::now();
    let paths = figures::of_run(&dir).unwrap();
    eprintln!("figures of a run: {:.2} s", start.elapsed().as_secs_f64());
    assert_eq!(
        names(&paths),
        [
            "time_series.png",
            "time_series.svg",
            "timeline.png",
            "timeline.svg",
            "section_map.png",
            "fields.png",
            "network.png",
            "surface.png"
        ]
    );
    let first: Vec<Vec<u8>> = paths.iter().map(|p| fs::read(p).unwrap()).collect();
    let again = figures::of_run(&dir).unwrap();
    for (path, bytes) in again.iter().zip(first) {
        assert!(fs::read(path).unwrap() == bytes, "{} changed", path.display());
    }
    let files = fs::read_dir(dir.join("figures")).unwrap().count();
    assert_eq!(files, 8, "no partial files stay");
}

#[test]
fn a_run_that_still_goes_is_drawn_and_says_so() {
    let dir = place("running");
    make_run(&dir, "running");
    let half = fs::read_to_string(dir.join("series.csv")).unwrap();
    fs::write(dir.join("series.csv"), &half[..half.len() * 2 / 3]).unwrap();
    write_snapshot(&dir.join("snapshots/day-0028.00.snap"), &skin(28.0, 500.0));
    let paths = figures::of_run(&dir).unwrap();
    assert_eq!(paths.len(), 8);
    let svg = fs::read_to_string(&paths[1]).unwrap();
    assert!(svg.contains("run in progress"));
}

#[test]
fn a_run_without_a_snapshot_still_has_its_time_series() {
    let dir = place("no_snapshot");
    make_run(&dir, "complete");
    assert_eq!(figures::of_run(&dir).unwrap().len(), 4);
}

#[test]
fn a_plan_is_drawn_without_epidermis() {
    let dir = place("plan");
    make_run(&dir, "complete");
    write_snapshot(&dir.join("snapshots/day-0003.50.snap"), &mesentery());
    let paths = figures::of_run(&dir).unwrap();
    assert!(!names(&paths).contains(&"surface.png"), "a sheet has no skin");
    assert_eq!(paths.len(), 7);
}

#[test]
fn a_block_is_drawn_as_its_middle_slice() {
    let mut block = skin(5.0, 700.0);
    block.grid.plane = Plane::Block;
    (block.grid.nx, block.grid.ny, block.grid.nz) = (40, 50, 40);
    block.covered = vec![1; 40 * 50];
    let dir = place("block");
    make_run(&dir, "complete");
    write_snapshot(&dir.join("snapshots/day-0005.00.snap"), &block);
    assert_eq!(figures::of_run(&dir).unwrap().len(), 8);
}

#[test]
fn every_figure_can_be_an_svg_with_its_maps_inside() {
    let dir = place("svg");
    make_run(&dir, "complete");
    write_snapshot(&dir.join("snapshots/day-0090.00.snap"), &skin(90.0, 1050.0));
    let only = Some(figures::Formats {
        png: false,
        svg: true,
        is_small: false,
    });
    let paths = figures::of_run_as(&dir, only).unwrap();
    assert_eq!(paths.len(), 6);
    for path in &paths {
        let svg = fs::read_to_string(path).unwrap();
        let maps = svg.matches("<image ").count();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_map = !["time_series", "timeline"].contains(&name);
        assert_eq!(maps > 0, is_map, "{name} has {maps} pictures");
        assert_eq!(svg.matches("<svg").count(), 1, "{name}");
        assert!(svg.trim_end().ends_with("</svg>") && svg.contains("<title>"), "{name}");
        assert!(
            !svg.contains("http") || svg.matches("http").count() == 1,
            "{name} names the namespace alone"
        );
    }
}

#[test]
fn a_comparison_gives_bands_and_arms_side_by_side() {
    let dir = place("compare");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("series")).unwrap();
    let mut runs = String::from("arm,replicate,seed,status,error,state_hash\n");
    for (arm, onset, share, radius) in [
        ("cua_warfarin", 30.0, 0.26, 1050.0),
        ("sts", 34.0, 0.19, 800.0),
        ("msc_early", 41.0, 0.09, 450.0),
    ] {
        for seed in 1..=8u64 {
            writeln!(runs, "{arm},{},{seed},complete,,0", seed - 1).unwrap();
            let path = dir.join(format!("series/{arm}-s{seed}.csv"));
            fs::write(path, series(onset, share, seed)).unwrap();
        }
        write_snapshot(&dir.join(format!("snapshots/{arm}-s1.snap")), &skin(90.0, radius));
    }
    runs.push_str("sts,8,9,failed,\"numerical, at day 3\",\n");
    fs::write(dir.join("runs.csv"), runs).unwrap();
    let paths = figures::of_folder(&dir).unwrap();
    assert_eq!(names(&paths), ["time_series.png", "time_series.svg", "arms.png"]);
}

#[test]
fn a_folder_that_is_not_a_run_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(figures::of_run(dir.path()).unwrap_err().exit_code(), 3);
    assert_eq!(figures::of_compare(dir.path()).unwrap_err().exit_code(), 3);
    let nowhere = dir.path().join("nowhere");
    assert_eq!(figures::of_run(&nowhere).unwrap_err().exit_code(), 4);
}

#[test]
fn a_broken_snapshot_or_series_names_its_file() {
    let dir = place("broken");
    make_run(&dir, "complete");
    let path = dir.join("snapshots/day-0090.00.snap");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, b"not zstd").unwrap();
    let error = figures::of_run(&dir).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert!(error.to_string().contains("day-0090.00.snap"));
    let mut odd = skin(1.0, 0.0);
    odd.kind.pop();
    write_snapshot(&path, &odd);
    assert_eq!(figures::of_run(&dir).unwrap_err().exit_code(), 4);
    fs::write(dir.join("series.csv"), "t_d,mineral_ug\n0,1\n1,abc\n").unwrap();
    let error = figures::of_run(&dir).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("series.csv:3"), "{error}");
}
