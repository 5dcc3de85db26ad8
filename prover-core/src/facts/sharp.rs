//! Facts as SHARP registers them on Ethereum. Source: cairo-lang, `bootloaders/{compute_fact,generate_fact,
//! aggregator_utils}.py`; the contract that computes them is `GpsOutputParser.sol`.

use super::topology::{Topology, TopologyError};
use ark_ff::PrimeField;
use quarry_kernels::hash::keccak::keccak256;
use quarry_kernels::hash::{Digest, pedersen};
use quarry_kernels::{Felt, felt};

/// Why an output is not an aggregator's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregatorError {
    /// The output does not begin with tasks: their number, and for each its size and its words.
    #[error("the output is not an aggregator's: {what} at word {word}")]
    Input {
        /// What is wrong.
        what: &'static str,
        /// At which word.
        word: usize,
    },
    /// The aggregator's input extends beyond page 0.
    #[error("the aggregator's input has {words} words, more than page 0 of the output")]
    Page0 {
        /// Words of the input.
        words: u64,
    },
    /// The pages or the tree do not fit the output.
    #[error(transparent)]
    Topology(#[from] TopologyError),
}

/// The fact that a program with this hash (a bootloader's, by Pedersen) had this output.
///
/// # Errors
/// [`TopologyError`] if the pages or the tree do not fit the output.
pub fn fact(program_hash: Felt, output: &[Felt], topology: &Topology) -> Result<Digest, TopologyError> {
    let root = output_root(output, topology)?;
    Ok(keccak256(
        &[felt::to_standard_bytes(&program_hash), root].concat(),
    ))
}

/// The fact of an aggregator. Its output begins with its input, the output of a bootloader, which the fact does not
/// cover.
///
/// # Errors
/// [`AggregatorError`]: the output does not begin with a bootloader's output, or the topology does not fit.
pub fn aggregator_fact(
    program_hash: Felt,
    output: &[Felt],
    topology: Topology,
) -> Result<Digest, AggregatorError> {
    let input = aggregator_input_size(output)?;
    let words = input as u64;
    let topology = topology
        .without_prefix(words)
        .ok_or(AggregatorError::Page0 { words })?;
    let marked = pedersen::hash(super::short_string("AGGREGATOR"), program_hash);
    Ok(fact(marked, &output[input..], &topology)?)
}

/// Number of words of the bootloader's output at the beginning of an aggregator's output.
fn aggregator_input_size(output: &[Felt]) -> Result<usize, AggregatorError> {
    let number = |word: usize| {
        let value = output.get(word).ok_or(AggregatorError::Input {
            what: "the output ends",
            word,
        })?;
        let limbs = value.into_bigint().0;
        Ok::<_, AggregatorError>(if limbs[1..] == [0; 3] { limbs[0] } else { u64::MAX })
    };
    let mut end = 1;
    for _ in 0..number(0)? {
        // A task holds at least its size and its program's hash.
        let size = usize::try_from(number(end)?).unwrap_or(usize::MAX);
        if size < 2 || size > output.len() - end {
            let what = "invalid task size";
            return Err(AggregatorError::Input { what, word: end });
        }
        end += size;
    }
    Ok(end)
}

/// A node of the tree over the pages.
struct Node {
    hash: Digest,
    /// Number of words of the output up to the end of this node.
    end: u64,
}

/// The root of the tree over the output's pages.
fn output_root(output: &[Felt], topology: &Topology) -> Result<Digest, TopologyError> {
    check_size(output, topology)?;
    let mut pages = pages(output, &topology.page_sizes);
    let mut stack: Vec<Node> = Vec::new();
    for (pair, &(n_pages, n_nodes)) in topology.tree.iter().enumerate() {
        let step = |what, asked, left: usize| {
            let fits = usize::try_from(asked).ok().filter(|&n| n <= left);
            fits.ok_or(TopologyError::Step {
                pair,
                what,
                asked,
                left,
            })
        };
        let n_pages = step("pages", n_pages, pages.len())?;
        stack.extend(pages.by_ref().take(n_pages));
        let n_nodes = step("nodes", n_nodes, stack.len())?;
        let children = stack.split_off(stack.len() - n_nodes);
        stack.extend(parent(&children));
    }
    match (stack.as_slice(), pages.len()) {
        ([root], 0) => Ok(root.hash),
        (nodes, pages) => Err(TopologyError::Incomplete {
            nodes: nodes.len(),
            pages,
        }),
    }
}

fn check_size(output: &[Felt], topology: &Topology) -> Result<(), TopologyError> {
    let pages = topology
        .page_sizes
        .iter()
        .fold(0, |sum: u64, &size| sum.saturating_add(size));
    let output = output.len() as u64;
    if pages == output {
        Ok(())
    } else {
        Err(TopologyError::Size { pages, output })
    }
}

/// The leaves of the tree. (The sizes must sum to the output's size.)
fn pages<'a>(output: &'a [Felt], sizes: &'a [u64]) -> impl ExactSizeIterator<Item = Node> + 'a {
    let mut rest = output;
    sizes.iter().map(move |&size| {
        let (page, behind) = rest.split_at(size as usize);
        rest = behind;
        let words: Vec<_> = page.iter().map(felt::to_standard_bytes).collect();
        Node {
            hash: keccak256(words.as_flattened()),
            end: (output.len() - rest.len()) as u64,
        }
    })
}

/// The parent of `children`; `None` if there are none. Its hash is incremented by 1 to distinguish it from a page.
fn parent(children: &[Node]) -> Option<Node> {
    let end = children.last()?.end;
    let data: Vec<_> = children
        .iter()
        .flat_map(|node| [node.hash, word(node.end)])
        .collect();
    let mut hash = keccak256(data.as_flattened());
    for byte in hash.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    Some(Node { hash, end })
}

/// A number as a 32-byte word of Ethereum.
fn word(number: u64) -> Digest {
    felt::to_standard_bytes(&Felt::from(number))
}

#[cfg(test)]
mod tests;
