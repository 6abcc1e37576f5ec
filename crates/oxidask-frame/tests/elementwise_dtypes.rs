//! The dtypes of operators against pandas 3.1's own table: `oracle/elementwise_dtypes.py` writes it.

use std::collections::BTreeMap;

use oxidask_frame::dtype::{DType, Number, Unit};
use oxidask_frame::error::FrameError;
use oxidask_frame::kernel::elementwise::{Binary, OperandType, binary_dtype};
use oxidask_frame::scalar::Scalar;

const TABLE: &str = include_str!("oracle/elementwise_dtypes.txt");

fn columns() -> Vec<DType> {
    use Number::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    let numbers = [I8, I16, I32, I64, U8, U16, U32, U64, F32, F64];
    let mut columns = vec![DType::Bool];
    columns.extend(numbers.map(DType::Number));
    columns.push(DType::NullableBool);
    columns.extend(numbers.map(DType::NullableNumber));
    columns.push(DType::Str);
    columns.extend([Unit::Second, Unit::Micro, Unit::Nano].map(|unit| DType::Datetime(unit, None)));
    columns.push(DType::Datetime(Unit::Micro, Some("Europe/Vienna".into())));
    columns.push(DType::Datetime(Unit::Nano, Some("UTC".into())));
    columns.extend([Unit::Second, Unit::Micro, Unit::Nano].map(DType::Timedelta));
    columns
}

fn scalars() -> Vec<Scalar> {
    let day = 1_577_836_800;
    vec![
        Scalar::Bool(true),
        Scalar::Int(3),
        Scalar::Int(-3),
        Scalar::Int(300),
        Scalar::UInt(1 << 63),
        Scalar::Float(2.5),
        Scalar::Missing,
        Scalar::Str("x".into()),
        Scalar::Datetime(day, Unit::Second, None),
        Scalar::Datetime(day * 1_000_000_000, Unit::Nano, None),
        Scalar::Datetime(day * 1_000_000, Unit::Micro, Some("UTC".into())),
        Scalar::Timedelta(1, Unit::Second),
        Scalar::Timedelta(1_000_000_000, Unit::Nano),
    ]
}

fn operator(name: &str) -> Binary {
    match name {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "TrueDiv" => Binary::TrueDiv,
        "FloorDiv" => Binary::FloorDiv,
        "Mod" => Binary::Mod,
        "Pow" => Binary::Pow,
        "Eq" => Binary::Eq,
        "Ne" => Binary::Ne,
        "Lt" => Binary::Lt,
        "Le" => Binary::Le,
        "Gt" => Binary::Gt,
        "Ge" => Binary::Ge,
        "And" => Binary::And,
        "Or" => Binary::Or,
        "Xor" => Binary::Xor,
        other => panic!("no operator {other}"),
    }
}

#[test]
fn dtypes_are_those_of_pandas() {
    let columns = columns();
    let scalars = scalars();
    let mut names: Vec<DType> = columns.clone();
    names.push(DType::Datetime(Unit::Nano, Some("Europe/Vienna".into())));
    names.push(DType::Datetime(Unit::Micro, Some("UTC".into())));
    let meaning = |letter: u8| match letter {
        b'a'..=b'z' => Some(&names[usize::from(letter - b'a')]),
        b'0'..=b'9' => Some(&names[usize::from(letter - b'0') + 26]),
        _ => None,
    };
    let (mut wrong, mut left_out, mut n_known) = (Vec::new(), BTreeMap::new(), 0);
    for line in TABLE.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let op = operator(fields[0]);
        let own = columns.iter().find(|dtype| dtype.to_string() == fields[1]).unwrap();
        let column = OperandType::Column(own);
        let mut pairs: Vec<_> =
            columns.iter().map(|other| (column, OperandType::Column(other))).collect();
        pairs.extend(scalars.iter().map(|scalar| (column, OperandType::Scalar(scalar))));
        pairs.extend(scalars.iter().map(|scalar| (OperandType::Scalar(scalar), column)));
        assert_eq!(pairs.len(), fields[2].len());
        for ((left, right), letter) in pairs.into_iter().zip(fields[2].bytes()) {
            let ours = binary_dtype(op, left, right);
            let same = match &ours {
                Ok(dtype) => meaning(letter) == Some(dtype),
                Err(FrameError::NoKernel(_)) => {
                    if meaning(letter).is_some() {
                        *left_out.entry((fields[0], fields[1])).or_insert(0) += 1;
                    }
                    true
                }
                Err(FrameError::Type(_)) => letter == b'T',
                Err(FrameError::Overflow(_)) => letter == b'O',
                Err(FrameError::Value(_)) => letter == b'V',
                Err(FrameError::Unsupported(_)) => letter == b'N',
                Err(_) => false,
            };
            n_known += usize::from(meaning(letter).is_some());
            if !same {
                wrong.push(format!("{op:?} {left:?} {right:?}: {ours:?}, not {}", letter as char));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    let n_left_out: usize = left_out.values().sum();
    assert!(n_left_out * 8 < n_known, "{n_left_out} of {n_known} have no kernel: {left_out:?}");
}
