//! Answers of elementwise kernels: what is expected was computed by pandas 3.1.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int8Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DurationMicrosecondArray, Float32Array, Float64Array, Int8Array,
    Int64Array, StringViewArray, TimestampMicrosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow_schema::DataType;
use oxidask_frame::dtype::{DType, Number, Unit};
use oxidask_frame::error::FrameError;
use oxidask_frame::kernel::elementwise::{
    Binary, Operand, Unary, binary, binary_dtype, cast, choose, clip, fillna, unary,
};
use oxidask_frame::kernel::time::{self, DateTest, Part, Rounding};
use oxidask_frame::scalar::Scalar;

const NULLABLE: DType = DType::NullableNumber(Number::I64);
const MICROS: DType = DType::Datetime(Unit::Micro, None);
const DELTA: DType = DType::Timedelta(Unit::Micro);

/// Values as text, `-` for null.
fn shown(array: &ArrayRef) -> String {
    let value = |row: usize| match array.data_type() {
        _ if array.is_null(row) => "-".to_owned(),
        DataType::Boolean => u8::from(array.as_boolean().value(row)).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::Timestamp(..) | DataType::Duration(_) => {
            array.to_data().buffers()[0].typed_data::<i64>()[row].to_string()
        }
        other => format!("{other}?"),
    };
    (0..array.len()).map(value).collect::<Vec<_>>().join(" ")
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn maybe(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn words(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringViewArray::from(values.to_vec()))
}

fn truths(values: &[Option<bool>]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

fn of_scalar(op: Binary, array: &ArrayRef, dtype: &DType, value: &Scalar) -> String {
    let (left, right) = (Operand::Column(array, dtype), Operand::Scalar(value));
    let answer = binary(op, left, right, array.len()).expect("pandas answers");
    let dtype = binary_dtype(op, left.kind(), right.kind()).expect("pandas answers");
    assert_eq!(*answer.data_type(), dtype.arrow());
    shown(&answer)
}

fn of_columns(op: Binary, a: (&ArrayRef, &DType), b: (&ArrayRef, &DType)) -> String {
    let (left, right) = (Operand::Column(a.0, a.1), Operand::Column(b.0, b.1));
    let answer = binary(op, left, right, a.0.len()).expect("pandas answers");
    let dtype = binary_dtype(op, left.kind(), right.kind()).expect("pandas answers");
    assert_eq!(*answer.data_type(), dtype.arrow());
    shown(&answer)
}

#[test]
fn division_floors_as_python_does() {
    let (a, b) = (ints(&[7, -7, 0, 5]), ints(&[3, 2, -1, -2]));
    let both = |op| of_columns(op, (&a, &DType::I64), (&b, &DType::I64));
    assert_eq!(both(Binary::FloorDiv), "2 -4 0 -3");
    assert_eq!(both(Binary::Mod), "1 1 0 -1");
    assert_eq!(both(Binary::TrueDiv), "2.3333333333333335 -3.5 -0 -2.5");
    let (f, g) = (floats(&[7.0, -7.0, 0.0, 5.0]), floats(&[0.0, 2.0, -0.0, -2.0]));
    let both = |op| of_columns(op, (&f, &DType::F64), (&g, &DType::F64));
    assert_eq!(both(Binary::FloorDiv), "inf -4 NaN -3");
    assert_eq!(both(Binary::Mod), "NaN 1 NaN -1");
    assert_eq!(of_scalar(Binary::FloorDiv, &a, &DType::I64, &Scalar::Int(0)), "inf -inf NaN inf");
    assert_eq!(of_scalar(Binary::Mod, &a, &DType::I64, &Scalar::Int(0)), "NaN NaN NaN NaN");
}

#[test]
fn zeros_among_integer_divisors_are_refused_since_they_change_the_dtype() {
    let (a, b) = (ints(&[7, 1]), ints(&[0, 2]));
    let (left, right) = (Operand::Column(&a, &DType::I64), Operand::Column(&b, &DType::I64));
    let error = binary(Binary::FloorDiv, left, right, 2).unwrap_err();
    assert!(matches!(&error, FrameError::Unsupported(text) if text.contains("float64")), "{error}");
    let (left, right) = (Operand::Column(&a, &NULLABLE), Operand::Column(&b, &NULLABLE));
    assert_eq!(shown(&binary(Binary::FloorDiv, left, right, 2).unwrap()), "0 0");
}

#[test]
fn nullable_numbers_know_some_powers_of_the_unknown() {
    let a = maybe(&[Some(0), Some(1), None, None]);
    let b = maybe(&[None, None, Some(0), Some(1)]);
    assert_eq!(of_columns(Binary::Pow, (&a, &NULLABLE), (&b, &NULLABLE)), "- 1 1 -");
    assert_eq!(of_columns(Binary::Add, (&a, &NULLABLE), (&b, &NULLABLE)), "- - - -");
    assert_eq!(of_scalar(Binary::Eq, &a, &NULLABLE, &Scalar::Int(1)), "0 1 - -");
    let f = floats(&[f64::NAN, 1.0, 2.0, 3.0]);
    assert_eq!(of_columns(Binary::Add, (&a, &NULLABLE), (&f, &DType::F64)), "- 2 - -");
    let negative = ints(&[1, -1]);
    let operand = Operand::Column(&negative, &DType::I64);
    assert!(matches!(binary(Binary::Pow, operand, operand, 2), Err(FrameError::Value(_))));
}

#[test]
fn comparisons_are_exact_and_missing_ones_are_false() {
    let f = floats(&[1.0, f64::NAN]);
    assert_eq!(of_scalar(Binary::Lt, &f, &DType::F64, &Scalar::Int(2)), "1 0");
    assert_eq!(of_scalar(Binary::Ne, &f, &DType::F64, &Scalar::Int(1)), "0 1");
    let small: ArrayRef = Arc::new(Int8Array::from(vec![1, -1]));
    let i8 = DType::Number(Number::I8);
    assert_eq!(of_scalar(Binary::Lt, &small, &i8, &Scalar::Int(300)), "1 1");
    assert_eq!(of_scalar(Binary::Eq, &small, &i8, &Scalar::Int(255)), "0 0");
    let large: ArrayRef = Arc::new(UInt64Array::from(vec![1 << 63, u64::MAX]));
    let u64 = DType::Number(Number::U64);
    let signed = ints(&[i64::MAX, -1]);
    assert_eq!(of_columns(Binary::Gt, (&large, &u64), (&signed, &DType::I64)), "1 1");
    assert_eq!(of_columns(Binary::Eq, (&large, &u64), (&signed, &DType::I64)), "0 0");
    let single: ArrayRef = Arc::new(Float32Array::from(vec![0.1]));
    let f32 = DType::Number(Number::F32);
    assert_eq!(of_scalar(Binary::Eq, &single, &f32, &Scalar::Float(0.1)), "1");
    let text = words(&[Some("b"), None, Some("longer than twelve")]);
    assert_eq!(of_scalar(Binary::Eq, &text, &DType::Str, &Scalar::Str("b".into())), "1 0 0");
    let long = Scalar::Str("longer than twelve".into());
    assert_eq!(of_scalar(Binary::Ne, &text, &DType::Str, &long), "1 1 0");
    assert_eq!(of_scalar(Binary::Gt, &text, &DType::Str, &Scalar::Str("c".into())), "0 0 1");
    assert_eq!(of_scalar(Binary::Eq, &text, &DType::Str, &Scalar::Int(1)), "0 0 0");
}

#[test]
fn long_columns_compare_as_short_ones() {
    let values: Vec<i64> = (0..1000).map(|i| (i * 7919) % 101).collect();
    for len in [0, 1, 63, 64, 65, 128, 1000] {
        let column = ints(&values[..len]);
        let expected: Vec<bool> = values[..len].iter().map(|value| *value < 50).collect();
        let (left, limit) = (Operand::Column(&column, &DType::I64), Scalar::Int(50));
        let answer = binary(Binary::Lt, left, Operand::Scalar(&limit), len).unwrap();
        assert_eq!(answer.as_boolean(), &BooleanArray::from(expected), "{len} rows");
    }
}

#[test]
fn unknown_truth_follows_kleene() {
    let values = [Some(true), Some(false), None];
    let a = truths(&values);
    let dtype = DType::NullableBool;
    let expected =
        [("1 0 -", "1 1 1", "0 1 -"), ("0 0 0", "1 0 -", "1 0 -"), ("- 0 -", "1 - -", "- - -")];
    for (value, (and, or, xor)) in values.into_iter().zip(expected) {
        let b = truths(&[value; 3]);
        assert_eq!(of_columns(Binary::And, (&a, &dtype), (&b, &dtype)), and);
        assert_eq!(of_columns(Binary::Or, (&a, &dtype), (&b, &dtype)), or);
        assert_eq!(of_columns(Binary::Xor, (&a, &dtype), (&b, &dtype)), xor);
    }
}

#[test]
fn times_meet_in_the_finer_unit() {
    let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![Some(10), None]));
    let micros: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![9_500_000, 0]));
    let s = DType::Datetime(Unit::Second, None);
    assert_eq!(of_columns(Binary::Sub, (&seconds, &s), (&micros, &MICROS)), "500000 -");
    assert_eq!(of_columns(Binary::Gt, (&seconds, &s), (&micros, &MICROS)), "1 0");
    let far: ArrayRef = Arc::new(TimestampSecondArray::from(vec![i64::MAX / 2, 0]));
    assert_eq!(of_columns(Binary::Gt, (&far, &s), (&micros, &MICROS)), "1 0");
    let step = Scalar::Timedelta(1, Unit::Second);
    assert_eq!(of_scalar(Binary::Add, &micros, &MICROS, &step), "10500000 1000000");
    let day = Scalar::Str("1970-01-01".into());
    assert_eq!(of_scalar(Binary::Gt, &micros, &MICROS, &day), "1 0");
    let delta: ArrayRef = Arc::new(DurationMicrosecondArray::from(vec![10, -10, 7, -7]));
    assert_eq!(of_scalar(Binary::TrueDiv, &delta, &DELTA, &Scalar::Int(3)), "3 -3 2 -2");
    assert_eq!(of_scalar(Binary::TrueDiv, &delta, &DELTA, &Scalar::Int(0)), "- - - -");
    assert_eq!(of_scalar(Binary::Mul, &delta, &DELTA, &Scalar::Float(2.55)), "25 -25 17 -17");
    let three = Scalar::Timedelta(3, Unit::Micro);
    assert_eq!(of_scalar(Binary::Mod, &delta, &DELTA, &three), "1 2 1 2");
    let end: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX - 1]));
    let (left, right) = (Operand::Column(&end, &MICROS), Operand::Scalar(&step));
    assert!(matches!(binary(Binary::Add, left, right, 1), Err(FrameError::Overflow(_))));
}

