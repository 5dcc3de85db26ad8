//! The composition polynomial as a register program for devices, and the tables and scalars that it reads.

use super::emit::{Emitted, emit};
use super::expr::{Leaf, evaluate};
use super::periodic::on_coset;
use super::{Air, AirError, Domain, Expr, Graph, Node, NodeId, Rows, check_length};
use crate::tags::TABLES;
use ark_ff::{Field, One, batch_inversion};
use quarry_kernels::device::DeviceError;
use quarry_kernels::ops::ComposeOps;
use quarry_kernels::program::{Operand, Program};
use quarry_kernels::{Felt, felt};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::iter;

/// The contents of a periodic table of the program, for a coset of the trace's length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Table {
    /// The periodic column with this index.
    Column(usize),
    /// The product of the vanishing polynomials of the domain's exceptions, divided by that of its rows.
    Quotient(Domain),
    /// The points `x` of the coset.
    Points,
    /// `1 / (x - 1)`; rotated by `k` rows it gives `g^k / (x - g^k)`.
    Inverses,
}

/// The composition polynomial of an AIR, ready for devices.
#[derive(Clone, Debug)]
pub struct CompiledAir<'a> {
    /// The program: the sum of all constraints at a row, each weighted and divided by the vanishing polynomial of its
    /// domain.
    pub program: Program,
    /// The contents of its periodic tables.
    pub tables: Vec<Table>,
    air: &'a Air,
    /// The graph of the composition polynomial. Its scalar leaves are those of the AIR, followed by the powers of the
    /// random element.
    nodes: Vec<Node>,
    /// The nodes whose values are the scalars of the program.
    scalars: Vec<NodeId>,
}

impl Air {
    /// Compiles the composition polynomial.
    pub fn compile(&self) -> CompiledAir<'_> {
        let (nodes, root, tables) = composition(self);
        let n_columns: usize = self.n_columns.iter().sum();
        let cell = |leaf| match leaf {
            Leaf::Scalar(_) => None,
            Leaf::Cell(cell) => Some((cell.column, cell.offset)),
            Leaf::Periodic { column, offset } => Some((n_columns + column, offset)),
        };
        let operand = |(source, offset): (usize, usize)| Operand::Cell {
            source: source as u16,
            // A column is read modulo its length.
            offset: (offset % self.trace_length) as u32,
        };
        let Emitted {
            instructions,
            n_registers,
            scalars,
            result,
        } = emit(&nodes, root, |leaf| cell(leaf).map(operand));
        let program = Program {
            instructions,
            n_registers,
            n_scalars: scalars.len(),
            n_columns,
            n_periodic: tables.len(),
            result,
        };
        CompiledAir {
            program,
            tables,
            air: self,
            nodes,
            scalars,
        }
    }
}

impl CompiledAir<'_> {
    /// The scalars of the program, for values of [`Air::scalars`] and the random element of the composition.
    ///
    /// # Errors
    /// [`AirError::Length`].
    pub fn scalars(&self, named: &[Felt], alpha: Felt) -> Result<Vec<Felt>, AirError> {
        check_length("scalars", self.air.scalars.len(), named.len())?;
        let powers = iter::successors(Some(Felt::one()), |power| Some(alpha * power));
        let leaves: Vec<Felt> = named
            .iter()
            .copied()
            .chain(powers.take(self.air.constraints.len()))
            .collect();
        // The scalars do not depend on the other leaves.
        let values = evaluate(&self.nodes, |leaf| match leaf {
            Leaf::Scalar(i) => leaves[i],
            Leaf::Cell(_) | Leaf::Periodic { .. } => Felt::default(),
        });
        Ok(self.scalars.iter().map(|id| values[id.index()]).collect())
    }

    /// The number of elements of every periodic table of the program.
    pub fn table_lengths(&self) -> impl Iterator<Item = usize> {
        self.tables.iter().map(|table| match table {
            Table::Column(i) => self.air.periodic[*i].period(),
            Table::Quotient(domain) => period(domain),
            Table::Points | Table::Inverses => self.air.trace_length,
        })
    }

    /// The periodic tables of the program for the coset `shift * <g>` of the trace's length, which must be disjoint
    /// from the trace's domain.
    ///
    /// # Errors
    /// What the device reports.
    pub fn tables<D: ComposeOps>(
        &self,
        device: &D,
        shift: Felt,
    ) -> Result<Vec<D::Buffer<Felt>>, DeviceError> {
        let n = self.air.trace_length;
        // Compute everything the host computes in parallel: with hundreds of classes of rows the tables are many and
        // long.
        let computed: Vec<_> = self
            .tables
            .par_iter()
            .map(|table| match table {
                Table::Column(i) => Some(self.air.periodic[*i].on_coset(shift, n)),
                Table::Quotient(domain) => Some(quotient_on_coset(domain, shift, n)),
                Table::Points | Table::Inverses => None,
            })
            .collect();
        let table = |(table, computed): (&Table, Option<Vec<Felt>>)| match (table, computed) {
            (_, Some(values)) => {
                let mut buffer = device.alloc(values.len(), TABLES)?;
                device.upload(&values, &mut buffer, 0)?.wait()?;
                Ok(buffer)
            }
            (Table::Inverses, None) => device.inverse_table(shift, n.ilog2()),
            (_, None) => device.point_table(shift, n.ilog2()),
        };
        self.tables.iter().zip(computed).map(table).collect()
    }
}

