//! The `quarry` command.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    // To choose among its Vulkan devices, Mesa would try to open a display, which servers lack, and complain on
    // standard error.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    cli::run()
}
