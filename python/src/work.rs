//! Long work: without the interpreter's lock, and with an ear for Ctrl-C.

use std::any::Any;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use calcisim::error::{Error, Result};
use calcisim::simulation::stop::Stop;
use pyo3::prelude::*;

use crate::errors::raised;

/// How often Python is asked whether someone pressed Ctrl-C.
const LISTEN: Duration = Duration::from_millis(100);

/// A run needs more stack than a thread gets by default when Python itself runs in one.
const STACK: usize = 16 << 20;

/// Does the work on a thread of its own and waits for it. The interpreter is free meanwhile; Ctrl-C asks the work to stop, which
/// ends it between two steps, and raises `KeyboardInterrupt`.
pub fn heard<T: Send>(py: Python<'_>, work: impl FnOnce(&Stop) -> Result<T> + Send) -> PyResult<T> {
    let stop = Stop::default();
    let (found, pressed) = py.detach(|| waited(work, &stop));
    match (found, pressed) {
        (_, Some(pressed)) => Err(pressed),
        (Ok(value), None) => Ok(value),
        (Err(error), None) => Err(raised(py, &error)),
    }
}

fn waited<T: Send>(work: impl FnOnce(&Stop) -> Result<T> + Send, stop: &Stop) -> (Result<T>, Option<PyErr>) {
    let (done, end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("calcisim".to_owned()).stack_size(STACK);
        let worker = thread.spawn_scoped(scope, move || {
            // Dropped at the end of the work, however it ends.
            let _done = done;
            work(stop)
        });
        let worker = match worker {
            Ok(worker) => worker,
            Err(fault) => return (Err(Error::Internal(format!("no thread to run on: {fault}"))), None),
        };
        let mut pressed = None;
        while end.recv_timeout(LISTEN) == Err(RecvTimeoutError::Timeout) {
            if pressed.is_none() {
                pressed = Python::attach(|py| py.check_signals()).err();
                if pressed.is_some() {
                    stop.interrupt();
                }
            }
        }
        let found = worker
            .join()
            .unwrap_or_else(|panic| Err(Error::Internal(words(&*panic))));
        (found, pressed)
    })
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    format!("a fault of calcisim itself: {said}")
}
