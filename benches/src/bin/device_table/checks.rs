//! Checks that the device's results are correct.

use crate::report::Check;
use quarry_benches::read_case;
use quarry_kernels::Backend;
use quarry_kernels::ops::laws;
use quarry_prover_core::prover::{ProveOptions, prove};
use quarry_prover_core::statement::Statement;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Name and function of a law.
type Law<D> = (&'static str, fn(&D));

/// Checks every law of the operations.
pub fn laws<D: Backend>(device: &D) -> Vec<Check> {
    macro_rules! list {
        ($($law:ident,)*) => {
            &[$((stringify!($law), laws::$law)),*]
        };
    }
    let laws: &[Law<D>] = quarry_kernels::for_each_law!(list);
    let check = |&(name, law): &Law<D>| {
        let holds = catch_unwind(AssertUnwindSafe(|| law(device))).is_ok();
        Check::told(name.to_owned(), holds)
    };
    laws.iter().map(check).collect()
}

/// Compares proofs with Stone's bytes, for every case that is not too slow.
pub fn cases<D: Backend>(
    device: &D,
    golden: &Path,
    stone_seconds: f64,
) -> Result<Vec<Check>, Box<dyn Error>> {
    let mut checks = Vec::new();
    let table = golden.join("digests.tsv");
    let text = fs::read_to_string(&table).map_err(|why| format!("{}: {why}", table.display()))?;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [layout, case, tag, _, digest, _, _, seconds, _] = fields[..] else {
            return Err(format!("{}: nine columns expected: {line}", table.display()).into());
        };
        let in_time = seconds
            .parse::<f64>()
            .is_ok_and(|seconds| seconds <= stone_seconds);
        if digest == "refused" || !in_time {
            continue;
        }
        let (input, parameters) = read_case(&golden.join(layout).join(case), tag)?;
        let statement = Statement::new(&input.public, &parameters)?;
        let proof = prove(device, &statement, &input, &ProveOptions::default());
        let holds = match proof {
            Ok(proof) => {
                let found = Sha256::digest(&proof.bytes);
                found.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == digest
            }
            Err(why) => {
                eprintln!("{layout}/{case}/{tag}: {why}");
                false
            }
        };
        checks.push(Check::told(format!("{layout}/{case}/{tag}"), holds));
    }
    Ok(checks)
}
