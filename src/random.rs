//! Dice: every random number is a function of (seed, step, who, purpose, draw) and of nothing else.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, «Parallel random numbers: as easy as
//! 1, 2, 3»): the seed is the key; step, who, purpose and draw are the counter. One thread or seven, today
//! or after a resume, with or without another process: the same number. Two arms of one seed
//! differ only by what a therapy did.

use crate::math;

/// What a draw decides. The written-out values are part of the results: never reuse or change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Purpose {
    /// Layout of the vessel network.
    NetworkLayout = 1,
    /// Diameters of the vessel network.
    NetworkDiameter = 2,
    /// How this site differs from others: mineral, repair, lysis, clotting.
    Site = 3,
    /// Growth rate of mineral, by vessel branch.
    BranchMineral = 4,
    /// Susceptibility of the endothelium, by patch.
    PatchSusceptibility = 5,
    /// Tolerance of a cell to ischaemia.
    Tolerance = 6,
    /// Wall mineral at the start.
    BurnIn = 7,
    /// Places of septa and fat cells.
    Anatomy = 8,
    /// Loss of an endothelial patch.
    EndothelialLoss = 20,
    /// Osteogenic switch of a mural cell.
    OsteogenicSwitch = 21,
    /// Death of a mural cell.
    MuralDeath = 22,
    /// Calcification of a fat cell.
    AdipocyteCalcification = 23,
    /// Arrival of a neutrophil.
    NeutrophilArrival = 30,
    /// Movement of a neutrophil.
    NeutrophilMove = 31,
    /// Death of a neutrophil.
    NeutrophilDeath = 32,
    /// Arrival of a macrophage.
    MacrophageArrival = 33,
    /// Movement of a macrophage.
    MacrophageMove = 34,
    /// Change of state of a macrophage.
    MacrophageState = 35,
    /// Death of a macrophage.
    MacrophageDeath = 36,
    /// Seeding of bacteria on an open surface.
    BacteriaSeed = 40,
    /// Placement of stem cells.
    MscPlacement = 50,
    /// Movement of a stem cell.
    MscMove = 51,
    /// Death of a stem cell.
    MscDeath = 52,
    /// Homing of infused stem cells.
    MscHoming = 53,
    /// Osteogenic turn of a stem cell.
    MscOsteogenic = 54,
    /// Start of a vessel sprout.
    Sprout = 60,
    /// Direction of a vessel sprout.
    SproutMove = 61,
    /// Points of a design of experiments.
    Design = 70,
    /// Resampling of results: bootstrap, virtual trials.
    Resampling = 71,
    /// Site and level of a virtual biopsy, and the order of slides; never read by the model.
    Biopsy = 72,
    /// Noise of an instrument at a visit.
    Measurement = 73,
    /// Free for mechanisms from outside the crate.
    Custom = 1000,
}

/// The dice of one run: a seed.
#[derive(Clone, Copy, Debug)]
pub struct Dice {
    key: [u32; 2],
    step: u32,
}

impl Dice {
    /// Dice of a seed, at step 0.
    pub fn new(seed: u64) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            step: 0,
        }
    }

    /// The same dice at another step.
    #[inline]
    pub fn at(&self, step: u64) -> Self {
        Self {
            step: step as u32,
            ..*self
        }
    }

    /// The draws of one entity for one purpose in this step.
    #[inline]
    pub fn roll(&self, purpose: Purpose, who: u64) -> Roll {
        Roll {
            key: self.key,
            step: self.step,
            purpose: purpose as u16,
            who,
            draw: 0,
            words: [0; 4],
            left: 0,
        }
    }

    /// What `roll(purpose, who).uniform()` gives: for walks that draw once for everyone.
    #[inline]
    pub fn uniform(&self, purpose: Purpose, who: u64) -> f64 {
        let counter = [
            who as u32,
            (who >> 32) as u32,
            self.step,
            u32::from(purpose as u16) << 16,
        ];
        let [high, low, ..] = philox4x32_10(counter, self.key);
        uniform_of(high, low)
    }
}

