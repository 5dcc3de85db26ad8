//! The memory of a run.

use crate::cairo::error::InputError;
use quarry_kernels::{Felt, felt};

/// Size of a cell in a memory file, in bytes: address and value, both little-endian.
const CELL_BYTES: usize = 40;

/// The cells that a run used, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    addresses: Vec<u64>,
    values: Vec<Felt>,
}

impl Memory {
    /// Makes a memory from cells in any order. Identical cells may be repeated.
    ///
    /// # Errors
    /// [`InputError::MemoryContradiction`] if an address has two values.
    pub fn from_cells(mut cells: Vec<(u64, Felt)>) -> Result<Self, InputError> {
        cells.sort_by_key(|&(address, _)| address);
        cells.dedup();
        let repeated = cells.windows(2).find(|pair| pair[0].0 == pair[1].0);
        if let Some([(address, first), (_, second)]) = repeated {
            return Err(InputError::MemoryContradiction {
                address: *address,
                first: *first,
                second: *second,
            });
        }
        let (addresses, values) = cells.into_iter().unzip();
        Ok(Self { addresses, values })
    }

    /// Reads a memory file: cells of an 8-byte address and a 32-byte value, little-endian, in any order.
    ///
    /// # Errors
    /// [`InputError`] if the file is truncated, a value is not below p, or an address has two values.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InputError> {
        let (cells, rest) = bytes.as_chunks::<CELL_BYTES>();
        if !rest.is_empty() {
            return Err(InputError::CutFile {
                length: bytes.len(),
                entry: CELL_BYTES,
            });
        }
        let cells = cells.iter().enumerate().map(|(i, cell)| {
            let (address, value) = cell.split_at(8);
            let value: Vec<u8> = value.iter().rev().copied().collect();
            let value = <[u8; 32]>::try_from(value)
                .ok()
                .and_then(|value| felt::from_standard_bytes(&value));
            let address = address
                .iter()
                .rev()
                .fold(0, |sum, &byte| sum << 8 | u64::from(byte));
            match value {
                Some(value) => Ok((address, value)),
                None => Err(InputError::ValueTooLarge { entry: i, address }),
            }
        });
        Self::from_cells(cells.collect::<Result<_, _>>()?)
    }

    /// Encodes the cells as a memory file, ordered by address.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.addresses.len() * CELL_BYTES);
        for (address, value) in self.cells() {
            bytes.extend(address.to_le_bytes());
            bytes.extend(felt::to_standard_bytes(&value).iter().rev());
        }
        bytes
    }

    /// The value at an address, if the run used it.
    pub fn get(&self, address: u64) -> Option<Felt> {
        // Memory has few gaps. The cell is at most `address - first` cells from the front and `last - address` from the
        // back, which leaves a short range to search.
        let (first, last) = (*self.addresses.first()?, *self.addresses.last()?);
        if !(first..=last).contains(&address) {
            return None;
        }
        let end = self.addresses.len() - 1;
        let low = end.saturating_sub(usize::try_from(last - address).unwrap_or(usize::MAX));
        let high = end.min(usize::try_from(address - first).unwrap_or(usize::MAX));
        let found = self.addresses[low..=high].binary_search(&address).ok()?;
        Some(self.values[low + found])
    }

    /// All cells, ordered by address.
    pub fn cells(&self) -> impl Iterator<Item = (u64, Felt)> + '_ {
        self.addresses.iter().copied().zip(self.values.iter().copied())
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(list: &[(u64, u64)]) -> Vec<(u64, Felt)> {
        list.iter()
            .map(|&(address, value)| (address, Felt::from(value)))
            .collect()
    }

    #[test]
    fn every_cell_is_found_and_no_other() {
        let list = cells(&[(7, 70), (1, 10), (2, 20), (9, 90), (1 << 60, 5)]);
        let memory = Memory::from_cells(list.clone()).unwrap();
        for &(address, value) in &list {
            assert_eq!(memory.get(address), Some(value), "address {address}");
        }
        for address in [0, 3, 6, 8, 10, (1 << 60) - 1, u64::MAX] {
            assert_eq!(memory.get(address), None, "address {address}");
        }
        assert_eq!(Memory::default().get(0), None);
    }

    #[test]
    fn a_file_survives_the_round_trip() {
        let memory = Memory::from_cells(cells(&[(5, 1), (3, u64::MAX), (3, u64::MAX)])).unwrap();
        assert_eq!(memory.len(), 2);
        assert_eq!(memory.to_bytes().len(), 80);
        assert_eq!(Memory::from_bytes(&memory.to_bytes()).unwrap(), memory);
    }

    #[test]
    fn bad_files_are_refused() {
        let bytes = Memory::from_cells(cells(&[(5, 1)])).unwrap().to_bytes();
        assert!(matches!(
            Memory::from_bytes(&bytes[..39]),
            Err(InputError::CutFile {
                length: 39,
                entry: 40
            })
        ));
        let mut large = bytes.clone();
        large[38..40].copy_from_slice(&[1, 8]);
        assert!(matches!(
            Memory::from_bytes(&large),
            Err(InputError::ValueTooLarge { entry: 0, address: 5 })
        ));
        let mut twice = [bytes.clone(), bytes].concat();
        twice[48] = 2;
        assert!(matches!(
            Memory::from_bytes(&twice),
            Err(InputError::MemoryContradiction { address: 5, .. })
        ));
    }
}
