//! A handle to a table, for the Python classes `DataFrame`, `Series` and `Index`.

use oxidask_frame::kernel::distinct::Keep;
use oxidask_frame::kernel::elementwise::{Binary, Unary};
use oxidask_frame::kernel::group::{Agg, Transform};
use oxidask_frame::ops::choose::Choose;
use oxidask_frame::ops::elementwise::{Map, Operator, Other};
use oxidask_frame::ops::group::{GroupBy, Want};
use oxidask_frame::ops::join::{How, Join};
use oxidask_frame::ops::sort::By;
use oxidask_frame::ops::transform::GroupTransform;
use oxidask_frame::plan::{Divisions, Table};
use oxidask_frame::scalar::Scalar;
use oxidask_frame::schema::Label;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::array::NoKernel;

use super::labels::{
    IntoPython, PyLabel, divisions_of, dtype_named, kind_of, scalar_of, scalar_to_python,
    schema_to_python,
};
use super::values::{text_named, time_named, unary_named};

/// A lazy table: immutable, cheap to copy.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct FrameExpr(pub(crate) Table);

fn tables(exprs: &[Bound<'_, FrameExpr>]) -> Vec<Table> {
    exprs.iter().map(|expr| expr.get().0.clone()).collect()
}

fn labels(labels: Vec<PyLabel>) -> Vec<Label> {
    labels.into_iter().map(|PyLabel(label)| label).collect()
}

#[pymethods]
impl FrameExpr {
    /// The name: partition `i` has the key `(name, i)`.
    #[getter]
    fn name(&self) -> &str {
        self.0.name().as_str()
    }

    /// How many partitions there are.
    #[getter]
    fn npartitions(&self) -> u32 {
        self.0.n_partitions()
    }

    /// What divides the partitions: scalars as the package's Python side writes them; None if unknown.
    #[getter]
    fn divisions<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        match self.0.divisions() {
            Divisions::Unknown => Ok(None),
            Divisions::Known(ends) => {
                let ends = ends.iter().map(|end| scalar_to_python(py, end));
                PyList::new(py, ends.collect::<PyResult<Vec<_>>>()?).map(Some)
            }
        }
    }

    /// What is known without data, as `(kind, is_range, levels, columns, columns_name)`; None if partitions are not
    /// native.
    #[getter]
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.0.schema().map(|schema| schema_to_python(py, schema)).transpose()
    }

    /// Whether kernels make the partitions, not Python's functions.
    #[getter]
    fn is_native(&self) -> bool {
        self.0.schema().is_some()
    }

    /// Whether rows of the other can be taken with these one by one.
    fn has_rows_of(&self, other: &Bound<'_, Self>) -> bool {
        self.0.has_rows_of(&other.get().0)
    }

    /// What will be done, step by step, as text.
    fn explain(&self) -> String {
        oxidask_frame::plan::explain::explain(&self.0)
    }

    /// The tables that it is made of.
    fn inputs(&self) -> Vec<Self> {
        self.0.inputs().iter().cloned().map(Self).collect()
    }

    /// The files that computing it reads natively.
    fn files(&self) -> Vec<String> {
        self.0.files().iter().map(ToString::to_string).collect()
    }

    /// The same table under another name.
    fn renamed(&self, name: &str) -> Self {
        Self(self.0.renamed(name))
    }

    /// Some columns.
    fn project(&self, columns: Vec<PyLabel>, kind: &str) -> PyResult<Self> {
        self.0.project(labels(columns), kind_of(kind)?).py().map(Self)
    }

    /// The rows for which a series is true.
    fn filter(&self, condition: &Bound<'_, Self>) -> PyResult<Self> {
        self.0.filter(&condition.get().0).py().map(Self)
    }

    /// With these columns in place of those of the same labels, or after all.
    fn assign(&self, names: Vec<PyLabel>, columns: Vec<Bound<'_, Self>>) -> PyResult<Self> {
        let columns = labels(names).into_iter().zip(tables(&columns)).collect();
        self.0.assign(columns).py().map(Self)
    }

    /// An operator by Python's name for it, of each column and of a scalar or of columns over the same rows.
    fn binary(&self, name: &str, other: &Bound<'_, PyAny>, reflected: bool) -> PyResult<Self> {
        let op = binary_named(name)?;
        if let Ok(other) = other.cast::<Self>() {
            let operator = Operator { op, other: Other::Input, reflected };
            return self.0.operator(operator, Some(&other.get().0)).py().map(Self);
        }
        let scalar = scalar_of(other)
            .ok_or_else(|| NoKernel::new_err(format!("an operand of type {}", other.get_type())))?;
        let operator = Operator { op, other: Other::Scalar(scalar), reflected };
        self.0.operator(operator, None).py().map(Self)
    }

    /// An operator of each column and of the one value of a table of one row.
    fn binary_single(
        &self,
        name: &str,
        other: &Bound<'_, Self>,
        reflected: bool,
    ) -> PyResult<Self> {
        let operator = Operator { op: binary_named(name)?, other: Other::Single, reflected };
        self.0.operator(operator, Some(&other.get().0)).py().map(Self)
    }

    /// A function of each value, by NumPy's or pandas' name for it.
    fn unary(&self, name: &str) -> PyResult<Self> {
        self.0.map(Map::Unary(unary_named(name)?)).py().map(Self)
    }

    /// Numbers to so many decimals.
    fn round(&self, decimals: i32) -> PyResult<Self> {
        self.0.map(Map::Unary(Unary::Round(decimals))).py().map(Self)
    }

    /// Whether each value is one of these; and whether missing ones are.
    fn is_in(&self, values: Vec<Bound<'_, PyAny>>, missing: bool) -> PyResult<Self> {
        let scalar = |value: &Bound<'_, PyAny>| {
            scalar_of(value).ok_or_else(|| NoKernel::new_err("a value of another type".to_owned()))
        };
        let values = values.iter().map(scalar).collect::<PyResult<_>>()?;
        self.0.map(Map::IsIn(values, missing)).py().map(Self)
    }

    /// Numbers within bounds; None for no bound.
    fn clip(&self, lower: &Bound<'_, PyAny>, upper: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bound = |value: &Bound<'_, PyAny>| match scalar_of(value) {
            Some(Scalar::Missing) => Ok(None),
            Some(scalar) => Ok(Some(scalar)),
            None => Err(NoKernel::new_err("a bound of another type".to_owned())),
        };
        self.0.map(Map::Clip(bound(lower)?, bound(upper)?)).py().map(Self)
    }

    /// Values where a series of truth values holds (or does not: `negated`), and others elsewhere: a table's or a scalar.
    fn choose(
        &self,
        condition: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        negated: bool,
    ) -> PyResult<Self> {
        let condition = &condition.get().0;
        if let Ok(other) = other.cast::<Self>() {
            let choose = Choose { negated, other: None };
            return self.0.choose(condition, choose, Some(&other.get().0)).py().map(Self);
        }
        let scalar = scalar_of(other)
            .ok_or_else(|| NoKernel::new_err(format!("an operand of type {}", other.get_type())))?;
        let choose = Choose { negated, other: Some(scalar) };
        self.0.choose(condition, choose, None).py().map(Self)
    }

    /// A function of `.str`, with all arguments in pandas' order.
    fn text(&self, name: &str, args: &Bound<'_, PyTuple>) -> PyResult<Self> {
        self.0.accessor(text_named(name, args)?).py().map(Self)
    }

    /// A property or function of `.dt`.
    #[pyo3(signature = (name, argument=None))]
    fn time(&self, name: &str, argument: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        self.0.accessor(time_named(name, argument)?).py().map(Self)
    }

    /// A series over the same rows, of one value.
    fn constant(&self, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let scalar = scalar_of(value)
            .ok_or_else(|| NoKernel::new_err(format!("a value of type {}", value.get_type())))?;
        self.0.constant(scalar).py().map(Self)
    }

    /// The same, asking a pickled function of the inputs' partitions where the data are beyond the kernel.
    fn otherwise(&self, function: &[u8]) -> PyResult<Self> {
        self.0.or_foreign(function).py().map(Self)
    }

    /// Values of other dtypes by their names: pairs of a label, or None for all columns, and a dtype.
    fn cast(&self, dtypes: Vec<(Option<PyLabel>, String)>) -> PyResult<Self> {
        let to = dtypes.into_iter().map(|(label, name)| match dtype_named(&name) {
            Some(dtype) => Ok((label.map(|PyLabel(label)| label), dtype)),
            None => Err(NoKernel::new_err(format!("a cast to {name}"))),
        });
        self.0.map(Map::Cast(to.collect::<PyResult<_>>()?)).py().map(Self)
    }

    /// Scalars in place of missing values: pairs of a label, or None for all columns, and a scalar.
    fn fill(&self, values: Vec<(Option<PyLabel>, Bound<'_, PyAny>)>) -> PyResult<Self> {
        let values = values.into_iter().map(|(label, value)| match scalar_of(&value) {
            Some(scalar) => Ok((label.map(|PyLabel(label)| label), scalar)),
            None => Err(NoKernel::new_err("a value of another type".to_owned())),
        });
        self.0.map(Map::Fill(values.collect::<PyResult<_>>()?)).py().map(Self)
    }

    /// Other labels, and another kind, for the same data.
    #[pyo3(signature = (kind, columns=None, levels=None))]
    fn relabel(
        &self,
        kind: &str,
        columns: Option<Vec<PyLabel>>,
        levels: Option<Vec<PyLabel>>,
    ) -> PyResult<Self> {
        self.0.relabel(kind_of(kind)?, columns.map(labels), levels.map(labels)).py().map(Self)
    }

    /// The index as columns, or without it.
    fn reset_index(&self, drop: bool) -> PyResult<Self> {
        self.0.reset_index(drop).py().map(Self)
    }

    /// Columns as the index: rows stay where they are.
    #[pyo3(signature = (columns, drop, divisions=None))]
    fn with_index_of(
        &self,
        columns: Vec<PyLabel>,
        drop: bool,
        divisions: Option<Vec<Bound<'_, PyAny>>>,
    ) -> PyResult<Self> {
        self.0.with_index_of(labels(columns), drop, divisions_of(divisions)?).py().map(Self)
    }

    /// The first rows of the first partitions, or the last of the last.
    fn head(&self, n: i64, from_end: bool, npartitions: u32) -> PyResult<Self> {
        self.0.head(n, from_end, npartitions).py().map(Self)
    }

    /// Some partitions.
    fn partitions(&self, chosen: Vec<u32>) -> PyResult<Self> {
        self.0.partitions(&chosen).py().map(Self)
    }

    /// Fewer partitions: those from one bound to the next.
    fn coalesced(&self, bounds: Vec<u32>) -> PyResult<Self> {
        self.0.coalesced(&bounds).py().map(Self)
    }

    /// The partitions of several tables, one table after the other.
    #[staticmethod]
    #[pyo3(signature = (exprs, divisions=None))]
    fn stacked(
        exprs: Vec<Bound<'_, Self>>,
        divisions: Option<Vec<Bound<'_, PyAny>>>,
    ) -> PyResult<Self> {
        Table::stacked(&tables(&exprs), divisions_of(divisions)?).py().map(Self)
    }

    /// Answers for groups of rows. `wants` are `(column, name of an aggregate, its setting, label)`; the size is of no column.
    #[pyo3(signature = (keys, names, wants, kind, dropna=true, sort=true, n_out=1, split_every=8))]
    #[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
    fn group_by(
        &self,
        keys: Vec<PyLabel>,
        names: Vec<PyLabel>,
        wants: Vec<(PyLabel, String, f64, PyLabel)>,
        kind: &str,
        dropna: bool,
        sort: bool,
        n_out: u32,
        split_every: u32,
    ) -> PyResult<Self> {
        let schema = self.0.native().py()?;
        let wants = wants.into_iter().map(|(column, agg, setting, PyLabel(label))| {
            let PyLabel(column) = column;
            let column = (agg != "size").then_some(column);
            Want::new(schema, column, agg_named(&agg, setting)?, label).py()
        });
        let group_by = GroupBy {
            keys: labels(keys),
            names: labels(names),
            wants: wants.collect::<PyResult<_>>()?,
            dropna,
            sort,
            kind: kind_of(kind)?,
        };
        self.0.group_by(group_by, n_out, split_every).py().map(Self)
    }

    /// Values for rows by whole groups: `transform` is pandas' name, `setting` its periods or limit (none if below 0).
    fn group_transform(
        &self,
        keys: Vec<PyLabel>,
        columns: Vec<PyLabel>,
        transform: (String, i64),
        kind: &str,
        dropna: bool,
    ) -> PyResult<Self> {
        let (keys, columns) = (labels(keys), labels(columns));
        let transform = transform_named(&transform.0, transform.1)?;
        let kind = kind_of(kind)?;
        let what = GroupTransform { keys, columns, transform, dropna, kind };
        self.0.group_transform(what).py().map(Self)
    }

    /// A join by columns.
    #[pyo3(signature = (right, how, left_on, right_on, suffixes, sort=false, n_out=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
    fn join(
        &self,
        right: &Bound<'_, Self>,
        how: &str,
        left_on: Vec<PyLabel>,
        right_on: Vec<PyLabel>,
        suffixes: (String, String),
        sort: bool,
        n_out: Option<u32>,
    ) -> PyResult<Self> {
        let right = &right.get().0;
        let on = (labels(left_on), labels(right_on));
        let how = how_named(how)?;
        let (left_schema, right_schema) = (self.0.native().py()?, right.native().py()?);
        let suffixes = (suffixes.0.as_str(), suffixes.1.as_str());
        let join = Join::new(left_schema, right_schema, how, on, suffixes, sort).py()?;
        self.0.join(right, join, n_out).py().map(Self)
    }

    /// The same rows, those of equal keys in one partition. No columns: by the index.
    fn shuffled(&self, columns: Vec<PyLabel>, n_out: u32) -> PyResult<Self> {
        self.0.shuffled(labels(columns), n_out).py().map(Self)
    }

    /// The rows in order of columns and of whether large values come first.
    fn sorted(&self, by: Vec<(PyLabel, bool)>, nulls_last: bool, n_out: u32) -> PyResult<Self> {
        self.0.sorted(order(by, nulls_last), n_out).py().map(Self)
    }

    /// Keys that cut the rows into ranges.
    fn splits(&self, by: Vec<(PyLabel, bool)>, n: u32) -> PyResult<Self> {
        self.0.splits(order(by, true), n).py().map(Self)
    }

    /// The rows in order over partitions cut by a table of keys.
    fn sorted_at(
        &self,
        by: Vec<(PyLabel, bool)>,
        splits: &Bound<'_, Self>,
        n_out: u32,
    ) -> PyResult<Self> {
        self.0.sorted_at(order(by, true), &splits.get().0, n_out).py().map(Self)
    }

    /// The rows without those that are like others: `keep` is `first`, `last` or None.
    #[pyo3(signature = (columns, keep, split_every=8))]
    fn distinct(
        &self,
        columns: Option<Vec<PyLabel>>,
        keep: Option<&str>,
        split_every: u32,
    ) -> PyResult<Self> {
        let keep = match keep {
            Some("first") => Keep::First,
            Some("last") => Keep::Last,
            None => Keep::None,
            Some(other) => {
                let text = format!("keep must be either 'first', 'last' or False, not {other:?}");
                return Err(PyValueError::new_err(text));
            }
        };
        self.0.distinct(columns.map(labels), keep, split_every).py().map(Self)
    }

    fn __repr__(&self) -> String {
        format!("<FrameExpr {} of {} partitions>", self.name(), self.npartitions())
    }
}

