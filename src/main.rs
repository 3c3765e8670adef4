//! Parses the command line, runs one command, and turns its end into an exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match sayoo::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sayoo: {}", sayoo::base::chain::of(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
