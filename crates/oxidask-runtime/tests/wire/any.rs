//! Any message at all, for properties.

use std::sync::Arc;

use bytes::Bytes;
use oxidask_core::key::{Atom, Group, Key};
use oxidask_sched::data::{Answer, AskError, Data};
use oxidask_sched::ids::{BlobHash, RunId, TaskId, WorkerId};
use oxidask_sched::message::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![4 => "[a-z]{0,8}", 1 => "\\PC{0,40}", 1 => "x{250,300}"].prop_map(Arc::from)
}

fn bytes() -> impl Strategy<Value = Bytes> {
    let long = (any::<u8>(), prop_oneof![250usize..260, 65_530usize..65_540, 16_380usize..16_390])
        .prop_map(|(byte, n)| Bytes::from(vec![byte; n]));
    prop_oneof![8 => vec(any::<u8>(), 0..40).prop_map(Bytes::from), 1 => long]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..200u64,
        any::<u64>(),
        (0..64u32).prop_map(|bit| 1 << bit),
        any::<u16>().prop_map(u64::from)
    ]
}

fn seconds() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), any::<f64>().prop_filter("equal to itself", |x| !x.is_nan())]
}

fn atom() -> impl Strategy<Value = Atom> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Atom::Int),
        (-200i64..200).prop_map(Atom::Int),
        any::<u64>().prop_map(Atom::Float),
        "\\PC{0,9}".prop_map(|s| Atom::Str(s.into())),
        vec(any::<u8>(), 0..9).prop_map(|b| Atom::Bytes(b.into())),
        ("\\PC{0,9}", vec(any::<u8>(), 0..9))
            .prop_map(|(text, bytes)| Atom::Foreign { text: text.into(), bytes: bytes.into() }),
    ];
    leaf.prop_recursive(4, 20, 5, |inner| {
        vec(inner, 0..5).prop_map(|parts| Atom::Tuple(parts.into()))
    })
}

/// Any key; names come from few, so that numbers are used.
pub(crate) fn key() -> impl Strategy<Value = Key> {
    let group = || "[a-c]{1,2}".prop_map(|name| Group::new(&name));
    prop_oneof![
        (group(), any::<u128>()).prop_map(|(group, token)| Key::with_token(group, token)),
        (group(), vec(0i64..300, 0..5)).prop_map(|(group, index)| Key::block(group, &index)),
        (group(), vec(any::<i64>(), 0..20)).prop_map(|(group, index)| Key::block(group, &index)),
        "\\PC{0,20}".prop_map(|text| Key::from(&*text)),
        atom().prop_map(|atom| Key::atom(atom, Group::new)),
    ]
}

fn task() -> impl Strategy<Value = TaskId> {
    (any::<u32>(), 0..3u32).prop_map(|(slot, generation)| TaskId { slot, generation })
}

fn run() -> impl Strategy<Value = RunId> {
    any::<u32>().prop_map(RunId)
}

fn worker() -> impl Strategy<Value = WorkerId> {
    any::<u32>().prop_map(WorkerId)
}

fn blob() -> impl Strategy<Value = Blob> {
    (any::<u128>(), text(), bytes()).prop_map(|(hash, family, bytes)| Blob {
        hash: BlobHash(hash),
        family,
        bytes: bytes.into(),
    })
}

fn spec() -> impl Strategy<Value = RunSpec> {
    (any::<u32>(), any::<u32>(), bytes()).prop_map(|(blob, block, payload)| RunSpec {
        blob,
        block,
        payload: payload.into(),
    })
}

fn place() -> impl Strategy<Value = Location> {
    (vec(worker(), 0..4), number())
        .prop_map(|(holders, nbytes)| Location { holders: holders.into(), nbytes })
}

fn inline() -> impl Strategy<Value = Inline> {
    (text(), bytes()).prop_map(|(family, bytes)| Inline { family, bytes: bytes.into() })
}

fn retries() -> impl Strategy<Value = RetryPolicy> {
    (any::<u32>(), seconds(), seconds(), seconds(), vec(text(), 0..3)).prop_map(
        |(n, backoff_s, factor, max_backoff_s, only)| RetryPolicy {
            n,
            backoff_s,
            factor,
            max_backoff_s,
            only,
        },
    )
}

fn resources() -> impl Strategy<Value = Vec<(Arc<str>, f64)>> {
    vec((text(), seconds()), 0..3)
}