/// Number of rows after which a domain's vanishing polynomials repeat on a coset.
fn period(domain: &Domain) -> usize {
    let rows = domain.rows.iter().chain(&domain.except);
    rows.map(|rows| rows.step).max().unwrap_or(1)
}

/// One period of the [`Table::Quotient`] of a domain, on a coset of the trace's length.
fn quotient_on_coset(domain: &Domain, shift: Felt, trace_length: usize) -> Vec<Felt> {
    let period = period(domain);
    let product = |factors: &[Rows]| {
        let mut products = vec![Felt::one(); period];
        let mut by_step: BTreeMap<usize, Vec<Felt>> = BTreeMap::new();
        for rows in factors {
            by_step.entry(rows.step).or_default().push(rows.root_power());
        }
        for (step, roots) in by_step {
            let shift = shift.pow([(trace_length / step) as u64]);
            let values = monic_on_coset(&roots, shift, step);
            products
                .iter_mut()
                .zip(values.iter().cycle())
                .for_each(|(product, value)| *product *= value);
        }
        products
    };
    let mut quotients = product(&domain.rows);
    batch_inversion(&mut quotients);
    quotients
        .iter_mut()
        .zip(product(&domain.except))
        .for_each(|(quotient, factor)| *quotient *= factor);
    quotients
}

/// The product of `x - root` over `roots` on `shift * <g>`, `g` of order `order`.
fn monic_on_coset(roots: &[Felt], shift: Felt, order: usize) -> Vec<Felt> {
    let mut coefficients = vec![Felt::one()];
    for root in roots {
        coefficients.insert(0, Felt::default());
        for i in 1..coefficients.len() {
            let next = coefficients[i];
            coefficients[i - 1] -= next * root;
        }
    }
    let len = coefficients.len().next_power_of_two();
    // If the roots are the whole subgroup, the polynomial has more coefficients than the coset has points.
    if len <= order {
        coefficients.resize(len, Felt::default());
        return on_coset(&coefficients, shift, order);
    }
    let generator = felt::subgroup_generator(order.ilog2());
    let points = iter::successors(Some(shift), |x| Some(*x * generator));
    let product = |x: Felt| roots.iter().map(|root| x - root).product();
    points.take(order).map(product).collect()
}

/// The largest number of single rows in a domain that cost one multiplication each in every row. Domains with more
/// single rows use a table of the trace's length instead.
const MAX_SINGLE_ROWS: usize = 2;

/// The divisor of a sum of constraints: a periodic quotient, and single rows.
type Divisor = (Domain, Vec<Rows>);

/// The graph of the composition polynomial, its root, and the tables that its periodic leaves refer to.
fn composition(air: &Air) -> (Vec<Node>, NodeId, Vec<Table>) {
    let graph = Graph::from_nodes(&air.nodes);
    let mut tables: Vec<Table> = (0..air.periodic.len()).map(Table::Column).collect();
    let mut table = |wanted: Table, offset: usize| {
        let column = tables
            .iter()
            .position(|table| *table == wanted)
            .unwrap_or_else(|| {
                tables.push(wanted);
                tables.len() - 1
            });
        graph.leaf(Leaf::Periodic { column, offset })
    };
    let zero = graph.constant(Felt::default());
    let mut total = zero;
    for ((quotient, poles), sums) in weighted_sums(air, &graph) {
        let mut sum = zero;
        for (exceptions, constraints) in sums {
            let factor = |row: &Rows| table(Table::Points, 0) - row.root_power();
            sum = sum
                + exceptions
                    .iter()
                    .map(factor)
                    .fold(constraints, |product, factor| product * factor);
        }
        if quotient != Domain::default() {
            sum = sum * table(Table::Quotient(quotient), 0);
        }
        for pole in poles {
            sum = sum * table(Table::Inverses, air.trace_length - pole.offset);
        }
        total = total + sum;
    }
    let root = total.id();
    (graph.into_nodes(), root, tables)
}

