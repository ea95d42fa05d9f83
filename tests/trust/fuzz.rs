//! Readers that strangers can feed, with many slips in every shipped file: no panic, no hang. The same targets run under
//! libFuzzer (`fuzz/`). `CALCISIM_FUZZ_CASES=1000000 cargo test --release --test trust fuzz -- --nocapture` asks for more, `CALCISIM_FUZZ_SECONDS` for an
//! end in time, `CALCISIM_FUZZ_SEED` for other slips.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

#[path = "../../fuzz/targets.rs"]
#[allow(dead_code)] // libFuzzer uses the rest.
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use targets::{Slips, feed, seeds, spoil, whole};

fn asked(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// The longest that one case may take.
const LONGEST: Duration = Duration::from_secs(20);

fn fuzz(target: &str, usual: u64) {
    let (whole, mut pool) = (whole(target), seeds(target));
    let most = pool.len() + 64;
    let (count, seconds) = (
        asked("CALCISIM_FUZZ_CASES", usual),
        asked("CALCISIM_FUZZ_SECONDS", u64::MAX),
    );
    let (first, started) = (asked("CALCISIM_FUZZ_SEED", 1), Instant::now());
    let mut reached = [0u64; 4];
    let mut longest = Duration::ZERO;
    let mut case = 0;
    while case < count && started.elapsed().as_secs() < seconds {
        // Every case can be repeated from its number.
        let mut slips = Slips(first << 32 | case);
        let data = whole.get(case as usize).cloned().unwrap_or_else(|| {
            let (one, other) = (slips.below(pool.len()), slips.below(pool.len()));
            spoil(target, &pool[one], &pool[other], &mut slips)
        });
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
        if depth >= 2 && pool.len() < most && case >= whole.len() as u64 {
            pool.push(data);
        }
        case += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "fuzz {target}: {case} cases in {seconds:.1} s, longest {:.3} s, by depth {reached:?}, no panic",
        longest.as_secs_f64()
    );
    assert!(
        reached[1..].iter().sum::<u64>() > 0,
        "{target}: nothing came past the first check"
    );
}

#[test]
fn scenarios_with_slips_are_refused_or_mean_what_they_print() {
    fuzz("scenario", 2000);
}

#[test]
fn experiments_with_slips_never_make_it_fall_over() {
    fuzz("experiment", 300);
}

#[test]
fn tables_of_networks_with_slips_never_make_it_fall_over() {
    fuzz("network", 20_000);
}

#[test]
fn checkpoints_with_slips_are_refused_or_stepped_without_a_crash() {
    fuzz("checkpoint", 2000);
}

#[test]
fn segments_with_slips_never_give_a_record_that_was_not_there() {
    fuzz("segment", 20_000);
}

#[test]
fn requests_with_slips_are_all_answered() {
    fuzz("request", 300);
}

#[test]
fn records_and_hashes_with_slips_never_make_it_fall_over() {
    fuzz("record", 20_000);
}

#[test]
fn archives_with_slips_never_make_it_fall_over() {
    fuzz("archive", 4000);
}
