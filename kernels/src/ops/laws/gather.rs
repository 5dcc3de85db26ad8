//! Law of gathering.

use super::{TAG, sample_columns, upload};
use crate::columns::{Columns, Natural, TableView};
use crate::domain::bit_reverse;
use crate::ops::GatherOps;

/// Rows are numbered in committed order and returned in the requested order, with repeats; elements likewise.
pub fn gather<D: GatherOps>(device: &D) {
    let columns = sample_columns(3, 5, 70);
    let on_device: Columns<D, Natural> = upload(device, &columns);
    let rows = [7, 0, 31, 7];
    let table = TableView::of_trace(&on_device);
    let gathered = device.gather_rows(&table, &rows).unwrap().wait().unwrap();
    let expected = rows
        .iter()
        .flat_map(|row| columns.iter().map(|column| column[bit_reverse(*row, 5)]));
    assert_eq!(gathered, expected.collect::<Vec<_>>());
    assert!(device.gather_rows(&table, &[32]).is_err());

    // A row of an FRI layer is a run in committed order.
    let row = device
        .gather_rows(&TableView::of_fri_layer(&on_device, 1, 3), &[2])
        .unwrap()
        .wait()
        .unwrap();
    let expected: Vec<_> = (16..24).map(|i| columns[1][bit_reverse(i, 5)]).collect();
    assert_eq!(row, expected);

    let mut buffer = device.alloc::<u64>(4, TAG).unwrap();
    device
        .upload(&[10, 11, 12, 13], &mut buffer, 0)
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(
        device.gather(&buffer, &[3, 0, 3]).unwrap().wait().unwrap(),
        [13, 10, 13]
    );
    assert!(device.gather(&buffer, &[4]).is_err());
}