fn order(by: Vec<(PyLabel, bool)>, nulls_last: bool) -> By {
    let columns = by.into_iter().map(|(PyLabel(label), descending)| (label, descending));
    By { columns: columns.collect(), nulls_last }
}

fn binary_named(name: &str) -> PyResult<Binary> {
    Ok(match name {
        "add" => Binary::Add,
        "sub" => Binary::Sub,
        "mul" => Binary::Mul,
        "truediv" => Binary::TrueDiv,
        "floordiv" => Binary::FloorDiv,
        "mod" => Binary::Mod,
        "pow" => Binary::Pow,
        "eq" => Binary::Eq,
        "ne" => Binary::Ne,
        "lt" => Binary::Lt,
        "le" => Binary::Le,
        "gt" => Binary::Gt,
        "ge" => Binary::Ge,
        "and" => Binary::And,
        "or" => Binary::Or,
        "xor" => Binary::Xor,
        other => return Err(NoKernel::new_err(format!("the operator {other}"))),
    })
}

fn how_named(name: &str) -> PyResult<How> {
    Ok(match name {
        "inner" => How::Inner,
        "left" => How::Left,
        "right" => How::Right,
        "outer" => How::Outer,
        "leftsemi" => How::LeftSemi,
        "leftanti" => How::LeftAnti,
        "cross" => How::Cross,
        other => return Err(PyValueError::new_err(format!("no join is called {other:?}"))),
    })
}

