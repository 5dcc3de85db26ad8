"""Signs a message for a Quarry prover, with nothing but Python's own library: docs/envelope.md has the bytes.

    python3 envelope.py --key-file client.key --kind job --network devnet < spec.bin > envelope.bin

reads the payload (for a job: a serialized JobSpec) and writes the envelope. As a module: `envelope(...)`.

The arithmetic is short, slow and not constant in time. It is for reading and for tests; keep keys that matter elsewhere.
"""

import argparse
import hashlib
import hmac
import os
import sys
import time

TAG = b"quarry.envelope"
VERSION = b"\x01"
SIGNED_TAG = b"quarry.signed.1:"
DEFAULT_LIFETIME_SECONDS = 600


def envelope(secret_key, kind, network, payload, *, audience="", nonce=None, issued=None, expires=None):
    """Returns the envelope of a message. Keys are texts: `ed25519:` or `stark:` and 64 hexadecimal digits."""
    scheme, digits = secret_key.split(":")
    secret = bytes.fromhex(digits)
    public_key, sign = {"ed25519": (ed25519_public_key, ed25519_sign), "stark": (stark_public_key, stark_sign)}[scheme]
    issued = int(time.time()) if issued is None else issued
    expires = issued + DEFAULT_LIFETIME_SECONDS if expires is None else expires
    body = fields(
        TAG,
        VERSION,
        kind.encode(),
        network.encode(),
        audience.encode(),
        f"{scheme}:{public_key(secret).hex()}".encode(),
        os.urandom(16) if nonce is None else nonce,
        issued.to_bytes(8, "big"),
        expires.to_bytes(8, "big"),
        payload,
    )
    return body + fields(sign(secret, SIGNED_TAG + digest(body)))


def digest(body):
    """The identity of a message."""
    return hashlib.sha256(body).digest()


def fields(*contents):
    """Each content behind its length."""
    return b"".join(len(content).to_bytes(4, "big") + content for content in contents)


# ECDSA on the Stark curve: y^2 = x^3 + x + BETA modulo P, of order N. A point is (x, y), or None at infinity.

P = 2**251 + 17 * 2**192 + 1
BETA = 0x6F21413EFBE40DE150E596D72F7A8C5609AD26C15C915C1F4CDFCB99CEE9E89
N = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F
GENERATOR = (
    0x1EF15C18599971B7BECED415A40F0C7DEACFD9B0D1819E03D723D8BC943CFCA,
    0x5668060AA49730B7BE4801DF46EC62DE53ECD11ABE43A32873000C36E8DC1F,
)


def add(a, b):
    if a is None or b is None:
        return a or b
    (ax, ay), (bx, by) = a, b
    if ax == bx and (ay + by) % P == 0:
        return None
    slope = (3 * ax * ax + 1) * pow(2 * ay, -1, P) if a == b else (by - ay) * pow(bx - ax, -1, P)
    x = (slope * slope - ax - bx) % P
    return x, (slope * (ax - x) - ay) % P


def times(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def stark_public_key(secret):
    return times(int.from_bytes(secret, "big"), GENERATOR)[0].to_bytes(32, "big")


def stark_sign(secret, message):
    d = int.from_bytes(secret, "big")
    z = int.from_bytes(hashlib.sha256(message).digest(), "big") % 2**251
    for k in nonces(secret, z.to_bytes(32, "big")):
        r = times(k, GENERATOR)[0]
        s = (z + r * d) * pow(k, -1, N) % N
        s = min(s, N - s)
        # What verifiers demand.
        if all(0 < number < 2**251 for number in (r, s, pow(s, -1, N) if s else 0)):
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def nonces(secret, hash):
    """RFC 6979, section 3.2, for a group of 252 bits."""
    mac = lambda key, *parts: hmac.digest(key, b"".join(parts), "sha256")
    v, key = b"\x01" * 32, b"\x00" * 32
    for separator in (b"\x00", b"\x01"):
        key = mac(key, v, separator, secret, hash)
        v = mac(key, v)
    while True:
        v = mac(key, v)
        k = int.from_bytes(v, "big") >> 4
        if 0 < k < N:
            yield k
        key = mac(key, v, b"\x00")
        v = mac(key, v)


# Ed25519 (RFC 8032): -x^2 + y^2 = 1 + D x^2 y^2 modulo Q, of order L.

Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, Q) % Q
BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202, 4 * pow(5, -1, Q) % Q)


def edwards_add(a, b):
    (ax, ay), (bx, by) = a, b
    product = D * ax * bx * ay * by
    x = (ax * by + bx * ay) * pow(1 + product, -1, Q)
    y = (ay * by + ax * bx) * pow(1 - product, -1, Q)
    return x % Q, y % Q


def edwards_times(scalar, point):
    result = (0, 1)
    while scalar:
        if scalar & 1:
            result = edwards_add(result, point)
        point = edwards_add(point, point)
        scalar >>= 1
    return result


def compressed(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expanded(secret):
    hashed = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(hashed[:32], "little")
    return scalar & (2**254 - 8) | 2**254, hashed[32:]


def ed25519_public_key(secret):
    return compressed(edwards_times(expanded(secret)[0], BASE))


def ed25519_sign(secret, message):
    number = lambda *parts: int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L
    scalar, prefix = expanded(secret)
    nonce = number(prefix, message)
    commitment = compressed(edwards_times(nonce, BASE))
    challenge = number(commitment, ed25519_public_key(secret), message)
    return commitment + ((nonce + challenge * scalar) % L).to_bytes(32, "little")


def main():
    parser = argparse.ArgumentParser(description="Sign a message for a Quarry prover.")
    parser.add_argument("--key-file", required=True, help="file with the secret key, as `quarry key new` writes it")
    parser.add_argument("--kind", required=True, help="what the message is: job or session")
    parser.add_argument("--network", required=True, help="the prover's network")
    parser.add_argument("--audience", default="", help="public key of the prover; without it, the message is for any")
    arguments = parser.parse_args()
    with open(arguments.key_file) as file:
        secret_key = file.read().strip()
    payload = sys.stdin.buffer.read()
    made = envelope(secret_key, arguments.kind, arguments.network, payload, audience=arguments.audience)
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
