//! Signatures (ECDSA) on the Stark curve, by `starknet-crypto`, whose functions panic on some inputs: these do not.

use starknet_crypto::{Felt, get_public_key, rfc6979_generate_k};

/// The order n of the curve's group.
pub(crate) const ORDER: Felt =
    Felt::from_hex_unchecked("0x800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2f");
/// Half of the order, rounded down: n is odd, so of s and n - s exactly one is at most this.
const HALF_ORDER: Felt =
    Felt::from_hex_unchecked("0x4000000000000087fffffffffffffffdbc08936e573d9190f335120d6e32697");
/// The curve is y^2 = x^3 + x + this.
const BETA: Felt =
    Felt::from_hex_unchecked("0x6f21413efbe40de150e596d72f7a8c5609ad26c15c915c1f4cdfcb99cee9e89");

/// Whether a point of the curve has this x coordinate. The order of the group is prime: each of its points but
/// infinity, which has no x, is a public key.
pub(crate) fn is_public_key(x: Felt) -> bool {
    (x * x * x + x + BETA).sqrt().is_some()
}

/// The x coordinate of the public key; `None` if the secret is not in 1..n.
pub(crate) fn public_key(secret: &Felt) -> Option<Felt> {
    (Felt::ONE..ORDER)
        .contains(secret)
        .then(|| get_public_key(secret))
}

/// Signs a hash below 2^251. The nonce follows from hash and secret (RFC 6979); s is low ([`is_low`]).
///
/// Returns (r, s); `None` if the hash is 2^251 or above, or the secret is not in 1..n.
///
/// The time that this takes depends on the secret: `starknet-crypto` is not constant time.
pub(crate) fn sign(secret: &Felt, hash: &Felt) -> Option<(Felt, Felt)> {
    let public_key = public_key(secret)?;
    if *hash >= Felt::ELEMENT_UPPER_BOUND {
        return None;
    }
    // One nonce in about 2^55 yields an r or s that verification does not accept: the next one is taken then.
    (0_u64..).find_map(|seed| {
        let nonce = rfc6979_generate_k(hash, secret, Some(&seed.into()));
        let signature = starknet_crypto::sign(secret, hash, &nonce).ok()?;
        let (r, s) = (signature.r, lower(signature.s));
        verify(public_key, *hash, r, s).then_some((r, s))
    })
}

/// Whether (r, s) signs the hash under the key with this x coordinate. False too if hash, r or s is not below 2^251,
/// r or s is 0, or the key is not on the curve.
///
/// Whoever sees a signature (r, s) can make a second one, (r, n - s). A signature is no identifier. Demand
/// [`is_low`] where two for one message do harm.
pub(crate) fn verify(public_key: Felt, hash: Felt, r: Felt, s: Felt) -> bool {
    !meets_infinity(public_key, hash, r)
        && starknet_crypto::verify(&public_key, &hash, &r, &s).unwrap_or(false)
}

/// Whether s is at most n / 2.
pub(crate) fn is_low(s: Felt) -> bool {
    s <= HALF_ORDER
}

/// Of s and n - s the one that is low. s must be in 1..n.
fn lower(s: Felt) -> Felt {
    if is_low(s) { s } else { ORDER - s }
}

