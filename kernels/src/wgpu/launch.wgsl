// Numbers of invocations. A launch of more workgroups than one dimension may have takes two.

const WORKGROUP = 64u;

fn invocation(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
    return (group.x + group.y * groups.x) * WORKGROUP + local;
}

// The number of the workgroup in the first two dimensions.
fn workgroup_number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.x + group.y * groups.x;
}