/// 64 random bits as a number in the open interval (0, 1): the upper 52 count.
#[inline]
fn uniform_of(high: u32, low: u32) -> f64 {
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 12;
    (bits as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
}

/// A row of draws, one after another; cheap to make, not meant to be kept.
#[derive(Clone, Debug)]
pub struct Roll {
    key: [u32; 2],
    step: u32,
    purpose: u16,
    who: u64,
    draw: u16,
    words: [u32; 4],
    left: usize,
}

impl Roll {
    #[inline]
    fn word(&mut self) -> u32 {
        if self.left == 0 {
            let tag = u32::from(self.purpose) << 16 | u32::from(self.draw);
            let counter = [self.who as u32, (self.who >> 32) as u32, self.step, tag];
            self.words = philox4x32_10(counter, self.key);
            self.draw = self.draw.wrapping_add(1);
            self.left = 4;
        }
        self.left -= 1;
        self.words[3 - self.left]
    }

    /// Uniform in the open interval (0, 1), 52 bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        let high = self.word();
        uniform_of(high, self.word())
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Whether an event of this probability happens.
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A whole number in 0..n; n must be above 0.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(n)) >> 32) as u32
    }

    /// Standard normal (Box–Muller, one value per call).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * math::ln(self.uniform())).sqrt();
        radius * math::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Log-normal with a median and the standard deviation of its logarithm.
    pub fn log_normal(&mut self, median: f64, sd_log: f64) -> f64 {
        median * math::exp(sd_log * self.normal())
    }

    /// Exponential with a mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * math::ln(self.uniform())
    }

    /// Poisson count. Exact by inversion below a mean of 30, normal approximation with rounding above.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            return math::positive(mean + mean.sqrt() * self.normal() + 0.5).floor() as u32;
        }
        let target = self.uniform();
        let (mut term, mut sum, mut k) = (math::exp(-mean), math::exp(-mean), 0);
        while sum < target && k < 200 {
            k += 1;
            term *= mean / f64::from(k);
            sum += term;
        }
        k
    }
}

/// Philox4x32 with ten rounds.
#[inline]
pub fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key[0] = key[0].wrapping_add(0x9E37_79B9);
            key[1] = key[1].wrapping_add(0xBB67_AE85);
        }
        let first = u64::from(counter[0]) * 0xD251_1F53;
        let second = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
    }
    counter
}

/// An id that comes from its cause: a hash of parent and ordinal (splitmix64 finaliser, twice).
pub fn id_from(parent: u64, ordinal: u64) -> u64 {
    mix(mix(parent ^ 0x6A09_E667_F3BC_C909).wrapping_add(ordinal))
}

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers published with Random123 (kat_vectors, philox4x32 10).
    #[test]
    fn philox_gives_the_published_numbers() {
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_draw_depends_on_its_key_alone() {
        let dice = Dice::new(7).at(12);
        let alone = dice.roll(Purpose::Tolerance, 5).uniform();
        assert_eq!(alone, dice.uniform(Purpose::Tolerance, 5));
        let mut other = dice.roll(Purpose::Tolerance, 4);
        for _ in 0..100 {
            other.uniform();
        }
        assert_eq!(alone.to_bits(), dice.roll(Purpose::Tolerance, 5).uniform().to_bits());
        assert_ne!(alone.to_bits(), dice.roll(Purpose::BurnIn, 5).uniform().to_bits());
        assert_ne!(
            alone.to_bits(),
            dice.at(13).roll(Purpose::Tolerance, 5).uniform().to_bits()
        );
    }

    #[test]
    fn samplers_have_their_moments() {
        let n = 40_000;
        let mut roll = Dice::new(1).roll(Purpose::Custom, 1);
        let mut sums = [0.0f64; 5];
        for who in 0..n {
            let mut roll_of = Dice::new(1).roll(Purpose::Custom, who);
            sums[0] += roll_of.uniform();
            let z = roll_of.normal();
            sums[1] += z;
            sums[2] += z * z;
            sums[3] += roll_of.exponential(2.0);
            sums[4] += f64::from(roll_of.poisson(3.0));
        }
        let mean: Vec<f64> = sums.iter().map(|s| s / n as f64).collect();
        // Five standard errors of each mean.
        assert!((mean[0] - 0.5).abs() < 5.0 * 0.289 / 200.0);
        assert!(mean[1].abs() < 5.0 / 200.0);
        assert!((mean[2] - 1.0).abs() < 5.0 * 1.42 / 200.0);
        assert!((mean[3] - 2.0).abs() < 5.0 * 2.0 / 200.0);
        assert!((mean[4] - 3.0).abs() < 5.0 * 1.74 / 200.0);
        assert!((0..1000).all(|_| roll.below(7) < 7));
    }
}
