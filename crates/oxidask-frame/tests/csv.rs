//! Text tables: what pandas makes of them (answers by running pandas 3.1), and blocks of them.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray};
use oxidask_frame::dtype::{DType, Number, Unit};
use oxidask_frame::error::FrameError;
use oxidask_frame::io::csv::{CsvOptions, CsvText, Header, infer, read_block, split, text};
use oxidask_frame::kernel::Frame;
use oxidask_frame::schema::{Field, Schema};
use proptest::prelude::*;

/// Reads text as a file, in blocks of so many bytes.
fn read_in(text: &[u8], options: &CsvOptions, n_bytes: Option<u64>) -> Result<Frame, FrameError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv").to_str().unwrap().to_owned();
    std::fs::write(&path, text).unwrap();
    let plan = infer(&path, options, 1 << 20)?;
    let blocks = split(&path, &plan, n_bytes)?;
    let frames: Result<Vec<Frame>, _> =
        blocks.iter().map(|block| read_block(&plan, block, None)).collect();
    Frame::concat(&frames?)
}

fn read(text: &str) -> Frame {
    read_in(text.as_bytes(), &CsvOptions::default(), None).unwrap()
}

fn dtypes(frame: &Frame) -> String {
    let names: Vec<_> = frame.schema().columns.iter().map(|f| f.dtype.to_string()).collect();
    names.join(" ")
}

fn floats(frame: &Frame, at: usize) -> Vec<f64> {
    frame.columns()[at].as_primitive::<Float64Type>().values().to_vec()
}

fn integers(frame: &Frame, at: usize) -> Vec<i64> {
    frame.columns()[at].as_primitive::<Int64Type>().values().to_vec()
}

fn texts(frame: &Frame, at: usize) -> Vec<Option<&str>> {
    frame.columns()[at].as_string_view().iter().collect()
}

#[test]
fn dtypes_are_inferred_as_pandas_infers_them() {
    let of = |column: &str| {
        let frame = read(&format!("a,b\n{}", column.replace('\n', ",0\n")));
        frame.schema().columns[0].dtype.to_string()
    };
    for (column, dtype) in [
        ("1\n", "int64"),
        ("+1\n007\n", "int64"),
        (" 1\n2 \n", "int64"),
        ("\"1\"\n2\n", "int64"),
        ("1\n\n", "float64"),
        ("1\n2.5\n-3e5\n", "float64"),
        ("1.\n.5\ninf\n-Infinity\n", "float64"),
        ("\nNaN\n", "float64"),
        ("9223372036854775808\n", "uint64"),
        ("True\nfalse\nTRUE\n", "bool"),
        ("True\n1\n", "str"),
        ("1\nx\n", "str"),
        ("1_000\n0x10\n", "str"),
        ("1e400\n", "str"),
        ("2020-01-01\n", "str"),
    ] {
        assert_eq!(of(column), dtype, "{column:?}");
    }
}

#[test]
fn lines_may_be_short_blank_quoted_and_end_variously() {
    let frame = read("a,b\n1,2\n3\n");
    assert_eq!(integers(&frame, 0), [1, 3]);
    assert!(floats(&frame, 1)[1].is_nan());
    let frame = read("\u{feff}a,b\r\n1,\"x\r\ny\"\r\n\r\n  \r\n2,\"NA\"\r\n3,z\"q\r\n4,\"\"\"\"");
    assert_eq!(integers(&frame, 0), [1, 2, 3, 4]);
    assert_eq!(texts(&frame, 1), [Some("x\r\ny"), None, Some("z\"q"), Some("\"")]);
    assert_eq!(integers(&read("a,b\r1,2\r3,4\r"), 1), [2, 4]);
}

#[test]
fn names_are_made_to_differ() {
    let frame = read(",a,a,a.1\n1,2,3,4\n");
    assert_eq!(frame.schema().labels(), "['Unnamed: 0', 'a', 'a.2', 'a.1']");
    let options = CsvOptions { header: Header::None, ..CsvOptions::default() };
    let frame = read_in(b"1,x\n", &options, None).unwrap();
    assert_eq!(frame.schema().labels(), "[0, 1]");
}

#[test]
fn options_choose_what_is_read() {
    let options = CsvOptions {
        sep: b';',
        usecols: Some(vec!["t".into(), "n".into(), "i".into()]),
        parse_dates: vec!["t".into()],
        dtypes: vec![("i".into(), DType::NullableNumber(Number::I8))],
        na_values: vec!["-".into()],
        skip_rows: 1,
        ..CsvOptions::default()
    };
    let table = "a line; of; words\ni;x;t;n\n1;q;2020-01-01 10:00:00;-\n;;;1.25\n";
    let frame = read_in(table.as_bytes(), &options, None).unwrap();
    assert_eq!(dtypes(&frame), "Int8 datetime64[us] float64");
    assert_eq!(frame.schema().columns[1].dtype, DType::Datetime(Unit::Micro, None));
    let times = frame.columns()[1].as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.iter().collect::<Vec<_>>(), [Some(1_577_872_800_000_000), None]);
    assert_eq!((frame.columns()[0].null_count(), floats(&frame, 2)[1]), (1, 1.25));
}

