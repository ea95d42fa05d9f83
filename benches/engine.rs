//! What the engine costs: `cargo bench --bench engine [-- [--quick] [NAME…]]` prints one JSON object a line.
//!
//! Every throughput stands beside its share of what memory allows: a multigrid cycle must move at least 38 bytes per
//! voxel, and the bandwidth is measured in the same run. The residual is worked out again in f64.
#![allow(clippy::disallowed_methods)] // A benchmark is no part of the engine.

#[path = "engine/allocated.rs"]
mod allocated;
mod scaling;

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Instant;

use calcisim::error::Result;
use calcisim::grid::{Grid, Plane};
use calcisim::model::Model;
use calcisim::par;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::solve::multigrid::{Multigrid, Outcome};
use calcisim::state::fields::{Emission, OxygenMemory};
use calcisim::state::{Species, cells};

/// Least bytes that a cycle moves per voxel.
const BYTES_PER_CYCLE: f64 = 38.0;
/// Cycles by which a roofline fraction counts, whatever number was used.
const CYCLES: f64 = 4.0;
const TOLERANCE: f64 = 1e-4;

/// Time of the work of so many threads: of this thread on a processor where there is one and the machine tells it, so
/// that neighbours on the machine count less; else of the clock.
struct Timer {
    start: Instant,
    on_processor: Option<f64>,
}

/// Seconds that this thread has been on a processor.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse::<f64>().ok().map(|ns| ns / 1e9)
}

impl Timer {
    fn new(threads: usize) -> Self {
        Self {
            on_processor: if threads == 1 { on_processor() } else { None },
            start: Instant::now(),
        }
    }

    fn seconds(&self) -> f64 {
        match (self.on_processor, on_processor()) {
            (Some(start), Some(end)) => end - start,
            _ => self.start.elapsed().as_secs_f64(),
        }
    }
}

/// Seconds of the clock since it was asked first.
fn of_clock() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Seconds that this thread has been on a processor, or of the clock where the machine does not tell.
fn of_processor() -> f64 {
    on_processor().unwrap_or_else(of_clock)
}

/// Median seconds of a few repeats. The time of a thread is told in ticks of some milliseconds, so a repeat does it
/// `times` times.
fn median(repeats: usize, times: usize, threads: usize, mut act: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..repeats)
        .map(|_| {
            let timer = Timer::new(threads);
            (0..times).for_each(|_| act());
            timer.seconds() / times as f64
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[repeats / 2]
}

/// Bandwidth of reading and writing in place [GB/s], and of a copy whose write-allocate is not counted.
fn bandwidth(threads: usize) -> f64 {
    const LENGTH: usize = 1 << 25;
    let mut parts: Vec<(Vec<f32>, Vec<f32>)> = (0..threads)
        .map(|_| (vec![1.0; LENGTH / threads], vec![2.0; LENGTH / threads]))
        .collect();
    let bytes = (8 * LENGTH) as f64;
    let gb_per_s = par::with_threads(threads, || {
        let in_place = median(5, 6, threads, || {
            par::jobs(&mut parts, |(a, _)| a.iter_mut().for_each(|x| *x = 1.0001 * *x + 0.1));
        });
        let copy = median(5, 6, threads, || {
            par::jobs(&mut parts, |(a, b)| {
                a.copy_from_slice(b);
                black_box(&a);
            });
        });
        [in_place, copy].map(|seconds| bytes / seconds / 1e9)
    });
    let best = f64::max(gb_per_s[0], gb_per_s[1]);
    println!(
        "{{\"bench\":\"bandwidth\",\"threads\":{threads},\"value\":{best:.2},\"unit\":\"GB/s\",\"in_place\":{:.2},\"copy\":{:.2}}}",
        gb_per_s[0], gb_per_s[1]
    );
    best
}

/// A number in 0..1 that depends on i alone.
fn scatter(i: usize) -> f64 {
    let mut x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 32) as f64 / 4_294_967_296.0
}

/// Scaled sinks and sources on voxels of 10 µm.
struct Problem {
    name: &'static str,
    grid: Grid,
    sink: Vec<f32>,
    source: Vec<f32>,
}

fn block(nx: usize, ny: usize, nz: usize) -> Grid {
    Grid {
        plane: if ny == 1 { Plane::Section } else { Plane::Block },
        nx,
        ny,
        nz,
        voxel_um: 10.0,
        slab_um: 10.0,
        periodic: false,
    }
}

