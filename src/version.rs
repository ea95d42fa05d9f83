//! Which calcisim this is.

use std::sync::OnceLock;

/// Version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Commit that this was built from, `-modified` when the sources differed from it; empty outside a clone.
pub const GIT: &str = env!("CALCISIM_GIT");

/// Features that this was built with.
pub const FEATURES: &[&str] = &[
    #[cfg(feature = "parallel")]
    "parallel",
    #[cfg(feature = "cli")]
    "cli",
    #[cfg(feature = "figures")]
    "figures",
    #[cfg(feature = "view")]
    "view",
];

/// `0.1.0 (git 1353ac7a2b3c; features: parallel cli figures)`.
pub fn long() -> &'static str {
    static LONG: OnceLock<String> = OnceLock::new();
    LONG.get_or_init(|| {
        let git = if GIT.is_empty() { "unknown" } else { GIT };
        let features = if FEATURES.is_empty() {
            "none".into()
        } else {
            FEATURES.join(" ")
        };
        format!("{VERSION} (git {git}; features: {features})")
    })
}
