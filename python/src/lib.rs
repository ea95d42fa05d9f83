//! What Python needs of the engine. People call the package `calcisim` (`python/calcisim/*.py`), which names, documents and
//! converts; here is what needs Rust: a run, a step, a table, a field.
//!
//! Every call that computes gives the interpreter's lock back and hears Ctrl-C; every error is the command line's.

mod course;
mod errors;
mod folders;
mod lists;
mod request;
mod slice;
mod table;
mod work;

/// The engine of calcisim.
#[pyo3::pymodule]
mod _calcisim {
    #[pymodule_export]
    use crate::course::{Course, simulate};
    #[pymodule_export]
    use crate::folders::{compare, figure, read_table, report, resume, run, snapshot, snapshot_days};
    #[pymodule_export]
    use crate::lists::{parameters, scenario, scenarios, schema, version};
    #[pymodule_export]
    use crate::slice::Slice;
    #[pymodule_export]
    use crate::table::Table;
}