impl Problem {
    /// D 1e5 µm²/min, uptake 10/min varying from cell to cell, little of it in a dead ball, capillaries every 160 µm.
    fn oxygen(grid: Grid) -> Self {
        let scale = 100.0 / 1e5;
        let mut problem = Self::bare("oxygen", grid);
        for i in 0..problem.sink.len() {
            let [x, y, z] = problem.grid.place(i);
            let [nx, _, nz] = [problem.grid.nx, problem.grid.ny, problem.grid.nz];
            let off = [x as f64 / nx as f64 - 0.5, z as f64 / nz as f64 - 0.5];
            let is_dead = off[0] * off[0] + off[1] * off[1] < 0.04;
            let uptake = 10.0 * (0.2 + 1.6 * scatter(i)) * if is_dead { 0.02 } else { 1.0 };
            let jitter = (scatter(x / 16 + 977 * (y / 16)) * 16.0) as usize;
            let is_vessel = (x % 16 == jitter && (y % 16 == 8 || problem.grid.ny == 1 && z % 16 == 8))
                || (x % 16 == 3 && z % 16 == 5);
            let exchange = if is_vessel { 1000.0 } else { 0.0 };
            problem.sink[i] = ((uptake + exchange) * scale) as f32;
            problem.source[i] = (exchange * 95.0 * scale) as f32;
        }
        problem
    }

    /// D 1e3 µm²/min, decay 0.05/min, 2 % of the voxels secrete.
    fn cytokine(grid: Grid) -> Self {
        let scale = 100.0 / 1e3;
        let mut problem = Self::bare("cytokine", grid);
        for i in 0..problem.sink.len() {
            problem.sink[i] = (0.05 * scale) as f32;
            problem.source[i] = if scatter(i) < 0.02 { scale as f32 } else { 0.0 };
        }
        problem
    }

    /// D 1e5 µm²/min, decay 0.001/min.
    fn near_singular(grid: Grid) -> Self {
        let scale = 100.0 / 1e5;
        let mut problem = Self::bare("near_singular", grid);
        for i in 0..problem.sink.len() {
            problem.sink[i] = (0.001 * scale) as f32;
            problem.source[i] = if scatter(i) < 0.02 { scale as f32 } else { 0.0 };
        }
        problem
    }

    fn bare(name: &'static str, grid: Grid) -> Self {
        let n = grid.len();
        Self {
            name,
            grid,
            sink: vec![0.0; n],
            source: vec![0.0; n],
        }
    }

    /// An hour later: supply and uptake drifted by 1 %, 1 % of the voxels take up nothing.
    fn later(&self) -> Vec<f32> {
        let drift = |i: usize| (0.99 + 0.02 * scatter(i + 7)) as f32;
        let lives = |i: usize| f32::from(u8::from(scatter(i + 77) > 0.01));
        (0..self.sink.len())
            .map(|i| self.sink[i] * drift(i) * lives(i))
            .collect()
    }

    /// ‖S − Au‖/‖S‖ in f64.
    fn residual(&self, sink: &[f32], source: &[f32], u: &[f32]) -> f64 {
        let [nx, ny, nz] = [self.grid.nx, self.grid.ny, self.grid.nz];
        let (mut left, mut all) = (0.0, 0.0);
        for i in 0..u.len() {
            let [x, y, z] = self.grid.place(i);
            let here = f64::from(u[i]);
            let mut r = f64::from(source[i]) - f64::from(sink[i]) * here;
            let mut meets = |is_there: bool, j: usize| {
                if is_there {
                    r += f64::from(u[j]) - here;
                }
            };
            meets(x > 0, i.wrapping_sub(1));
            meets(x + 1 < nx, i + 1);
            meets(y > 0, i.wrapping_sub(nx));
            meets(y + 1 < ny, i + nx);
            meets(z > 0, i.wrapping_sub(nx * ny));
            meets(z + 1 < nz, i + nx * ny);
            left += r * r;
            all += f64::from(source[i]) * f64::from(source[i]);
        }
        (left / all).sqrt()
    }
}

