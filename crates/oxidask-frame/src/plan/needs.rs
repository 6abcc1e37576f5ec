//! Which columns of each table anybody reads: sources and joins give no others.

use std::collections::BTreeSet;

use oxidask_core::key::Group;
use rustc_hash::FxHashMap;

use super::name::Name;
use super::table::{Build, Reads, Table};
use crate::ops::AnyKernel;
use crate::ops::join::From;
use crate::schema::{Kind, Label};

/// The columns that are needed; none for all.
pub(super) type Needed = Option<BTreeSet<Label>>;

/// What is needed of each table that `roots` are made of.
pub(super) fn needs(walked: &[Table], roots: &[Table]) -> FxHashMap<Group, Needed> {
    let mut needs: FxHashMap<Group, Needed> = FxHashMap::default();
    for root in roots {
        needs.insert(root.name().clone(), None);
    }
    for table in walked.iter().rev() {
        let needed = needs.get(table.name()).cloned().unwrap_or(None);
        for (at, input) in table.inputs().iter().enumerate() {
            let more = of_input(table, at, &needed);
            match needs.entry(input.name().clone()) {
                std::collections::hash_map::Entry::Vacant(entry) => _ = entry.insert(more),
                std::collections::hash_map::Entry::Occupied(mut entry) => {
                    let both = match (entry.get_mut().take(), more) {
                        (Some(a), Some(b)) => Some(a.into_iter().chain(b).collect()),
                        _ => None,
                    };
                    entry.insert(both);
                }
            }
        }
    }
    needs
}

fn and(needed: &Needed, more: &[Label]) -> Needed {
    needed.as_ref().map(|needed| needed.iter().chain(more).cloned().collect())
}

/// What a table needs of its input number `at`.
fn of_input(table: &Table, at: usize, needed: &Needed) -> Needed {
    match &table.node().build {
        Build::Partwise { kernel, .. } => match kernel {
            AnyKernel::Project(project) => Some(project.labels.iter().cloned().collect()),
            AnyKernel::Filter(_) if at == 0 => needed.clone(),
            AnyKernel::Head(_) | AnyKernel::Concat(_) => needed.clone(),
            AnyKernel::Constant(_) => Some(BTreeSet::new()),
            AnyKernel::SetIndex(set) => and(needed, &set.labels),
            AnyKernel::Assign(assign) if at == 0 => needed.as_ref().map(|needed| {
                needed.iter().filter(|label| !assign.labels.contains(label)).cloned().collect()
            }),
            AnyKernel::Join(join) => {
                let keys = if at == 0 { &join.left_on } else { &join.right_on };
                let wanted = |label: &Label| needed.as_ref().is_none_or(|n| n.contains(label));
                let chosen = join.columns.iter().filter(|(field, _)| wanted(&field.label));
                let read = chosen.filter_map(|(_, from)| match (from, at) {
                    (From::Left(label), 0) | (From::Right(label), 1) => Some(label),
                    _ => None,
                });
                Some(keys.iter().chain(read).cloned().collect())
            }
            _ => None,
        },
        Build::Layers(layers) => match &layers.reads {
            Reads::All => None,
            Reads::Same(more) if at == 0 => and(needed, more),
            Reads::Same(_) => None,
            Reads::Only(labels) => Some(labels.iter().cloned().collect()),
        },
        Build::Source(_) | Build::Graph { .. } => None,
    }
}

/// A kernel that gives no other columns than are needed, and the name of its layer.
pub(super) fn pruned(table: &Table, kernel: &AnyKernel, needed: &Needed) -> (Group, AnyKernel) {
    with_less(table, kernel, needed).unwrap_or_else(|| (table.name().clone(), kernel.clone()))
}

fn with_less(table: &Table, kernel: &AnyKernel, needed: &Needed) -> Option<(Group, AnyKernel)> {
    let needed = needed.as_ref()?;
    let schema = table.schema()?;
    let wanted = |label: &Label| needed.contains(label);
    if schema.kind != Kind::Frame || schema.columns.iter().all(|field| wanted(&field.label)) {
        return None;
    }
    let kernel: AnyKernel = match kernel {
        AnyKernel::FromFrame(source) => source.only(&wanted).ok()?.into(),
        AnyKernel::ReadCsv(read) => read.only(&wanted).into(),
        #[cfg(feature = "parquet")]
        AnyKernel::ReadParquet(read) => read.only(&wanted).into(),
        AnyKernel::Join(join) => {
            let mut join = join.clone();
            join.columns.retain(|(field, _)| wanted(&field.label));
            join.into()
        }
        _ => return None,
    };
    let mut name = Name::new(table.name().as_str());
    for label in needed {
        name = name.bytes(label.to_string().as_bytes());
    }
    Some((name.finish(), kernel))
}