fn annotations() -> impl Strategy<Value = Annotations> {
    let first = (any::<i32>(), vec(text(), 0..3), any::<bool>(), resources());
    let second = (retries(), option::of(seconds()), any::<bool>());
    (first, second, option::of((text(), any::<u32>()))).prop_map(
        |(
            (priority, workers, allow_other_workers, resources),
            (retries, timeout_s, actor),
            limit,
        )| {
            Annotations {
                priority,
                workers,
                allow_other_workers,
                resources,
                retries,
                timeout_s,
                actor,
                limit,
            }
        },
    )
}

fn new_task() -> impl Strategy<Value = NewTask> {
    let input =
        prop_oneof![any::<u32>().prop_map(InputRef::Local), key().prop_map(InputRef::Known),];
    (key(), spec(), vec(input, 0..4), any::<bool>(), any::<u32>()).prop_map(
        |(key, run, inputs, wanted, annotations)| NewTask { key, run, inputs, wanted, annotations },
    )
}

fn failure() -> impl Strategy<Value = Arc<TaskFailure>> {
    let cause = prop_oneof![
        text().prop_map(Cause::Raised),
        (any::<u32>(), text()).prop_map(|(n, last)| Cause::KilledWorkers { n, last }),
        Just(Cause::TimedOut),
        Just(Cause::Lost),
        key().prop_map(Cause::UnknownInput),
        Just(Cause::Codec),
        Just(Cause::Unrunnable),
    ];
    (key(), cause, text(), bytes()).prop_map(|(origin, cause, text, bytes)| {
        TaskFailure { origin, cause, text, bytes: bytes.into() }.into()
    })
}

fn data() -> impl Strategy<Value = Data> {
    let leaf = prop_oneof![
        Just(Data::Nil),
        any::<bool>().prop_map(Data::Bool),
        any::<i64>().prop_map(Data::Int),
        seconds().prop_map(Data::Float),
        text().prop_map(Data::Text),
        bytes().prop_map(Data::Bytes),
        key().prop_map(Data::Key),
    ];
    leaf.prop_recursive(4, 20, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Data::List),
            vec((text(), inner), 0..5).prop_map(Data::Map),
        ]
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        data().prop_map(Ok),
        (text(), text(), bytes()).prop_map(|(class, text, bytes)| Err(AskError {
            class,
            text,
            bytes
        })),
    ]
}

pub(crate) fn from_client() -> impl Strategy<Value = FromClient> {
    let keys = || vec(key(), 0..5);
    let submission =
        (number(), vec(blob(), 0..3), vec(annotations(), 0..2), vec(new_task(), 0..5)).prop_map(
            |(number, blobs, annotations, tasks)| Submission { number, blobs, annotations, tasks },
        );
    prop_oneof![
        3 => submission.prop_map(FromClient::Submit),
        1 => keys().prop_map(FromClient::Want),
        1 => keys().prop_map(FromClient::Release),
        1 => (keys(), any::<bool>()).prop_map(|(keys, force)| FromClient::Cancel { keys, force }),
        1 => keys().prop_map(FromClient::Retry),
        1 => vec((key(), place()), 0..4).prop_map(FromClient::Scattered),
        1 => (number(), keys()).prop_map(|(request, keys)| FromClient::Locate { request, keys }),
        1 => vec((key(), worker()), 0..4).prop_map(FromClient::Unfetched),
        1 => vec(any::<u128>().prop_map(BlobHash), 0..3).prop_map(FromClient::DropBlobs),
        1 => (keys(), any::<u32>(), vec(worker(), 0..3))
            .prop_map(|(keys, n, workers)| FromClient::Replicate { keys, n, workers }),
        1 => (number(), text(), data())
            .prop_map(|(request, verb, body)| FromClient::Ask { request, verb, body }),
        1 => number().prop_map(FromClient::Abandon),
        1 => (number(), vec((key(), (number(), text())), 0..3), vec(text(), 0..3), any::<bool>())
            .prop_map(|(request, values, workers, broadcast)| FromClient::Place {
                request,
                values,
                workers,
                broadcast,
            }),
    ]
}

