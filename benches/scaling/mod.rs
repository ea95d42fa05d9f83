//! Scaling: what more voxels, more agents, more threads and more runs cost. Ratios, so that a slow machine counts less; a
//! machine with other work tells little of threads, so each line says how many cores there are.

use std::hint::black_box;

use calcisim::error::Result;
use calcisim::par;
use calcisim::solve::multigrid::Multigrid;

use super::{HOURS, Problem, TOLERANCE, block, median, model, scatter, timed_steps};

fn print(bench: &str, threads: usize, value: f64, unit: &str, more: &str) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{{\"bench\":\"{bench}\",\"threads\":{threads},\"value\":{value:.3},\"unit\":\"{unit}\",\"cores\":{cores}{more}}}"
    );
}

/// Time by the clock of so many fields, solved cold by so many threads.
fn fields(problem: &Problem, many: usize, threads: usize) -> f64 {
    let mut jobs: Vec<(Multigrid, Vec<f32>)> = (0..many)
        .map(|_| (Multigrid::new(&problem.grid), vec![0.0; problem.grid.len()]))
        .collect();
    par::with_threads(threads, || {
        // Two threads and more are timed by the clock; one must be too, to compare.
        let start = std::time::Instant::now();
        let repeats = 3;
        for _ in 0..repeats {
            par::jobs(&mut jobs, |(solver, u)| {
                solver.solve(&problem.sink, &problem.source, u, false, TOLERANCE, 12);
            });
        }
        start.elapsed().as_secs_f64() / f64::from(repeats)
    })
}

/// Tests 2 to 4 of fields: eight fields by two threads, two fields by two threads against one by one, and eight by four
/// workers.
pub fn of_fields(is_quick: bool) {
    let n = if is_quick { 64 } else { 128 };
    let problem = Problem::oxygen(block(n, n, n));
    let size = format!(",\"size\":\"{n}x{n}x{n}\"");
    let [one, two, four] = [1, 2, 4].map(|threads| fields(&problem, 8, threads));
    print(
        "strong_fields",
        2,
        one / two,
        "times as fast as 1 thread, 8 fields",
        &size,
    );
    print(
        "oversubscription",
        4,
        four / two,
        "times the time of 2 threads, 8 fields",
        &size,
    );
    let (single, pair) = (fields(&problem, 1, 1), fields(&problem, 2, 2));
    print(
        "weak_fields",
        2,
        pair / single,
        "times the time of 1 field on 1 thread",
        &size,
    );
}

/// A day of a coarse site, so many at once.
fn runs(many: usize, threads: usize) -> Result<f64> {
    let mut sites = Vec::new();
    for _ in 0..many {
        sites.push((model("cua_warfarin", &["space.voxel_um=40"])?, Ok(0.0)));
    }
    let start = std::time::Instant::now();
    par::with_threads(threads, || {
        par::jobs(&mut sites, |(model, end)| *end = timed_steps(model, 2 * HOURS, threads));
    });
    let seconds = start.elapsed().as_secs_f64();
    for (_, end) in sites {
        end?;
    }
    Ok(seconds)
}

/// Tests 3 and 4 of whole runs: two sites at once, and four workers where there are two cores.
pub fn of_runs() -> Result<()> {
    let [one, two, four] = [runs(4, 1)?, runs(4, 2)?, runs(4, 4)?];
    print(
        "replicates",
        2,
        one / two,
        "times as fast as one after another, 4 sites",
        "",
    );
    print(
        "oversubscription_runs",
        4,
        four / two,
        "times the time of 2 workers, 4 sites",
        "",
    );
    Ok(())
}

/// An agent of 64 bytes: place, state, and what it remembers.
#[derive(Clone, Copy)]
struct Agent {
    voxel: u32,
    state: u32,
    numbers: [f32; 14],
}

/// Test 7: a walk over agents that read the field where they stand, sorted by place and shuffled.
pub fn order(is_quick: bool) {
    let many = if is_quick { 1_000_000 } else { 4_000_000 };
    let field: Vec<f32> = (0..many * 4).map(|i| scatter(i) as f32).collect();
    let mut agents: Vec<Agent> = (0..many)
        .map(|i| Agent {
            voxel: (scatter(i + 9) * field.len() as f64) as u32,
            state: i as u32,
            numbers: [0.5; 14],
        })
        .collect();
    let mut shuffled: Vec<u32> = (0..many as u32).collect();
    shuffled.sort_by(|&a, &b| scatter(a as usize + 5).total_cmp(&scatter(b as usize + 5)));
    let random = walk(&mut agents, &shuffled, &field);
    // Sorted by place, agents and voxels come one after another.
    agents.sort_by_key(|agent| agent.voxel);
    shuffled.sort_unstable();
    let sorted = walk(&mut agents, &shuffled, &field);
    let rate = format!(",\"sorted_per_s\":{:.3e},\"agents\":{many}", many as f64 / sorted);
    print(
        "agents_order",
        1,
        random / sorted,
        "times the time of sorted agents, shuffled",
        &rate,
    );
}

/// Seconds of one walk over agents in some order.
fn walk(agents: &mut [Agent], order: &[u32], field: &[f32]) -> f64 {
    median(3, 1, 1, || {
        for &i in order {
            let agent = &mut agents[i as usize];
            let here = field[agent.voxel as usize];
            agent.state = agent.state.wrapping_mul(0x9E37_79B9).wrapping_add(1);
            for number in &mut agent.numbers[..6] {
                *number = 0.9 * *number + here;
            }
        }
        black_box(&mut *agents);
    })
}
