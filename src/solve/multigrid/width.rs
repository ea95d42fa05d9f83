//! How many voxels the machine takes at a time: the kernels compiled for plain code, AVX2 and AVX-512, chosen at run time.
//!
//! One source, [`super::kernels`]; a wider machine does the same operations on more voxels, so the bits are the same.
//! The calls are unsafe: a function compiled for AVX2 may be called only where AVX2 is, which the compiler cannot know and
//! [`Simd::is_here`] does.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU8, Ordering};

use super::hot::Survey;
use super::kernels::{self, Above, Rows};
use super::{hot, hot_transfer};

/// A width of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simd {
    /// What every machine of this kind has.
    Scalar,
    /// 256 bits.
    Avx2,
    /// 512 bits.
    Avx512,
}

/// 0: chosen by what is here; else 1 + the width that is forced.
static FORCED: AtomicU8 = AtomicU8::new(0);

impl Simd {
    /// All, narrow to wide.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this machine has it.
    pub fn is_here(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Self::Scalar => true,
            Self::Avx2 => std::arch::is_x86_feature_detected!("avx2"),
            Self::Avx512 => {
                std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512vl")
            }
        };
        #[cfg(not(target_arch = "x86_64"))]
        return self == Self::Scalar;
    }

    /// The width that new solvers use: the forced one, else the widest that pays here.
    pub fn now() -> Self {
        let forced = FORCED.load(Ordering::Relaxed);
        let wanted = Self::ALL.into_iter().find(|&width| forced == 1 + width as u8);
        wanted.filter(|width| width.is_here()).unwrap_or_else(|| {
            // 512 bits were slower than 256 where it was measured (docs/performance.md).
            if Self::Avx2.is_here() { Self::Avx2 } else { Self::Scalar }
        })
    }

    /// Makes new solvers use this width; answers whether the machine has it. Results do not depend on it.
    pub fn force(self) -> bool {
        if self.is_here() {
            FORCED.store(1 + self as u8, Ordering::Relaxed);
        }
        self.is_here()
    }
}

/// The kernels at one width.
macro_rules! widths {
    ($(fn $home:ident::$name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        pub(super) trait Width {
            $(fn $name($($argument: $type),*) $(-> $result)?;)*
        }

        /// Plain code.
        pub(super) struct Scalar;

        impl Width for Scalar {
            $(#[inline(never)]
            fn $name($($argument: $type),*) $(-> $result)? {
                $home::$name($($argument),*)
            })*
        }

        widths!(@wide Avx2 avx2 "avx2" $(fn $home::$name($($argument: $type),*) $(-> $result)?;)*);
        widths!(@wide Avx512 avx512 "avx2,avx512f,avx512vl" $(fn $home::$name($($argument: $type),*) $(-> $result)?;)*);
    };
    (@wide $Width:ident $module:ident $features:literal
     $(fn $home:ident::$name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// Used only behind [`Simd::is_here`].
        #[cfg(target_arch = "x86_64")]
        pub(super) struct $Width;

        #[cfg(target_arch = "x86_64")]
        mod $module {
            use super::{Above, Rows, Survey, hot, hot_transfer, kernels};
            $(#[target_feature(enable = $features)]
            pub(super) fn $name($($argument: $type),*) $(-> $result)? {
                $home::$name($($argument),*)
            })*
        }

        #[cfg(target_arch = "x86_64")]
        impl Width for $Width {
            $(#[inline(always)]
            fn $name($($argument: $type),*) $(-> $result)? {
                // SAFETY: `run` names this width only where `Simd::is_here` holds.
                unsafe { $module::$name($($argument),*) }
            })*
        }
    };
}

widths! {
    fn hot::relax(u: &mut [f32], rows: &Rows);
    fn hot::relax_over(u: &mut [f32], rows: &Rows, over: f32);
    fn hot::add_residual(sum: &mut [f32], zero: usize, halves: bool, u: &[f32], rows: &Rows);
    fn hot::residual_squares(u: &[f32], rows: &Rows, row: &mut [f32]) -> f64;
    fn hot::survey(seen: &mut Survey, sink: &[f32], source: &[f32]);
    fn hot::sum(values: &[f32]) -> f64;
    fn kernels::start(u: &mut [f32], rows: &Rows);
    fn hot_transfer::correct(u: &mut [f32], blended: &mut [f32], above: &Above);
    fn kernels::deal(row: &[f32], even: &mut [f32], odd: &mut [f32]);
    fn kernels::gather(row: &mut [f32], even: &[f32], odd: &[f32], offset: f32);
    fn kernels::add(sum: &mut [f32], row: &[f32]);
}

/// Work that can be done at any width.
pub(super) trait Work {
    type Result;
    fn at<W: Width>(self) -> Self::Result;
}

/// Does work at a width; plainly where the machine lacks it.
pub(super) fn run<T: Work>(simd: Simd, work: T) -> T::Result {
    #[cfg(target_arch = "x86_64")]
    if simd.is_here() {
        match simd {
            Simd::Scalar => {}
            Simd::Avx2 => return work.at::<Avx2>(),
            Simd::Avx512 => return work.at::<Avx512>(),
        }
    }
    let _ = simd;
    work.at::<Scalar>()
}