#[test]
fn what_does_not_fit_is_named_by_file_line_and_column() {
    let error = read_in(b"a,b\n1,2\n4,5,6\n", &CsvOptions::default(), None).unwrap_err();
    assert!(error.to_string().ends_with("table.csv, line 3: Expected 2 fields, saw 3"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.csv").to_str().unwrap().to_owned();
    std::fs::write(&path, "a,b\n1,2\n3,4\n5,6\nx,7\n,8\n").unwrap();
    let plan = infer(&path, &CsvOptions::default(), 10).unwrap();
    let blocks = split(&path, &plan, Some(4)).unwrap();
    assert_eq!(blocks.len(), 5);
    let error = read_block(&plan, &blocks[3], None).unwrap_err().to_string();
    let begin = "late.csv, line 5: 'x' in column 'a' of int64";
    assert!(error.contains(begin) && error.contains("dtype={'a': 'str'}"), "{error}");
    let error = read_in(b"", &CsvOptions::default(), None).unwrap_err();
    assert!(error.to_string().contains("No columns to parse from file"), "{error}");
    let error = read_in(b"a\n\xff\n", &CsvOptions::default(), None).unwrap_err();
    assert!(error.to_string().contains("line 2: the text is not UTF-8"), "{error}");
}

#[test]
fn text_is_that_of_pandas() {
    let fields = [
        ("i", DType::I64),
        ("f", DType::F64),
        ("s", DType::Str),
        ("b", DType::Bool),
        ("d", DType::Datetime(Unit::Micro, None)),
        ("e", DType::Datetime(Unit::Micro, None)),
    ];
    let fields = fields.into_iter().map(|(name, dtype)| Field::new(name, dtype)).collect();
    let times = |values: [i64; 5]| -> ArrayRef {
        Arc::new(arrow_array::TimestampMicrosecondArray::from(values.to_vec()))
    };
    let day = 86_400_000_000;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, -2, 3, 4, 5])),
        Arc::new(Float64Array::from(vec![1.0, f64::NAN, 1e-7, 1e22, 123_456_789.123])),
        Arc::new(StringViewArray::from(vec![
            Some("a,\"b"),
            None,
            Some("x\ny"),
            Some(""),
            Some(" q"),
        ])),
        Arc::new(BooleanArray::from(vec![true, false, true, true, true])),
        times([0, day, 2 * day, -day, 18_262 * day]),
        times([0, 500_000, 0, 0, -1_000]),
    ];
    let frame = Frame::with_range(Arc::new(Schema::frame(fields)), columns, 5).unwrap();
    let expected = "\
,i,f,s,b,d,e
0,1,1.0,\"a,\"\"b\",True,1970-01-01,1970-01-01 00:00:00.000
1,-2,,,False,1970-01-02,1970-01-01 00:00:00.500
2,3,1e-07,\"x\ny\",True,1970-01-03,1970-01-01 00:00:00.000
3,4,1e+22,,True,1969-12-31,1970-01-01 00:00:00.000
4,5,123456789.123, q,True,2020-01-01,1969-12-31 23:59:59.999
";
    assert_eq!(text(&frame, &CsvText::default()).unwrap(), expected);
}

proptest! {
    #[test]
    fn blocks_of_any_size_give_the_whole(
        rows in prop::collection::vec(
            (any::<i64>(), "[a\",\n x]{0,6}", prop::option::of(-1e9..1e9f64)), 1..30),
        n_bytes in 1u64..64,
    ) {
        let mut table = "i,s,f\n".to_owned();
        for (i, s, f) in &rows {
            let s = if s.starts_with('x') && !s.contains([',', '\n']) {
                s.clone()
            } else {
                format!("\"{}\"", s.replace('"', "\"\""))
            };
            let f = f.map(|f| f.to_string()).unwrap_or_default();
            table.push_str(&format!("{i},{s},{f}\n"));
        }
        let options = CsvOptions { keep_default_na: true, ..CsvOptions::default() };
        let options = CsvOptions { dtypes: vec![("s".into(), DType::Str), ("f".into(), DType::F64)], ..options };
        let frame = read_in(table.as_bytes(), &options, Some(n_bytes)).unwrap();
        let expected: Vec<i64> = rows.iter().map(|row| row.0).collect();
        prop_assert_eq!(integers(&frame, 0), expected);
        let expected: Vec<Option<&str>> =
            rows.iter().map(|row| Some(&*row.1).filter(|text| !text.is_empty())).collect();
        prop_assert_eq!(texts(&frame, 1), expected);
        for (found, row) in floats(&frame, 2).iter().zip(&rows) {
            prop_assert!(row.2.map_or(found.is_nan(), |f| f.to_bits() == found.to_bits()));
        }
    }
}