/// One field for each thread, solved at once.
fn elliptic(bench: &str, problem: &Problem, threads: usize, gb_per_s: f64) {
    let n = problem.grid.len();
    let later = problem.later();
    // κ + h²/(D Δt) with a Δt of one relaxation of a voxel: g + u/Δt.
    let step = 1.0f32;
    let mut cold = vec![0.0f32; n];
    Multigrid::new(&problem.grid).solve(&problem.sink, &problem.source, &mut cold, false, TOLERANCE, 12);
    let timed_sink: Vec<f32> = problem.sink.iter().map(|k| k + step).collect();
    let timed_source: Vec<f32> = problem
        .source
        .iter()
        .zip(&cold)
        .map(|(g, u)| g + 0.9 * step * u)
        .collect();
    let (sink, source, warm) = match bench {
        "elliptic_cold" => (&problem.sink, &problem.source, false),
        "elliptic_warm" => (&later, &problem.source, true),
        _ => (&timed_sink, &timed_source, true),
    };
    let none = Outcome {
        cycles: 0,
        half_sweeps: 0,
        residual: 0.0,
        converged: false,
    };
    let mut jobs: Vec<(Multigrid, Vec<f32>, Outcome)> = (0..threads)
        .map(|_| (Multigrid::new(&problem.grid), cold.clone(), none))
        .collect();
    let times = 1 + 6_000_000 / n;
    let seconds = par::with_threads(threads, || {
        median(5, times, threads, || {
            // The copy of the start is counted too: a hundredth.
            par::jobs(&mut jobs, |(solver, u, outcome)| {
                u.copy_from_slice(&cold);
                *outcome = solver.solve(sink, source, u, warm, TOLERANCE, 12);
            });
        })
    });
    let rate = (n * threads) as f64 / seconds;
    let Grid { nx, ny, nz, .. } = problem.grid;
    println!(
        "{{\"bench\":\"{bench}\",\"threads\":{threads},\"value\":{rate:.4e},\"unit\":\"voxel·fields/s\",\"problem\":\"{}\",\
         \"size\":\"{nx}x{ny}x{nz}\",\"voxels\":{n},\"residual\":{:.2e},\"cycles\":{},\"half_sweeps\":{},\"roofline_fraction\":{:.3},\
         \"solver_bytes_per_voxel\":{:.1}}}",
        problem.name,
        problem.residual(sink, source, &jobs[0].1),
        jobs[0].2.cycles,
        jobs[0].2.half_sweeps,
        rate * CYCLES * BYTES_PER_CYCLE / (gb_per_s * 1e9),
        jobs[0].0.bytes() as f64 / n as f64,
    );
}

fn model(scenario: &str, sets: &[&str]) -> Result<Model> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let (scenario, _) = Scenario::load(&Shipped, scenario, &sets)?;
    Model::new(scenario.parameters(&Shipped)?, 1)
}

/// What a run holds per voxel for its fields and their solvers, each owner by what is freed with it: between steps
/// (`value`, without bacteria and reperfusion, which are no part of the eight fields), and the most within a step.
fn memory() -> Result<()> {
    // Sick tissue: it has every source.
    for (scenario, days) in [("cua_warfarin", 40), ("block_3d", 1)] {
        par::with_threads(1, || {
            let mut model = model(scenario, &[])?;
            (0..days * HOURS).try_for_each(|_| model.step())?;
            let start = allocated::now();
            allocated::most();
            (0..HOURS).try_for_each(|_| model.step())?;
            let more = allocated::most().saturating_sub(start);
            let n = model.tissue.grid.len() as f64;
            let (species, others) = Species::ALL.split_at(8);
            let solvers = allocated::freed_by(|| model.rest());
            let fields = &mut model.tissue.fields;
            let eight = allocated::freed_by(|| species.iter().for_each(|&s| *fields.of_mut(s) = Vec::new()));
            let others = allocated::freed_by(|| {
                others.iter().for_each(|&s| *fields.of_mut(s) = Vec::new());
                fields.reperfusion = Vec::new();
            });
            let remembered = allocated::freed_by(|| {
                fields.memory = Vec::new();
                fields.oxygen_memory = OxygenMemory::default();
            });
            let sources = allocated::freed_by(|| fields.emission = Emission::default());
            let held = eight + remembered + sources + solvers;
            let [held, eight, others, remembered, sources, solvers, more] =
                [held, eight, others, remembered, sources, solvers, more].map(|bytes| bytes as f64 / n);
            println!(
                "{{\"bench\":\"memory\",\"threads\":1,\"value\":{held:.1},\"unit\":\"B/voxel\",\"scenario\":\"{scenario}\",\
                 \"voxels\":{n},\"day\":{},\"fields\":{eight:.1},\"remembered\":{remembered:.1},\"sources\":{sources:.1},\
                 \"solvers\":{solvers:.1},\"bacteria_reperfusion\":{others:.1},\"most_within_a_step\":{:.1}}}",
                days + 1,
                held + others + more
            );
            Ok(())
        })?;
    }
    Ok(())
}

