//! Columns of field elements on a device. Their order is part of their type.

use crate::device::{Device, DeviceBuffer, DeviceError, Tag, check_shape};
use crate::domain::bit_reverse;
use crate::felt::Felt;
use std::marker::PhantomData;

/// How the elements of a column are ordered.
pub trait Order: Send + Sync + 'static {}

/// Element `i` belongs to point `shift * g^i` (or to row `i`).
#[derive(Debug)]
pub struct Natural;
/// Element `i` belongs to index `bit_reverse(i)`: the order that interpolation produces and evaluation consumes.
#[derive(Debug)]
pub struct BitReversed;

impl Order for Natural {}
impl Order for BitReversed {}

/// `n_columns` columns of `2^log_len` elements each, contiguous, column after column.
pub struct Columns<D: Device, O: Order> {
    values: D::Buffer<Felt>,
    n_columns: usize,
    log_len: u32,
    order: PhantomData<O>,
}

impl<D: Device, O: Order> Columns<D, O> {
    /// Allocates columns of zeros.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`].
    pub fn zeros(device: &D, n_columns: usize, log_len: u32, tag: Tag) -> Result<Self, DeviceError> {
        let values = device.alloc(n_columns << log_len, tag)?;
        Ok(Self {
            values,
            n_columns,
            log_len,
            order: PhantomData,
        })
    }

    /// Treats a buffer of `n_columns << log_len` elements as columns. The caller guarantees their order.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if the buffer has another length.
    pub fn from_buffer(values: D::Buffer<Felt>, n_columns: usize, log_len: u32) -> Result<Self, DeviceError> {
        check_shape(
            "Columns::from_buffer",
            "elements",
            n_columns << log_len,
            values.len(),
        )?;
        Ok(Self {
            values,
            n_columns,
            log_len,
            order: PhantomData,
        })
    }

    /// Uploads host columns, all of length `2^log_len`.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`], or [`DeviceError::Shape`] if a column has another length.
    pub fn upload(device: &D, columns: &[Vec<Felt>], log_len: u32, tag: Tag) -> Result<Self, DeviceError> {
        let mut this = Self::zeros(device, columns.len(), log_len, tag)?;
        for (i, column) in columns.iter().enumerate() {
            check_shape("Columns::upload", "rows", 1 << log_len, column.len())?;
            device.upload(column, &mut this.values, i << log_len)?.detach();
        }
        Ok(this)
    }

    /// Copies one column to the host.
    ///
    /// # Errors
    /// Errors reported by the device.
    pub fn download(&self, device: &D, column: usize) -> Result<Vec<Felt>, DeviceError> {
        device
            .download(&self.values, column << self.log_len..(column + 1) << self.log_len)?
            .wait()
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        1 << self.log_len
    }

    /// Logarithm of the number of rows.
    pub fn log_len(&self) -> u32 {
        self.log_len
    }

    /// The underlying buffer, for device implementations.
    pub fn values(&self) -> &D::Buffer<Felt> {
        &self.values
    }

    /// The underlying buffer, for device implementations.
    pub fn values_mut(&mut self) -> &mut D::Buffer<Felt> {
        &mut self.values
    }

    /// Returns the underlying buffer.
    pub fn into_buffer(self) -> D::Buffer<Felt> {
        self.values
    }
}

impl<D: Device> Columns<D, BitReversed> {
    /// Treats every column of coefficients as `2^log_parts` shorter ones: with `f = sum x^b F_b(x^(2^log_parts))`,
    /// `F_b` is part `bit_reverse(b)` of its column.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if a column has fewer coefficients than parts.
    pub fn split(self, log_parts: u32) -> Result<Self, DeviceError> {
        let log_len = self.log_len.checked_sub(log_parts).ok_or(DeviceError::Shape {
            operation: "Columns::split",
            what: "logarithm of the parts, at most",
            expected: self.log_len.into(),
            got: log_parts.into(),
        })?;
        Self::from_buffer(self.values, self.n_columns << log_parts, log_len)
    }
}

/// Columns viewed as the rows of a table to commit to.
///
/// Row `j` in *natural* order consists of the elements at `starts[c] + j` for every column `c`. It is row
/// `bit_reverse(j)` of the committed table (Stone's order).
pub struct TableView<'a, D: Device> {
    /// The underlying buffer.
    pub values: &'a D::Buffer<Felt>,
    /// Index of the first element of each column of the table.
    pub starts: Vec<usize>,
    /// Logarithm of the number of rows.
    pub log_rows: u32,
}

impl<'a, D: Device> TableView<'a, D> {
    /// The table of a trace on one coset: its columns are `columns`.
    pub fn of_trace(columns: &'a Columns<D, Natural>) -> Self {
        let starts = (0..columns.n_columns).map(|c| c << columns.log_len).collect();
        Self {
            values: &columns.values,
            starts,
            log_rows: columns.log_len,
        }
    }

    /// The table of coset `coset` of an FRI layer; `layer` has one column per coset. A row holds the `2^log_row`
    /// evaluations that fold into one. They are neighbours in bit-reversed order, so column `t` of the table begins at
    /// `bit_reverse(t)` times the number of rows.
    pub fn of_fri_layer(layer: &'a Columns<D, Natural>, coset: usize, log_row: u32) -> Self {
        let log_rows = layer.log_len - log_row;
        let base = coset << layer.log_len;
        let starts = (0..1 << log_row)
            .map(|t| base + (bit_reverse(t, log_row) << log_rows))
            .collect();
        Self {
            values: &layer.values,
            starts,
            log_rows,
        }
    }

    /// Number of columns of the table.
    pub fn n_columns(&self) -> usize {
        self.starts.len()
    }

    /// Number of rows of the table.
    pub fn n_rows(&self) -> usize {
        1 << self.log_rows
    }
}
