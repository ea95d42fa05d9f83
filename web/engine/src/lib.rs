//! The calcisim engine for the browser: plain C exports, no generated glue.
//!
//! A page writes the text of a scenario into memory that it asked for with `calcisim_alloc`, makes an engine of it, steps it
//! and reads what it wants. A handle of 0 or a status of −1 means a fault: its words lie at `calcisim_error_ptr`,
//! `calcisim_error_len` long, in UTF-8, until the next call.
//!
//! | export | takes | gives |
//! |---|---|---|
//! | `calcisim_alloc`, `calcisim_free` | length; place and length | a place for text |
//! | `calcisim_new` | text of a scenario, seed (negative: that of the scenario) | a handle |
//! | `calcisim_load` | name of a shipped scenario, seed | a handle |
//! | `calcisim_step`, `calcisim_run_to_day` | handle; and a day | 0 or −1 |
//! | `calcisim_day`, `calcisim_days`, `calcisim_hash` | handle | day now, length of the run, `state_hash` |
//! | `calcisim_drop` | handle | |
//! | `calcisim_page`, `calcisim_ask` | a request of a page, see `calcisim::view` | number of messages |
//! | `calcisim_message`, `calcisim_message_len` | page; number of a message | where it lies; how long, negative for text |
//!
//! What a scenario `extends` comes from the shipped scenarios, which lie inside the engine.

use std::sync::{Mutex, PoisonError};

use calcisim::error::{Error, Result};
use calcisim::model::Model;
use calcisim::output::observe::Instruments;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::{self, advance};
use calcisim::view::{Message, Session};

/// Words of the latest fault.
static ERROR: Mutex<String> = Mutex::new(String::new());

/// One run of a page.
pub struct Engine {
    model: Model,
    instruments: Instruments,
    days: f64,
}

impl Engine {
    /// Builds the model of a checked scenario; a negative seed means the scenario's own.
    fn of(mut scenario: Scenario, seed: i64) -> Result<Self> {
        if let Ok(seed) = u64::try_from(seed) {
            scenario.set_seed(seed)?;
        }
        let parameters = scenario.parameters(&Shipped)?;
        let model = Model::new(parameters, scenario.seed())?;
        Ok(Self {
            model,
            instruments: simulation::instruments(&scenario)?,
            days: scenario.days(),
        })
    }

    /// Steps on until the step that holds this day.
    fn run_to_day(&mut self, day: f64) -> Result<()> {
        if !(day.is_finite() && day >= 0.0) {
            return Err(Error::input(
                "day",
                format!("{day} is not a day of a run: expected a number ≥ 0"),
            ));
        }
        let last = self.model.clock.step_of_day(day);
        while self.model.clock.step() < last {
            advance(&mut self.model, &self.instruments)?;
        }
        Ok(())
    }
}

fn keep_words(words: String) {
    *ERROR.lock().unwrap_or_else(PoisonError::into_inner) = words;
}

/// Keeps the words of a fault for the page.
fn answer<T>(outcome: Result<T>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(fault) => {
            keep_words(fault.to_string());
            None
        }
    }
}

fn status(outcome: Result<()>) -> i32 {
    answer(outcome).map_or(-1, |()| 0)
}

fn handle(outcome: Result<Engine>) -> *mut Engine {
    answer(outcome).map_or(std::ptr::null_mut(), |engine| Box::into_raw(Box::new(engine)))
}

/// The text that a page has written.
///
/// # Safety
/// `place` is null or the start of `length` readable bytes.
unsafe fn text(place: *const u8, length: usize) -> Result<String> {
    if place.is_null() {
        return Err(Error::input("scenario", "no text was given"));
    }
    // Safety: the caller promises that these bytes can be read; they are copied at once.
    let bytes = unsafe { std::slice::from_raw_parts(place, length) }.to_vec();
    String::from_utf8(bytes).map_err(|_| Error::input("scenario", "this is not a text in UTF-8"))
}

/// The engine behind a handle.
///
/// # Safety
/// `engine` is null, or came from `calcisim_new` or `calcisim_load`, was not dropped, and nobody else uses it now.
unsafe fn engine<'a>(engine: *mut Engine) -> Result<&'a mut Engine> {
    // Safety: the caller's promise is the one of this function.
    unsafe { engine.as_mut() }.ok_or_else(|| Error::input("handle", "no engine has the handle 0"))
}

/// Lets a panic leave its words behind before the engine traps.
fn watch_for_panics() {
    std::panic::set_hook(Box::new(|info| keep_words(info.to_string())));
}

/// Room for a text of so many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn calcisim_alloc(length: usize) -> *mut u8 {
    Box::into_raw(vec![0u8; length].into_boxed_slice()).cast()
}

/// Gives room back.
///
/// # Safety
/// `place` came from `calcisim_alloc` with the same length and was not given back before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_free(place: *mut u8, length: usize) {
    if !place.is_null() {
        // Safety: this is the boxed slice that `calcisim_alloc` made.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(place, length)) });
    }
}

