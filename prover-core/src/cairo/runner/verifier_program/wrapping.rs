//! How a proof is wrapped: which Cairo verifier runs over it, and which bootloader runs that run as its task.

use super::super::{RunError, parse, tasks};
use super::{LAYOUT, VerifierProgramError, check, pie, program};
use crate::cairo::layouts::{CPU_COMPONENT_HEIGHT, Layout};
use crate::facts::CompiledProgram;
use crate::statement::Statement;
use crate::verifier::Verifier;
use quarry_kernels::{Felt, Hash, felt};
use quarry_tasks::bootloader::{Bootloader, HashFunction, Tasks};
use std::borrow::Cow;

/// Steps of a Cairo verifier for each word of its program: the programs of layouts with more columns have more
/// constraints. Measured with Poseidon in all Merkle layers: 300,728 steps for `small`, of 12,908 words, and 829,313 for
/// `dynamic`, of 47,639 words.
const STEPS_PER_WORD: u64 = 15;
/// Its further steps, whatever its program.
const STEPS: u64 = 64_500;
/// Its steps for each cell of the public memory, measured with bootloaders of 819 and of 3,169 words.
const STEPS_PER_CELL: u64 = 47;
/// Its steps for each compression of Blake2s, which takes two columns of a row: 817,451 steps for `small` with Blake2s in
/// the rows of 22, 3 and 2 columns, for 22 queries.
const STEPS_PER_BLAKE2S: u64 = 1_680;
/// Its Pedersen hashes for each cell of the public memory.
const PEDERSEN_PER_CELL: u64 = 2;
/// Its Poseidon hashes, about as many in every layout.
const POSEIDON: u64 = 4_000;
/// Steps of the bootloader for each word of the Cairo verifier, which it loads and hashes.
const BOOTLOADER_STEPS_PER_WORD: u64 = 10;

/// How a proof is wrapped. By default with the programs that Quarry brings.
#[derive(Clone, Debug, Default)]
pub struct Wrapping {
    /// A compiled Cairo verifier; `None` takes the one that Quarry brings for the layout of the proof.
    pub verifier: Option<Vec<u8>>,
    /// The hash that the Cairo verifier must have, as bootloaders write it, by Pedersen or by Poseidon; `None` takes
    /// any.
    pub expected_verifier_hash: Option<Felt>,
    /// The bootloader that runs the Cairo verifier.
    pub bootloader: Bootloader,
    /// The program hash that this bootloader must have, by Pedersen or by Poseidon; `None` takes any.
    pub expected_bootloader_hash: Option<Felt>,
    /// The hash function of the Cairo verifier's program in the output; `None` takes the one with fewer steps.
    pub hash_function: Option<HashFunction>,
}

/// The compressions of Blake2s for the queried rows of the trace tables.
pub(super) fn blake2s_of_rows(statement: &Statement<'_>) -> u64 {
    let parameters = statement.parameters();
    let log_rows =
        statement.public_input().n_steps.ilog2() + CPU_COMPONENT_HEIGHT.ilog2() + parameters.log_n_cosets;
    if parameters.commitment_hashes.layer(log_rows.into()) == Hash::Poseidon3 {
        return 0;
    }
    let n_columns = statement.shape().map_or([0; 3], |shape| shape.n_columns);
    let of_row: usize = n_columns.iter().map(|n| n.div_ceil(2)).sum();
    (of_row * parameters.fri.n_queries) as u64
}

impl Wrapping {
    /// Checks the two programs for a proof in this layout. They need no proof, so a caller can refuse them before it
    /// makes one.
    ///
    /// # Errors
    /// [`VerifierProgramError`]: there is no Cairo verifier for the layout, or a program is none or has another hash.
    fn check_programs(&self, layout: &str) -> Result<(), VerifierProgramError> {
        let program = parse(&self.checked_verifier(layout)?)?;
        let of_wrapped = Layout::by_name(LAYOUT).map_err(|_| RunError::Layout(LAYOUT.to_owned()))?;
        let mut builtins = program.iter_builtins().map(|builtin| builtin.to_str());
        if let Some(builtin) = builtins.find(|builtin| !of_wrapped.has_segment(builtin)) {
            let layout = LAYOUT.to_owned();
            return Err(RunError::MissingBuiltin { builtin, layout }.into());
        }
        tasks::check(
            &self.under_bootloader(Tasks::new(Vec::new())),
            of_wrapped.segments,
        )
        .map_err(|error| VerifierProgramError::Bootloader(error.into()))
    }