/// Whether hash * G = ± r * key (G is the generator): verification adds and subtracts these points, over s, and
/// `starknet-crypto` panics on the point at infinity. A signer who knows the secret can choose hash and r so; by
/// chance it does not happen.
fn meets_infinity(public_key: Felt, hash: Felt, r: Felt) -> bool {
    let quotient = ORDER
        .try_into()
        .ok()
        .and_then(|order| Some(hash.mul_mod(&r.mod_inverse(&order)?, &order)));
    quotient.and_then(|secret| self::public_key(&secret)) == Some(public_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    /// 2^251, the bound of hash, r and s.
    const BOUND: Felt = Felt::ELEMENT_UPPER_BOUND;

    fn felt(hex: &str) -> Felt {
        Felt::from_hex_unchecked(hex)
    }

    #[test]
    fn order_is_the_curves() {
        assert_eq!(HALF_ORDER + HALF_ORDER + Felt::ONE, ORDER);
        let last = get_public_key(&(ORDER - Felt::ONE));
        assert_eq!(
            last,
            get_public_key(&Felt::ONE),
            "(n - 1) G is -G, with the same x"
        );
    }

    #[test]
    fn signatures_verify_and_bind_every_part() {
        for n in 1..4_u64 {
            let (secret, hash) = (felt("0x123456789abcdef") + n, BOUND - n);
            let key = public_key(&secret).expect("in range");
            let (r, s) = sign(&secret, &hash).expect("in range");
            assert!(is_low(s) && !is_low(ORDER - s));
            assert_eq!(sign(&secret, &hash), Some((r, s)), "no randomness");
            assert!(verify(key, hash, r, s));
            assert!(verify(key, hash, r, ORDER - s), "the second signature");
            let one = Felt::ONE;
            assert!(!verify(key, hash - one, r, s));
            assert!(!verify(key, hash, r + one, s));
            assert!(!verify(key, hash, r, s + one));
            assert!(!verify(get_public_key(&(secret + one)), hash, r, s));
        }
    }

    #[test]
    fn public_keys_are_on_the_curve() {
        for secret in 1..20_u64 {
            assert!(is_public_key(get_public_key(&secret.into())), "{secret}");
        }
        // About half of all numbers are no x coordinate: starknet-crypto refuses the same ones.
        let one = Felt::ONE;
        let refuses = |x: &Felt| starknet_crypto::verify(x, &one, &one, &Felt::TWO).is_err();
        let no_keys: Vec<Felt> = (0..20_u64).map(Felt::from).filter(refuses).collect();
        assert!((1..20).contains(&no_keys.len()));
        for x in (0..20_u64).map(Felt::from) {
            assert_eq!(is_public_key(x), !no_keys.contains(&x), "{x:#x}");
        }
    }

    /// From the tests of StarkWare's crypto-cpp (`crypto_lib_test.go`).
    #[test]
    fn known_key() {
        let secret = felt("0x3c1e9550e66958296d11b60f8e8e7a7ad990d07fa65d5f7652c4a6c87d4e3cc");
        let key = felt("0x77a3b314db07c45076d11f62b6f9e748a39790441823307743cf00d6597ea43");
        assert_eq!(public_key(&secret), Some(key));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let secret = Felt::THREE;
        let key = public_key(&secret).expect("in range");
        let (r, s) = sign(&secret, &Felt::TWO).expect("in range");
        for bad in [Felt::ZERO, BOUND, ORDER, Felt::MAX] {
            assert!(!verify(key, Felt::TWO, bad, s), "r {bad:#x}");
            assert!(!verify(key, Felt::TWO, r, bad), "s {bad:#x}");
            assert!(!verify(key, bad, r, s), "hash {bad:#x}");
            assert!(!verify(bad, Felt::TWO, r, s), "key {bad:#x}");
        }
        for bad in [BOUND, ORDER, Felt::MAX] {
            assert_eq!(sign(&secret, &bad), None, "hash {bad:#x}");
        }
        for bad in [Felt::ZERO, ORDER, Felt::MAX] {
            assert_eq!(sign(&bad, &Felt::TWO), None, "secret {bad:#x}");
            assert_eq!(public_key(&bad), None, "secret {bad:#x}");
        }
        assert!(sign(&secret, &Felt::ZERO).is_some_and(|(r, s)| verify(key, Felt::ZERO, r, s)));
    }

    /// Whoever holds a secret d can choose the hash r * d: one of the two sums is then the point at infinity.
    #[test]
    fn infinity_is_refused() {
        let order = ORDER.try_into().expect("not 0");
        let (mut tried, mut panics) = (0, 0);
        for secret in [Felt::ONE, Felt::TWO, felt("0x123456789abcdef")] {
            let key = public_key(&secret).expect("in range");
            for r in [Felt::ONE, Felt::THREE, BOUND - Felt::ONE] {
                let product = r.mul_mod(&secret, &order);
                let hashes = [product, ORDER - product];
                for hash in hashes.into_iter().filter(|&hash| hash < BOUND) {
                    let bare = || starknet_crypto::verify(&key, &hash, &r, &Felt::TWO);
                    tried += 1;
                    panics += usize::from(catch_unwind(bare).is_err());
                    assert!(!verify(key, hash, r, Felt::TWO), "r {r:#x}, hash {hash:#x}");
                }
            }
        }
        assert_eq!(panics, tried, "the guard is needed");
    }
}
