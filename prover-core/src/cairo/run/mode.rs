//! The runs that a verifier accepts.

use super::{Form, Run};
use serde::Serialize;

/// The runs that a verifier accepts. `Strict`, `Relaxed` and `Cairo1` are Integrity's terms. They concern the run's
/// form only, and check more of it than Integrity does. Integrity's other requirements (one page, its order, layout and
/// parameters) are checked in [`crate::facts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// A whole run of a Cairo 0 program whose `main` has any of the layout's builtins and no others.
    #[default]
    Whole,
    /// A whole run of a Cairo 0 program whose `main` has exactly the layout's builtins.
    Strict,
    /// A whole run of a Cairo 0 program. `main` may have builtins that the layout lacks, with pointers 0 (bootloaders).
    Relaxed,
    /// A run from the entry code that `cairo1-run` writes to its endless loop.
    Cairo1,
    /// Any run. The proof shows only that some execution has the statement's first and last registers and public
    /// memory.
    Any,
}

impl RunMode {
    /// All modes with their names.
    pub const NAMED: [(&str, Self); 5] = [
        ("whole", Self::Whole),
        ("strict", Self::Strict),
        ("relaxed", Self::Relaxed),
        ("cairo1", Self::Cairo1),
        ("any", Self::Any),
    ];

    /// The mode's name in flags and settings.
    pub fn name(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, mode)| *mode == self);
        named.map_or("", |(name, _)| name)
    }

    /// Returns the mode with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == name);
        named.map(|(_, mode)| *mode)
    }

    /// Returns the mode of Integrity with this name.
    pub fn of_integrity(name: &str) -> Option<Self> {
        Self::from_name(name).filter(|mode| matches!(mode, Self::Strict | Self::Relaxed | Self::Cairo1))
    }

    /// Whether the mode accepts a run.
    pub fn takes(self, run: &Run) -> bool {
        self.objection(run).is_none()
    }

    /// Why the mode rejects a run; `None` if it accepts it.
    pub fn objection(self, run: &Run) -> Option<String> {
        let not_whole = || run.why_not_whole.clone();
        let slots = run.slots.as_ref();
        match self {
            Self::Any => None,
            Self::Cairo1 if run.form == Form::Cairo1 => None,
            Self::Cairo1 => {
                Some(not_whole().unwrap_or_else(|| "it is a run of a Cairo 0 program".to_owned()))
            }
            Self::Relaxed => not_whole(),
            Self::Whole if slots.is_some_and(|slots| slots.has_absent()) => {
                Some("main has a builtin that the layout lacks".to_owned())
            }
            Self::Whole => not_whole(),
            Self::Strict if slots.is_some_and(|slots| !slots.is_complete()) => {
                Some("main's builtins are not exactly those of the layout".to_owned())
            }
            Self::Strict => not_whole(),
        }
    }
}
