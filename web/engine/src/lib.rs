//! The calcisim engine for the browser.
