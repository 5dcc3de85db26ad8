//! The pages of a program's output, and the tree over them. Source: cairo-lang, `bootloaders/fact_topology.py`.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Maximum number of words of an output on a single page, without a topology of its own.
pub const MAX_PAGE_SIZE: u64 = 3800;

/// Maximum length of a tree structure.
const MAX_TREE_NUMBERS: usize = 10;

/// Exclusive upper bound of the numbers in a tree structure.
const TREE_NUMBER_BOUND: u64 = 1 << 30;

/// The pages of an output and the tree over them. As JSON it has the form of StarkWare's tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// Steps that build the tree on a stack of nodes: push this many pages, then join this many of the last nodes (none
    /// for 0) into one.
    #[serde(rename = "tree_structure", serialize_with = "flat")]
    pub(super) tree: Vec<(u64, u64)>,
    /// Words of each page, in order.
    pub(super) page_sizes: Vec<u64>,
}

/// Why pages or a tree do not fit the output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// The output is too long for one page.
    #[error(
        "the output has {words} words, but one page takes {MAX_PAGE_SIZE} at most: \
         the program must declare pages and a gps_fact_topology"
    )]
    Long {
        /// Words of the output.
        words: u64,
    },
    /// Pages without a tree over them.
    #[error("the output has {pages} pages beside page 0, but no gps_fact_topology says how they form a tree")]
    NoTree {
        /// Number of these pages.
        pages: usize,
    },
    /// The list is not a tree structure.
    #[error(
        "gps_fact_topology: expected 1 to 5 pairs of numbers below 2^30 (pages, nodes), found {found} numbers{}",
        greatest.map_or(String::new(), |number| format!(", the greatest is {number}"))
    )]
    Tree {
        /// Number of numbers in the list.
        found: usize,
        /// The greatest number, if it is too great.
        greatest: Option<u64>,
    },
    /// A page is missing, in the wrong place or empty.
    #[error("output page {page}: {what}")]
    Page {
        /// The page.
        page: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A step of the tree takes more than there is.
    #[error("gps_fact_topology: pair {pair} takes {asked} {what}, but {left} are left")]
    Step {
        /// Which pair, from 0.
        pair: usize,
        /// Pages or nodes.
        what: &'static str,
        /// How many it takes.
        asked: u64,
        /// How many are left.
        left: usize,
    },
    /// The steps do not end in one tree over all pages.
    #[error(
        "gps_fact_topology: {nodes} trees and {pages} pages are left at the end, expected one tree and no page"
    )]
    Incomplete {
        /// Nodes on the stack.
        nodes: usize,
        /// Pages that no step took.
        pages: usize,
    },
    /// The pages do not cover the output.
    #[error("the pages hold {pages} words, the output has {output}")]
    Size {
        /// Words of all pages.
        pages: u64,
        /// Words of the output.
        output: u64,
    },
}

/// Writes pairs as one list of numbers.
fn flat<S: Serializer>(pairs: &[(u64, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pairs.iter().flat_map(|&(pages, nodes)| [pages, nodes]))
}

impl Topology {
    /// The words of each page, in order.
    pub fn page_sizes(&self) -> &[u64] {
        &self.page_sizes
    }

    /// A single page.
    ///
    /// # Errors
    /// [`TopologyError::Long`] above [`MAX_PAGE_SIZE`] words.
    pub fn trivial(output_size: u64) -> Result<Self, TopologyError> {
        if output_size > MAX_PAGE_SIZE {
            return Err(TopologyError::Long { words: output_size });
        }
        Ok(Self::one_page(output_size))
    }

    fn one_page(size: u64) -> Self {
        Self {
            tree: vec![(1, 0)],
            page_sizes: vec![size],
        }
    }

    /// The topology that a run declares: the output builtin's `pages` (from page 1, each with its first word and its
    /// size) and its attribute `gps_fact_topology`. The words before page 1 are page 0.
    ///
    /// # Errors
    /// [`TopologyError`]: the pages do not follow each other up to the end of the output, or the attribute is missing
    /// or not a list of pairs. Whether the tree fits the pages is checked when a fact is computed.
    pub fn declared(
        output_size: u64,
        pages: &BTreeMap<u64, (u64, u64)>,
        tree_structure: Option<&[u64]>,
    ) -> Result<Self, TopologyError> {
        let Some(numbers) = tree_structure else {
            return match pages.len() {
                0 => Ok(Self::one_page(output_size)),
                pages => Err(TopologyError::NoTree { pages }),
            };
        };
        Ok(Self {
            tree: pairs(numbers)?,
            page_sizes: page_sizes(output_size, pages)?,
        })
    }

    /// The topology with `words` fewer words on page 0; `None` if page 0 is shorter.
    pub(super) fn without_prefix(mut self, words: u64) -> Option<Self> {
        let first = self.page_sizes.first_mut()?;
        *first = first.checked_sub(words)?;
        Some(self)
    }
}

fn pairs(numbers: &[u64]) -> Result<Vec<(u64, u64)>, TopologyError> {
    let greatest = numbers.iter().copied().max().filter(|&n| n >= TREE_NUMBER_BOUND);
    let (pairs, rest) = numbers.as_chunks::<2>();
    if greatest.is_some() || !rest.is_empty() || pairs.is_empty() || numbers.len() > MAX_TREE_NUMBERS {
        let found = numbers.len();
        return Err(TopologyError::Tree { found, greatest });
    }
    Ok(pairs.iter().map(|&[pages, nodes]| (pages, nodes)).collect())
}

fn page_sizes(output_size: u64, pages: &BTreeMap<u64, (u64, u64)>) -> Result<Vec<u64>, TopologyError> {
    let mut sizes = vec![output_size];
    let mut end = output_size;
    for (expected, (&page, &(start, size))) in (1..).zip(pages) {
        let wrong = |what: String| Err(TopologyError::Page { page, what });
        if page != expected {
            return wrong(format!("expected page {expected} here"));
        }
        if page == 1 {
            sizes[0] = start;
            if start == 0 || start > output_size {
                return wrong(format!("starts at word {start}, expected 1 to {output_size}"));
            }
        } else if start != end {
            return wrong(format!("starts at word {start}, the page before ends at {end}"));
        }
        if size == 0 || size > output_size {
            return wrong(format!("has {size} words, expected 1 to {output_size}"));
        }
        sizes.push(size);
        end = start.saturating_add(size);
    }
    if end != output_size {
        let (pages, output) = (end, output_size);
        return Err(TopologyError::Size { pages, output });
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests;
