//! The fact topologies of tasks, as StarkWare's bootloader computes them from what PIEs say of their output.

use super::topology::{Topology, TopologyError};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::vm::runners::cairo_pie::BuiltinAdditionalData;
use quarry_tasks::bootloader::Tasks;
use quarry_tasks::pie::{CairoPie, TREE_ATTRIBUTE};
use serde::Serialize;
use std::collections::BTreeMap;

/// A task whose pages or tree do not fit its output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task {task}: {why}")]
pub struct TaskTopologyError {
    /// Which task, from 0.
    pub task: usize,
    /// What is wrong.
    pub why: TopologyError,
}

/// The topologies of the tasks in order.
///
/// # Errors
/// [`TaskTopologyError`].
pub fn topologies(tasks: &Tasks) -> Result<Vec<Topology>, TaskTopologyError> {
    let tasks = tasks.tasks().iter().enumerate();
    let topologies = tasks.map(|(i, task)| {
        let topology = Topology::of_pie(&task.pie);
        topology.map_err(|why| TaskTopologyError { task: i, why })
    });
    topologies.collect()
}

/// The topologies as StarkWare's bootloader writes them to a file.
#[derive(Debug, Serialize)]
pub struct FactTopologies {
    fact_topologies: Vec<Topology>,
}

impl FactTopologies {
    /// Those of these tasks, in order.
    ///
    /// # Errors
    /// [`TaskTopologyError`].
    pub fn of(tasks: &Tasks) -> Result<Self, TaskTopologyError> {
        let fact_topologies = topologies(tasks)?;
        Ok(Self { fact_topologies })
    }
}

impl Topology {
    /// The topology that a PIE declares for its output.
    ///
    /// # Errors
    /// As [`Topology::declared`].
    pub fn of_pie(pie: &CairoPie) -> Result<Self, TopologyError> {
        let output = pie.metadata.builtin_segments.get(&BuiltinName::output);
        let size = output.map_or(0, |segment| segment.size) as u64;
        let Some(BuiltinAdditionalData::Output(data)) = pie.additional_data.0.get(&BuiltinName::output)
        else {
            return Self::declared(size, &BTreeMap::new(), None);
        };
        let pages = data.pages.iter();
        let pages = pages.map(|(page, place)| (*page as u64, (place.start as u64, place.size as u64)));
        let tree = data.attributes.get(TREE_ATTRIBUTE);
        let tree = tree.map(|tree| tree.iter().map(|number| *number as u64).collect::<Vec<_>>());
        Self::declared(size, &pages.collect(), tree.as_deref())
    }
}

#[cfg(test)]
mod tests;
