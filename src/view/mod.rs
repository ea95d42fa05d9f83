//! The live page: a session owns models, answers requests of a page and sends frames; the same bits native and in a browser.
//!
//! A request is one JSON text, a reply is some binary messages (frames, geometry, pictures) and one JSON text that ends it.
//! [`session`] answers them, [`branch`] steps a model and goes back in time, [`frame`] packs what a page draws,
//! [`slide`] draws sections in stains, [`lottery`] takes many biopsies, [`catalog`] and [`lessons`] say what there is.
//! `server` carries it over a WebSocket on this machine; `web/engine` carries it inside one HTML file, which [`offline`] writes.

mod ask;
pub mod branch;
pub mod catalog;
pub mod frame;
#[cfg(feature = "cli")]
pub mod lessons;
pub mod lottery;
#[cfg(feature = "cli")]
pub mod offline;
mod origin;
#[cfg(feature = "view")]
pub mod server;
pub mod session;
pub mod slide;

pub use session::Session;

/// One message to a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// JSON.
    Text(String),
    /// A frame, a geometry or a picture; the first four bytes say which.
    Bytes(Vec<u8>),
}