/// One solve of the flow of blood, as the start of a model does it.
fn flow() -> Result<()> {
    let mut model = model("cua_warfarin", &["space.voxel_um=40"])?;
    let mut seconds = Vec::new();
    for _ in 0..8 {
        // A closed capillary asks for a new solve in the next step.
        let last = model.tissue.vessels.len() - 1 - seconds.len();
        model.tissue.vessels.thrombus[last] = 1.0;
        let before = model.tissue.ledger.flow_solves;
        let start = Instant::now();
        model.step()?;
        if model.tissue.ledger.flow_solves > before {
            seconds.push(start.elapsed().as_secs_f64());
        } else {
            break;
        }
    }
    seconds.sort_by(f64::total_cmp);
    if let Some(value) = seconds.get(seconds.len() / 2) {
        println!(
            "{{\"bench\":\"flow\",\"threads\":1,\"value\":{value:.4},\"unit\":\"s\",\"segments\":{},\"of\":\"a step with a solve\"}}",
            model.tissue.vessels.len()
        );
    }
    Ok(())
}

/// Steps of a number of days.
const HOURS: u64 = 24;

/// So many steps; seconds.
fn timed_steps(model: &mut Model, steps: u64, threads: usize) -> Result<f64> {
    let timer = Timer::new(threads);
    for _ in 0..steps {
        model.step()?;
    }
    Ok(timer.seconds())
}

/// Prints a scenario's time, and what it solved.
fn print_scenario(bench: &str, threads: usize, model: &Model, seconds: f64, days: &str) {
    let solves: u64 = model.tissue.fields.memory.iter().map(|memory| memory.solves).sum();
    println!(
        "{{\"bench\":\"{bench}\",\"threads\":{threads},\"value\":{seconds:.2},\"unit\":\"s\",\"days\":\"{days}\",\"voxels\":{},\
         \"segments\":{},\"state_hash\":\"{:016x}\",\"solves\":{},\"flow_solves\":{}}}",
        model.tissue.grid.len(),
        model.tissue.vessels.len(),
        model.state_hash(),
        solves + model.tissue.ledger.oxygen_solves,
        model.tissue.ledger.flow_solves,
    );
}

/// The default scenario in the plane, 90 days; `large` is 5 × 5 mm at 10 µm.
fn scenario_2d(large: bool, threads: usize) -> Result<()> {
    let size = ["space.width_mm=5", "space.depth_mm=5", "space.voxel_um=10"];
    par::with_threads(threads, || {
        let mut model = model("cua_warfarin", if large { &size } else { &[] })?;
        let seconds = timed_steps(&mut model, 90 * HOURS, threads)?;
        let name = if large { "scenario_2d_large" } else { "scenario_2d" };
        print_scenario(name, threads, &model, seconds, "0-90");
        Ok(())
    })
}

/// The block at 10 µm, 90 days; in quick mode at 20 µm, 90 days as long as days 20-25, after the challenge.
fn scenario_3d(threads: usize, is_quick: bool) -> Result<()> {
    let size = if is_quick {
        "space.voxel_um=20"
    } else {
        "space.voxel_um=10"
    };
    par::with_threads(threads, || {
        let mut model = model("block_3d", &[size])?;
        let (days, seconds) = if is_quick {
            timed_steps(&mut model, 20 * HOURS, threads)?;
            ("20-25", timed_steps(&mut model, 5 * HOURS, threads)? * 90.0 / 5.0)
        } else {
            ("0-90", timed_steps(&mut model, 90 * HOURS, threads)?)
        };
        print_scenario("scenario_3d", threads, &model, seconds, days);
        Ok(())
    })
}

