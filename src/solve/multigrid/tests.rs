//! Against the plain solver, and the claims of the module.

use super::*;
use crate::grid::Plane;
use crate::math;
use crate::random::{Dice, Purpose};

fn grid(nx: usize, ny: usize, nz: usize, periodic: bool) -> Grid {
    let plane = match (ny, nz) {
        (1, _) => Plane::Section,
        (_, 1) => Plane::Plan,
        _ => Plane::Block,
    };
    Grid {
        plane,
        nx,
        ny,
        nz,
        voxel_um: 10.0,
        slab_um: 10.0,
        periodic,
    }
}

/// The plain solver: Gauss–Seidel in f64 to the bitter end.
fn plain(grid: &Grid, sink: &[f32], source: &[f32]) -> Vec<f64> {
    let mut u = vec![0.0f64; grid.len()];
    for _ in 0..200_000 {
        let mut change = 0.0f64;
        for v in 0..grid.len() {
            let (mut gain, mut loss) = (f64::from(source[v]), f64::from(sink[v]));
            for n in grid.faces(v) {
                gain += u[n];
                loss += 1.0;
            }
            let new = gain / loss;
            change = math::max(change, (new - u[v]).abs());
            u[v] = new;
        }
        if change < 1e-12 {
            break;
        }
    }
    u
}

fn random_problem(grid: &Grid, mean_sink: f64) -> (Vec<f32>, Vec<f32>) {
    let dice = Dice::new(3);
    let sink = (0..grid.len())
        .map(|v| (mean_sink * dice.roll(Purpose::Custom, v as u64).exponential(1.0)) as f32)
        .collect();
    let source = (0..grid.len())
        .map(|v| {
            if dice.roll(Purpose::Site, v as u64).chance(0.05) {
                1.0
            } else {
                0.0
            }
        })
        .collect();
    (sink, source)
}

#[test]
fn it_agrees_with_the_plain_solver_for_any_extent() {
    for (nx, ny, nz, periodic) in [
        (16, 1, 16, true),
        (13, 1, 21, false),
        (9, 1, 14, true),
        (10, 7, 9, false),
        (8, 6, 5, true),
        (9, 7, 6, true),
        (9, 7, 1, true),
        (3, 40, 1, true),
        (40, 3, 1, true),
        (2, 9, 17, false),
        (1, 1, 30, false),
        (70, 1, 1, true),
        (5, 1, 1, true),
    ] {
        let grid = grid(nx, ny, nz, periodic);
        let (sink, source) = random_problem(&grid, 0.05);
        let expected = plain(&grid, &sink, &source);
        let mut u = vec![0.0; grid.len()];
        let outcome = Multigrid::new(&grid).solve(&sink, &source, &mut u, false, 1e-5, 40);
        assert!(outcome.converged, "{nx}x{ny}x{nz}: {outcome:?}");
        assert!(outcome.cycles <= 14, "{nx}x{ny}x{nz}: {outcome:?}");
        let largest = expected.iter().fold(0.0, |a: f64, &b| math::max(a, b));
        for v in 0..grid.len() {
            assert!(
                (f64::from(u[v]) - expected[v]).abs() <= 1e-4 * largest,
                "{nx}x{ny}x{nz} voxel {v}"
            );
        }
    }
}

#[test]
fn cycles_do_not_grow_with_size_and_weak_sinks_are_no_trouble() {
    for n in [32, 64, 200] {
        for mean_sink in [1e-6, 1e-4, 1e-3, 0.1, 1.0] {
            let grid = grid(n, 1, 2 * n, true);
            let (sink, source) = random_problem(&grid, mean_sink);
            let mut u = vec![0.0; grid.len()];
            let outcome = Multigrid::new(&grid).solve(&sink, &source, &mut u, false, 1e-4, 20);
            // Below 1e-3 the field stands thousands of times above its sources: f32 cannot hold the residual.
            assert!(
                mean_sink < 1e-3 || outcome.converged,
                "n {n} sink {mean_sink}: {outcome:?}"
            );
            assert!(
                mean_sink < 1e-3 || outcome.cycles <= 8,
                "n {n} sink {mean_sink}: {outcome:?}"
            );
            let gap = balance_gap(&sink, &source, &u);
            assert!(gap < 2e-3, "n {n} sink {mean_sink}: {gap}");
        }
    }
}