#[test]
fn text_is_joined_and_repeated() {
    let text = words(&[Some("b"), None, Some("a")]);
    let x = Scalar::Str("x".into());
    assert_eq!(of_scalar(Binary::Add, &text, &DType::Str, &x), "bx - ax");
    let joined = binary(Binary::Add, Operand::Scalar(&x), Operand::Column(&text, &DType::Str), 3);
    assert_eq!(shown(&joined.unwrap()), "xb - xa");
    assert_eq!(of_scalar(Binary::Mul, &text, &DType::Str, &Scalar::Int(2)), "bb - aa");
}

#[test]
fn categories_compare_by_value() {
    let text = words(&[Some("a"), Some("b"), None]);
    let dtype = DType::Category { values: Box::new(DType::Str), ordered: false };
    let column = cast(&text, &DType::Str, &dtype).unwrap();
    assert_eq!(of_scalar(Binary::Eq, &column, &dtype, &Scalar::Str("a".into())), "1 0 0");
    assert_eq!(of_scalar(Binary::Ne, &column, &dtype, &Scalar::Str("z".into())), "1 1 1");
    assert_eq!(of_columns(Binary::Eq, (&column, &dtype), (&column, &dtype)), "1 1 0");
    let other = words(&[Some("a"), Some("c"), None]);
    assert_eq!(of_columns(Binary::Eq, (&column, &dtype), (&other, &DType::Str)), "1 0 0");
    assert_eq!(shown(&cast(&column, &dtype, &DType::Str).unwrap()), "a b -");
}

