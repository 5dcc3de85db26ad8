// Hashing of tree nodes. Node `first + i`, `i < n`, becomes the hash of nodes `2 (first + i)` and the next; then their
// parents likewise, `n_levels` levels in all. `first` is a multiple of `n`, a power of two, so a workgroup has the nodes that its
// own are made of.

@compute @workgroup_size(64)
fn hash_nodes(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
              @builtin(local_invocation_index) local: u32) {
    for (var level = 0u; level < params.n_levels; level++) {
        let n_own = WORKGROUP >> level;
        let i = workgroup_number(group, groups) * n_own + local;
        if (local < n_own && i < (params.n >> level)) {
            let node = (params.first >> level) + i;
            child = select(2u * node, params.children + 2u * i, params.are_apart != 0u);
            let digest = hash_node();
            nodes[2u * node] = digest.low & params.mask_low;
            nodes[2u * node + 1u] = digest.high & params.mask_high;
        }
        storageBarrier();
    }
}
