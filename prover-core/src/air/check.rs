//! The checker: walks through a trace and finds the first constraint that fails.

use super::builder::{cells_of, reachable};
use super::expr::Leaf;
use super::{Air, AirError, Domain, MaskCell, Node, Rows, check_length};
use ark_ff::{One, Zero};
use quarry_kernels::{Felt, felt};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter;

/// A constraint that does not hold in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The index of the constraint.
    pub constraint: usize,
    /// Its name.
    pub name: String,
    /// The row.
    pub row: usize,
    /// What the constraint evaluates to there; it should be 0.
    pub value: Felt,
    /// The cells that it reads.
    pub cells: Vec<CellValue>,
}

/// A cell of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellValue {
    /// A virtual column that contains the cell.
    pub name: String,
    /// The number of the cell in the virtual column.
    pub index: usize,
    /// Its column; the interaction columns follow those of the first trace.
    pub column: usize,
    /// Its row.
    pub row: usize,
    /// Its value.
    pub value: Felt,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation {
            constraint,
            name,
            row,
            value,
            cells,
        } = self;
        write!(
            f,
            "constraint {constraint} '{name}' fails in row {row}: it is {}",
            felt::to_hex(value)
        )?;
        for CellValue {
            name,
            index,
            column,
            row,
            value,
        } in cells
        {
            write!(
                f,
                "\n  {name}[{index}] (column {column}, row {row}) = {}",
                felt::to_hex(value)
            )?;
        }
        Ok(())
    }
}

impl Air {
    /// The first violation: the one in the lowest row, and within that row the one with the lowest index. `columns` are
    /// all columns of the trace, interaction columns last; `scalars` has a value for every name in [`Air::scalars`].
    ///
    /// # Errors
    /// [`AirError::Length`].
    pub fn find_violation(
        &self,
        columns: &[impl AsRef<[Felt]>],
        scalars: &[Felt],
    ) -> Result<Option<Violation>, AirError> {
        check_length("columns", self.n_columns.iter().sum(), columns.len())?;
        check_length("scalars", self.scalars.len(), scalars.len())?;
        for column in columns {
            check_length("rows", self.trace_length, column.as_ref().len())?;
        }
        let walk = Walk {
            air: self,
            columns: columns.iter().map(AsRef::as_ref).collect(),
            scalars,
            periodic: self
                .periodic
                .iter()
                .map(|column| column.on_coset(Felt::one(), self.trace_length))
                .collect(),
        };
        Ok(walk.first_violation())
    }
}

/// A domain, indexed for membership tests. A domain may have hundreds of classes of rows, but only with few different
/// steps.
struct Members {
    rows: BTreeMap<usize, BTreeSet<usize>>,
    except: BTreeMap<usize, BTreeSet<usize>>,
}

impl Members {
    fn new(domain: &Domain) -> Self {
        let by_step = |list: &[Rows]| {
            let mut offsets: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            for rows in list {
                offsets.entry(rows.step).or_default().insert(rows.offset);
            }
            offsets
        };
        Self {
            rows: by_step(&domain.rows),
            except: by_step(&domain.except),
        }
    }

    fn contains(&self, row: usize) -> bool {
        let any = |offsets: &BTreeMap<usize, BTreeSet<usize>>| {
            offsets
                .iter()
                .any(|(step, offsets)| offsets.contains(&(row & (step - 1))))
        };
        any(&self.rows) && !any(&self.except)
    }
}

/// A trace together with everything else that constraints depend on.
struct Walk<'a> {
    air: &'a Air,
    columns: Vec<&'a [Felt]>,
    scalars: &'a [Felt],
    periodic: Vec<Vec<Felt>>,
}

