//! Tests of the `quarry` command, and of the service that it runs: each starts the command in a folder of its own. One
//! binary, because each would link the client again.

mod common;

mod admin;
mod blocks;
mod bodies;
mod cli_addresses;
mod cli_calldata;
mod cli_claims;
mod cli_executables;
mod cli_jobs;
mod cli_keys;
mod cli_manual;
mod cli_prove;
mod cli_service;
mod cli_signed;
mod cli_stalled;
mod cli_task_list;
mod cli_tasks;
mod cli_usage;
mod cli_verify;
mod cli_wrap;
mod connections;
mod deploy;
mod drain;
mod drill;
mod envelope_example;
mod failure_codes;
mod fair;
mod hangs;
mod interceptors;
mod isolation;
mod job_calldata;
mod job_limits;
mod kinds_of_tasks;
mod limits;
mod moved_data;
mod operators;
mod pages;
mod pies;
mod pies_refused;
mod receipts;
mod reload;
mod reprove;
mod scratch_damage;
mod secure;
mod serve;
mod signed;
mod tenants;
mod upkeep;
mod upload_race;
mod wraps;

#[cfg(feature = "slow-tests")]
mod browser;
#[cfg(feature = "slow-tests")]
mod clock;
#[cfg(feature = "slow-tests")]
mod crash;
#[cfg(feature = "slow-tests")]
mod day;
