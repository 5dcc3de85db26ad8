//! The seed of the transcript, which binds a proof to its public input.

use crate::cairo::layouts::Layout;
use crate::cairo::public_input::{PublicInput, PublicInputError};
use crate::parameters::{Parameters, StoneVersion};
use quarry_kernels::{Felt, felt};

impl PublicInput {
    /// Returns the bytes that seed the transcript, in the format of the parameters' `stone_version`. Each number takes
    /// 32 big-endian bytes.
    ///
    /// # Errors
    /// As [`Self::check_layout`].
    pub fn initial_seed(
        &self,
        layout: &Layout,
        parameters: &Parameters,
    ) -> Result<Vec<u8>, PublicInputError> {
        self.check_layout(layout)?;
        let cells = self.pages()?;
        let mut seed = Seed(Vec::new());
        if parameters.stone_version == StoneVersion::Stone6 {
            seed.number(parameters.commitment_hashes.n_top_layers);
        }
        seed.number(self.n_steps.trailing_zeros().into());
        seed.number(self.rc_min);
        seed.number(self.rc_max);
        seed.text(layout.name);
        // Stone orders the parameters alphabetically, as the map does.
        for value in self.dynamic_params.iter().flat_map(|params| params.values()) {
            seed.number(*value);
        }
        for name in layout.segments {
            let segment = self.segment(name)?;
            seed.number(segment.begin_addr);
            seed.number(segment.stop_ptr);
        }
        // The first cell of the list pads the public memory, whatever its page.
        if let Some(cell) = self.public_memory.first() {
            seed.number(cell.address);
            seed.felt(&cell.value);
        }
        let pages = || cells.chunk_by(|a, b| a.page == b.page);
        let n_pages = pages().count();
        seed.number(n_pages as u64);
        seed.0.reserve_exact(PAGE_BYTES * n_pages);
        for page in pages() {
            let is_main = page.first().is_none_or(|first| first.page == 0);
            let mut content = Seed(Vec::with_capacity(page.len() * if is_main { 64 } else { 32 }));
            for cell in page {
                if is_main {
                    content.number(cell.address);
                }
                content.felt(&cell.value);
            }
            if let (false, Some(first)) = (is_main, page.first()) {
                seed.number(first.address);
            }
            seed.number(page.len() as u64);
            seed.0
                .extend_from_slice(&parameters.page_hash.hash_bytes(&content.0));
        }
        Ok(seed.0)
    }
}

/// Maximum number of bytes of a page in the seed: its first address, its size and its hash.
const PAGE_BYTES: usize = 3 * 32;

/// A seed under construction.
struct Seed(Vec<u8>);

impl Seed {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&[0; 24]);
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn felt(&mut self, value: &Felt) {
        self.0.extend_from_slice(&felt::to_standard_bytes(value));
    }

    /// Appends ASCII text as a 32-byte big-endian number. (Layout names are shorter than 32 bytes.)
    fn text(&mut self, text: &str) {
        self.0
            .resize(self.0.len() + 32usize.saturating_sub(text.len()), 0);
        self.0.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn statement() -> PublicInput {
        PublicInput::from_json(&json!({
            "layout": "plain", "n_steps": 16, "rc_min": 3, "rc_max": 65535,
            "memory_segments": {
                "program": { "begin_addr": 1, "stop_ptr": 5 },
                "execution": { "begin_addr": 9, "stop_ptr": 20 },
            },
            "public_memory": [
                { "address": 1, "value": "0x7", "page": 0 },
                { "address": 30, "value": "0x8", "page": 1 },
            ],
        }))
        .expect("valid")
    }

    fn parameters(stone_version: Option<&str>) -> Parameters {
        Parameters::from_json(&json!({
            "field": "PrimeField0",
            "use_extension_field": false,
            "n_verifier_friendly_commitment_layers": 100,
            "stone_version": stone_version,
            "stark": {
                "log_n_cosets": 4,
                "fri": {
                    "fri_step_list": [0, 2], "last_layer_degree_bound": 64, "n_queries": 1, "proof_of_work_bits": 0,
                },
            },
        }))
        .expect("valid")
    }

    fn seed(stone_version: Option<&str>) -> Vec<u8> {
        let layout = Layout::by_name("plain").expect("known");
        let parameters = parameters(stone_version);
        statement().initial_seed(&layout, &parameters).expect("a seed")
    }

    #[test]
    fn the_seed_item_by_item() {
        let number = |number: u64| {
            let mut bytes = vec![0; 24];
            bytes.extend(number.to_be_bytes());
            bytes
        };
        let text = u64::from_be_bytes(*b"\0\0\0plain");
        let page = |words: &[u64]| {
            let content: Vec<u8> = words.iter().flat_map(|&word| number(word)).collect();
            quarry_kernels::Hash::Keccak256.hash_bytes(&content).to_vec()
        };
        let numbers = |words: &[u64]| words.iter().flat_map(|&word| number(word)).collect::<Vec<u8>>();
        let older = [
            numbers(&[4, 3, 65535, text]),
            numbers(&[1, 5, 9, 20]),
            numbers(&[1, 7, 2]),
            numbers(&[1]),
            page(&[1, 7]),
            numbers(&[30, 1]),
            page(&[8]),
        ]
        .concat();
        assert_eq!(seed(Some("stone5")), older);
        assert_eq!(seed(Some("stone6")), [number(100), older].concat());
        assert_eq!(seed(None), seed(Some("stone6")));
    }
}
