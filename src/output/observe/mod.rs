//! Instruments: what a clinic would measure, kept apart from what the model is.

pub mod tcpo2;