#[test]
fn functions_keep_what_is_missing() {
    let f = floats(&[2.5, -0.5, f64::NAN, 1.25]);
    let of = |op| shown(&unary(op, &f, &DType::F64).unwrap());
    assert_eq!(of(Unary::Round(0)), "2 -0 NaN 1");
    assert_eq!(of(Unary::Round(1)), "2.5 -0.5 NaN 1.2");
    assert_eq!(of(Unary::IsNa), "0 0 1 0");
    assert_eq!(of(Unary::Sign), "1 -1 NaN 1");
    assert_eq!(of(Unary::Sqrt), "1.5811388300841898 NaN NaN 1.118033988749895");
    let i = ints(&[7, -7, 0]);
    assert_eq!(shown(&unary(Unary::Not, &i, &DType::I64).unwrap()), "-8 6 -1");
    assert_eq!(shown(&unary(Unary::Abs, &i, &DType::I64).unwrap()), "7 7 0");
    let b = truths(&[Some(true), Some(false)]);
    assert_eq!(shown(&unary(Unary::Not, &b, &DType::Bool).unwrap()), "0 1");
    let text = words(&[Some("a"), None]);
    assert_eq!(shown(&unary(Unary::NotNa, &text, &DType::Str).unwrap()), "1 0");
    assert!(matches!(unary(Unary::Abs, &text, &DType::Str), Err(FrameError::Type(_))));
}

