//! Tests that every kernel is valid and can be translated for every interface, with both forms of integers.

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

/// Translates every kernel with the library of every interface. Metal has 64-bit integers from version 2.3 on.
#[test]
fn every_kernel_is_translated_for_every_interface() {
    for variant in variants() {
        for kernel in Kernel::ALL {
            let (module, info) = parsed(*kernel, variant);
            let entry = (naga::ShaderStage::Compute, kernel.entry().to_string());
            let name = kernel.name();

            let options = naga::back::spv::Options::default();
            let spirv = naga::back::spv::write_vec(&module, &info, &options, None);
            let words = spirv.unwrap_or_else(|error| panic!("{name}: SPIR-V: {error}"));
            assert_eq!(words[0], 0x0723_0203, "{name}: SPIR-V's magic number");

            let options = naga::back::msl::Options {
                lang_version: (2, 3),
                ..Default::default()
            };
            let pipeline = naga::back::msl::PipelineOptions {
                entry_point: Some(entry),
                ..Default::default()
            };
            let metal = naga::back::msl::write_string(&module, &info, &options, &pipeline);
            let (metal, _) = metal.unwrap_or_else(|error| panic!("{name}: MSL: {error}"));
            assert!(
                metal.contains(&format!("kernel void {}", kernel.entry())),
                "{name}: MSL"
            );
        }
    }
}

/// Number of arithmetic operations in the text of a block and of the functions it calls. The body of a loop counts
/// once.
fn operations(module: &naga::Module, function: &naga::Function) -> u64 {
    let arithmetic = function
        .expressions
        .iter()
        .filter(|(_, expression)| matches!(expression, naga::Expression::Binary { .. }))
        .count() as u64;
    let mut called = 0;
    calls(&function.body, &mut |callee| {
        called += operations(module, &module.functions[callee]);
    });
    arithmetic + called
}

fn calls(block: &naga::Block, call: &mut impl FnMut(naga::Handle<naga::Function>)) {
    use naga::Statement;
    for statement in block {
        match statement {
            Statement::Call { function, .. } => call(*function),
            Statement::Block(block) => calls(block, call),
            Statement::If { accept, reject, .. } => {
                [accept, reject].into_iter().for_each(|block| calls(block, call));
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| calls(&case.body, call)),
            Statement::Loop { body, continuing, .. } => [body, continuing]
                .into_iter()
                .for_each(|block| calls(block, call)),
            _ => (),
        }
    }
}

/// Bounds the operations of a product, and the number of products in the text of each kernel: a driver may take long to
/// compile what it inlines. (`--nocapture` prints the table.)
#[test]
fn products_are_called_in_few_places() {
    for (has_int64, most) in [(true, 450), (false, 2200)] {
        let variant = Variant {
            has_int64,
            log_tile: 9,
        };
        let of_product = |module: &naga::Module| {
            let mut functions = module.functions.iter();
            let product = functions.find(|(_, function)| function.name.as_deref() == Some("felt_mul"));
            operations(module, product.expect("a product").1)
        };
        let product = of_product(&parsed(Kernel::Compose, variant).0);
        println!("64-bit integers: {has_int64}; a product: {product} operations");
        assert!(product < most, "{product}");
        for kernel in Kernel::ALL {
            let (module, _) = parsed(*kernel, variant);
            let entry = module
                .entry_points
                .iter()
                .find(|entry| entry.name == kernel.entry());
            let in_text = operations(&module, &entry.expect("the kernel").function);
            println!("    {}: {in_text} operations", kernel.name());
            assert!(in_text < 12 * product, "{}: {in_text}", kernel.name());
        }
    }
}