/// What comes in goes out: by how much it does not, as a share of what comes in.
fn balance_gap(sink: &[f32], source: &[f32], u: &[f32]) -> f64 {
    let inflow: f64 = source.iter().map(|&s| f64::from(s)).sum();
    let outflow: f64 = sink.iter().zip(u).map(|(&k, &u)| f64::from(k) * f64::from(u)).sum();
    (outflow / inflow - 1.0).abs()
}

#[test]
fn a_warm_start_from_the_answer_needs_no_cycle() {
    let grid = grid(40, 1, 40, true);
    let (sink, source) = random_problem(&grid, 0.05);
    let mut u = vec![0.0; grid.len()];
    let mut solver = Multigrid::new(&grid);
    solver.solve(&sink, &source, &mut u, false, 1e-5, 20);
    let outcome = solver.solve(&sink, &source, &mut u, true, 1e-4, 20);
    assert_eq!(outcome.cycles, 0);
}

#[test]
fn every_width_gives_the_same_bits() {
    for (nx, ny, nz, periodic) in [
        (70, 1, 41, true),
        (33, 1, 50, false),
        (37, 12, 9, true),
        (16, 31, 1, true),
    ] {
        let grid = grid(nx, ny, nz, periodic);
        let (sink, source) = random_problem(&grid, 0.02);
        let answers = Simd::ALL.into_iter().filter(|width| width.is_here()).map(|width| {
            let mut solver = Multigrid::with_simd(&grid, width);
            let mut u = vec![0.0; grid.len()];
            let outcome = solver.solve(&sink, &source, &mut u, false, 1e-5, 20);
            solver.improve(&sink, &source, &mut u, 2);
            (outcome, u.into_iter().map(f32::to_bits).collect::<Vec<_>>())
        });
        let answers: Vec<_> = answers.collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{nx}x{ny}x{nz}");
    }
}

#[test]
fn a_solver_remembers_nothing() {
    let grid = grid(30, 1, 25, true);
    let (sink, source) = random_problem(&grid, 0.05);
    let solve = |solver: &mut Multigrid| {
        let mut u = vec![0.0; grid.len()];
        solver.solve(&sink, &source, &mut u, false, 1e-5, 20);
        u
    };
    let mut used = Multigrid::new(&grid);
    let (other_sink, other_source) = random_problem(&grid, 0.7);
    used.solve(&other_sink, &other_source, &mut vec![1.0; grid.len()], true, 1e-6, 20);
    assert_eq!(solve(&mut used), solve(&mut Multigrid::new(&grid)));
    // Warm too, where the coarser levels begin with nothing; and an implicit step.
    for (more, tolerance) in [(0.0, 1e-5), (1.0, 1e-4)] {
        let sink: Vec<f32> = sink.iter().map(|k| k + more).collect();
        let step = |solver: &mut Multigrid| {
            let mut u = vec![1.0; grid.len()];
            solver.solve(&sink, &source, &mut u, true, tolerance, 20);
            solver.improve(&sink, &source, &mut u, 1);
            u
        };
        assert_eq!(step(&mut used), step(&mut Multigrid::new(&grid)));
    }
}

#[test]
fn any_sink_from_1e_8_to_1_takes_six_cycles() {
    for grid in [
        grid(64, 1, 64, false),
        grid(100, 1, 50, true),
        grid(32, 32, 32, false),
        grid(21, 18, 25, true),
    ] {
        for mean_sink in [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0] {
            let (sink, source) = random_problem(&grid, mean_sink);
            let mut u = vec![0.0; grid.len()];
            let outcome = Multigrid::new(&grid).solve(&sink, &source, &mut u, false, 1e-4, 20);
            let n = [grid.nx, grid.ny, grid.nz];
            assert!(
                outcome.converged && outcome.cycles <= 6,
                "{n:?} {mean_sink}: {outcome:?}"
            );
            let gap = balance_gap(&sink, &source, &u);
            assert!(gap < 1e-3, "{n:?} {mean_sink}: {gap}");
        }
    }
}