    /// Checks all that is known before there is a proof: the statement and the parameters of the inner proof, and the
    /// two programs.
    ///
    /// # Errors
    /// [`VerifierProgramError`].
    pub fn check(&self, verifier: &Verifier<'_>) -> Result<(), VerifierProgramError> {
        check(verifier)?;
        self.check_programs(&verifier.statement().public_input().layout)
    }

    /// Roughly the steps of the wrapped proof, before there is an inner one: from the public memory of the inner
    /// proof and the length of the Cairo verifier, with rates that were measured for some. It can be wrong by a factor
    /// of 2. Only the run of the Cairo verifier over the inner proof tells more.
    ///
    /// # Errors
    /// [`VerifierProgramError`]: there is no Cairo verifier for the layout, or it is none.
    pub fn foreseen_steps(&self, verifier: &Verifier<'_>) -> Result<u64, VerifierProgramError> {
        let inner = verifier.statement().public_input();
        let n_words = parse(&self.checked_verifier(&inner.layout)?)?.data_len() as u64;
        let n_cells = inner.public_memory.len() as u64;
        // One instance a word by Pedersen, one for two words by Poseidon.
        let (by_pedersen, by_poseidon) = match self.hash_function {
            Some(HashFunction::Pedersen) => (n_words, 0),
            _ => (0, n_words / 2),
        };
        let wrapped = Layout::by_name(LAYOUT).map_err(|_| RunError::Layout(LAYOUT.to_owned()))?;
        let instances = wrapped.builtins().filter_map(|supply| {
            let n = match supply.name {
                "pedersen" => PEDERSEN_PER_CELL * n_cells + by_pedersen,
                "poseidon" => POSEIDON + by_poseidon,
                _ => return None,
            };
            supply.steps_for(n)
        });
        let steps = STEPS
            + (STEPS_PER_WORD + BOOTLOADER_STEPS_PER_WORD) * n_words
            + STEPS_PER_CELL * n_cells
            + STEPS_PER_BLAKE2S * blake2s_of_rows(verifier.statement());
        Ok(instances.fold(steps.next_power_of_two(), u64::max))
    }

    /// Runs the Cairo verifier over a proof, for at most `max_steps` steps, and puts the run under the bootloader.
    ///
    /// # Errors
    /// [`VerifierProgramError`]. What no Cairo verifier accepts, and a proof that does not hold, are refused before the
    /// run.
    pub fn tasks(
        &self,
        verifier: &Verifier<'_>,
        proof: &[u8],
        max_steps: usize,
    ) -> Result<Tasks, VerifierProgramError> {
        self.check(verifier)?;
        let layout = &verifier.statement().public_input().layout;
        let pie = pie(&self.checked_verifier(layout)?, verifier, proof, max_steps)?;
        Ok(self.under_bootloader(Tasks::new(vec![pie])))
    }

    fn under_bootloader(&self, tasks: Tasks) -> Tasks {
        let expected = self
            .expected_bootloader_hash
            .as_ref()
            .map(felt::to_standard_bytes);
        tasks
            .under(self.bootloader.clone())
            .expecting(expected)
            .hashed_by(self.hash_function)
    }

    /// The compiled Cairo verifier, if it has the expected hash. The hash covers its builtins and where its main is.
    fn checked_verifier(&self, layout: &str) -> Result<Cow<'_, [u8]>, VerifierProgramError> {
        let file: Cow<'_, [u8]> = match &self.verifier {
            Some(own) => own.into(),
            None => program(layout)?.into(),
        };
        let Some(expected) = &self.expected_verifier_hash else {
            return Ok(file);
        };
        let text = str::from_utf8(&file).map_err(|error| RunError::Program(error.to_string()))?;
        let compiled = CompiledProgram::parse(text).map_err(|error| RunError::Program(error.to_string()))?;
        let hashes = compiled.bootloader_hashes();
        if [hashes.pedersen, hashes.poseidon].contains(expected) {
            return Ok(file);
        }
        let [pedersen, poseidon, expected] =
            [hashes.pedersen, hashes.poseidon, *expected].map(|hash| felt::to_hex(&hash));
        Err(VerifierProgramError::Hash {
            pedersen,
            poseidon,
            expected,
        })
    }
}
