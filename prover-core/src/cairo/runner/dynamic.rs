//! Converts the parameters of layout `dynamic` for the virtual machine.

use super::RunError;
use crate::cairo::layouts::CPU_COMPONENT_HEIGHT;
use cairo_vm::types::layout::CairoLayoutParams;
use std::collections::BTreeMap;

/// Stone's `dynamic_params`, whose ratios count rows.
pub(super) struct DynamicParams<'a> {
    params: &'a BTreeMap<String, u64>,
    rows_per_step: u64,
}

impl<'a> DynamicParams<'a> {
    pub fn new(params: &'a BTreeMap<String, u64>) -> Result<Self, RunError> {
        let mut this = Self {
            params,
            rows_per_step: 1,
        };
        let component_step = this.power_of_two("cpu_component_step")?;
        let rows = component_step.checked_mul(CPU_COMPONENT_HEIGHT as u64);
        this.rows_per_step = rows.ok_or_else(|| impossible("cpu_component_step"))?;
        Ok(this)
    }

    /// Whether the layout has instances of a builtin.
    pub fn uses(&self, builtin: &str) -> bool {
        builtin == "output" || self.params.get(&format!("uses_{builtin}_builtin")) == Some(&1)
    }

    /// The parameters as the virtual machine takes them: their ratios count steps.
    pub fn to_vm(&self) -> Result<CairoLayoutParams, RunError> {
        let [range_check96, range_check96_den] =
            self.ratio("range_check96", "range_check96_builtin_row_ratio")?;
        let [add_mod, add_mod_den] = self.ratio("add_mod", "add_mod__row_ratio")?;
        let [mul_mod, mul_mod_den] = self.ratio("mul_mod", "mul_mod__row_ratio")?;
        Ok(CairoLayoutParams {
            rc_units: self.units("range_check_units_row_ratio")?,
            cpu_component_step: small(
                self.rows_per_step / CPU_COMPONENT_HEIGHT as u64,
                "cpu_component_step",
            )?,
            memory_units_per_step: self.units("memory_units_row_ratio")?,
            log_diluted_units_per_step: self.rows_per_step.ilog2() as i32
                - self.power_of_two("diluted_units_row_ratio")?.ilog2() as i32,
            pedersen_ratio: self.steps("pedersen", "pedersen_builtin_row_ratio")?,
            range_check_ratio: self.steps("range_check", "range_check_builtin_row_ratio")?,
            ecdsa_ratio: self.steps("ecdsa", "ecdsa_builtin_row_ratio")?,
            bitwise_ratio: self.steps("bitwise", "bitwise__row_ratio")?,
            ec_op_ratio: self.steps("ec_op", "ec_op_builtin_row_ratio")?,
            keccak_ratio: self.steps("keccak", "keccak__row_ratio")?,
            poseidon_ratio: self.steps("poseidon", "poseidon__row_ratio")?,
            range_check96_ratio: range_check96,
            range_check96_ratio_den: range_check96_den,
            add_mod_ratio: add_mod,
            add_mod_ratio_den: add_mod_den,
            mul_mod_ratio: mul_mod,
            mul_mod_ratio_den: mul_mod_den,
        })
    }

    fn power_of_two(&self, name: &str) -> Result<u64, RunError> {
        let value = self.params.get(name).copied();
        value
            .filter(|value| value.is_power_of_two())
            .ok_or_else(|| impossible(name))
    }

    /// Units of a pool per step, at least 1.
    fn units(&self, name: &str) -> Result<u32, RunError> {
        match self.rows_per_step / self.power_of_two(name)? {
            0 => Err(impossible(name)),
            units => small(units, name),
        }
    }

    /// Steps per instance of a builtin, as a fraction in lowest terms; 0/1 if there are no instances.
    fn ratio(&self, builtin: &str, name: &str) -> Result<[u32; 2], RunError> {
        if !self.uses(builtin) {
            return Ok([0, 1]);
        }
        let rows = self.power_of_two(name)?;
        let common = rows.min(self.rows_per_step);
        Ok([
            small(rows / common, name)?,
            small(self.rows_per_step / common, name)?,
        ])
    }

    /// Steps per instance of a builtin, a whole number; 0 if there are no instances.
    fn steps(&self, builtin: &str, name: &str) -> Result<u32, RunError> {
        match self.ratio(builtin, name)? {
            [steps, 1] => Ok(steps),
            _ => Err(impossible(name)),
        }
    }
}

fn impossible(name: &str) -> RunError {
    RunError::DynamicParam(name.to_owned())
}

fn small(value: u64, name: &str) -> Result<u32, RunError> {
    u32::try_from(value).map_err(|_| impossible(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(changes: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let base = [
            ("cpu_component_step", 1),
            ("range_check_units_row_ratio", 2),
            ("memory_units_row_ratio", 2),
            ("diluted_units_row_ratio", 1),
            ("uses_bitwise_builtin", 1),
            ("bitwise__row_ratio", 256),
            ("uses_range_check96_builtin", 1),
            ("range_check96_builtin_row_ratio", 8),
        ];
        let all = base.iter().chain(changes);
        all.map(|&(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn rows_become_steps() {
        let map = params(&[]);
        let vm = DynamicParams::new(&map).unwrap().to_vm().unwrap();
        assert_eq!(
            (
                vm.rc_units,
                vm.memory_units_per_step,
                vm.log_diluted_units_per_step
            ),
            (8, 8, 4)
        );
        assert_eq!((vm.bitwise_ratio, vm.pedersen_ratio), (16, 0));
        assert_eq!((vm.range_check96_ratio, vm.range_check96_ratio_den), (1, 2));

        let map = params(&[("cpu_component_step", 4), ("diluted_units_row_ratio", 128)]);
        let vm = DynamicParams::new(&map).unwrap().to_vm().unwrap();
        assert_eq!(
            (vm.rc_units, vm.bitwise_ratio, vm.log_diluted_units_per_step),
            (32, 4, -1)
        );
    }

    #[test]
    fn impossible_parameters_are_named() {
        for (name, value) in [
            ("cpu_component_step", 3),
            ("cpu_component_step", 1 << 63),
            ("memory_units_row_ratio", 0),
            ("memory_units_row_ratio", 32),
            ("bitwise__row_ratio", 8),
        ] {
            let map = params(&[(name, value)]);
            let error = DynamicParams::new(&map)
                .and_then(|params| params.to_vm())
                .unwrap_err();
            assert!(
                matches!(&error, RunError::DynamicParam(found) if found == name),
                "{error}"
            );
        }
    }
}
