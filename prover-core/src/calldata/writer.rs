//! Felts as Cairo's `Serde` writes values.

use quarry_kernels::Felt;

/// The felts written so far.
#[derive(Default)]
pub(super) struct Writer(Vec<Felt>);

impl Writer {
    /// Writes a value.
    pub fn felt(&mut self, value: impl Into<Felt>) -> &mut Self {
        self.0.push(value.into());
        self
    }

    /// Writes values without their number: the members of a struct.
    pub fn felts(&mut self, values: &[Felt]) -> &mut Self {
        self.0.extend_from_slice(values);
        self
    }

    /// Writes a list: its length, then its elements.
    pub fn list(&mut self, values: &[Felt]) -> &mut Self {
        self.felt(values.len() as u64).felts(values)
    }

    /// Writes a list whose length the struct states once more before it.
    pub fn counted_list(&mut self, values: &[Felt]) -> &mut Self {
        self.felt(values.len() as u64).list(values)
    }

    /// The felts.
    pub fn finish(self) -> Vec<Felt> {
        self.0
    }
}
