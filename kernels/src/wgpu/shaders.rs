//! Every kernel is valid, and can be translated for every interface, in both forms of integers.

use super::kernels::{Access, Kernel};
use super::pipelines::Variant;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, StorageAccess};

fn variants() -> impl Iterator<Item = Variant> {
    let integers = [false, true].into_iter();
    integers.flat_map(|has_int64| [9, 10].map(|log_tile| Variant { has_int64, log_tile }))
}

fn parsed(kernel: Kernel, variant: Variant) -> (naga::Module, naga::valid::ModuleInfo) {
    let text = kernel.text(variant);
    let module = naga::front::wgsl::parse_str(&text)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name(), error.emit_to_string(&text)));
    let capabilities = if variant.has_int64 {
        Capabilities::SHADER_INT64
    } else {
        Capabilities::empty()
    };
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name(), error.emit_to_string(&text)));
    (module, info)
}

#[test]
fn every_kernel_is_valid_and_its_buffers_are_as_listed() {
    for variant in variants() {
        for kernel in Kernel::ALL {
            let (module, info) = parsed(*kernel, variant);
            let index = module
                .entry_points
                .iter()
                .position(|entry| entry.name == kernel.entry())
                .unwrap_or_else(|| panic!("{}: no function {}", kernel.name(), kernel.entry()));
            let used = info.get_entry_point(index);
            for (handle, global) in module.global_variables.iter() {
                let Some(binding) = &global.binding else { continue };
                let AddressSpace::Storage { access } = global.space else {
                    continue;
                };
                if used[handle].is_empty() {
                    continue;
                }
                let listed = kernel.bindings().get(binding.binding as usize - 1);
                let expected = if access.contains(StorageAccess::STORE) {
                    Access::Write
                } else {
                    Access::Read
                };
                assert_eq!(
                    listed,
                    Some(&expected),
                    "{}, binding {}",
                    kernel.name(),
                    binding.binding
                );
            }
        }
    }
}
