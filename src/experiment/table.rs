//! Tables of results: Parquet (zstd) for programs, CSV for people and for small ones. The unit of a column stands in
//! its name where it has one and in the metadata `unit` of its field. The same rows give the same bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, Result};
use crate::output::files::{self, trouble};
use crate::output::{cell, quoted};

/// Rows that are put together before they are written.
pub const BATCH: usize = 65_536;

/// Values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Words.
    Text(Vec<Option<String>>),
    /// Real numbers.
    Number(Vec<Option<f64>>),
    /// Whole numbers of either sign.
    Whole(Vec<Option<i64>>),
    /// Small counts.
    Count(Vec<u32>),
    /// Seeds and other large counts.
    Large(Vec<u64>),
    /// Yes or no.
    Flag(Vec<Option<bool>>),
}

impl Values {
    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8,
            Self::Number(_) => DataType::Float64,
            Self::Whole(_) => DataType::Int64,
            Self::Count(_) => DataType::UInt32,
            Self::Large(_) => DataType::UInt64,
            Self::Flag(_) => DataType::Boolean,
        }
    }

    fn array(self) -> ArrayRef {
        match self {
            Self::Text(list) => Arc::new(StringArray::from(list)),
            Self::Number(list) => Arc::new(Float64Array::from(list)),
            Self::Whole(list) => Arc::new(Int64Array::from(list)),
            Self::Count(list) => Arc::new(UInt32Array::from(list)),
            Self::Large(list) => Arc::new(UInt64Array::from(list)),
            Self::Flag(list) => Arc::new(BooleanArray::from(list)),
        }
    }

    fn cell(&self, row: usize) -> String {
        match self {
            Self::Text(list) => list[row].as_deref().map_or_else(String::new, quoted),
            Self::Number(list) => cell(list[row]),
            Self::Whole(list) => list[row].map_or_else(String::new, |i| i.to_string()),
            Self::Count(list) => list[row].to_string(),
            Self::Large(list) => list[row].to_string(),
            Self::Flag(list) => list[row].map_or_else(String::new, |b| b.to_string()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(list) => list.len(),
            Self::Number(list) => list.len(),
            Self::Whole(list) => list.len(),
            Self::Count(list) => list.len(),
            Self::Large(list) => list.len(),
            Self::Flag(list) => list.len(),
        }
    }
}

/// A column of some rows.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Unit, `-` for a pure number, empty for what is no quantity.
    pub unit: String,
    /// Values.
    pub values: Values,
}

impl Column {
    /// A column that is no quantity.
    pub fn plain(name: &str, values: Values) -> Self {
        Self::of(name, "", values)
    }

    /// A column with a unit.
    pub fn of(name: &str, unit: &str, values: Values) -> Self {
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            values,
        }
    }
}

/// Writes a table batch by batch, as Parquet and, where asked, as CSV beside it.
pub struct Writer {
    path: PathBuf,
    parquet: Option<ArrowWriter<File>>,
    csv: Option<(PathBuf, BufWriter<File>)>,
}

impl Writer {
    /// A table at `path` (`.parquet`); `csv` writes its twin as well.
    pub fn create(path: &Path, csv: bool) -> Result<Self> {
        let twin = path.with_extension("csv");
        let csv = csv.then(|| {
            let file = File::create(&twin).map_err(|fault| trouble(&twin, "write", &fault))?;
            Ok::<_, Error>((twin.clone(), BufWriter::new(file)))
        });
        Ok(Self {
            path: path.to_owned(),
            parquet: None,
            csv: csv.transpose()?,
        })
    }

