//! Parquet files: those that pandas has written (`data/make_parquet.py`), and ours read again.

#![cfg(feature = "parquet")]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray};
use oxidask_frame::dtype::{DType, Unit};
use oxidask_frame::io::parquet::{
    Compression, Dataset, Grouping, Part, Request, RowFilter, WriteOptions, read, write,
};
use oxidask_frame::io::predicate::{Compare, Predicate, Test};
use oxidask_frame::kernel::{Frame, RowLabels};
use oxidask_frame::scalar::Scalar;
use oxidask_frame::schema::{Field, Label, Schema};

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", std::env::var("CARGO_MANIFEST_DIR").unwrap())
}

fn open(path: &str) -> Dataset {
    Dataset::open(&[path.to_owned()], None).unwrap()
}

fn read_part(dataset: &Dataset, part: &Part) -> Frame {
    let layout = &dataset.layout;
    read(&Request { layout, part, columns: None, with_index: true, filter: None }).unwrap()
}

fn read_all(dataset: &Dataset) -> Frame {
    let parts = dataset.parts(Grouping::Files, None);
    let frames: Vec<Frame> = parts.iter().map(|part| read_part(dataset, part)).collect();
    Frame::concat(&frames).unwrap()
}

fn labels(frame: &Frame) -> Vec<i64> {
    frame.levels()[0].as_primitive::<Int64Type>().values().to_vec()
}

fn texts(array: &ArrayRef) -> Vec<Option<&str>> {
    array.as_string_view().iter().collect()
}

#[test]
fn dtypes_of_pandas_come_through() {
    let dataset = open(&data("dtypes.parquet"));
    let schema = &dataset.layout.schema;
    let dtypes: Vec<String> = schema.columns.iter().map(|field| field.dtype.to_string()).collect();
    assert_eq!(
        dtypes.join(" "),
        "int16 float64 str bool datetime64[us] datetime64[us, Europe/Vienna] timedelta64[us] \
         category Int64 boolean"
    );
    assert_eq!(schema.index.levels, [Field::new("key", DType::Str)]);

    let frame = read_all(&dataset);
    assert_eq!(texts(&frame.levels()[0]), [Some("p"), Some("q"), Some("q")]);
    let columns = frame.columns();
    assert_eq!(columns[0].as_primitive::<Int16Type>().values(), &[1, 2, 3]);
    let floats = columns[1].as_primitive::<Float64Type>();
    assert!(floats.nulls().is_none() && floats.value(1).is_nan() && floats.value(2) == -2.0);
    assert_eq!(texts(&columns[2]), [Some("a"), None, Some("a text of more than twelve bytes")]);
    let times = columns[4].as_primitive::<TimestampMicrosecondType>();
    assert_eq!((times.value(0), times.is_null(1)), (1_577_881_800_000_000, true));
    let local = columns[5].as_primitive::<TimestampMicrosecondType>();
    assert_eq!(local.value(0), 1_577_878_200_000_000);
    let codes = columns[7].as_dictionary::<Int32Type>();
    assert_eq!(texts(codes.values()), [Some("x"), Some("w"), Some("y")]);
    assert_eq!(codes.keys().iter().collect::<Vec<_>>(), [Some(2), None, Some(0)]);
    let ordered = DType::Category { values: Box::new(DType::Str), ordered: true };
    assert_eq!(schema.columns[7].dtype, ordered);
    assert!(columns[8].is_null(1) && columns[9].is_null(1));
}

#[test]
fn counted_indexes_and_numbered_columns_come_through() {
    let dataset = open(&data("range.parquet"));
    let frame = read_all(&dataset);
    assert_eq!(frame.schema().columns[0].label, Label::Int(0));
    assert_eq!(frame.schema().index.levels[0].label, "n".into());
    assert!(frame.schema().index.is_range);
    assert_eq!(labels(&frame), [10, 12]);
}

#[test]
fn integers_with_holes_are_floats_in_every_part() {
    let dataset = open(&data("groups.parquet"));
    assert_eq!(dataset.layout.schema.columns[0].dtype, DType::F64);
    let parts = dataset.parts(Grouping::RowGroups, None);
    assert_eq!(parts.iter().map(|part| part.n_rows).collect::<Vec<_>>(), [2, 2, 1]);
    let last = read_part(&dataset, &parts[2]);
    assert_eq!(labels(&last), [4]);
    assert_eq!(last.columns()[0].as_primitive::<Float64Type>().values(), &[5.0]);
    assert_eq!(read_all(&dataset).n_rows(), 5);
}

