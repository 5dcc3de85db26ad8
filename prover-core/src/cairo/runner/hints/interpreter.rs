//! Executes hints. Each hint is executed once before the run, with all values that depend on the run unknown, to detect
//! unsupported code and missing program input; and then during the run.

use super::language::{Expr, Source, Statement};
use super::value::{Fault, Shared, Value, from_decimal};
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{
    get_maybe_relocatable_from_var_name, get_relocatable_from_var_name,
};
use cairo_vm::hint_processor::hint_processor_definition::HintReference;
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::vm_core::VirtualMachine;
use std::collections::HashMap;
use std::io::{self, Write};
use std::rc::Rc;

/// The parts of the run that a hint can access.
pub(super) struct Run<'a> {
    pub(super) vm: &'a mut VirtualMachine,
    pub(super) scopes: &'a mut ExecutionScopes,
    pub(super) ids: &'a HashMap<String, HintReference>,
    pub(super) ap: &'a ApTracking,
}

/// A single execution of a hint.
pub(super) struct Interpreter<'a, 'r> {
    pub(super) shared: &'a Shared,
    /// `None` before the run.
    pub(super) run: Option<Run<'r>>,
    names: HashMap<&'a str, Value<'a>>,
}

impl<'a, 'r> Interpreter<'a, 'r> {
    pub(super) fn new(shared: &'a Shared, run: Option<Run<'r>>) -> Self {
        let names = HashMap::new();
        Self { shared, run, names }
    }

    pub(super) fn execute(&mut self, statements: &'a [Statement]) -> Result<(), Fault> {
        for statement in statements {
            match statement {
                Statement::Assign(targets, value) => {
                    let value = self.value(value)?;
                    for target in targets {
                        self.assign(target, &value)?;
                    }
                }
                Statement::For(names, source, body) => {
                    let source = self.value(source)?;
                    for item in self.each(&source)?.iter() {
                        self.bind(names, item)?;
                        self.execute(body)?;
                    }
                }
                Statement::Assert(left, right, equal) => {
                    let (left, right) = (self.value(left)?, self.value(right)?);
                    let (left, right) = (self.shared.cell(&left)?, self.shared.cell(&right)?);
                    let holds = (left == right) == *equal;
                    if left.is_some() && right.is_some() && !holds {
                        return Err(Fault::failed("its assertion does not hold"));
                    }
                }
                Statement::Do(Expr::Call(name, pieces)) if name == "print" => {
                    let line = self.text(pieces, " ")?;
                    if self.run.is_some() && self.shared.prints {
                        // Not standard output, which scripts read. A closed standard error must not fail the run.
                        let _ = writeln!(io::stderr(), "{line}");
                    }
                }
                Statement::Do(value) => drop(self.value(value)?),
            }
        }
        Ok(())
    }

    fn assign(&mut self, target: &'a Expr, value: &Value<'a>) -> Result<(), Fault> {
        let address = match target {
            Expr::Name(name) => {
                self.names.insert(name, value.clone());
                return match &**name {
                    "initial_dict" => self.publish(value),
                    _ => Ok(()),
                };
            }
            Expr::Index(memory, address) if **memory == Expr::Name("memory".to_owned()) => {
                let address = self.value(address)?;
                self.address(&address)?
            }
            place => self.place(place)?.map(|(address, _)| address),
        };
        let cell = self.shared.cell(value)?;
        match (address, cell, &mut self.run) {
            (Some(address), Some(cell), Some(run)) => {
                self.shared.spend(1)?;
                run.vm.insert_value(address, cell).map_err(Fault::failed)
            }
            _ => Ok(()),
        }
    }

    /// Stores `initial_dict`, the initial dictionary of the library's `dict_new`, in the scope.
    fn publish(&mut self, value: &Value<'a>) -> Result<(), Fault> {
        let Value::Dict(entries) = value else {
            return Err(Fault::Unsupported);
        };
        let mut dict = HashMap::<MaybeRelocatable, MaybeRelocatable>::new();
        for (key, value) in entries.iter() {
            let (key, value) = (self.shared.cell(key)?, self.shared.cell(value)?);
            dict.extend(key.zip(value));
        }
        if let Some(run) = &mut self.run {
            run.scopes.insert_value("initial_dict", dict);
        }
        Ok(())
    }

