// Blake2s-256 without a key. The module defines `word(i)`, four bytes of the message.

const IV_LOW = vec4<u32>(0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au);
const IV_HIGH = vec4<u32>(0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u);

// The sixteen words of the working state as rows of four, and those of a block of the message.
struct Working {
    a: vec4<u32>,
    b: vec4<u32>,
    c: vec4<u32>,
    d: vec4<u32>,
}

fn rotate_right(x: vec4<u32>, by: u32) -> vec4<u32> {
    return x >> vec4<u32>(by) | x << vec4<u32>(32u - by);
}

// Four mixings side by side, of the columns.
fn blake2s_mix(v: Working, x: vec4<u32>, y: vec4<u32>) -> Working {
    var w = v;
    w.a = w.a + w.b + x;
    w.d = rotate_right(w.d ^ w.a, 16u);
    w.c = w.c + w.d;
    w.b = rotate_right(w.b ^ w.c, 12u);
    w.a = w.a + w.b + y;
    w.d = rotate_right(w.d ^ w.a, 8u);
    w.c = w.c + w.d;
    w.b = rotate_right(w.b ^ w.c, 7u);
    return w;
}

// A round: the columns with the words `x` and `y`, the diagonals with `z` and `t`.
fn blake2s_round(v: Working, x: vec4<u32>, y: vec4<u32>, z: vec4<u32>, t: vec4<u32>) -> Working {
    let w = blake2s_mix(v, x, y);
    let u = blake2s_mix(Working(w.a, w.b.yzwx, w.c.zwxy, w.d.wxyz), z, t);
    return Working(u.a, u.b.wxyz, u.c.zwxy, u.d.yzwx);
}

// Word `i` of the message, and 0 beyond its `n_words`.
fn message_word(i: u32, n_words: u32) -> u32 {
    if (i < n_words) {
        return word(i);
    }
    return 0u;
}

fn message_words(i: u32, n_words: u32) -> vec4<u32> {
    return vec4<u32>(message_word(i, n_words), message_word(i + 1u, n_words), message_word(i + 2u, n_words),
                     message_word(i + 3u, n_words));
}

// Hashes `n_words > 0` words of four bytes.
fn blake2s256(n_words: u32) -> Digest {
    // No key, and 32 bytes of digest.
    var low = IV_LOW ^ vec4<u32>(0x01010020u, 0u, 0u, 0u);
    var high = IV_HIGH;
    for (var first = 0u; first < n_words; first += 16u) {
        let end = min(n_words, first + 16u);
        let is_last = select(0u, 0xffffffffu, end == n_words);
        let m = message_words(first, n_words);
        let n = message_words(first + 4u, n_words);
        let o = message_words(first + 8u, n_words);
        let p = message_words(first + 12u, n_words);
        var v = Working(low, high, IV_LOW, IV_HIGH ^ vec4<u32>(4u * end, 0u, is_last, 0u));
        // The words in the order of RFC 7693: 0 to 3 are those of m, then n, o and p.
        v = blake2s_round(v, vec4<u32>(m.x, m.z, n.x, n.z), vec4<u32>(m.y, m.w, n.y, n.w),
                          vec4<u32>(o.x, o.z, p.x, p.z), vec4<u32>(o.y, o.w, p.y, p.w));
        v = blake2s_round(v, vec4<u32>(p.z, n.x, o.y, p.y), vec4<u32>(o.z, o.x, p.w, n.z),
                          vec4<u32>(m.y, m.x, o.w, n.y), vec4<u32>(p.x, m.z, n.w, m.w));
        v = blake2s_round(v, vec4<u32>(o.w, p.x, n.y, p.w), vec4<u32>(o.x, m.x, m.z, p.y),
                          vec4<u32>(o.z, m.w, n.w, o.y), vec4<u32>(p.z, n.z, m.y, n.x));
        v = blake2s_round(v, vec4<u32>(n.w, m.w, p.y, o.w), vec4<u32>(o.y, m.y, p.x, p.z),
                          vec4<u32>(m.z, n.y, n.x, p.w), vec4<u32>(n.z, o.z, m.x, o.x));
        v = blake2s_round(v, vec4<u32>(o.y, n.y, m.z, o.z), vec4<u32>(m.x, n.w, n.x, p.w),
                          vec4<u32>(p.z, o.w, n.z, m.w), vec4<u32>(m.y, p.x, o.x, p.y));
        v = blake2s_round(v, vec4<u32>(m.z, n.z, m.x, o.x), vec4<u32>(p.x, o.z, o.w, m.w),
                          vec4<u32>(n.x, n.w, p.w, m.y), vec4<u32>(p.y, n.y, p.z, o.y));
        v = blake2s_round(v, vec4<u32>(p.x, m.y, p.z, n.x), vec4<u32>(n.y, p.w, p.y, o.z),
                          vec4<u32>(m.x, n.z, o.y, o.x), vec4<u32>(n.w, m.w, m.z, o.w));
        v = blake2s_round(v, vec4<u32>(p.y, n.w, p.x, m.w), vec4<u32>(o.w, p.z, m.y, o.y),
                          vec4<u32>(n.y, p.w, o.x, m.z), vec4<u32>(m.x, n.x, n.z, o.z));
        v = blake2s_round(v, vec4<u32>(n.z, p.z, o.w, m.x), vec4<u32>(p.w, o.y, m.w, o.x),
                          vec4<u32>(p.x, p.y, m.y, o.z), vec4<u32>(m.z, n.w, n.x, n.y));
        v = blake2s_round(v, vec4<u32>(o.z, o.x, n.w, m.y), vec4<u32>(m.z, n.x, n.z, n.y),
                          vec4<u32>(p.w, o.y, m.w, p.y), vec4<u32>(o.w, p.z, p.x, m.x));
        low ^= v.a ^ v.c;
        high ^= v.b ^ v.d;
    }
    return Digest(low, high);
}
