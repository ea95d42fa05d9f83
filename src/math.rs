//! The only door to elementary functions: `libm`, the same bits everywhere.
//!
//! `std` leaves `exp`, `ln`, `powf` and friends to the platform; native, wasm and
//! debug builds then differ in the last bit, and so would runs. Minimum, maximum
//! and clamp live here too, because the signed zero of `f64::max` is not fixed.
//! A clippy list (`clippy.toml`) keeps the others out of the engine.

/// e to the power x.
#[inline]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// 1 − exp(−x), accurate for small x.
#[inline]
pub fn one_minus_exp(x: f64) -> f64 {
    // Rates of a step are small: the first terms of the series are exact to the last digit there, and quick.
    if x.abs() < 0.01 {
        return x
            * (1.0
                - x / 2.0 * (1.0 - x / 3.0 * (1.0 - x / 4.0 * (1.0 - x / 5.0 * (1.0 - x / 6.0 * (1.0 - x / 7.0))))));
    }
    -libm::expm1(-x)
}

/// Natural logarithm.
#[inline]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// x to the power y.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Sine of an angle in radians.
#[inline]
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// Cosine of an angle in radians.
#[inline]
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// Sine and cosine of an angle in radians: what [`sin`] and [`cos`] give, at little more than the cost of one.
#[inline]
pub fn sin_cos(x: f64) -> (f64, f64) {
    libm::sincos(x)
}

/// Complementary error function.
#[inline]
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// Logarithm of the gamma function, for x above 0.
#[inline]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Cube root.
#[inline]
pub fn cbrt(x: f64) -> f64 {
    libm::cbrt(x)
}

/// x squared.
#[inline]
pub fn square(x: f64) -> f64 {
    x * x
}

/// The larger of two numbers; the second when they are equal or the first is not a number.
#[inline]
pub fn max(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller of two numbers; the second when they are equal or the first is not a number.
#[inline]
pub fn min(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// x, kept inside `low..=high`.
#[inline]
pub fn clamp(x: f64, low: f64, high: f64) -> f64 {
    min(max(x, low), high)
}

/// x where it is positive, else 0.
#[inline]
pub fn positive(x: f64) -> f64 {
    if x > 0.0 { x } else { 0.0 }
}

/// x, kept inside 0..=1.
#[inline]
pub fn unit(x: f64) -> f64 {
    clamp(x, 0.0, 1.0)
}

/// Hill function xⁿ/(Kⁿ + xⁿ); 0 for x ≤ 0.
#[inline]
pub fn hill(x: f64, half: f64, n: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let over = half / x;
    // The exponents of most rules need no power function.
    let ratio = if n == 2.0 {
        over * over
    } else if n == 4.0 {
        square(over * over)
    } else {
        pow(over, n)
    };
    1.0 / (1.0 + ratio)
}

/// Chance that an event of constant rate [1/h] happens within some hours: 1 − exp(−rate·hours).
#[inline]
pub fn chance_of(rate_per_h: f64, hours: f64) -> f64 {
    if rate_per_h <= 0.0 {
        0.0
    } else {
        one_minus_exp(rate_per_h * hours)
    }
}

/// Exact relaxation of x towards a target at a constant rate: no step is too long.
#[inline]
pub fn relax(x: f64, target: f64, rate_per_h: f64, hours: f64) -> f64 {
    x + (target - x) * one_minus_exp(rate_per_h * hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_zero_is_settled() {
        assert_eq!(max(0.0, -0.0).to_bits(), (-0.0f64).to_bits());
        assert_eq!(positive(-0.0).to_bits(), 0.0f64.to_bits());
        assert_eq!(clamp(-0.0, 0.0, 1.0).to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn the_series_of_one_minus_exp_is_exact_where_it_is_taken() {
        for x in [1e-300, 1e-9, 1e-4, 0.005, 0.009_999, -0.009_999] {
            let exact = -libm::expm1(-x);
            assert!(
                (one_minus_exp(x) - exact).abs() <= 4.0 * f64::EPSILON * exact.abs(),
                "{x}"
            );
        }
        assert_eq!(one_minus_exp(0.0), 0.0);
    }

    #[test]
    fn hill_is_a_half_at_its_half_point_and_bounded() {
        assert_eq!(hill(2.5, 2.5, 4.0), 0.5);
        assert_eq!(hill(0.0, 2.5, 4.0), 0.0);
        assert!(hill(1e300, 2.5, 4.0) <= 1.0);
    }

    #[test]
    fn survival_does_not_depend_on_the_step() {
        let one = 1.0 - chance_of(0.3, 1.0);
        let four = (0..4).fold(1.0, |s, _| s * (1.0 - chance_of(0.3, 0.25)));
        assert!((one - four).abs() < 1e-15);
    }
}