#[test]
fn a_smooth_solution_shows_order_2_in_a_block() {
    use std::f64::consts::PI;
    let errors = [8usize, 16, 32].map(|n| {
        let grid = grid(n, n, n, false);
        let h = 1.0 / n as f64;
        let exact = |v: usize| {
            let wave = |i: usize| math::cos(PI * (i as f64 + 0.5) * h);
            let [x, y, z] = grid.place(v);
            wave(x) * wave(y) * wave(z)
        };
        // −∇²u + u = g on the unit cube, above a constant so that nothing is negative.
        let sink = vec![(h * h) as f32; grid.len()];
        let source: Vec<f32> = (0..grid.len())
            .map(|v| (h * h * (3.0 * PI * PI * exact(v) + exact(v) + 2.0)) as f32)
            .collect();
        let mut u = vec![0.0; grid.len()];
        Multigrid::new(&grid).solve(&sink, &source, &mut u, false, 1e-6, 30);
        (0..grid.len()).fold(0.0, |worst, v| {
            math::max(worst, (f64::from(u[v]) - exact(v) - 2.0).abs())
        })
    });
    for pair in errors.windows(2) {
        assert!((3.5..4.6).contains(&(pair[0] / pair[1])), "{errors:?}");
    }
}

#[test]
fn an_hour_later_takes_three_cycles() {
    let grid = grid(40, 40, 40, false);
    let (sink, source) = random_problem(&grid, 0.01);
    let mut u = vec![0.0; grid.len()];
    let mut solver = Multigrid::new(&grid);
    solver.solve(&sink, &source, &mut u, false, 1e-5, 20);
    let dice = Dice::new(9);
    let later: Vec<f32> = sink
        .iter()
        .enumerate()
        .map(|(v, k)| {
            let mut roll = dice.roll(Purpose::Custom, v as u64);
            let drift = (0.99 + 0.02 * roll.uniform()) as f32;
            if roll.chance(0.01) { 0.0 } else { k * drift }
        })
        .collect();
    let outcome = solver.solve(&later, &source, &mut u, true, 1e-4, 20);
    assert!(outcome.converged && outcome.cycles <= 3, "{outcome:?}");
}

#[test]
fn sweeps_alone_take_an_implicit_step_as_far_as_cycles_do() {
    for grid in [grid(48, 40, 31, false), grid(40, 36, 24, true), grid(90, 1, 71, true)] {
        let (sink, emitted) = random_problem(&grid, 0.02);
        let sink: Vec<f32> = sink.iter().map(|k| k + 1.0).collect();
        let before: Vec<f32> = emitted.iter().map(|&g| 3.0 + g).collect();
        let source: Vec<f32> = before.iter().zip(&emitted).map(|(u, g)| 0.9 * u + g).collect();
        let mut solver = Multigrid::new(&grid);
        let mut swept = before.clone();
        let outcome = solver.solve(&sink, &source, &mut swept, true, 1e-4, 20);
        assert!(outcome.converged && outcome.cycles == 0, "{outcome:?}");
        assert!((1..=19).contains(&outcome.half_sweeps), "{outcome:?}");
        let mut exact = vec![0.0; grid.len()];
        let outcome = solver.solve(&sink, &source, &mut exact, false, 1e-6, 20);
        assert!(outcome.converged && outcome.cycles > 0, "{outcome:?}");
        let largest = exact.iter().fold(0.0, |a, &b| if b > a { b } else { a });
        for (a, b) in swept.iter().zip(&exact) {
            assert!((a - b).abs() < 2e-4 * largest, "{a} {b}");
        }
    }
}

#[test]
fn the_same_code_takes_implicit_steps() {
    // D = h²: a spot spreads for ten steps of 0.5 s, sink 0.1 /s; against the same steps in f64.
    let grid = grid(24, 1, 19, true);
    let (sink, _) = random_problem(&grid, 0.1);
    let rate = 2.0f32;
    let with_time: Vec<f32> = sink.iter().map(|k| k + rate).collect();
    let mut u: Vec<f32> = (0..grid.len()).map(|v| if v == 200 { 100.0 } else { 0.0 }).collect();
    let mut expected: Vec<f64> = u.iter().map(|&u| f64::from(u)).collect();
    let mut solver = Multigrid::new(&grid);
    for _ in 0..10 {
        let source: Vec<f32> = u.iter().map(|u| u * rate).collect();
        let outcome = solver.solve(&with_time, &source, &mut u, true, 1e-5, 20);
        assert!(outcome.converged && outcome.cycles <= 6, "{outcome:?}");
        let source: Vec<f32> = expected.iter().map(|&u| (u * f64::from(rate)) as f32).collect();
        expected = plain(&grid, &with_time, &source);
    }
    let largest = expected.iter().fold(0.0, |a: f64, &b| math::max(a, b));
    for (u, exact) in u.iter().zip(&expected) {
        assert!((f64::from(*u) - exact).abs() < 1e-4 * largest);
    }
}
