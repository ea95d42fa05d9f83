//! Work in parallel with results that do not know how many hands did it.
//!
//! The only file that names rayon. Everyone reads the old state and writes its own slot;
//! sums go over fixed chunks, added in chunk order.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// Items of one chunk of a sum: part of the result, so never depends on threads.
const CHUNK: usize = 4096;

/// Fewest items worth a second thread.
#[cfg(feature = "parallel")]
const WORTH_SHARING: usize = 8192;

/// Running sums of a chunk: so many terms are added at a time. Part of the result too.
const LANES: usize = 8;

/// Sum of f(i) over 0..n, in f64, in a fixed order.
pub fn ordered_sum(n: usize, f: impl Fn(usize) -> f64 + Sync) -> f64 {
    let chunk = |c: usize| {
        let end = if (c + 1) * CHUNK < n { (c + 1) * CHUNK } else { n };
        let start = c * CHUNK;
        let whole = (end - start) / LANES * LANES;
        let mut lanes = [0.0f64; LANES];
        for i in (start..start + whole).step_by(LANES) {
            for k in 0..LANES {
                lanes[k] += f(i + k);
            }
        }
        let rest = (start + whole..end).fold(0.0, |sum, i| sum + f(i));
        lanes.iter().fold(rest, |sum, lane| sum + lane)
    };
    let chunks = n.div_ceil(CHUNK);
    #[cfg(feature = "parallel")]
    if n >= WORTH_SHARING {
        let parts: Vec<f64> = (0..chunks).into_par_iter().map(chunk).collect();
        return parts.into_iter().fold(0.0, |a, b| a + b);
    }
    (0..chunks).map(chunk).fold(0.0, |a, b| a + b)
}

/// Writes `f(i, &mut out[i])` for every i.
pub fn each_mut<T: Send>(out: &mut [T], f: impl Fn(usize, &mut T) + Sync) {
    #[cfg(feature = "parallel")]
    if out.len() >= WORTH_SHARING {
        out.par_iter_mut().enumerate().for_each(|(i, x)| f(i, x));
        return;
    }
    out.iter_mut().enumerate().for_each(|(i, x)| f(i, x));
}

/// Calls `f` on every item of a short list of large jobs (fields, runs), each with its own thread if there is one.
pub fn jobs<T: Send>(items: &mut [T], f: impl Fn(&mut T) + Sync + Send) {
    #[cfg(feature = "parallel")]
    {
        items.par_iter_mut().with_max_len(1).for_each(f);
    }
    #[cfg(not(feature = "parallel"))]
    items.iter_mut().for_each(f);
}

/// Runs `work` on a pool of so many threads; on the calling thread without the `parallel` feature.
pub fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "parallel")]
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
    #[cfg(not(feature = "parallel"))]
    {
        let _ = threads;
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_the_same_for_any_number_of_threads() {
        let value = |i: usize| 1.0 / (1.0 + i as f64);
        let one = with_threads(1, || ordered_sum(100_003, value));
        for threads in [2, 3, 7] {
            assert_eq!(
                one.to_bits(),
                with_threads(threads, || ordered_sum(100_003, value)).to_bits()
            );
        }
    }
}