    /// Adds rows. All batches have the same columns.
    pub fn write(&mut self, columns: Vec<Column>) -> Result<()> {
        let is_first = self.parquet.is_none();
        if let Some((path, csv)) = &mut self.csv {
            write_csv(csv, &columns, is_first).map_err(|fault| trouble(path, "write", &fault))?;
        }
        let fields: Vec<Field> = columns
            .iter()
            .map(|column| {
                let field = Field::new(&column.name, column.values.data_type(), true);
                match column.unit.as_str() {
                    "" => field,
                    unit => field.with_metadata(HashMap::from([("unit".to_owned(), unit.to_owned())])),
                }
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays: Vec<ArrayRef> = columns.into_iter().map(|column| column.values.array()).collect();
        let path = self.path.clone();
        let batch = RecordBatch::try_new(schema.clone(), arrays)
            .map_err(|fault| Error::Internal(format!("{}: columns do not fit together: {fault}", path.display())))?;
        if self.parquet.is_none() {
            let file = File::create(&path).map_err(|fault| trouble(&path, "write", &fault))?;
            let level = ZstdLevel::try_new(3).map_err(|fault| broken(&path, fault))?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(level))
                .set_max_row_group_row_count(Some(8 * BATCH))
                .build();
            let writer = ArrowWriter::try_new(file, schema, Some(properties));
            self.parquet = Some(writer.map_err(|fault| broken(&path, fault))?);
        }
        match &mut self.parquet {
            Some(writer) => writer.write(&batch).map_err(|fault| broken(&path, fault)),
            None => Ok(()),
        }
    }

    /// Ends the table and makes it last.
    pub fn finish(self) -> Result<()> {
        if let Some(writer) = self.parquet {
            let file = writer.into_inner().map_err(|fault| broken(&self.path, fault))?;
            file.sync_all().map_err(|fault| trouble(&self.path, "write", &fault))?;
        }
        if let Some((path, csv)) = self.csv {
            let file = csv
                .into_inner()
                .map_err(|fault| trouble(&path, "write", fault.error()))?;
            file.sync_all().map_err(|fault| trouble(&path, "write", &fault))?;
        }
        Ok(())
    }
}

fn write_csv(csv: &mut impl Write, columns: &[Column], is_first: bool) -> std::io::Result<()> {
    if is_first {
        let names: Vec<String> = columns.iter().map(|c| quoted(&c.name)).collect();
        writeln!(csv, "{}", names.join(","))?;
    }
    let rows = columns.first().map_or(0, |column| column.values.len());
    let mut line = String::new();
    for row in 0..rows {
        line.clear();
        for (i, column) in columns.iter().enumerate() {
            if i > 0 {
                line.push(',');
            }
            line.push_str(&column.values.cell(row));
        }
        line.push('\n');
        csv.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// A fault of the Parquet library: mostly the disk behind it.
fn broken(path: &Path, fault: ParquetError) -> Error {
    if let ParquetError::External(inner) = &fault
        && let Some(disk) = inner.downcast_ref::<std::io::Error>()
    {
        return trouble(path, "write", disk);
    }
    Error::files(path.display(), fault.to_string())
}

/// Reads some columns of a table, in the order asked for.
///
/// # Errors
/// [`Error::Files`] when the file is no such table.
pub fn read(path: &Path, names: &[&str]) -> Result<Vec<Column>> {
    let damaged = |why: String| Error::files(path.display(), format!("is not a table that calcisim wrote: {why}"));
    let file = File::open(path).map_err(|fault| trouble(path, "read", &fault))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|f| damaged(f.to_string()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
    // A column whose name holds a dot is one column, not a group.
    let schema = builder.schema().clone();
    let wanted: Vec<usize> = (0..schema.fields().len())
        .filter(|&i| names.contains(&schema.field(i).name().as_str()))
        .collect();
    let mask = if wanted.is_empty() {
        mask
    } else {
        ProjectionMask::roots(builder.parquet_schema(), wanted)
    };
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH)
        .build()
        .map_err(|f| damaged(f.to_string()))?;
    let mut columns: Vec<Option<Column>> = vec![None; names.len()];
    for batch in reader {
        let batch = batch.map_err(|f| damaged(f.to_string()))?;
        for (slot, name) in columns.iter_mut().zip(names) {
            let array = batch
                .column_by_name(name)
                .ok_or_else(|| damaged(format!("no column {name}")))?;
            let more = values(array).ok_or_else(|| damaged(format!("column {name} is of an unknown kind")))?;
            match slot {
                None => *slot = Some(Column::plain(name, more)),
                Some(column) => append(&mut column.values, more),
            }
        }
    }
    let found: Option<Vec<Column>> = columns.into_iter().collect();
    found.ok_or_else(|| damaged("it has no rows".to_owned()))
}

fn values(array: &ArrayRef) -> Option<Values> {
    let any = array.as_any();
    Some(match array.data_type() {
        DataType::Utf8 => {
            let list = any.downcast_ref::<StringArray>()?;
            Values::Text(list.iter().map(|v| v.map(str::to_owned)).collect())
        }
        DataType::Float64 => Values::Number(any.downcast_ref::<Float64Array>()?.iter().collect()),
        DataType::Int64 => Values::Whole(any.downcast_ref::<Int64Array>()?.iter().collect()),
        DataType::UInt32 => Values::Count(any.downcast_ref::<UInt32Array>()?.values().to_vec()),
        DataType::UInt64 => Values::Large(any.downcast_ref::<UInt64Array>()?.values().to_vec()),
        DataType::Boolean => Values::Flag(any.downcast_ref::<BooleanArray>()?.iter().collect()),
        _ => return None,
    })
}

fn append(to: &mut Values, more: Values) {
    match (to, more) {
        (Values::Text(a), Values::Text(b)) => a.extend(b),
        (Values::Number(a), Values::Number(b)) => a.extend(b),
        (Values::Whole(a), Values::Whole(b)) => a.extend(b),
        (Values::Count(a), Values::Count(b)) => a.extend(b),
        (Values::Large(a), Values::Large(b)) => a.extend(b),
        (Values::Flag(a), Values::Flag(b)) => a.extend(b),
        _ => {}
    }
}

/// Digest of a file's bytes.
pub fn digest(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut file = File::open(path).map_err(|fault| trouble(path, "read", &fault))?;
    std::io::copy(&mut file, &mut hasher).map_err(|fault| trouble(path, "read", &fault))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Writes a small table as CSV alone.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    files::write_whole(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::plain("arm", Values::Text(vec![Some("a,b".into()), None])),
            Column::of(
                "host.phosphate_mmol_per_l",
                "mmol/L",
                Values::Number(vec![Some(0.1), None]),
            ),
            Column::plain("seed", Values::Large(vec![1, u64::MAX])),
            Column::plain("row", Values::Count(vec![0, 1])),
            Column::plain("t_ulcer_censored", Values::Flag(vec![Some(true), Some(false)])),
            Column::plain("count", Values::Whole(vec![Some(-3), None])),
        ]
    }

    #[test]
    fn a_table_reads_back_as_it_was_written_in_any_order_of_columns()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("t.parquet");
        let mut writer = Writer::create(&path, true)?;
        writer.write(columns())?;
        writer.write(columns())?;
        writer.finish()?;
        let found = read(&path, &["seed", "host.phosphate_mmol_per_l", "arm"])?;
        assert_eq!(found[0].values, Values::Large(vec![1, u64::MAX, 1, u64::MAX]));
        assert_eq!(found[1].values, Values::Number(vec![Some(0.1), None, Some(0.1), None]));
        let csv = std::fs::read_to_string(path.with_extension("csv"))?;
        assert!(
            csv.starts_with("arm,host.phosphate_mmol_per_l,seed,row,t_ulcer_censored,count\n\"a,b\",0.1,1,0,true,-3\n")
        );
        assert_eq!(csv.lines().count(), 5);
        assert!(read(&path, &["nothing"]).is_err());
        Ok(())
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let mut bytes = Vec::new();
        for name in ["a.parquet", "b.parquet"] {
            let path = folder.path().join(name);
            let mut writer = Writer::create(&path, false)?;
            writer.write(columns())?;
            writer.finish()?;
            bytes.push(std::fs::read(path)?);
        }
        assert_eq!(bytes[0], bytes[1]);
        Ok(())
    }
}
