#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    targets::mutate("archive", data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    targets::feed("archive", data);
});
