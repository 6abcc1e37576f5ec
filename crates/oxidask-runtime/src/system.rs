//! What the machine offers and what the process uses: memory limits and resident memory.

use std::fs;
use std::sync::OnceLock;

/// Share of the machine's or cgroup's memory that a budget takes when the user sets none.
pub const DEFAULT_MEMORY_SHARE: f64 = 0.8;

/// The memory that this process may use, in bytes: the smallest of the machine's, its cgroup's and
/// `RLIMIT_AS`'s, or `None` where none of them can be read. Read once.
#[must_use]
pub fn memory_limit_bytes() -> Option<u64> {
    static LIMIT: OnceLock<Option<u64>> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        [machine_memory(), cgroup_memory(), address_space()].into_iter().flatten().min()
    })
}

/// Resident memory of this process in bytes, or `None` where it can't be read.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * page_size())
}

/// Number of threads that this process may run at once. Read once.
#[must_use]
pub fn n_cpus() -> usize {
    static N_CPUS: OnceLock<usize> = OnceLock::new();
    *N_CPUS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Lets this process open as many files and sockets as it may; how many that are, where it can be known.
#[expect(unsafe_code, reason = "libc calls")]
pub fn raise_open_files() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the kernel to write one rlimit.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return None;
    }
    let before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is a whole rlimit.
    let status = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    Some(if status == 0 { limit.rlim_cur } else { before })
}

fn machine_memory() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The limit of this process's cgroup or of one of its ancestors (version 2, then version 1).
fn cgroup_memory() -> Option<u64> {
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mut least: Option<u64> = None;
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, file) = if controllers.is_empty() {
            ("/sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            continue;
        };
        let mut path = path.trim_end_matches('/');
        loop {
            let text = fs::read_to_string(format!("{root}{path}/{file}")).unwrap_or_default();
            if let Ok(limit) = text.trim().parse::<u64>() {
                least = Some(least.map_or(limit, |least| least.min(limit)));
            }
            match path.rfind('/') {
                Some(at) => path = &path[..at],
                None => break,
            }
        }
    }
    least
}

#[expect(unsafe_code, reason = "libc calls")]
fn address_space() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the kernel to write one rlimit.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    (status == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

#[expect(unsafe_code, reason = "libc calls")]
fn page_size() -> u64 {
    // SAFETY: sysconf only reads.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_can_be_read() {
        let limit = memory_limit_bytes().expect("a limit");
        let resident = resident_bytes().expect("resident memory");
        assert!(0 < resident && resident < limit);
    }
}