    /// Binds one name to an item, or several names to its elements.
    fn bind(&mut self, names: &'a [String], item: &Value<'a>) -> Result<(), Fault> {
        if let [name] = names {
            self.names.insert(name, item.clone());
            return Ok(());
        }
        let parts = self.shared.items(item)?;
        if parts.as_ref().is_some_and(|parts| parts.len() != names.len()) {
            return Err(Fault::failed("the numbers of names and values differ"));
        }
        for (at, name) in names.iter().enumerate() {
            let part = parts.as_ref().map_or(Value::Unknown, |parts| parts[at].clone());
            self.names.insert(name, part);
        }
        Ok(())
    }

    /// The items that a loop iterates over. An unknown value, before the run, counts as one unknown item.
    fn each(&self, source: &Value<'a>) -> Result<Rc<[Value<'a>]>, Fault> {
        let items = self.shared.items(source)?;
        let items = items.unwrap_or_else(|| [Value::Unknown].into());
        self.shared.spend(items.len())?;
        Ok(items)
    }

    fn value(&mut self, expr: &'a Expr) -> Result<Value<'a>, Fault> {
        Ok(match expr {
            Expr::Number(digits) => Value::Number(from_decimal(digits).ok_or(Fault::Unsupported)?),
            Expr::Text(text) => Value::text(text),
            Expr::Format(pieces) => Value::text(&self.text(pieces, "")?),
            Expr::Name(name) => self.name(name)?,
            Expr::Member(..) => self.read(expr)?,
            Expr::Index(value, index) => {
                let (value, index) = (self.value(value)?, self.value(index)?);
                self.shared.index(&value, &index)?
            }
            Expr::Call(function, arguments) => {
                let arguments = self.values(arguments)?;
                self.call(function, &arguments)?
            }
            Expr::Method(of, method, arguments) if **of == Expr::Name("segments".to_owned()) => {
                let arguments = self.values(arguments)?;
                self.segments(method, &arguments)?
            }
            // The entries of an object have no order, so `items()` is supported in dictionary comprehensions only.
            Expr::Method(..) => return Err(Fault::Unsupported),
            Expr::List(items) => {
                let items = self.values(items)?;
                Value::list(items)?
            }
            Expr::ListOf(item, source) => {
                let value = self.value(&source.value)?;
                let mut items = Vec::new();
                for each in self.each(&value)?.iter() {
                    self.bind(&source.names, each)?;
                    items.push(self.value(item)?);
                }
                match value {
                    Value::Unknown => Value::Unknown,
                    _ => Value::list(items)?,
                }
            }
            Expr::DictOf(key, value, source) => self.dict(key, value, source)?,
            Expr::Binary(sign, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.binary(*sign, &left, &right)?
            }
        })
    }

    fn values(&mut self, exprs: &'a [Expr]) -> Result<Vec<Value<'a>>, Fault> {
        exprs.iter().map(|expr| self.value(expr)).collect()
    }

    fn text(&mut self, pieces: &'a [Expr], between: &str) -> Result<String, Fault> {
        let pieces = self.values(pieces)?;
        let pieces = pieces.iter().map(|piece| self.shared.shown(piece));
        Ok(pieces.collect::<Result<Vec<_>, _>>()?.join(between))
    }

    fn name(&mut self, name: &str) -> Result<Value<'a>, Fault> {
        if let Some(value) = self.names.get(name) {
            return Ok(value.clone());
        }
        let register = |get: fn(&VirtualMachine) -> Relocatable| {
            let run = self.run.as_ref();
            run.map_or(Value::Unknown, |run| Value::Address(get(&*run.vm)))
        };
        match name {
            "program_input" => match &self.shared.input {
                Some(input) => Ok(Value::Input(input)),
                None => Err(Fault::Input {
                    path: name.to_owned(),
                    problem: "no program input was given",
                }),
            },
            "ap" => Ok(register(VirtualMachine::get_ap)),
            "fp" => Ok(register(VirtualMachine::get_fp)),
            _ => Err(Fault::Unsupported),
        }
    }

    fn call(&self, function: &str, arguments: &[Value<'a>]) -> Result<Value<'a>, Fault> {
        let shared = self.shared;
        match (function, arguments) {
            ("len", [value]) => shared.len(value),
            ("int", [value]) => shared.int(value, 10),
            ("int", [value, base]) => {
                match shared.number(base)?.and_then(|base| usize::try_from(base).ok()) {
                    Some(base @ (10 | 16)) => shared.int(value, base),
                    _ => Err(Fault::Unsupported),
                }
            }
            ("to_felt_or_relocatable", [value]) => {
                shared.cell(value)?;
                Ok(value.clone())
            }
            ("enumerate", [value]) => {
                let Some(items) = shared.items(value)? else {
                    return Ok(Value::Unknown);
                };
                shared.spend(items.len())?;
                let pairs = items.iter().enumerate();
                let pairs = pairs.map(|(at, item)| Value::list(vec![Value::number(at), item.clone()]));
                Value::list(pairs.collect::<Result<_, _>>()?)
            }
            ("range", [end]) => {
                let Some(end) = shared.number(end)? else {
                    return Ok(Value::Unknown);
                };
                let end = usize::try_from(end).map_err(Fault::failed)?;
                shared.spend(end)?;
                Value::list((0..end).map(Value::number).collect())
            }
            _ => Err(Fault::Unsupported),
        }
    }

    /// The methods of `segments`.
    fn segments(&mut self, method: &str, arguments: &[Value<'a>]) -> Result<Value<'a>, Fault> {
        match (method, arguments) {
            ("add", []) => self.add(),
            ("gen_arg", [value]) => self.gen_arg(value),
            ("write_arg" | "load_data", [to, values]) => {
                let to = self.address(to)?;
                self.write(to, values)
            }
            _ => Err(Fault::Unsupported),
        }
    }

    fn add(&mut self) -> Result<Value<'a>, Fault> {
        self.shared.spend(1)?;
        let run = self.run.as_mut();
        Ok(run.map_or(Value::Unknown, |run| Value::Address(run.vm.add_memory_segment())))
    }

    /// Writes a list to a new segment, nested lists likewise, and returns its address. Returns any other value
    /// unchanged.
    fn gen_arg(&mut self, value: &Value<'a>) -> Result<Value<'a>, Fault> {
        if let Value::List(_) | Value::Input(serde_json::Value::Array(_)) = value {
            let base = self.add()?;
            let to = self.address(&base)?;
            self.write(to, value)?;
            return Ok(base);
        }
        self.shared.cell(value)?;
        Ok(value.clone())
    }

    /// Writes a list to memory, starting at an address, and returns the address after its end.
    fn write(&mut self, to: Option<Relocatable>, values: &Value<'a>) -> Result<Value<'a>, Fault> {
        let Some(items) = self.shared.items(values)? else {
            return Ok(Value::Unknown);
        };
        self.shared.spend(items.len())?;
        for (at, item) in items.iter().enumerate() {
            let item = self.gen_arg(item)?;
            if let (Some(to), Some(cell), Some(run)) = (to, self.shared.cell(&item)?, &mut self.run) {
                let address = (to + at).map_err(Fault::failed)?;
                run.vm.insert_value(address, cell).map_err(Fault::failed)?;
            }
        }
        let end = to.map(|to| to + items.len()).transpose();
        Ok(end.map_err(Fault::failed)?.map_or(Value::Unknown, Value::Address))
    }

    /// A dictionary comprehension over the `items()` of an object.
    fn dict(&mut self, key: &'a Expr, value: &'a Expr, source: &'a Source) -> Result<Value<'a>, Fault> {
        let Expr::Method(of, method, arguments) = &source.value else {
            return Err(Fault::Unsupported);
        };
        let ([key_name, value_name], "items", []) = (&source.names[..], &**method, &arguments[..]) else {
            return Err(Fault::Unsupported);
        };
        let members = match self.value(of)? {
            Value::Input(serde_json::Value::Object(members)) => members,
            Value::Input(part) => return Err(self.shared.problem(part, "", "it is not an object")),
            _ => return Err(Fault::Unsupported),
        };
        self.shared.spend(members.len())?;
        let mut entries = Vec::new();
        for (member, item) in members {
            self.names.insert(key_name, Value::text(member));
            self.names.insert(value_name, Value::Input(item));
            entries.push((self.value(key)?, self.value(value)?));
        }
        Ok(Value::Dict(entries.into()))
    }

    fn binary(&self, sign: char, left: &Value<'a>, right: &Value<'a>) -> Result<Value<'a>, Fault> {
        let (Some(left), Some(right)) = (self.shared.cell(left)?, self.shared.cell(right)?) else {
            return Ok(Value::Unknown);
        };
        use MaybeRelocatable::{Int, RelocatableValue};
        Ok(match (sign, left, right) {
            ('+', Int(left), Int(right)) => Value::Number(left + right),
            ('-', Int(left), Int(right)) => Value::Number(left - right),
            ('*', Int(left), Int(right)) => Value::Number(left * right),
            ('+', RelocatableValue(base), Int(by)) | ('+', Int(by), RelocatableValue(base)) => {
                Value::Address((base + &by).map_err(Fault::failed)?)
            }
            ('-', RelocatableValue(base), Int(by)) => Value::Address((base + &-by).map_err(Fault::failed)?),
            _ => {
                return Err(Fault::failed(
                    "only numbers can be added to or subtracted from addresses",
                ));
            }
        })
    }

    fn address(&self, value: &Value<'a>) -> Result<Option<Relocatable>, Fault> {
        match self.shared.cell(value)? {
            None => Ok(None),
            Some(MaybeRelocatable::RelocatableValue(address)) => Ok(Some(address)),
            Some(MaybeRelocatable::Int(_)) => Err(Fault::failed("a number is not an address")),
        }
    }

    /// Reads the value of a path that begins with `ids.`.
    fn read(&self, path: &Expr) -> Result<Value<'a>, Fault> {
        let names = ids_path(path).ok_or(Fault::Unsupported)?;
        let number = || self.shared.definitions.get_number(&names).map(Value::Number);
        let Some(run) = &self.run else {
            // A single name may be a variable, whose value is not known yet.
            return Ok(number().filter(|_| names.len() > 1).unwrap_or(Value::Unknown));
        };
        if !run.ids.contains_key(names[0]) {
            return number().ok_or_else(|| unknown(&names));
        }
        if let [name] = names[..] {
            let value = get_maybe_relocatable_from_var_name(name, run.vm, run.ids, run.ap);
            return value.map(from_cell).map_err(Fault::failed);
        }
        if let Expr::Member(of, last) = path
            && last == "address_"
        {
            return match self.place(of)? {
                Some((address, cairo_type)) if self.shared.definitions.is_struct(&cairo_type) => {
                    Ok(Value::Address(address))
                }
                _ => self.read(of),
            };
        }
        let cell = self
            .place(path)?
            .and_then(|(address, _)| run.vm.get_maybe(&address));
        cell.map(from_cell).ok_or_else(|| unknown(&names))
    }

    /// The address and the Cairo type of a path that begins with `ids.`.
    fn place(&self, path: &Expr) -> Result<Option<(Relocatable, String)>, Fault> {
        let names = ids_path(path).ok_or(Fault::Unsupported)?;
        let (Some(run), [name, members @ ..]) = (&self.run, &names[..]) else {
            return Ok(None);
        };
        let reference = run.ids.get(*name).ok_or_else(|| unknown(&names))?;
        let mut cairo_type = reference.cairo_type.clone().unwrap_or_default();
        let first = get_maybe_relocatable_from_var_name(name, run.vm, run.ids, run.ap);
        let mut address = match (members, &first) {
            // The members of a pointer are at the address that it points to.
            ([_, ..], Ok(MaybeRelocatable::RelocatableValue(to))) if cairo_type.ends_with('*') => {
                cairo_type.pop();
                *to
            }
            _ => get_relocatable_from_var_name(name, run.vm, run.ids, run.ap).map_err(Fault::failed)?,
        };
        for (at, member) in members.iter().enumerate() {
            if at > 0 && cairo_type.ends_with('*') {
                cairo_type.pop();
                address = run.vm.get_relocatable(address).map_err(Fault::failed)?;
            }
            let member = self.shared.definitions.get_member(&cairo_type, member);
            let member = member.ok_or_else(|| unknown(&names))?;
            address = (address + member.offset).map_err(Fault::failed)?;
            cairo_type.clone_from(&member.cairo_type);
        }
        Ok(Some((address, cairo_type)))
    }
}

fn from_cell<'a>(cell: MaybeRelocatable) -> Value<'a> {
    match cell {
        MaybeRelocatable::Int(number) => Value::Number(number),
        MaybeRelocatable::RelocatableValue(address) => Value::Address(address),
    }
}

fn unknown(names: &[&str]) -> Fault {
    Fault::Failed(format!("ids.{} is not known", names.join(".")))
}

/// The names after `ids.` in a path.
fn ids_path(expr: &Expr) -> Option<Vec<&str>> {
    match expr {
        Expr::Member(of, name) if **of == Expr::Name("ids".to_owned()) => Some(vec![name]),
        Expr::Member(of, name) => {
            let mut names = ids_path(of)?;
            names.push(name);
            Some(names)
        }
        _ => None,
    }
}
