//! An error of calcisim as an exception: the same text, the same exit code, the same list of faults.

use calcisim::error::Error;
use pyo3::prelude::*;

/// The exception of an error.
pub fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let made = || -> PyResult<PyErr> {
        let faults = serde_json::to_string(&error.diagnostics()).unwrap_or_else(|_| "[]".to_owned());
        let of = py.import("calcisim._errors")?.getattr("exception_of")?;
        Ok(PyErr::from_value(of.call1((
            error.exit_code(),
            error.to_string(),
            faults,
        ))?))
    };
    made().unwrap_or_else(|fault| fault)
}

/// The answer of a call, its error as an exception.
pub fn answer<T>(py: Python<'_>, found: Result<T, Error>) -> PyResult<T> {
    found.map_err(|error| raised(py, &error))
}
