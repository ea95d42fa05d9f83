//! Readers that strangers can feed, with many slips in every shipped file: no panic, no hang. The same targets run under
//! libFuzzer (`fuzz/`). `CALCISIM_FUZZ_CASES=1000000 cargo test --release --test trust fuzz -- --nocapture` asks for more.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

#[path = "../../fuzz/targets.rs"]
#[allow(dead_code)] // libFuzzer uses the rest.
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use targets::{Slips, feed, seeds, spoil};

/// Cases of a target in an ordinary test run, and the longest that one of them may take.
fn cases(usual: u64) -> u64 {
    std::env::var("CALCISIM_FUZZ_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usual)
}

const LONGEST: Duration = Duration::from_secs(20);

fn fuzz(target: &str, usual: u64) {
    let mut pool = seeds(target);
    let whole = pool.len();
    let (count, started) = (cases(usual), Instant::now());
    let first: u64 = std::env::var("CALCISIM_FUZZ_SEED")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    let mut reached = [0u64; 4];
    let mut longest = Duration::ZERO;
    for case in 0..count {
        // Every case can be repeated from its number.
        let mut slips = Slips(first << 32 | case);
        let data = if case < whole as u64 {
            pool[case as usize].clone()
        } else {
            let (one, other) = (slips.below(pool.len()), slips.below(pool.len()));
            spoil(target, &pool[one], &pool[other], &mut slips)
        };
        let began = Instant::now();
        let fed = catch_unwind(AssertUnwindSafe(|| feed(target, &data)));
        let took = began.elapsed();
        longest = longest.max(took);
        let Ok(depth) = fed else {
            let path = std::env::temp_dir().join(format!("calcisim-fuzz-{target}-{case}"));
            let _ = std::fs::write(&path, &data);
            panic!(
                "{target}, case {case} (CALCISIM_FUZZ_SEED={first}): kept as {}",
                path.display()
            );
        };
        assert!(took < LONGEST, "{target}, case {case}: took {took:?}");
        reached[depth.min(3)] += 1;
        // What came deep is spoilt again.
        if depth >= 2 && pool.len() < whole + 64 && case >= whole as u64 {
            pool.push(data);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "fuzz {target}: {count} cases in {seconds:.1} s, longest {:.3} s, by depth {reached:?}, no panic",
        longest.as_secs_f64()
    );
    assert!(
        reached[1..].iter().sum::<u64>() > 0,
        "{target}: nothing came past the first check"
    );
}

#[test]
fn scenarios_with_slips_are_refused_or_mean_what_they_print() {
    fuzz("scenario", 800);
}

#[test]
fn experiments_with_slips_never_make_it_fall_over() {
    fuzz("experiment", 60);
}

#[test]
fn tables_of_networks_with_slips_never_make_it_fall_over() {
    fuzz("network", 20_000);
}

#[test]
fn checkpoints_with_slips_are_refused_or_stepped_without_a_crash() {
    fuzz("checkpoint", 400);
}

#[test]
fn segments_with_slips_never_give_a_record_that_was_not_there() {
    fuzz("segment", 20_000);
}

#[test]
fn requests_with_slips_are_all_answered() {
    fuzz("request", 60);
}

#[test]
fn records_and_hashes_with_slips_never_make_it_fall_over() {
    fuzz("record", 20_000);
}

#[test]
fn archives_with_slips_never_make_it_fall_over() {
    fuzz("archive", 1000);
}
