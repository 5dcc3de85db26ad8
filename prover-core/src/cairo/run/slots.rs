//! The slots of `main`: for each of its builtins, the pointer that it got and the one that it gave back.
//!
//! A program's hash covers the number of `main`'s builtins and not which they are. A prover who may choose could give
//! `main` another builtin's segment and so skip that builtin's check, under the same hash. So a list of builtins is
//! bound only where it must be what it is, or where the caller states it.

use crate::cairo::layouts::Layout;
use crate::cairo::public_input::{PublicCells, PublicInput, Segment};
use quarry_kernels::Felt;
use serde::Serialize;

/// All builtins, in the order in which `main` gets them.
pub const CANONICAL_BUILTINS: [&str; 11] = [
    "output",
    "pedersen",
    "range_check",
    "ecdsa",
    "bitwise",
    "ec_op",
    "keccak",
    "poseidon",
    "range_check96",
    "add_mod",
    "mul_mod",
];

/// A builtin of `main` as the public memory shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenBuiltin {
    /// Its name; none for a builtin that the layout lacks, where the list does not tell it.
    pub name: Option<String>,
    /// Whether the layout has it. If not, `main` got 0 for it and gave 0 back: it used no instance.
    pub in_layout: bool,
}

/// What `main` got and gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// By slot: the pointer that `main` got, and the one that it gave back.
    pointers: Vec<[Felt; 2]>,
    /// The layout's builtins in order.
    segments: Vec<(&'static str, Segment)>,
    /// The list that the pointers show.
    seen: Vec<SeenBuiltin>,
}

impl Slots {
    /// Reads the slots of a run whose `main` has `n` builtins; the first frame begins at `frame`, the run ended with `ap` at
    /// `stop`. Every builtin of the layout that `main` does not have must be unused.
    ///
    /// # Errors
    /// What does not fit, in words.
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

    /// The list of builtins that the pointers show. Of builtins whose unused segments begin at one address, the first is named.
    pub fn seen(&self) -> &[SeenBuiltin] {
        &self.seen
    }

    /// Whether `main` has exactly the layout's builtins.
    pub fn is_complete(&self) -> bool {
        self.pointers.len() == self.segments.len() && self.seen.iter().all(|builtin| builtin.in_layout)
    }

    /// Whether only one list has so many builtins: none, or all that there are.
    pub fn is_the_only_list(&self) -> bool {
        [0, CANONICAL_BUILTINS.len()].contains(&self.pointers.len())
    }

    /// Whether `main` has a builtin that the layout lacks.
    pub fn has_absent(&self) -> bool {
        self.seen.iter().any(|builtin| !builtin.in_layout)
    }

    /// Checks a list slot by slot: `main` got the beginning of the builtin's segment and gave its end back, or 0 both times
    /// for one that the layout lacks; and no other builtin was used.
    ///
    /// # Errors
    /// The first difference, in words.
    pub fn check<S: AsRef<str>>(&self, list: &[S]) -> Result<(), String> {
        if list.len() != self.pointers.len() {
            return Err(format!(
                "main has {} builtins, the list has {}",
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
                    "builtin {} of main is not '{name}': main got {got} and gave back {gave}, for '{name}' it is {begin} and {end}",
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
            Some((name, _)) => Err(format!("builtin '{name}' was used, and is not in the list")),
            None => Ok(()),
        }
    }

    /// A list with what the layout has of it.
    pub(crate) fn named<S: AsRef<str>>(&self, list: &[S]) -> Vec<SeenBuiltin> {
        let seen = |name: &S| SeenBuiltin {
            name: Some(name.as_ref().to_owned()),
            in_layout: self.segments.iter().any(|(known, _)| *known == name.as_ref()),
        };
        list.iter().map(seen).collect()
    }

    /// The list that the pointers show: all builtins there are, the layout's, or whatever fits the layout's order.
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
            Some((name, _)) => Err(format!("builtin '{name}' was used, and main did not get it")),
            None => Ok(seen),
        }
    }

    fn no_such_segment(&self, slot: usize) -> String {
        let [got, gave] = self.pointers[slot].map(|pointer| pointer.to_string());
        format!(
            "builtin {} of main: it got {got} and gave back {gave}, which is no segment of the layout in its order",
            slot + 1
        )
    }
}

/// The builtins of a layout, as a statement has their segments.
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
