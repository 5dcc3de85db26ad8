//! Hints: checks that a program's hints are supported, and executes those that the virtual machine does not know.

mod definitions;
mod interpreter;
mod language;
mod value;

use self::definitions::{Definitions, Identifier};
use self::interpreter::{Interpreter, Run};
use self::language::Statement;
use self::value::{Fault, Shared};
use super::{RunError, RunOptions};
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::{
    BuiltinHintProcessor, HintFunc, HintProcessorData,
};
use cairo_vm::hint_processor::hint_processor_definition::HintProcessorLogic;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use serde_json::Value;
use std::any::Any;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Maximum number of cells that a step reads. Hints that do more work than all steps could read are stopped.
const CELLS_OF_A_STEP: usize = 4;

/// The parts of a compiled program that hints need.
#[derive(serde::Deserialize)]
struct Program {
    hints: BTreeMap<usize, Vec<Hint>>,
    identifiers: HashMap<String, Identifier>,
}

#[derive(serde::Deserialize)]
struct Hint {
    code: String,
}

/// Rejects words that are not hexadecimal. The virtual machine's parser panics at some of them.
pub(super) fn check_words(program: &[u8]) -> Result<(), RunError> {
    #[derive(serde::Deserialize)]
    struct Words {
        data: Vec<String>,
    }
    let words: Words =
        serde_json::from_slice(program).map_err(|error| RunError::Program(error.to_string()))?;
    let is_word = |word: &str| {
        let digits = word.strip_prefix("0x").unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    match words.data.iter().position(|word| !is_word(word)) {
        Some(at) => Err(RunError::Program(format!("data[{at}] is not a hexadecimal word"))),
        None => Ok(()),
    }
}

/// The functions of the hints that the virtual machine does not know, by hint code. Each of these hints has been
/// checked by executing it once without a run.
pub(super) fn functions(
    program: &[u8],
    input: Option<&Value>,
    options: &RunOptions,
) -> Result<HashMap<String, Rc<HintFunc>>, RunError> {
    let program = parse(program)?;
    let shared = Arc::new(Shared {
        input: input.cloned(),
        definitions: Definitions::new(program.identifiers),
        prints: options.prints,
        budget: AtomicUsize::new(options.max_steps.saturating_mul(CELLS_OF_A_STEP)),
    });
    let mut functions = HashMap::new();
    for (pc, Hint { code }) in program
        .hints
        .into_iter()
        .flat_map(|(pc, hints)| hints.into_iter().map(move |hint| (pc, hint)))
    {
        if functions.contains_key(&code) || is_known(&code) {
            continue;
        }
        let statements = check(&code, &shared).map_err(|fault| refusal(pc, &code, fault))?;
        functions.insert(code, Rc::new(function(statements, Arc::clone(&shared))));
    }
    Ok(functions)
}

/// The texts of a bootloader's hints, which the virtual machine or `known` must know.
pub(super) fn texts(program: &[u8], known: impl Fn(&str) -> bool) -> Result<HashSet<String>, RunError> {
    let program = parse(program)?;
    let hints = program.hints.into_iter();
    let hints = hints.flat_map(|(pc, hints)| hints.into_iter().map(move |hint| (pc, hint.code)));
    let mut texts = HashSet::new();
    for (pc, code) in hints {
        if !texts.contains(&code) {
            if !known(&code) && !is_known(&code) {
                return Err(RunError::BootloaderHint { pc, code });
            }
            texts.insert(code);
        }
    }
    Ok(texts)
}

fn parse(program: &[u8]) -> Result<Program, RunError> {
    serde_json::from_slice(program).map_err(|error| RunError::Program(error.to_string()))
}

/// Whether the virtual machine supports a hint. Only its processor knows all of its hints, so the hint is executed on
/// an empty machine. Any result other than [`HintError::UnknownHint`] means that it is supported.
fn is_known(code: &str) -> bool {
    let hint: Box<dyn Any> = Box::new(HintProcessorData::new_default(code.to_owned(), HashMap::new()));
    let mut vm = VirtualMachine::new(false, false);
    let result = BuiltinHintProcessor::new_empty().execute_hint(&mut vm, &mut ExecutionScopes::new(), &hint);
    !matches!(result, Err(HintError::UnknownHint(_)))
}

/// Parses a hint and checks, as far as possible before the run, that it can be executed.
fn check(code: &str, shared: &Shared) -> Result<Vec<Statement>, Fault> {
    let statements = language::parse(code).ok_or(Fault::Unsupported)?;
    Interpreter::new(shared, None).execute(&statements)?;
    Ok(statements)
}

fn refusal(pc: usize, code: &str, fault: Fault) -> RunError {
    match fault {
        Fault::Unsupported => RunError::UnknownHint {
            pc,
            code: code.to_owned(),
        },
        Fault::Input { path, problem } => RunError::ProgramInput { pc, path, problem },
        Fault::Failed(why) => RunError::Failed {
            place: format!("pc {pc}"),
            message: format!("{why}, in the hint\n{code}"),
        },
    }
}

fn function(statements: Vec<Statement>, shared: Arc<Shared>) -> HintFunc {
    HintFunc(Box::new(move |vm, scopes, ids, ap, _| {
        let run = Run { vm, scopes, ids, ap };
        let result = Interpreter::new(&shared, Some(run)).execute(&statements);
        result.map_err(|fault| {
            let why = match fault {
                Fault::Unsupported => "this part of the hint is not supported".to_owned(),
                Fault::Input { path, problem } => format!("{path}: {problem}"),
                Fault::Failed(why) => why,
            };
            HintError::CustomHint(why.into())
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairo_vm::hint_processor::builtin_hint_processor::hint_code::HINT_CODES;
    use cairo_vm::hint_processor::builtin_hint_processor::kzg_da::WRITE_DIVMOD_SEGMENT;
    use cairo_vm::hint_processor::builtin_hint_processor::secp::cairo0_hints::CAIRO0_HINT_CODES;
    use serde_json::json;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn the_hints_of_the_cairo_library_are_known() {
        let codes = HINT_CODES.iter().chain(CAIRO0_HINT_CODES.iter());
        let unknown: Vec<_> = codes
            .filter(|(_, code)| !is_known(code))
            .map(|(name, _)| *name)
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        assert!(is_known(WRITE_DIVMOD_SEGMENT));
        assert!(!is_known("ids.x = 1"));
    }

    fn shared(input: Option<Value>) -> Shared {
        Shared {
            input,
            definitions: Definitions::default(),
            prints: false,
            budget: AtomicUsize::new(1000),
        }
    }

    #[test]
    fn what_is_not_of_the_language_is_not_supported() {
        let shared = shared(Some(json!({ "a": [1, 2], "o": { "x": 1 } })));
        for code in [
            "",
            "import os",
            "ids.n = unheard_of",
            "ids.n = program_input['a'] if ids.x else 0",
            "ids.n = program_input['a\"]",
            "ids.n = program_input['a'",
            "ids.n = (1",
            "ids.n = 1 1",
            "ids.n = open('/etc/passwd')",
            "ids.n = program_input['a'][0] ** 2",
            "ids.n = 'a\\n'",
            "for x in program_input['a']:",
            "  ids.n = 1\n ids.m = 2",
            "ids.n = 1\n  ids.m = 2",
            // The order of an object's entries is not kept.
            "for key in program_input['o']: print(key)",
            "ids.n = segments.gen_arg([v for k, v in program_input['o'].items()])",
            "initial_dict = [1]",
            "import = 1",
            "n = int('1', 8)",
            "ids = 7; n",
        ] {
            assert_eq!(
                check(code, &shared).expect_err(code),
                Fault::Unsupported,
                "{code}"
            );
        }
    }

    #[test]
    fn what_the_program_input_lacks_is_found_before_the_run() {
        let input = json!({
            "n": 7, "half": 0.5, "text": "7", "minus": -1, "big": "0x800000000000000000",
            "a": [1, [2, { "b": "x" }], null], "votes": [{ "r": "0x1" }, { "r": "zz" }, {}],
        });
        let shared = shared(Some(input));
        for (code, path) in [
            ("ids.n = program_input['none']", "program_input['none']"),
            ("ids.n = program_input['half']", "program_input['half']"),
            ("ids.n = program_input['text']", "program_input['text']"),
            ("ids.n = program_input['a']", "program_input['a']"),
            ("ids.n = program_input", "program_input"),
            ("ids.n = program_input['n'][0]", "program_input['n']"),
            ("ids.n = program_input['n']['x']", "program_input['n']['x']"),
            ("ids.n = program_input['a'][3]", "program_input['a'][3]"),
            (
                "ids.n = program_input['a'][1][1]['b']",
                "program_input['a'][1][1]['b']",
            ),
            ("ids.n = len(program_input['n'])", "program_input['n']"),
            (
                "ids.a = segments.gen_arg(program_input['a'])",
                "program_input['a'][1][1]",
            ),
            (
                "segments.write_arg(ids.a, program_input['a'][2])",
                "program_input['a'][2]",
            ),
            (
                "for i, v in enumerate(program_input['a']):\n  memory[ids.a + i] = v",
                "program_input['a'][1]",
            ),
            (
                "for v in program_input['votes']:\n    r = int(v['r'], 16)",
                "program_input['votes'][1]['r']",
            ),
            (
                "d = {int(k): v for k, v in program_input['a'].items()}",
                "program_input['a']",
            ),
            (
                "memory[ap] = to_felt_or_relocatable(program_input['half'])",
                "program_input['half']",
            ),
        ] {
            match check(code, &shared).expect_err(code) {
                Fault::Input { path: found, .. } => assert_eq!(found, path, "{code}"),
                other => panic!("{code}: {other:?}"),
            }
        }
        for code in [
            "ids.n = program_input['n']",
            "ids.n = program_input['minus']\n\n# twice\nids.m = ids.k = program_input[\"big\"]",
            "ids.n = program_input['a'][ids.at][ids.at]",
            "ids.n = int(program_input['text']) + int(program_input['text'], 16) * 2 - 1",
        ] {
            assert!(check(code, &shared).is_ok(), "{code}");
        }
        let none = Shared {
            input: None,
            ..shared
        };
        assert!(
            matches!(check("n = program_input['n']", &none), Err(Fault::Input { path, .. }) if path == "program_input")
        );
    }

    #[test]
    fn assertions_that_cannot_hold_are_found_before_the_run() {
        let shared = shared(Some(json!({ "a": [1, 2] })));
        assert!(check("assert len(program_input['a']) == 1 + 1, 'two'", &shared).is_ok());
        assert!(check("assert ids.n == len(program_input['a'])", &shared).is_ok());
        let fault = check("assert len(program_input['a']) != 2", &shared);
        assert!(matches!(fault, Err(Fault::Failed(_))), "{fault:?}");
    }

    #[test]
    fn hostile_hints_are_cheap() {
        let list: Vec<_> = (0..900).collect();
        let shared = shared(Some(json!({ "a": list })));
        let deep = format!("n = {}{}", "(".repeat(100_000), ")".repeat(100_000));
        let nested = "for x in program_input['a']: n = 1\n".repeat(100);
        let doubled = format!("a = [1, 1]\n{}segments.gen_arg(a)", "a = [a, a]\n".repeat(28));
        for code in [
            &*deep,
            &nested,
            &doubled,
            "a = []\nfor x in program_input['a']: a = [a]",
            "n = [[y for y in program_input['a']] for x in program_input['a']]",
            &format!("a = 'text'\n{}", "a = f'{a}{a}'\n".repeat(100)),
            &doubled.replace("segments.gen_arg", "print"),
            "n = range(1000000000000000)",
            "n = range(0 - 1)",
        ] {
            shared.budget.store(1000, Relaxed);
            assert!(check(code, &shared).is_err(), "{}", &code[..30.min(code.len())]);
        }
    }
}