#[test]
fn predicates_drop_row_groups_and_filters_keep_labels() {
    let dataset = open(&data("groups.parquet"));
    let test = Test::Compare(Compare::Gt, Scalar::Str("w".into()));
    let parts = dataset.parts(Grouping::Files, Some(&Predicate::Column(1, test)));
    assert_eq!(parts[0].row_groups, [1, 2]);
    let keep = |frame: &Frame| {
        let column = frame.columns()[0].as_string_view();
        Ok(column.iter().map(|text| text.map(|text| text > "w")).collect::<BooleanArray>())
    };
    let frame = read(&Request {
        layout: &dataset.layout,
        part: &parts[0],
        columns: Some(&[1, 0]),
        with_index: true,
        filter: Some(RowFilter { columns: &[1], keep: &keep }),
    })
    .unwrap();
    assert_eq!(texts(&frame.columns()[0]), [Some("x"), Some("y")]);
    let numbers = frame.columns()[1].as_primitive::<Float64Type>();
    assert!(numbers.value(0).is_nan() && numbers.value(1) == 5.0);
    assert_eq!(labels(&frame), [3, 4]);
}

fn frame(n_rows: usize, start: i64) -> Frame {
    let field = |name: &str, dtype| Field::new(name, dtype);
    let schema = Schema::frame(vec![
        field("x", DType::I64),
        field("y", DType::F64),
        field("s", DType::Str),
        field("d", DType::Datetime(Unit::Nano, Some("UTC".into()))),
    ]);
    let numbers = start..start + n_rows as i64;
    let floats = numbers.clone().map(|i| if i % 3 == 0 { f64::NAN } else { i as f64 });
    let texts = numbers.clone().map(|i| (i % 4 > 0).then(|| format!("text number {i}")));
    let times = arrow_array::TimestampNanosecondArray::from_iter_values(numbers.clone());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(numbers)),
        Arc::new(Float64Array::from_iter_values(floats)),
        Arc::new(texts.collect::<StringViewArray>()),
        Arc::new(times.with_timezone("UTC")),
    ];
    Frame::new(Arc::new(schema), RowLabels::Range { start, step: 1 }, columns, n_rows).unwrap()
}

fn path_in(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let compressions = [
        Compression::None,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Gzip(None),
        Compression::Brotli(Some(2)),
        Compression::Zstd(None),
    ];
    for compression in compressions {
        let path = path_in(folder.path(), "a.parquet");
        let options = WriteOptions { compression, row_group_rows: 7, ..WriteOptions::default() };
        let written = frame(20, 5);
        write(&written, &path, &options).unwrap();
        let again = read_all(&open(&path));
        assert_eq!(again.schema(), written.schema());
        assert_eq!(labels(&again), labels(&written));
        for (a, b) in again.columns().iter().zip(written.columns()) {
            assert_eq!(format!("{a:?}"), format!("{b:?}"));
        }
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "a temporary file was left: {names:?}");
}

#[test]
fn folders_names_are_columns() {
    let folder = tempfile::tempdir().unwrap();
    for (at, name) in ["k=10", "k=2", "k=__HIVE_DEFAULT_PARTITION__"].iter().enumerate() {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        let path = path_in(&folder.path().join(name), "part.0.parquet");
        write(&frame(2, 2 * at as i64), &path, &WriteOptions::default()).unwrap();
    }
    let dataset = open(folder.path().to_str().unwrap());
    let parts = dataset.parts(Grouping::Files, None);
    let codes = |part: &Part| {
        let frame = read_part(&dataset, part);
        let column = frame.columns()[4].as_dictionary::<Int32Type>();
        assert_eq!(column.values().as_primitive::<Int32Type>().values(), &[2, 10]);
        column.keys().iter().collect::<Vec<_>>()
    };
    let keys: Vec<_> = parts.iter().map(codes).collect();
    assert_eq!(keys, [[Some(0); 2], [Some(1); 2], [None; 2]]);
    let test = Test::Compare(Compare::Eq, Scalar::Int(10));
    let pruned = dataset.parts(Grouping::Files, Some(&Predicate::Column(4, test)));
    assert_eq!(pruned, parts[1..2]);
}

#[test]
fn damaged_and_absent_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(folder.path(), "cut.parquet");
    write(&frame(1000, 0), &path, &WriteOptions::default()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = Dataset::open(std::slice::from_ref(&path), None).unwrap_err();
    assert!(error.to_string().contains("cut.parquet is no whole Parquet file"), "{error}");
    let absent = path_in(folder.path(), "absent.parquet");
    let error = Dataset::open(std::slice::from_ref(&absent), None).unwrap_err();
    assert!(error.to_string().contains("absent.parquet: No such file"), "{error}");
    let error = Dataset::open(&[data("range.parquet")], Some(&["gone".into()])).unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
}

#[test]
fn a_failed_write_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(folder.path(), "a.parquet");
    let options =
        WriteOptions { compression: Compression::Zstd(Some(99)), ..WriteOptions::default() };
    assert!(write(&frame(3, 0), &path, &options).is_err());
    assert!(write(&frame(3, 0), &path_in(&folder.path().join("no"), "a"), &options).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
