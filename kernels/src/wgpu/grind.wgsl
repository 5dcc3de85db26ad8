// Proof of work: one nonce an invocation, the lowest that will do.

@compute @workgroup_size(64)
fn grind(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
         @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local);
    if (i >= params.n) {
        return;
    }
    nonce = add_carry(params.first, i, 0u);
    nonce.y += params.first_high;
    let digest = hash_nonce();
    let head = reverse_bytes(digest.low.x & params.mask_low.x);
    let next = reverse_bytes(digest.low.y & params.mask_low.y);
    let zeros = select(countLeadingZeros(head), 32u + countLeadingZeros(next), head == 0u);
    if (zeros >= params.bits) {
        atomicMin(&lowest, i);
    }
}