/// Moving cells with all their rules: neutrophils, macrophages and stem cells, strewn through a section with signals, each
/// walking its sub-moves up the gradient; steps of one hour. The rest of the step is not counted.
fn agents(many: usize, threads: usize) -> Result<()> {
    par::with_threads(threads, || {
        // Room for all: neither crowding nor the ceiling of arrivals may turn them away.
        let sets = [
            "space.width_mm=20",
            "inflammation.crowding_per_mm3=1e7",
            "inflammation.most_per_mm3=1e6",
        ];
        let mut model = model("cua_warfarin", &sets)?;
        model.set_stopwatch(if threads == 1 { of_processor } else { of_clock });
        let grid = model.tissue.grid.clone();
        for i in 0..many {
            let place = grid.centre_um((scatter(i + 3) * grid.len() as f64) as usize);
            let id = 1 << 40 | i as u64;
            let cells = &mut model.tissue.cells;
            match i % 3 {
                0 => cells.neutrophils.push(id, place, cells::IN_TISSUE),
                1 => cells.macrophages.push(id, place, cells::M1),
                _ => cells.msc.push(id, place, cells::ACTIVE),
            }
        }
        for movers in [&mut model.tissue.cells.neutrophils, &mut model.tissue.cells.macrophages] {
            // Hours that each still has: longer than this takes.
            movers.clock_h.fill(48.0);
            movers.age_h.fill(12.0);
        }
        model.step()?;
        let cost = |model: &Model| {
            let rows = model.profile().iter();
            rows.filter(|row| ["inflammation", "msc_behaviour"].contains(&row.0))
                .fold(0.0, |sum, row| sum + row.1)
        };
        let before = cost(&model);
        let (mut moved, steps) = (0, 4);
        for _ in 0..steps {
            let cells = &model.tissue.cells;
            moved += cells.neutrophils.len() + cells.macrophages.len() + cells.msc.len();
            model.step()?;
        }
        let rate = moved as f64 / (cost(&model) - before);
        println!(
            "{{\"bench\":\"agents\",\"threads\":{threads},\"value\":{rate:.4e},\"unit\":\"agents·steps/s\",\"agents\":{},\"steps\":{steps}}}",
            moved / steps
        );
        Ok(())
    })
}

/// Whether a benchmark is asked for: all are, unless some are named behind `--`.
fn is_asked_for(bench: &str) -> bool {
    let mut names = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .peekable();
    names.peek().is_none() || names.any(|name| name == bench)
}

fn main() -> Result<()> {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let on_grids = ["elliptic_cold", "elliptic_warm", "transient"];
    let problems = if on_grids.iter().any(|bench| is_asked_for(bench)) {
        problems(is_quick)
    } else {
        Vec::new()
    };
    for threads in [1, 2] {
        let gb_per_s = bandwidth(threads);
        for problem in &problems {
            for bench in on_grids.into_iter().filter(|bench| is_asked_for(bench)) {
                elliptic(bench, problem, threads, gb_per_s);
            }
        }
    }
    if is_asked_for("memory") {
        memory()?;
    }
    if is_asked_for("flow") {
        flow()?;
    }
    for threads in [1, 2] {
        if is_asked_for("agents") {
            let sizes: &[usize] = if is_quick {
                &[30_000]
            } else {
                &[10_000, 100_000, 1_000_000]
            };
            sizes.iter().try_for_each(|&many| agents(many, threads))?;
        }
        if is_asked_for("scenario_3d") {
            scenario_3d(threads, is_quick)?;
        }
        for large in [false, true] {
            let name = if large { "scenario_2d_large" } else { "scenario_2d" };
            if !is_quick && is_asked_for(name) {
                scenario_2d(large, threads)?;
            }
        }
    }
    if is_asked_for("scaling") {
        scaling::of_fields(is_quick);
        scaling::of_runs()?;
        scaling::order(is_quick);
    }
    Ok(())
}

/// The elliptic problems.
fn problems(is_quick: bool) -> Vec<Problem> {
    let mut problems = vec![
        Problem::oxygen(block(64, 64, 64)),
        Problem::cytokine(block(64, 64, 64)),
        Problem::near_singular(block(64, 64, 64)),
        Problem::oxygen(block(128, 128, 128)),
        Problem::cytokine(block(128, 128, 128)),
        Problem::near_singular(block(128, 128, 128)),
        Problem::oxygen(block(150, 90, 101)),
        Problem::oxygen(block(200, 1, 400)),
    ];
    if !is_quick {
        problems.push(Problem::oxygen(block(256, 256, 256)));
    }
    problems
}
