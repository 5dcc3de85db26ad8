//! The builtin slots of `main`: for each of its builtins, the pointer that it received and the pointer that it
//! returned.
//!
//! A program's hash covers the number of `main`'s builtins but not their names. A prover free to choose the list could
//! pass `main` another builtin's segment and so skip that builtin's check, under the same hash. So the list of builtins
//! is bound only if it is the only possible one or if the caller states it.

use crate::cairo::components::{COMPONENTS, N_BUILTINS};
use crate::cairo::layouts::Layout;
use crate::cairo::public_input::{PublicCells, PublicInput, Segment};
use quarry_kernels::Felt;
use serde::Serialize;

/// All builtins, in the order in which `main` receives them: `output`, then those of the table of components.
pub const CANONICAL_BUILTINS: [&str; 1 + N_BUILTINS] = {
    let mut names = ["output"; 1 + N_BUILTINS];
    let (mut row, mut next) = (0, 1);
    while row < COMPONENTS.len() {
        if let Some(builtin) = &COMPONENTS[row].component.builtin {
            names[next] = builtin.segment;
            next += 1;
        }
        row += 1;
    }
    names
};

/// A builtin of `main`, as read from the public memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenBuiltin {
    /// Its name; `None` for a builtin that the layout lacks and whose name the pointers do not determine.
    pub name: Option<String>,
    /// Whether the layout has it. If not, `main` received and returned pointer 0: it used no instance.
    pub in_layout: bool,
}

/// The builtin pointers that `main` received and returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// By slot: the pointers that `main` received and returned.
    pointers: Vec<[Felt; 2]>,
    /// The layout's builtins with their segments, in the layout's order.
    segments: Vec<(&'static str, Segment)>,
    /// The list of builtins inferred from the pointers.
    seen: Vec<SeenBuiltin>,
}

impl Slots {
    /// Reads the slots of a run whose `main` has `n` builtins. The received pointers are at the beginning of the
    /// execution segment, the returned ones at its end. Every builtin of the layout that `main` does not have must be
    /// unused.
    ///
    /// # Errors
    /// A description of the first mismatch.
    pub(super) fn read(
        statement: &PublicInput,
        layout: &Layout,
        cells: &PublicCells<'_>,
        n: usize,
    ) -> Result<Self, String> {
        let execution = statement.segment("execution").map_err(|why| why.to_string())?;
        let (frame, results) = (execution.begin_addr, execution.stop_ptr.saturating_sub(n as u64));
        let pointer = |address: u64| {
            let hidden =
                || format!("address {address}, a pointer of main's builtins, is not in public_memory");
            cells.get(address).ok_or_else(hidden)
        };
        let slot = |i: u64| {
            Ok([
                pointer(frame.saturating_add(i))?,
                pointer(results.saturating_add(i))?,
            ])
        };
        let mut this = Self {
            pointers: (0..n as u64).map(slot).collect::<Result<_, String>>()?,
            segments: builtins_of(statement, layout)?,
            seen: Vec::new(),
        };
        this.seen = this.recognise()?;
        Ok(this)
    }

    /// The list of builtins inferred from the pointers. If unused segments begin at the same address, the first one is
    /// named.
    pub fn seen(&self) -> &[SeenBuiltin] {
        &self.seen
    }

    /// Whether `main` has exactly the layout's builtins.
    pub fn is_complete(&self) -> bool {
        self.pointers.len() == self.segments.len() && self.seen.iter().all(|builtin| builtin.in_layout)
    }

    /// Whether the number of builtins determines the list, because it is 0 or all of [`CANONICAL_BUILTINS`].
    pub fn is_the_only_list(&self) -> bool {
        [0, CANONICAL_BUILTINS.len()].contains(&self.pointers.len())
    }

    /// Whether `main` has a builtin that the layout lacks.
    pub fn has_absent(&self) -> bool {
        self.seen.iter().any(|builtin| !builtin.in_layout)
    }

