// Hashing of table rows, one invocation a row: row `j` (natural order) goes to leaf `bit_reverse(j)`.

@compute @workgroup_size(64)
fn hash_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
             @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local);
    if (i >= params.n) {
        return;
    }
    row = (i << params.log_step) | params.phase;
    let leaf = params.leaf + reverse_low_bits(params.first_row + row, params.log_rows);
    let digest = hash_row(params.n_columns);
    leaves[leaf] = Digest(digest.low & params.mask_low, digest.high & params.mask_high);
}