#[test]
fn casts_are_those_of_astype() {
    let f = floats(&[1.5, f64::NAN, 1e16, 1e-5, -0.0, f64::INFINITY]);
    assert_eq!(shown(&cast(&f, &DType::F64, &DType::Str).unwrap()), "1.5 - 1e+16 1e-05 -0.0 inf");
    assert!(matches!(cast(&f, &DType::F64, &DType::I64), Err(FrameError::Value(_))));
    assert!(matches!(cast(&f, &DType::F64, &NULLABLE), Err(FrameError::Type(_))));
    let whole = floats(&[1.0, f64::NAN]);
    assert_eq!(shown(&cast(&whole, &DType::F64, &NULLABLE).unwrap()), "1 -");
    assert_eq!(shown(&cast(&whole, &DType::F64, &DType::Bool).unwrap()), "1 1");
    let i = ints(&[1, -1, 300]);
    let i8 = DType::Number(Number::I8);
    assert_eq!(shown(&cast(&i, &DType::I64, &i8).unwrap()), "1 -1 44");
    let narrow = DType::NullableNumber(Number::I8);
    assert!(matches!(cast(&i, &DType::I64, &narrow), Err(FrameError::Type(_))));
    assert_eq!(shown(&cast(&i, &DType::I64, &DType::Str).unwrap()), "1 -1 300");
    let holes = maybe(&[Some(1), None]);
    assert_eq!(shown(&cast(&holes, &NULLABLE, &DType::F64).unwrap()), "1 NaN");
    assert!(matches!(cast(&holes, &NULLABLE, &DType::I64), Err(FrameError::Value(_))));
    let text = words(&[Some("1"), Some(" 2 "), Some("+4")]);
    assert_eq!(shown(&cast(&text, &DType::Str, &DType::I64).unwrap()), "1 2 4");
    let wrong = words(&[Some("1.5")]);
    assert!(matches!(cast(&wrong, &DType::Str, &DType::I64), Err(FrameError::NoKernel(_))));
    let dates = words(&[Some("1970-01-02"), None]);
    assert_eq!(shown(&cast(&dates, &DType::Str, &MICROS).unwrap()), "86400000000 -");
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-1, 1_000_001]));
    let seconds = DType::Datetime(Unit::Second, None);
    assert_eq!(shown(&cast(&times, &MICROS, &seconds).unwrap()), "-1 1");
}

