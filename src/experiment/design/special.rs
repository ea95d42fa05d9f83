//! Distribution functions and their inverses, through [`crate::math`] alone: a plan has the same bits on every machine.

use crate::math;

/// Distribution function of the standard normal.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * math::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Polynomial with the constant first.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// Quantile of the standard normal: the rational approximations of Wichura 1988 (algorithm AS 241), relative error
/// near 1e-16. Infinite at 0 and 1.
// The digits of the source, so that they can be compared.
#[allow(clippy::excessive_precision)]
pub fn normal_quantile(u: f64) -> f64 {
    const CENTRE: [[f64; 8]; 2] = [
        [
            3.387_132_872_796_366_608,
            133.141_667_891_784_377_45,
            1_971.590_950_306_551_442_7,
            13_731.693_765_509_461_125,
            45_921.953_931_549_871_457,
            67_265.770_927_008_700_853,
            33_430.575_583_588_128_105,
            2_509.080_928_730_122_672_7,
        ],
        [
            1.0,
            42.313_330_701_600_911_252,
            687.187_007_492_057_908_30,
            5_394.196_021_424_751_107_7,
            21_213.794_301_586_595_867,
            39_307.895_800_092_710_610,
            28_729.085_735_721_942_674,
            5_226.495_278_852_854_561_0,
        ],
    ];
    const NEAR_TAIL: [[f64; 8]; 2] = [
        [
            1.423_437_110_749_683_577_34,
            4.630_337_846_156_545_295_90,
            5.769_497_221_460_691_405_50,
            3.647_848_324_763_204_605_04,
            1.270_458_252_452_368_382_58,
            0.241_780_725_177_450_611_770,
            0.022_723_844_989_269_184_583_3,
            7.745_450_142_783_414_076_40e-4,
        ],
        [
            1.0,
            2.053_191_626_637_758_821_87,
            1.676_384_830_183_803_849_40,
            0.689_767_334_985_100_004_550,
            0.148_103_976_427_480_074_590,
            0.015_198_666_563_616_457_196_6,
            5.475_938_084_995_344_946_00e-4,
            1.050_750_071_644_416_843_24e-9,
        ],
    ];
    const FAR_TAIL: [[f64; 8]; 2] = [
        [
            6.657_904_643_501_103_777_20,
            5.463_784_911_164_114_369_90,
            1.784_826_539_917_291_335_80,
            0.296_560_571_828_504_891_230,
            0.026_532_189_526_576_123_093_0,
            1.242_660_947_388_078_438_60e-3,
            2.711_555_568_743_487_578_15e-5,
            2.010_334_399_292_288_132_65e-7,
        ],
        [
            1.0,
            0.599_832_206_555_887_937_690,
            0.136_929_880_922_735_805_310,
            0.014_875_361_290_850_614_852_5,
            7.868_691_311_456_132_591_00e-4,
            1.846_318_317_510_054_681_80e-5,
            1.421_511_758_316_445_888_70e-7,
            2.044_263_103_389_939_785_64e-15,
        ],
    ];
    if u <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if u >= 1.0 {
        return f64::INFINITY;
    }
    let ratio = |table: &[[f64; 8]; 2], x: f64| polynomial(&table[0], x) / polynomial(&table[1], x);
    let from_middle = u - 0.5;
    if from_middle.abs() <= 0.425 {
        return from_middle * ratio(&CENTRE, 0.180_625 - from_middle * from_middle);
    }
    let tail = if from_middle < 0.0 { u } else { 1.0 - u };
    let depth = (-math::ln(tail)).sqrt();
    let size = if depth <= 5.0 {
        ratio(&NEAR_TAIL, depth - 1.6)
    } else {
        ratio(&FAR_TAIL, depth - 5.0)
    };
    if from_middle < 0.0 { -size } else { size }
}

/// Distribution function of a beta variable: the regularised incomplete beta function, by its continued fraction.
pub fn beta_cdf(x: f64, alpha: f64, beta: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean; above it the mirrored one does.
    if x > (alpha + 1.0) / (alpha + beta + 2.0) {
        return 1.0 - beta_below_mean(1.0 - x, beta, alpha);
    }
    beta_below_mean(x, alpha, beta)
}

fn beta_below_mean(x: f64, alpha: f64, beta: f64) -> f64 {
    let ln_beta = math::ln_gamma(alpha) + math::ln_gamma(beta) - math::ln_gamma(alpha + beta);
    let front = math::exp(alpha * math::ln(x) + beta * math::ln(1.0 - x) - ln_beta) / alpha;
    // Lentz's evaluation; a denominator of zero is moved by a hair.
    let away = |d: f64| if d.abs() < 1e-300 { 1e-300 } else { d };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (alpha + beta) * x / (alpha + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (beta - m) * x / ((alpha + 2.0 * m - 1.0) * (alpha + 2.0 * m));
        let odd = -(alpha + m) * (alpha + beta + m) * x / ((alpha + 2.0 * m) * (alpha + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    math::unit(front * fraction)
}

/// Quantile of a beta variable, by halving the interval.
pub fn beta_quantile(u: f64, alpha: f64, beta: f64) -> f64 {
    let (mut low, mut high) = (0.0f64, 1.0f64);
    if u <= 0.0 || u >= 1.0 {
        return math::unit(u);
    }
    // 1100 halvings would reach the smallest number; the test on the width ends it long before.
    for _ in 0..1100 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high || high - low < 1e-16 * high {
            break;
        }
        if beta_cdf(middle, alpha, beta) < u {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}