/// The constraints, each times its power of the random element, summed over those that have the same divisor and the
/// same single rows as exceptions.
fn weighted_sums<'g>(air: &Air, graph: &'g Graph) -> BTreeMap<Divisor, BTreeMap<Vec<Rows>, Expr<'g>>> {
    let split = |rows: &[Rows]| -> (Vec<Rows>, Vec<Rows>) {
        let single = |rows: &Rows| rows.step == air.trace_length;
        // Many single rows go into a table.
        if rows.iter().filter(|rows| single(rows)).count() > MAX_SINGLE_ROWS {
            return (Vec::new(), rows.to_vec());
        }
        rows.iter().copied().partition(single)
    };
    let mut sums: BTreeMap<Divisor, BTreeMap<Vec<Rows>, Expr<'g>>> = BTreeMap::new();
    for (i, constraint) in air.constraints.iter().enumerate() {
        let (poles, rows) = split(&constraint.domain.rows);
        let (exceptions, except) = split(&constraint.domain.except);
        // 1 / (x - g^k) is g^-k times the rotated table.
        let rotation: Felt = poles
            .iter()
            .filter_map(|row| row.root_power().inverse())
            .product();
        let weight = graph.leaf(Leaf::Scalar(air.scalars.len() + i)) * rotation;
        let term = graph.expr(constraint.expression) * weight;
        let sum = sums.entry((Domain { rows, except }, poles)).or_default();
        sum.entry(exceptions)
            .and_modify(|sum| *sum = *sum + term)
            .or_insert(term);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{AirBuilder, PeriodicColumn, every};
    use crate::cairo::air::CairoAir;
    use crate::cairo::layouts::Layout;
    use quarry_kernels::Coset;
    use quarry_kernels::ops::VirtualColumn;
    use quarry_kernels::program::Opcode;

    /// An arbitrary value.
    fn arbitrary(a: usize, b: usize) -> Felt {
        let mixed = Felt::from((a as u64) << 32 | b as u64) + Felt::from(0x9e37_79b9_7f4a_7c15u64);
        mixed.pow([7u64])
    }

    /// Runs a program on one row.
    fn run(program: &Program, scalars: &[Felt], cell: impl Fn(usize, usize) -> Felt) -> Felt {
        let mut registers = vec![None; program.n_registers];
        let read = |registers: &[Option<Felt>], operand| match operand {
            Operand::Register(i) => registers[usize::from(i)].expect("written before it is read"),
            Operand::Scalar(i) => scalars[i as usize],
            Operand::Cell { source, offset } => cell(usize::from(source), offset as usize),
        };
        for instruction in &program.instructions {
            let (a, b) = (read(&registers, instruction.a), read(&registers, instruction.b));
            let target = Operand::Register(instruction.target);
            assert!(instruction.a != target && instruction.b != target);
            registers[usize::from(instruction.target)] = Some(match instruction.opcode {
                Opcode::Add => a + b,
                Opcode::Sub => a - b,
                Opcode::Mul => a * b,
            });
        }
        read(&registers, program.result)
    }

    /// Checks that the program, run on rows of a coset, equals the composition polynomial at their points. The columns
    /// have arbitrary values.
    fn check(air: &Air, rows: &[usize]) {
        let n = air.trace_length;
        let compiled = air.compile();
        let named: Vec<_> = (0..air.scalars.len()).map(|i| arbitrary(1, i)).collect();
        let alpha = arbitrary(2, 0);
        let scalars = compiled
            .scalars(&named, alpha)
            .expect("as many as there are names");
        assert_eq!(scalars.len(), compiled.program.n_scalars);
        let coset = Coset {
            shift: arbitrary(3, 0),
            log_len: n.ilog2(),
        };
        let tables: Vec<_> = compiled
            .tables
            .iter()
            .map(|table| match table {
                Table::Column(i) => air.periodic[*i].on_coset(coset.shift, n),
                Table::Quotient(domain) => quotient_on_coset(domain, coset.shift, n),
                Table::Points => (0..n).map(|i| coset.point(i)).collect(),
                Table::Inverses => {
                    let mut values: Vec<_> = (0..n).map(|i| coset.point(i) - Felt::one()).collect();
                    batch_inversion(&mut values);
                    values
                }
            })
            .collect();
        let column = |column: usize, row: usize| arbitrary(10 + column, row % n);
        for &row in rows {
            let cell = |source: usize, offset: usize| match source.checked_sub(compiled.program.n_columns) {
                None => column(source, row + offset),
                Some(table) => tables[table][(row + offset) % tables[table].len()],
            };
            let mask: Vec<_> = air
                .mask
                .iter()
                .map(|cell| column(cell.column, row + cell.offset))
                .collect();
            let expected = air
                .evaluate_at(coset.point(row), &mask, &named, alpha)
                .expect("outside the trace");
            assert_eq!(run(&compiled.program, &scalars, cell), expected, "row {row}");
        }
    }

    #[test]
    fn program_is_the_composition_polynomial() {
        let builder = AirBuilder::new(32, [2, 1]).expect("a power of two");
        let cells = |column, step, offset| builder.cells("c", VirtualColumn { column, step, offset });
        let (a, b, c) = (cells(0, 1, 0), cells(1, 4, 3), cells(2, 2, 1));
        let periodic = PeriodicColumn::new("p", 2, &[3, 1, 4, 1].map(Felt::from), 32).expect("fits");
        let p = builder.periodic(periodic);
        let s = builder.scalar("s");
        let last = every(32).at(31);
        for (name, domain, expression) in [
            ("everywhere", every(1).into(), a.at(0) * a.at(1) - s),
            ("periodic", every(2).into(), p * b.at(0) - a.at(3).square()),
            ("one row", last.into(), c.at(0) - 2 * s),
            (
                "exceptions",
                every(4).except(every(16).at(12)).except(last.at(0)),
                b.at(2) * (a.at(0) - p),
            ),
            (
                "parts",
                Domain {
                    rows: vec![every(4), every(8).at(2), last],
                    except: vec![],
                },
                a.at(0) * s,
            ),
            (
                "many rows",
                Domain {
                    rows: (3..9).map(|row| every(32).at(row)).collect(),
                    except: vec![],
                },
                a.at(0) * a.at(2) - s,
            ),
            (
                "many exceptions",
                Domain {
                    rows: (0..3).map(|row| every(16).at(row)).collect(),
                    except: [0, 1, 2, 16, 18].map(|row| every(32).at(row)).to_vec(),
                },
                c.at(0) - p,
            ),
            ("again", every(1).into(), a.at(0) * a.at(1) - c.at(9)),
            ("constant", every(8).at(5).into(), s * s - 3),
        ] {
            builder.constrain(name.to_owned(), domain, expression);
        }
        check(
            &builder.finish().expect("domains fit"),
            &(0..32).collect::<Vec<_>>(),
        );
    }

    #[test]
    fn cairo_programs_are_the_composition_polynomials() {
        for (layout, n_steps) in [
            ("plain", 1),
            ("plain", 16),
            ("small", 512),
            ("dex", 512),
            ("perpetual", 2048),
            ("recursive", 128),
            ("recursive_large_output", 128),
            ("recursive_with_poseidon", 256),
            ("dex_with_bitwise", 512),
            ("all_solidity", 512),
            ("starknet", 2048),
        ] {
            let layout = Layout::by_name(layout).expect("a layout");
            let air = CairoAir::new(&layout, n_steps).expect("an AIR").air;
            let n = air.trace_length;
            check(&air, &[0, 1, 5, n / 2 + 3, n - 2, n - 1]);
        }
    }

    /// The domains of this layout have hundreds of classes of rows.
    #[test]
    #[ignore = "slow tier: tables of 2^19 rows"]
    fn the_program_with_keccak_is_the_composition_polynomial() {
        let layout = Layout::by_name("starknet_with_keccak").expect("a layout");
        let air = CairoAir::new(&layout, 1 << 15).expect("an AIR").air;
        check(&air, &[0, 1, 5, air.trace_length / 2 + 3, air.trace_length - 1]);
    }

    #[test]
    fn programs_stay_short() {
        for (layout, instructions, multiplications, registers) in
            [("plain", 307, 115, 20), ("small", 931, 378, 20)]
        {
            let layout = Layout::by_name(layout).expect("a layout");
            let air = CairoAir::new(&layout, 1 << 13).expect("an AIR").air;
            let program = air.compile().program;
            let is_product =
                |instruction: &&quarry_kernels::program::Instruction| instruction.opcode == Opcode::Mul;
            let got = (
                program.instructions.len(),
                program.instructions.iter().filter(is_product).count(),
                program.n_registers,
            );
            assert!(
                got.0 <= instructions && got.1 <= multiplications && got.2 <= registers,
                "{}: {got:?}",
                layout.name
            );
        }
    }
}
