//! Stand-in for the small tissue of the tests. Thrown away at the merge.

use super::{Profile, Tissue};

/// A healthy adult.
pub fn healthy() -> Profile {
    crate::model::healthy()
}

/// A small section.
pub fn tissue(profile: Profile) -> Tissue {
    let mut tissue = crate::model::tissue(20, 20);
    tissue.host.profile = profile;
    tissue
}