impl Walk<'_> {
    fn first_violation(&self) -> Option<Violation> {
        let constraints = &self.air.constraints;
        let needed: Vec<_> = constraints
            .iter()
            .map(|constraint| reachable(&self.air.nodes, iter::once(constraint.expression)))
            .collect();
        let domains: Vec<_> = constraints
            .iter()
            .map(|constraint| Members::new(&constraint.domain))
            .collect();
        let mut values = vec![Felt::default(); self.air.nodes.len()];
        for row in 0..self.air.trace_length {
            for (i, constraint) in constraints.iter().enumerate() {
                if domains[i].contains(row) {
                    for &node in &needed[i] {
                        values[node] = self.value(node, row, &values);
                    }
                    let value = values[constraint.expression.index()];
                    if !value.is_zero() {
                        return Some(self.violation(i, row, value));
                    }
                }
            }
        }
        None
    }

    /// The value of a node in a row, given those of its operands.
    fn value(&self, node: usize, row: usize, values: &[Felt]) -> Felt {
        match self.air.nodes[node] {
            Node::Constant(constant) => constant,
            Node::Leaf(Leaf::Scalar(i)) => self.scalars[i],
            Node::Leaf(Leaf::Cell(cell)) => self.columns[cell.column][self.row_of(cell, row)],
            Node::Leaf(Leaf::Periodic { column, offset }) => {
                let table = &self.periodic[column];
                table[(row + offset) % table.len()]
            }
            Node::Sum(a, b) => values[a.index()] + values[b.index()],
            Node::Difference(a, b) => values[a.index()] - values[b.index()],
            Node::Product(a, b) => values[a.index()] * values[b.index()],
        }
    }

    /// The row of a cell seen from `row`.
    fn row_of(&self, cell: MaskCell, row: usize) -> usize {
        (row + cell.offset) % self.air.trace_length
    }

    fn violation(&self, constraint: usize, row: usize, value: Felt) -> Violation {
        let air = self.air;
        let cell_value = |cell: MaskCell| {
            let (name, step) = air.cell_names.get(&cell).cloned().unwrap_or_default();
            let row = self.row_of(cell, row);
            let value = self.columns[cell.column][row];
            CellValue {
                name,
                index: row / step.max(1),
                column: cell.column,
                row,
                value,
            }
        };
        let expression = air.constraints[constraint].expression;
        Violation {
            constraint,
            name: air.constraints[constraint].name.clone(),
            row,
            value,
            cells: cells_of(&air.nodes, iter::once(expression))
                .into_iter()
                .map(cell_value)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{AirBuilder, PeriodicColumn, every};
    use crate::cairo::air::CairoAir;
    use crate::cairo::layouts::Layout;
    use quarry_kernels::ops::VirtualColumn;

    /// A Fibonacci column, and a second column that holds its even cells plus a periodic column.
    fn fibonacci() -> (Air, Vec<Vec<Felt>>) {
        let builder = AirBuilder::new(16, [1, 1]).expect("a power of two");
        let cells = |name, column, step, offset| builder.cells(name, VirtualColumn { column, step, offset });
        let (a, b) = (cells("a", 0, 1, 0), cells("b", 1, 2, 1));
        let p = PeriodicColumn::new("p", 2, &[5, 7].map(Felt::from), 16).expect("fits");
        let p = builder.periodic(p);
        let steps = every(1).except(every(16).at(14)).except(every(16).at(15));
        builder.constrain("first".to_owned(), every(16), a.at(0) - builder.scalar("start"));
        builder.constrain("step".to_owned(), steps, a.at(2) - a.at(1) - a.at(0));
        builder.constrain("copy".to_owned(), every(2), b.at(0) - a.at(0) - p);
        let mut column = vec![3u64, 4];
        while column.len() < 16 {
            column.push(column[column.len() - 1] + column[column.len() - 2]);
        }
        let copy = |i: usize| {
            if i % 2 == 1 {
                column[i - 1] + [5, 7][i / 2 % 2]
            } else {
                0
            }
        };
        let copies = (0..16).map(|i| Felt::from(copy(i))).collect();
        (
            builder.finish().expect("fits"),
            vec![column.into_iter().map(Felt::from).collect(), copies],
        )
    }

    #[test]
    fn every_changed_cell_is_found_in_the_first_row_that_sees_it() {
        let (air, mut columns) = fibonacci();
        let start = [Felt::from(3u64)];
        assert_eq!(air.find_violation(&columns, &start), Ok(None));
        for row in 0..16 {
            columns[0][row] += Felt::one();
            let violation = air
                .find_violation(&columns, &start)
                .expect("shapes")
                .expect("a violation");
            let (first, name) = match row {
                0 => (0, "first"),
                _ => (row.saturating_sub(2), "step"),
            };
            assert_eq!((violation.row, violation.name.as_str()), (first, name));
            assert!(
                violation
                    .cells
                    .iter()
                    .any(|cell| (cell.column, cell.row) == (0, row)),
                "{violation}"
            );
            columns[0][row] -= Felt::one();
        }
        for row in (1..16).step_by(2) {
            columns[1][row] += Felt::one();
            let violation = air
                .find_violation(&columns, &start)
                .expect("shapes")
                .expect("a violation");
            assert_eq!(
                (violation.row, violation.constraint, violation.value),
                (row - 1, 2, Felt::one())
            );
            let cell = CellValue {
                name: "b".to_owned(),
                index: row / 2,
                column: 1,
                row,
                value: columns[1][row],
            };
            assert!(violation.cells.contains(&cell), "{violation}");
            columns[1][row] -= Felt::one();
        }
        let violation = air
            .find_violation(&columns, &[Felt::one()])
            .expect("shapes")
            .expect("a violation");
        assert_eq!(
            violation.to_string(),
            "constraint 0 'first' fails in row 0: it is 0x2\n  a[0] (column 0, row 0) = 0x3"
        );
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let (air, mut columns) = fibonacci();
        assert!(matches!(
            air.find_violation(&columns, &[]),
            Err(AirError::Length { what: "scalars", .. })
        ));
        let start = [Felt::from(3u64)];
        assert!(air.find_violation(&columns[..1], &start).is_err());
        columns[1].pop();
        assert!(matches!(
            air.find_violation(&columns, &start),
            Err(AirError::Length { what: "rows", .. })
        ));
    }

    #[test]
    fn cairo_cells_have_names() {
        let layout = Layout::by_name("plain").expect("a layout");
        let air = CairoAir::new(&layout, 4).expect("an AIR").air;
        let columns = vec![vec![Felt::default(); 64]; 8];
        let scalars = vec![Felt::default(); air.scalars.len()];
        let violation = air
            .find_violation(&columns, &scalars)
            .expect("shapes")
            .expect("a violation");
        assert_eq!(
            (violation.row, violation.name.as_str()),
            (0, "cpu/operands/mem_dst_addr")
        );
        let names: Vec<_> = violation.cells.iter().map(|cell| cell.name.as_str()).collect();
        for name in [
            "cpu/operands/mem_dst/addr",
            "cpu/registers/fp",
            "cpu/registers/ap",
            "cpu/decode/off0",
        ] {
            assert!(names.contains(&name), "{names:?}");
        }
    }
}