    /// Checks a list of builtins slot by slot. `main` must have received the beginning of the builtin's segment and
    /// returned its end; for a builtin that the layout lacks, both pointers must be 0. No other builtin may have been
    /// used.
    ///
    /// # Errors
    /// A description of the first mismatch.
    pub fn check<S: AsRef<str>>(&self, list: &[S]) -> Result<(), String> {
        if list.len() != self.pointers.len() {
            return Err(format!(
                "main has {} builtins, but the list has {}",
                self.pointers.len(),
                list.len()
            ));
        }
        for (i, (name, pointers)) in list.iter().map(AsRef::as_ref).zip(&self.pointers).enumerate() {
            if list[..i].iter().any(|other| other.as_ref() == name) {
                return Err(format!("the list has '{name}' twice"));
            }
            let segment = self.segments.iter().find(|(known, _)| *known == name);
            let expected = segment.map_or([Felt::from(0u64); 2], |(_, segment)| ends(segment));
            if *pointers != expected {
                let [got, gave] = pointers.map(|pointer| pointer.to_string());
                let [begin, end] = expected.map(|pointer| pointer.to_string());
                return Err(format!(
                    "builtin {} of main is not '{name}': it received {got} and returned {gave}, not {begin} and {end}",
                    i + 1
                ));
            }
        }
        let is_listed = |name: &str| list.iter().any(|listed| listed.as_ref() == name);
        let stray = self
            .segments
            .iter()
            .find(|(name, segment)| !is_listed(name) && is_used(segment));
        match stray {
            Some((name, _)) => Err(format!("builtin '{name}' was used but is not in the list")),
            None => Ok(()),
        }
    }

    /// A list of builtins as [`SeenBuiltin`]s.
    pub(crate) fn named<S: AsRef<str>>(&self, list: &[S]) -> Vec<SeenBuiltin> {
        let seen = |name: &S| SeenBuiltin {
            name: Some(name.as_ref().to_owned()),
            in_layout: self.segments.iter().any(|(known, _)| *known == name.as_ref()),
        };
        list.iter().map(seen).collect()
    }

    /// Infers the list of builtins from the pointers: all of [`CANONICAL_BUILTINS`] if there are that many, otherwise
    /// those whose segments match, in the layout's order.
    fn recognise(&self) -> Result<Vec<SeenBuiltin>, String> {
        if self.pointers.len() == CANONICAL_BUILTINS.len() {
            self.check(&CANONICAL_BUILTINS)?;
            return Ok(self.named(&CANONICAL_BUILTINS));
        }
        let mut left = self.segments.iter();
        let mut seen = Vec::with_capacity(self.pointers.len());
        for (i, pointers) in self.pointers.iter().enumerate() {
            if *pointers == [Felt::from(0u64); 2] {
                seen.push(SeenBuiltin {
                    name: None,
                    in_layout: false,
                });
                continue;
            }
            let (name, _) = left
                .by_ref()
                .find(|(_, segment)| is_used(segment) || ends(segment) == *pointers)
                .filter(|(_, segment)| ends(segment) == *pointers)
                .ok_or_else(|| self.no_such_segment(i))?;
            seen.push(SeenBuiltin {
                name: Some((*name).to_owned()),
                in_layout: true,
            });
        }
        match left.find(|(_, segment)| is_used(segment)) {
            Some((name, _)) => Err(format!("builtin '{name}' was used but main did not receive it")),
            None => Ok(seen),
        }
    }

    fn no_such_segment(&self, slot: usize) -> String {
        let [got, gave] = self.pointers[slot].map(|pointer| pointer.to_string());
        format!(
            "builtin {} of main: it received {got} and returned {gave}, which matches no segment in the layout's order",
            slot + 1
        )
    }
}

/// The builtins of a layout with their segments in a statement, in the layout's order.
fn builtins_of(statement: &PublicInput, layout: &Layout) -> Result<Vec<(&'static str, Segment)>, String> {
    let names = layout.segments.iter().copied();
    let builtins = names.filter(|name| !matches!(*name, "program" | "execution"));
    let segment = |name| Ok((name, statement.segment(name).map_err(|why| why.to_string())?));
    builtins.map(segment).collect()
}

fn ends(segment: &Segment) -> [Felt; 2] {
    [segment.begin_addr, segment.stop_ptr].map(Felt::from)
}

fn is_used(segment: &Segment) -> bool {
    segment.begin_addr != segment.stop_ptr
}
