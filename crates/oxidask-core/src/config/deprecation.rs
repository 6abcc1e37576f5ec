//! Settings that had other names once.
//!
//! Users' files live longer than releases: a former name still works, and says so once.

use std::borrow::Cow;
use std::fmt;

use super::ConfigError;
use super::path;
use super::value::Map;

/// Former names and the present ones; `None` for settings that are gone. Spelled with dashes.
pub const DEPRECATIONS: &[(&str, Option<&str>)] = &[
    ("fuse-ave-width", Some("optimization.fuse.ave-width")),
    ("fuse-max-height", Some("optimization.fuse.max-height")),
    ("fuse-max-width", Some("optimization.fuse.max-width")),
    ("fuse-rename-keys", Some("optimization.fuse.rename-keys")),
    ("fuse-max-depth-new-edges", Some("optimization.fuse.max-depth-new-edges")),
    ("shuffle", Some("dataframe.shuffle.method")),
    ("dataframe.shuffle.algorithm", Some("dataframe.shuffle.method")),
    ("dataframe.shuffle-compression", Some("dataframe.shuffle.compression")),
    ("array.rechunk-threshold", Some("array.rechunk.threshold")),
    ("array.shuffle.chunksize-tolerance", Some("array.chunk-size-tolerance")),
    ("admin.traceback.shorten.what", Some("admin.traceback.shorten")),
    ("allowed-failures", Some("distributed.scheduler.allowed-failures")),
    ("bandwidth", Some("distributed.scheduler.bandwidth")),
    ("default-data-size", Some("distributed.scheduler.default-data-size")),
    ("work-stealing", Some("distributed.scheduler.work-stealing")),
    ("worker-ttl", Some("distributed.scheduler.worker-ttl")),
    ("multiprocessing-method", Some("distributed.worker.multiprocessing-method")),
    ("use-file-locking", Some("distributed.worker.use-file-locking")),
    ("profile-interval", Some("distributed.worker.profile.interval")),
    ("profile-cycle-interval", Some("distributed.worker.profile.cycle")),
    ("worker-memory-target", Some("distributed.worker.memory.target")),
    ("worker-memory-spill", Some("distributed.worker.memory.spill")),
    ("worker-memory-pause", Some("distributed.worker.memory.pause")),
    ("worker-memory-terminate", Some("distributed.worker.memory.terminate")),
    ("heartbeat-interval", Some("distributed.client.heartbeat")),
    ("compression", Some("distributed.comm.compression")),
    ("connect-timeout", Some("distributed.comm.timeouts.connect")),
    ("tcp-timeout", Some("distributed.comm.timeouts.tcp")),
    ("default-scheme", Some("distributed.comm.default-scheme")),
    ("socket-backlog", Some("distributed.comm.socket-backlog")),
    ("diagnostics-link", Some("distributed.dashboard.link")),
    ("bokeh-export-tool", Some("distributed.dashboard.export-tool")),
    ("tick-time", Some("distributed.admin.tick.interval")),
    ("tick-maximum-delay", Some("distributed.admin.tick.limit")),
    ("log-length", Some("distributed.admin.log-length")),
    ("log-format", Some("distributed.admin.log-format")),
    ("pdb-on-err", Some("distributed.admin.pdb-on-err")),
    ("transition-log-length", Some("distributed.admin.low-level-log-length")),
    ("recent-messages-log-length", Some("distributed.admin.low-level-log-length")),
    ("rmm.pool-size", Some("distributed.rmm.pool-size")),
    ("distributed.scheduler.transition-log-length", Some("distributed.admin.low-level-log-length")),
    ("distributed.scheduler.events-log-length", Some("distributed.admin.low-level-log-length")),
    ("distributed.comm.recent-messages-log-length", Some("distributed.admin.low-level-log-length")),
    ("distributed.p2p.disk", Some("distributed.p2p.storage.disk")),
];

/// A former name that was met, for the caller to tell the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The name that was used.
    pub former: String,
    /// The name to use; `None` if the setting is gone.
    pub present: Option<&'static str>,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Notice { former, present } = self;
        match present {
            Some(present) => {
                write!(f, "the setting '{former}' is deprecated; it is called '{present}' now")
            }
            None => write!(
                f,
                "the setting '{former}' was removed and has no effect; to silence this, set \
                 'ignore-deprecated.{former}' in a stronger file or in the environment"
            ),
        }
    }
}

/// The present name of a setting, with a notice if `key` is a former one.
///
/// # Errors
/// [`ConfigError::Removed`] if the setting is gone.
pub fn present_name(key: &str) -> Result<(Cow<'_, str>, Option<Notice>), ConfigError> {
    let dashed = key.replace('_', "-");
    match DEPRECATIONS.iter().find(|(former, _)| *former == dashed) {
        None => Ok((key.into(), None)),
        Some((_, None)) => Err(ConfigError::Removed { path: key.to_owned() }),
        Some(&(_, Some(present))) => {
            Ok((present.into(), Some(Notice { former: key.to_owned(), present: Some(present) })))
        }
    }
}

/// Moves settings from their former names to the present ones, and tells which it met.
///
/// # Errors
/// [`ConfigError::Blocked`] where a plain value lies on the way to a present name.
pub fn rename(tree: &mut Map) -> Result<Vec<Notice>, ConfigError> {
    let mut met = Vec::new();
    for &(former, present) in DEPRECATIONS {
        if let Some(value) = path::pop(tree, former) {
            met.push((Notice { former: former.to_owned(), present }, value));
        }
    }
    // Set last: a present name may lie inside a former one.
    met.into_iter()
        .map(|(notice, value)| {
            if let Some(present) = notice.present {
                path::set(tree, present, value)?;
            }
            Ok(notice)
        })
        .collect()
}
