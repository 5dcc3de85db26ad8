//! The `quarry` command.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Mesa would open a display to choose among its Vulkan devices, which servers lack, and say so on standard error.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    cli::run()
}