#[test]
fn missing_values_are_filled() {
    let f = floats(&[1.5, f64::NAN]);
    let of_scalar = |array: &ArrayRef, dtype: &DType, value: Scalar| {
        fillna(array, dtype, Operand::Scalar(&value)).map(|filled| shown(&filled))
    };
    assert_eq!(of_scalar(&f, &DType::F64, Scalar::Int(0)).unwrap(), "1.5 0");
    let i = ints(&[7, 8]);
    assert_eq!(shown(&fillna(&f, &DType::F64, Operand::Column(&i, &DType::I64)).unwrap()), "1.5 8");
    let holes = maybe(&[Some(1), None]);
    assert_eq!(of_scalar(&holes, &NULLABLE, Scalar::Int(5)).unwrap(), "1 5");
    assert!(of_scalar(&holes, &NULLABLE, Scalar::Float(0.5)).is_err());
    let text = words(&[Some("a"), None]);
    assert_eq!(of_scalar(&text, &DType::Str, Scalar::Str("z".into())).unwrap(), "a z");
    let b = truths(&[Some(true), None]);
    assert_eq!(of_scalar(&b, &DType::NullableBool, Scalar::Bool(false)).unwrap(), "1 0");
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None]));
    let second = Scalar::Datetime(1, Unit::Second, None);
    assert_eq!(of_scalar(&times, &MICROS, second).unwrap(), "1 1000000");
}

#[test]
fn one_of_two_values_is_chosen() {
    let i = ints(&[3, -1, 2]);
    let positive = BooleanArray::from(vec![true, false, true]);
    let of = |value: Scalar| {
        let chosen = choose(&positive, &i, &DType::I64, Operand::Scalar(&value)).unwrap();
        (shown(&chosen), chosen.data_type().clone())
    };
    assert_eq!(of(Scalar::Missing), ("3 NaN 2".into(), DataType::Float64));
    assert_eq!(of(Scalar::Float(1.5)), ("3 1.5 2".into(), DataType::Float64));
    assert_eq!(of(Scalar::Int(0)), ("3 0 2".into(), DataType::Int64));
    let text = words(&[Some("a"), Some("b"), None]);
    let y = Scalar::Str("y".into());
    let chosen = choose(&positive, &text, &DType::Str, Operand::Scalar(&y)).unwrap();
    assert_eq!(shown(&chosen), "a y -");
    let f = floats(&[1.0, f64::NAN, -2.0]);
    let clipped = clip(&f, &DType::F64, Some(&Scalar::Int(0)), Some(&Scalar::Float(0.5))).unwrap();
    assert_eq!(shown(&clipped), "0.5 NaN 0");
}

#[test]
fn parts_of_times_are_those_of_pandas() {
    // 2020-02-29 23:59:59.123456, 1969-12-31 00:00:01
    let times: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![1_583_020_799_123_456, -86_399_000_000]));
    let of = |part| shown(&time::part(part, &times, &MICROS).unwrap());
    let parts = [
        (Part::Year, "2020 1969"),
        (Part::Month, "2 12"),
        (Part::Day, "29 31"),
        (Part::Hour, "23 0"),
        (Part::Minute, "59 0"),
        (Part::Second, "59 1"),
        (Part::Microsecond, "123456 0"),
        (Part::DayOfWeek, "5 2"),
        (Part::DayOfYear, "60 365"),
        (Part::Quarter, "1 4"),
        (Part::DaysInMonth, "29 31"),
    ];
    for (part, expected) in parts {
        assert_eq!(of(part), expected, "{part:?}");
    }
    let test = |test| shown(&time::date_test(test, &times, &MICROS).unwrap());
    assert_eq!(test(DateTest::MonthEnd), "1 1");
    assert_eq!(test(DateTest::QuarterEnd), "0 1");
    assert_eq!(test(DateTest::LeapYear), "1 0");
    let missing: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(0), None]));
    assert_eq!(shown(&time::part(Part::Year, &missing, &MICROS).unwrap()), "1970 NaN");
    let text = time::strftime("%Y-%m-%d %H:%M:%S.%f %j %a %B %p %I %U %W %V %G", &times, &MICROS);
    assert_eq!(
        shown(&text.unwrap()),
        "2020-02-29 23:59:59.123456 060 Sat February PM 11 08 08 09 2020 \
         1969-12-31 00:00:01.000000 365 Wed December AM 12 52 52 01 1970"
    );
}

#[test]
fn times_are_rounded() {
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-1, 1_500_000, 2_500_000]));
    let second = 1_000_000_000;
    let of = |rounding| shown(&time::rounded(rounding, second, &times, &MICROS).unwrap());
    assert_eq!(of(Rounding::Floor), "-1000000 1000000 2000000");
    assert_eq!(of(Rounding::Ceil), "0 2000000 3000000");
    assert_eq!(of(Rounding::HalfEven), "0 2000000 2000000");
}