/// A transform by pandas' name, with its one setting: periods, or a limit where it is not below 0.
fn transform_named(name: &str, setting: i64) -> PyResult<Transform> {
    let limit = u64::try_from(setting).ok();
    Ok(match name {
        "shift" => Transform::Shift(setting),
        "diff" => Transform::Diff(setting),
        "ffill" => Transform::FFill(limit),
        "bfill" => Transform::BFill(limit),
        other => return Err(NoKernel::new_err(format!("the transform {other}"))),
    })
}

/// An aggregate by pandas' name, with its one setting: `min_count` or `ddof`.
fn agg_named(name: &str, setting: f64) -> PyResult<Agg> {
    let count = setting as u32;
    Ok(match name {
        "sum" => Agg::Sum { min_count: count },
        "prod" => Agg::Prod { min_count: count },
        "count" => Agg::Count,
        "size" => Agg::Size,
        "mean" => Agg::Mean,
        "var" => Agg::Var { ddof: count },
        "std" => Agg::Std { ddof: count },
        "sem" => Agg::Sem { ddof: count },
        "skew" => Agg::Skew,
        "kurt" => Agg::Kurt,
        "min" => Agg::Min,
        "max" => Agg::Max,
        "first" => Agg::First,
        "last" => Agg::Last,
        "any" => Agg::Any,
        "all" => Agg::All,
        "median" => Agg::Median,
        "quantile" => Agg::Quantile(setting),
        "nunique" => Agg::NUnique { dropna: setting == 0.0 },
        other => return Err(NoKernel::new_err(format!("the aggregate {other}"))),
    })
}
