//! Trace cells of `ecdsa`.

use super::BUILTIN;
use crate::cairo::canvas::{Canvas, MemoryCell, Strip, cell};
use crate::cairo::components::instances::Instances;
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::components::subset_sum::{
    DoublingCells, DoublingRows, SubsetSum, SubsetSumCells, SubsetSumRows, doublings, multiples, subset_sums,
};
use crate::cairo::error::{BuiltinError, InputError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::SignatureInput;
use ark_ff::{BigInteger, Field, MontFp, PrimeField, Zero};
use quarry_kernels::Felt;
use quarry_kernels::curve::{self, Point};
use quarry_kernels::hash::pedersen::SHIFT;
use quarry_kernels::ops::VirtualColumn;
use rayon::prelude::*;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// Bits of a scalar.
const N_BITS: usize = 251;

/// Signatures that are computed in one batch.
const BATCH: usize = 32;

/// A signature with the whole public key.
#[derive(Clone, Copy)]
struct Signature {
    public_key: Point,
    message: Felt,
    r: Felt,
    w: Felt,
}

impl Signature {
    /// The signature in unused instances: message 1 signed with key 1. The nonce is the first one from Stone's
    /// generator with an empty seed, when draws that are not below the order are rejected.
    const fn dummy() -> Self {
        Self {
            public_key: curve::GENERATOR,
            message: Felt::ONE,
            r: MontFp!("2401267504813898957368402356767823941082611096191495442208342363334385669712"),
            w: MontFp!("1756129391811175400554255058340643097803722011035398396529667512794329239858"),
        }
    }

    /// The two candidate signatures of an entry, which has only the x coordinate of the public key.
    fn candidates(input: &SignatureInput) -> Result<[Self; 2], BuiltinError> {
        for (name, scalar) in [("the message", input.message), ("r", input.r), ("w", input.w)] {
            if scalar.is_zero() || scalar.into_bigint().num_bits() as usize > N_BITS {
                return Err(BuiltinError::Scalar { name, value: scalar });
            }
        }
        let x = input.public_key;
        let y = ((x.square() + curve::ALPHA) * x + curve::BETA).sqrt();
        let public_key = Point {
            x,
            y: y.ok_or(BuiltinError::NotOnCurve(x))?,
        };
        Ok([public_key, -public_key].map(|public_key| Self {
            public_key,
            message: input.message,
            r: input.r,
            w: input.w,
        }))
    }
}

/// The verification of a signature: the x coordinate of `w * (message * G + r * Q)` must be `r`. Sums begin at the
/// shift point C or its inverse, so that no intermediate sum is the point at infinity.
struct Verification {
    signature: Signature,
    /// `message * G - C`.
    generator: SubsetSumRows,
    /// `2^i * Q`, and `r * Q + C`.
    key: (DoublingRows, SubsetSumRows),
    /// The slope and the inverse of the x difference for the sum B of these two results.
    add_results: (Felt, Felt),
    /// `2^i * B`, and `w * B + C`.
    result: (DoublingRows, SubsetSumRows),
    /// The slope and the inverse of the x difference for subtracting C.
    extract_r: (Felt, Felt),
    /// The inverses of message, r and w.
    inverses: [Felt; 3],
    is_valid: bool,
}

/// Verifies a batch of signatures.
fn verify(signatures: &[Signature]) -> Vec<Verification> {
    let generator_points = doublings(&[curve::GENERATOR]);
    let generators = signatures.iter().map(|signature| SubsetSum {
        start: -SHIFT,
        points: &generator_points[0].points[..N_BITS],
        selector: signature.message,
    });
    let generators = subset_sums(&generators.collect::<Vec<_>>(), true);
    let keys: Vec<Point> = signatures.iter().map(|signature| signature.public_key).collect();
    let keys = multiples(&keys, signatures.iter().map(|signature| (SHIFT, signature.r)));
    let partial = generators.into_iter().zip(keys).map(|(generator, key)| {
        let (b, slope, inverse) = add(generator.result(), key.1.result());
        (generator, key, b, (slope, inverse))
    });
    let partial: Vec<_> = partial.collect();
    let bs: Vec<Point> = partial.iter().map(|(_, _, b, _)| *b).collect();
    let results = multiples(&bs, signatures.iter().map(|signature| (SHIFT, signature.w)));
    let all = signatures.iter().zip(partial).zip(results);
    all.map(|((signature, (generator, key, _, add_results)), result)| {
        let (point, slope, inverse) = add(result.1.result(), -SHIFT);
        let is_degenerate = generator.is_degenerate || key.1.is_degenerate || result.1.is_degenerate;
        let mut inverses = [signature.message, signature.r, signature.w];
        ark_ff::batch_inversion(&mut inverses);
        Verification {
            signature: *signature,
            generator,
            key,
            result,
            inverses,
            is_valid: !is_degenerate && !add_results.1.is_zero() && point.x == signature.r,
            add_results,
            extract_r: (slope, inverse),
        }
    })
    .collect()
}

/// Adds two points. Returns the sum, the slope, and the inverse of the difference of the x coordinates (0 if there is
/// none).
fn add(a: Point, b: Point) -> (Point, Felt, Felt) {
    let inverse = (a.x - b.x).inverse().unwrap_or_default();
    let slope = (a.y - b.y) * inverse;
    (a.add_with_slope(&b, slope), slope, inverse)
}

/// The virtual columns of the component.
struct Cells {
    public_key: MemoryCell,
    message: MemoryCell,
    doublings: DoublingCells,
    generator: SubsetSumCells,
    key: SubsetSumCells,
    add_results: [VirtualColumn; 2],
    extract_r: [VirtualColumn; 2],
    z_inv: VirtualColumn,
    r_w_inv: VirtualColumn,
    q_x_squared: VirtualColumn,
}

impl Cells {
    fn new(layout: &Layout) -> Result<Self, InputError> {
        let cell = |name: &str| cell(layout, &format!("ecdsa/signature0/{name}"));
        Ok(Self {
            public_key: MemoryCell::new(layout, "ecdsa/pubkey")?,
            message: MemoryCell::new(layout, "ecdsa/message")?,
            doublings: DoublingCells::new(
                layout,
                "ecdsa/signature0/key_points",
                "ecdsa/signature0/doubling_slope",
            )?,
            generator: SubsetSumCells::new(layout, "ecdsa/signature0/exponentiate_generator")?,
            key: SubsetSumCells::new(layout, "ecdsa/signature0/exponentiate_key")?,
            add_results: [cell("add_results_slope")?, cell("add_results_inv")?],
            extract_r: [cell("extract_r_slope")?, cell("extract_r_inv")?],
            z_inv: cell("z_inv")?,
            r_w_inv: cell("r_w_inv")?,
            q_x_squared: cell("q_x_squared")?,
        })
    }

    /// Writes the only instance of a strip.
    fn write(&self, strip: &mut Strip, verification: &Verification) {
        self.generator.write(strip, 0, &verification.generator);
        for (k, (chain, sum)) in [&verification.key, &verification.result].into_iter().enumerate() {
            self.doublings.write(strip, k, chain);
            self.key.write(strip, k, sum);
            strip.set(self.r_w_inv, k, verification.inverses[k + 1]);
        }
        for (cells, (slope, inverse)) in [
            (self.add_results, verification.add_results),
            (self.extract_r, verification.extract_r),
        ] {
            strip.set(cells[0], 0, slope);
            strip.set(cells[1], 0, inverse);
        }
        strip.set(self.z_inv, 0, verification.inverses[0]);
        strip.set(self.q_x_squared, 0, verification.signature.public_key.x.square());
    }
}

/// Writes every instance. Unused instances hold a fixed signature.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = Cells::new(layout)?;
    let builtin = Instances::new(BUILTIN, layout, input, canvas.n_rows())?;
    let instances = builtin.by_instance(&input.private.ecdsa, |input| input.index)?;

    let mut signatures = vec![Signature::dummy()];
    for input in &input.private.ecdsa {
        let candidates =
            Signature::candidates(input).map_err(|problem| builtin.error(input.index, problem))?;
        signatures.extend(candidates);
        let index = input.index as usize;
        builtin.check_memory(index, 0, input.public_key)?;
        builtin.check_memory(index, 1, input.message)?;
    }
    let verifications: Vec<Verification> = signatures.par_chunks(BATCH).flat_map_iter(verify).collect();

    // The index of each instance's verification. The first verification is the dummy's, followed by two per entry.
    let mut chosen = vec![0; instances.len()];
    for (k, input) in input.private.ecdsa.iter().enumerate() {
        let valid = [2 * k + 1, 2 * k + 2]
            .into_iter()
            .find(|&i| verifications[i].is_valid);
        chosen[input.index as usize] = valid
            .ok_or_else(|| builtin.error(input.index, BuiltinError::InvalidSignature(Box::new(*input))))?;
    }
    canvas
        .strips(builtin.height())
        .par_iter_mut()
        .zip(&chosen)
        .enumerate()
        .for_each(|(i, (strip, &chosen))| {
            let verification = &verifications[chosen];
            let signature = &verification.signature;
            cells.write(strip, verification);
            strip.access(cells.public_key, 0, builtin.address(i, 0), signature.public_key.x);
            strip.access(cells.message, 0, builtin.address(i, 1), signature.message);
        });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{BigInt, One};
    use quarry_kernels::Hash;
    use quarry_kernels::felt;

    #[test]
    fn the_dummy_is_valid_and_its_nonce_is_stones() {
        let dummy = Signature::dummy();
        assert!(verify(&[dummy])[0].is_valid);
        // Stone's generator with an empty seed hashes H("") followed by a counter. The nonce is 1 plus the first
        // digest, as a 252-bit number, that is at most order - 2.
        let seed = Hash::Keccak256.hash_bytes(&[]);
        let draws = (0u64..).map(|counter| {
            let mut bytes = seed.to_vec();
            bytes.extend([0; 24]);
            bytes.extend(counter.to_be_bytes());
            let mut digest = Hash::Keccak256.hash_bytes(&bytes);
            digest[0] &= 0x0f;
            let limb = |i: usize| {
                digest[8 * (3 - i)..8 * (4 - i)]
                    .iter()
                    .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
            };
            BigInt([limb(0), limb(1), limb(2), limb(3)])
        });
        let mut largest = curve::ORDER;
        largest.sub_with_borrow(&BigInt::from(2u64));
        let mut nonce = draws.into_iter().find(|draw| *draw <= largest).unwrap();
        nonce.add_with_carry(&BigInt::from(1u64));
        let point = curve::GENERATOR.mul(&nonce).unwrap();
        assert_eq!(felt::to_hex(&point.x), felt::to_hex(&dummy.r));
    }

    #[test]
    fn wrong_signatures_are_not_valid() {
        let dummy = Signature::dummy();
        let wrong = [
            Signature {
                message: dummy.message + Felt::one(),
                ..dummy
            },
            Signature {
                r: dummy.r + Felt::one(),
                ..dummy
            },
            Signature {
                w: dummy.w + Felt::one(),
                ..dummy
            },
            Signature {
                public_key: -dummy.public_key,
                ..dummy
            },
        ];
        assert!(verify(&wrong).iter().all(|verification| !verification.is_valid));
    }
}
