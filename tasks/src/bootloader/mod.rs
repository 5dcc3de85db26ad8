//! StarkWare's simple bootloader: a Cairo program that runs tasks one after the other. Its output lists, for each task,
//! the hash of its program and its output.
//!
//! A task here is a PIE, the memory of a run that somebody made before. The bootloader does not trust it: it hashes the
//! program, and lays the memory where the constraints see that the program did it. The bootloader's hints only find
//! values; a wrong one makes the run fail.

mod hint;
mod load;
mod needs;
mod programs;
mod run;
mod select;
mod simulate;
mod table;
mod task;

pub use needs::Lacking;
pub use programs::{BOOTLOADERS, Bootloader};

use self::hint::{Hint, State};
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintFunc;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::program::Program;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// The labels between which the bootloader calls a task.
const LABELS: [&str; 2] = [
    "starkware.cairo.bootloaders.simple_bootloader.execute_task.execute_task.call_task",
    "starkware.cairo.bootloaders.simple_bootloader.execute_task.execute_task.ret_pc_label",
];

/// The hash function of a task's program in the bootloader's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFunction {
    /// Pedersen, one instance for each word of the program.
    Pedersen,
    /// Poseidon, one instance for two words of the program.
    Poseidon,
}

impl HashFunction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Pedersen, Self::Poseidon];

    /// The hash function of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// All names, as messages list them.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// The name, which is also that of the builtin.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pedersen => "pedersen",
            Self::Poseidon => "poseidon",
        }
    }

    /// The bootloader's number of it.
    fn number(self) -> u64 {
        match self {
            Self::Pedersen => 0,
            Self::Poseidon => 1,
        }
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A bootloader, and what it runs.
#[derive(Clone, Debug)]
pub struct Tasks {
    /// Which bootloader.
    bootloader: Bootloader,
    /// The program hash that it must have.
    expected_hash: Option<[u8; 32]>,
    /// The tasks in order.
    tasks: Arc<[Task]>,
    /// The hash function of the programs of tasks that state none; `None` takes the cheapest.
    hash_function: Option<HashFunction>,
    /// Whether the output of each task is on pages of its own.
    has_pages: bool,
}

/// A task: the run of a program.
#[derive(Clone, Debug)]
pub struct Task {
    /// The run.
    pub pie: CairoPie,
    /// The hash function of its program; `None` takes that of [`Tasks::hashed_by`].
    pub hash_function: Option<HashFunction>,
}

impl From<CairoPie> for Task {
    fn from(pie: CairoPie) -> Self {
        Self {
            pie,
            hash_function: None,
        }
    }
}

/// Why a program is not a bootloader that Quarry can run.
#[derive(Debug, thiserror::Error)]
#[error("not a simple bootloader: it has no label '{0}'")]
pub struct NotABootloader(&'static str);

impl Tasks {
    /// These PIEs, under the bootloader of the layout.
    pub fn new(pies: Vec<CairoPie>) -> Self {
        Self::of(pies.into_iter().map(Task::from).collect())
    }

    /// These tasks, under the bootloader that Quarry brings.
    pub fn of(tasks: Vec<Task>) -> Self {
        Self {
            bootloader: Bootloader::default(),
            expected_hash: None,
            tasks: tasks.into(),
            hash_function: None,
            has_pages: false,
        }
    }

    /// Puts the output of each task on continuous pages, those of its fact topology. Otherwise all is on page 0.
    #[must_use]
    pub fn on_pages(self, has_pages: bool) -> Self {
        Self { has_pages, ..self }
    }

    /// Whether the output of each task is on pages of its own.
    pub fn has_pages(&self) -> bool {
        self.has_pages
    }

    /// The tasks in order.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Takes another bootloader.
    #[must_use]
    pub fn under(self, bootloader: Bootloader) -> Self {
        Self { bootloader, ..self }
    }

    /// Refuses a bootloader whose program has another hash, by Pedersen or by Poseidon, in big-endian bytes; `None`
    /// takes any.
    #[must_use]
    pub fn expecting(self, bootloader_hash: Option<[u8; 32]>) -> Self {
        let expected_hash = bootloader_hash;
        Self {
            expected_hash,
            ..self
        }
    }

    /// Takes this hash function for the programs of tasks that state none, whatever it costs; with `None`, the cheaper
    /// one.
    #[must_use]
    pub fn hashed_by(self, hash_function: Option<HashFunction>) -> Self {
        Self {
            hash_function,
            ..self
        }
    }

    /// Which bootloader runs them. Those of layouts have no pages, so with pages it is the simple one instead.
    pub fn bootloader(&self) -> &Bootloader {
        match &self.bootloader {
            Bootloader::Layout if self.has_pages => &Bootloader::Simple,
            bootloader => bootloader,
        }
    }

    /// The program hash that the bootloader must have; `None` if any will do.
    pub fn expected_hash(&self) -> Option<[u8; 32]> {
        self.expected_hash
    }

    /// The hash function of the programs of tasks that state none; `None` if the cheaper one is to be taken.
    pub fn hash_function(&self) -> Option<HashFunction> {
        self.hash_function
    }

    /// Whether each task states the hash function of its program.
    pub fn all_state_their_hash(&self) -> bool {
        !self.tasks.is_empty() && self.tasks.iter().all(|task| task.hash_function.is_some())
    }

    /// What the hints of a run find in their scopes. `pages` has the sizes of the pages of each task's output; without
    /// any, all is on page 0.
    ///
    /// # Errors
    /// [`NotABootloader`].
    pub fn scopes(
        &self,
        bootloader: &Program,
        program_hash: HashFunction,
        pages: Vec<Vec<usize>>,
    ) -> Result<ExecutionScopes, NotABootloader> {
        let label = |name| bootloader.get_identifier(name).and_then(|label| label.pc);
        let [call, end] = LABELS.map(|name| label(name).ok_or(NotABootloader(name)));
        let (call, end) = (call?, end?);
        Ok(State {
            tasks: Arc::clone(&self.tasks),
            program_hash,
            pages,
            return_offset: end.checked_sub(call).ok_or(NotABootloader(LABELS[1]))?,
            current: 0,
            loaded: Vec::new(),
        }
        .into_scopes())
    }
}

/// Whether a bootloader with these hints can put the output of its tasks on pages.
pub fn has_pages(has_hint: impl Fn(&str) -> bool) -> bool {
    has_hint(table::CONFIGURE_PAGES)
}

/// Says in words where a pc of a bootloader's run lies: in the bootloader, or in the program of which task. `None` if these
/// are not [scopes](Tasks::scopes) of a bootloader.
pub fn place(scopes: &ExecutionScopes, pc: Relocatable) -> Option<String> {
    let state = State::of(scopes)?;
    if pc.segment_index == 0 {
        return Some(format!("pc {} of the bootloader", pc.offset));
    }
    let of_task = state.loaded.iter().find_map(|(program, task)| {
        let offset = (pc - *program).ok()?;
        Some(format!("pc {offset} of task {task}"))
    });
    Some(of_task.unwrap_or_else(|| format!("pc {pc}, in no program")))
}

/// The functions of the bootloader's hints that the virtual machine does not know, by their text.
pub fn hints() -> HashMap<String, Rc<HintFunc>> {
    let function = |function: table::Function| {
        HintFunc(Box::new(move |vm, scopes, ids, ap, constants| {
            function(&mut Hint {
                vm,
                scopes,
                ids,
                ap,
                constants,
            })
        }))
    };
    let row = |(text, of_text): &(&str, table::Function)| ((*text).to_owned(), Rc::new(function(*of_text)));
    table::HINTS.iter().map(row).collect()
}

#[cfg(test)]
mod tests;
