//! A program of many parts: wide numbers, a dictionary, hashes and a panic.

use core::dict::Felt252Dict;
use core::hash::HashStateTrait;
use core::num::traits::Sqrt;
use core::pedersen::PedersenTrait;
use core::poseidon::poseidon_hash_span;

/// Adds up transfers by their receiver, and returns what the receiver `wanted` got, the quotient, the remainder and the
/// root of the square of the total by the number of transfers, and two hashes.
#[executable]
fn main(transfers: Array<(felt252, u64)>, wanted: felt252) -> (u64, u256, u256, u128, felt252, felt252) {
    assert(!transfers.is_empty(), 'no transfers');
    let mut balances: Felt252Dict<u64> = Default::default();
    let mut total: u256 = 0;
    let mut pedersen = PedersenTrait::new(0);
    let mut words = array![];
    let n: u256 = transfers.len().into();
    for (receiver, amount) in transfers {
        balances.insert(receiver, balances.get(receiver) + amount);
        total += amount.into();
        pedersen = pedersen.update(receiver);
        words.append(amount.into());
    }
    let square = total * total;
    (
        balances.get(wanted), square / n, square % n, square.sqrt(), pedersen.finalize(),
        poseidon_hash_span(words.span()),
    )
}
