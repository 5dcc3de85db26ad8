//! The form of the public input that opens the transcript.

use crate::json::{JsonError, Place};

/// The key of the setting in a parameter file. Stone has no such setting: each build supports one form.
pub(super) const KEY: &str = "stone_version";

/// The version of Stone whose form of the public input opens the transcript. Nothing else in a proof depends on it. The
/// names are those that verifiers use (Integrity's settings, swiftness' features).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoneVersion {
    /// The older form, which Ethereum's verifier contracts accept: without `n_verifier_friendly_commitment_layers`.
    Stone5,
    /// Stone v3's form, which begins with `n_verifier_friendly_commitment_layers`.
    #[default]
    Stone6,
}

impl StoneVersion {
    /// Both, the older first.
    pub const ALL: [Self; 2] = [Self::Stone5, Self::Stone6];

    /// The name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stone5 => "stone5",
            Self::Stone6 => "stone6",
        }
    }

    /// The version called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }

    /// Reads the setting; `None` if the file does not have it.
    pub(crate) fn stated(root: &Place<'_>) -> Result<Option<Self>, JsonError> {
        let Some(place) = root.key(KEY)?.if_present() else {
            return Ok(None);
        };
        let version = Self::from_name(&place.string()?);
        let wrong = || place.error(Self::ALL.map(Self::name).join(" or "));
        version.ok_or_else(wrong).map(Some)
    }
}
