//! Splits a slice into strided runs, to share it among threads.

/// Cuts a slice into runs of `run` elements and deals them out to `n_tiles` tiles in turn: tile `t` gets the runs
/// `t, t + n_tiles, ..` in this order.
pub(super) fn deal_runs<T>(elements: &mut [T], run: usize, n_tiles: usize) -> Vec<Vec<&mut [T]>> {
    let per_tile = elements.len() / run / n_tiles;
    let mut tiles: Vec<_> = (0..n_tiles).map(|_| Vec::with_capacity(per_tile)).collect();
    for (i, run) in elements.chunks_exact_mut(run).enumerate() {
        tiles[i % n_tiles].push(run);
    }
    tiles
}
