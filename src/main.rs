//! calcisim: a simulator of calciphylaxis. Arguments in, library call, error out.

fn main() -> std::process::ExitCode {
    calcisim::cli::main(std::env::args_os())
}
