//! Treatments: one file is one treatment.