pub(crate) fn to_client() -> impl Strategy<Value = ToClient> {
    prop_oneof![
        (key(), number(), text(), option::of(inline())).prop_map(
            |(key, nbytes, type_name, inline)| ToClient::Ready { key, nbytes, type_name, inline }
        ),
        (key(), failure()).prop_map(|(key, failure)| ToClient::Failed { key, failure }),
        key().prop_map(ToClient::Lost),
        key().prop_map(ToClient::Cancelled),
        (number(), vec(option::of(input()), 0..4))
            .prop_map(|(request, places)| ToClient::Located { request, places }),
        (number(), text())
            .prop_map(|(submission, reason)| ToClient::Refused { submission, reason }),
        (worker(), text()).prop_map(|(worker, address)| ToClient::Peer { worker, address }),
        (number(), answer()).prop_map(|(request, answer)| ToClient::Answer { request, answer }),
        (text(), data()).prop_map(|(topic, body)| ToClient::Push { topic, body }),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    (task(), place()).prop_map(|(task, place)| Input { task, place })
}

fn compute() -> impl Strategy<Value = Compute> {
    let ids = (task(), run(), key(), spec());
    let rest = (vec(input(), 0..4), number(), resources(), any::<bool>(), any::<bool>());
    (ids, rest).prop_map(
        |((task, run, key, spec), (inputs, priority, resources, inline, actor))| Compute {
            task,
            run,
            key,
            spec,
            inputs,
            priority,
            resources,
            inline,
            actor,
        },
    )
}

pub(crate) fn to_worker() -> impl Strategy<Value = ToWorker> {
    prop_oneof![
        (any::<u32>(), blob()).prop_map(|(number, blob)| ToWorker::Blob { number, blob }),
        any::<u32>().prop_map(ToWorker::DropBlob),
        compute().prop_map(|compute| ToWorker::Compute(Box::new(compute))),
        (task(), run()).prop_map(|(task, run)| ToWorker::Retract { task, run }),
        (task(), run()).prop_map(|(task, run)| ToWorker::Cancel { task, run }),
        vec(task(), 0..9).prop_map(ToWorker::Free),
        vec(input(), 0..9).prop_map(ToWorker::Acquire),
        (worker(), text()).prop_map(|(worker, address)| ToWorker::Peer { worker, address }),
        (number(), text(), data()).prop_map(|(request, verb, body)| ToWorker::Ask {
            request,
            verb,
            body
        }),
        text().prop_map(ToWorker::Close),
    ]
}

pub(crate) fn from_worker() -> impl Strategy<Value = FromWorker> {
    let times = (seconds(), seconds(), any::<u32>());
    let finished = (task(), run(), number(), times, text(), option::of(inline())).prop_map(
        |(task, run, nbytes, (duration_s, begun_s, thread), type_name, inline)| Finished {
            task,
            run,
            nbytes,
            duration_s,
            begun_s,
            thread,
            type_name,
            inline,
        },
    );
    let health = (number(), number(), number(), any::<bool>(), seconds()).prop_map(
        |(memory_bytes, managed_bytes, spilled_bytes, paused, bandwidth)| Health {
            memory_bytes,
            managed_bytes,
            spilled_bytes,
            paused,
            bandwidth,
        },
    );
    let missing = vec((task(), vec(worker(), 0..3)), 0..3);
    prop_oneof![
        (task(), run()).prop_map(|(task, run)| FromWorker::Started { task, run }),
        finished.prop_map(|finished| FromWorker::Finished(Box::new(finished))),
        (task(), run(), failure()).prop_map(|(task, run, failure)| FromWorker::Failed {
            task,
            run,
            failure
        }),
        (task(), run()).prop_map(|(task, run)| FromWorker::Retracted { task, run }),
        (task(), run(), missing).prop_map(|(task, run, inputs)| FromWorker::MissingInputs {
            task,
            run,
            inputs
        }),
        (task(), run()).prop_map(|(task, run)| FromWorker::Reschedule { task, run }),
        (task(), run()).prop_map(|(task, run)| FromWorker::Seceded { task, run }),
        vec(task(), 0..9).prop_map(FromWorker::Copied),
        vec(task(), 0..9).prop_map(FromWorker::Dropped),
        health.prop_map(FromWorker::Health),
        (number(), answer()).prop_map(|(request, answer)| FromWorker::Answer { request, answer }),
        (text(), data()).prop_map(|(topic, body)| FromWorker::Push { topic, body }),
        Just(FromWorker::Retire),
    ]
}