/// An engine from the text of a scenario; 0 on a fault.
///
/// # Safety
/// `place` is null or the start of `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_new(place: *const u8, length: usize, seed: i64) -> *mut Engine {
    watch_for_panics();
    // Safety: the caller's promise is the one that `text` asks for.
    let text = unsafe { text(place, length) };
    handle(text.and_then(|text| Engine::of(Scenario::from_text("scenario.toml", &text, &[])?.0, seed)))
}

/// An engine of a shipped scenario, by its name; 0 on a fault.
///
/// # Safety
/// `place` is null or the start of `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_load(place: *const u8, length: usize, seed: i64) -> *mut Engine {
    watch_for_panics();
    // Safety: the caller's promise is the one that `text` asks for.
    let name = unsafe { text(place, length) };
    handle(name.and_then(|name| Engine::of(Scenario::load(&Shipped, &name, &[])?.0, seed)))
}

/// One step; −1 on a fault.
///
/// # Safety
/// `this` is a living handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_step(this: *mut Engine) -> i32 {
    // Safety: the caller's promise is the one that `engine` asks for.
    status(unsafe { engine(this) }.and_then(|engine| advance(&mut engine.model, &engine.instruments)))
}

/// Steps on until a day of the run; −1 on a fault.
///
/// # Safety
/// `this` is a living handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_run_to_day(this: *mut Engine, day: f64) -> i32 {
    // Safety: the caller's promise is the one that `engine` asks for.
    status(unsafe { engine(this) }.and_then(|engine| engine.run_to_day(day)))
}

/// Day of the run now; NaN on a fault.
///
/// # Safety
/// `this` is a living handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_day(this: *mut Engine) -> f64 {
    // Safety: the caller's promise is the one that `engine` asks for.
    answer(unsafe { engine(this) }).map_or(f64::NAN, |engine| engine.model.clock.day())
}

/// Length of the run that the scenario asks for, in days; NaN on a fault.
///
/// # Safety
/// `this` is a living handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_days(this: *mut Engine) -> f64 {
    // Safety: the caller's promise is the one that `engine` asks for.
    answer(unsafe { engine(this) }).map_or(f64::NAN, |engine| engine.days)
}

/// `state_hash`, a 64-bit number that a page sees as a signed `BigInt`; 0 on a fault.
///
/// # Safety
/// `this` is a living handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_hash(this: *mut Engine) -> u64 {
    // Safety: the caller's promise is the one that `engine` asks for.
    answer(unsafe { engine(this) }).map_or(0, |engine| engine.model.state_hash())
}

/// Ends an engine.
///
/// # Safety
/// `this` is null or a living handle; it lives no longer after this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_drop(this: *mut Engine) {
    if !this.is_null() {
        // Safety: this is the box that `handle` made.
        drop(unsafe { Box::from_raw(this) });
    }
}

/// Where the words of the latest fault lie.
#[unsafe(no_mangle)]
pub extern "C" fn calcisim_error_ptr() -> *const u8 {
    ERROR.lock().unwrap_or_else(PoisonError::into_inner).as_ptr()
}

/// How long they are, in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn calcisim_error_len() -> usize {
    ERROR.lock().unwrap_or_else(PoisonError::into_inner).len()
}

// ---------------------------------------------------------------------- the page

/// A session of a page, and the messages of its latest answer.
pub struct Page {
    session: Session,
    answer: Vec<Message>,
}

/// A session of a page.
#[unsafe(no_mangle)]
pub extern "C" fn calcisim_page() -> *mut Page {
    watch_for_panics();
    Box::into_raw(Box::new(Page {
        session: Session::new("wasm", None),
        answer: Vec::new(),
    }))
}

/// Answers a request; gives the number of messages, −1 on a fault.
///
/// # Safety
/// `this` is a living page that nobody else uses now; `place` is null or the start of `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_ask(this: *mut Page, place: *const u8, length: usize) -> i32 {
    // Safety: the caller's promise is the one that `text` asks for.
    let request = unsafe { text(place, length) };
    // Safety: the caller promises a living page.
    let Some(page) = (unsafe { this.as_mut() }) else {
        return -1;
    };
    match answer(request) {
        Some(request) => {
            page.answer = page.session.ask(&request);
            page.answer.len() as i32
        }
        None => -1,
    }
}

/// Where a message of the latest answer lies; null beyond the last.
///
/// # Safety
/// `this` is a living page; the place holds until the next request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_message(this: *const Page, index: usize) -> *const u8 {
    // Safety: the caller promises a living page.
    let message = unsafe { this.as_ref() }.and_then(|page| page.answer.get(index));
    match message {
        Some(Message::Text(text)) => text.as_ptr(),
        Some(Message::Bytes(bytes)) => bytes.as_ptr(),
        None => std::ptr::null(),
    }
}

/// How long it is; as a negative number when it is a text.
///
/// # Safety
/// `this` is a living page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calcisim_message_len(this: *const Page, index: usize) -> i32 {
    // Safety: the caller promises a living page.
    let message = unsafe { this.as_ref() }.and_then(|page| page.answer.get(index));
    match message {
        Some(Message::Text(text)) => -(text.len() as i32),
        Some(Message::Bytes(bytes)) => bytes.len() as i32,
        None => 0,
    }
}
