//! What users say about several tasks, once these run as one.

use std::sync::Arc;

use crate::message::{Annotations, RetryPolicy};

impl Annotations {
    /// What holds for one task that does the work of two: it is as urgent as the more urgent one and tried as often
    /// as the one that is tried more often, it takes the larger share of each resource, it may take the time of both,
    /// and runs where both may run. Where nobody may run both, either's workers will do.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let (mine, its) = (&self.workers, &other.workers);
        let workers: Vec<Arc<str>> = match (mine.is_empty(), its.is_empty()) {
            (true, _) => its.clone(),
            (_, true) => mine.clone(),
            (false, false) => {
                let both: Vec<_> = mine.iter().filter(|who| its.contains(who)).cloned().collect();
                let all = mine.iter().chain(its.iter().filter(|who| !mine.contains(who)));
                if both.is_empty() { all.cloned().collect() } else { both }
            }
        };
        // Who names no workers doesn't mind others.
        let allows = |one: &Self| one.workers.is_empty() || one.allow_other_workers;
        let mut resources = self.resources.clone();
        for (name, amount) in &other.resources {
            match resources.iter_mut().find(|(known, _)| known == name) {
                Some(entry) => entry.1 = entry.1.max(*amount),
                None => resources.push((name.clone(), *amount)),
            }
        }
        Self {
            priority: match (self.priority, other.priority) {
                (0, priority) | (priority, 0) => priority,
                (one, another) => one.max(another),
            },
            allow_other_workers: !workers.is_empty() && allows(self) && allows(other),
            workers,
            resources,
            retries: more_often(&self.retries, &other.retries).clone(),
            timeout_s: match (self.timeout_s, other.timeout_s) {
                (Some(one), Some(another)) => Some(one + another),
                (one, another) => one.or(another),
            },
            actor: self.actor || other.actor,
            limit: match (&self.limit, &other.limit) {
                (Some(one), Some(another)) if another.1 < one.1 => Some(another.clone()),
                (one, another) => one.clone().or_else(|| another.clone()),
            },
        }
    }
}

fn more_often<'a>(one: &'a RetryPolicy, other: &'a RetryPolicy) -> &'a RetryPolicy {
    if other.n > one.n { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(workers: &[&str], allow_other_workers: bool) -> Annotations {
        let workers = workers.iter().map(|&who| who.into()).collect();
        Annotations { workers, allow_other_workers, ..Annotations::default() }
    }

    #[test]
    fn nothing_changes_nothing() {
        let one = Annotations {
            priority: -3,
            workers: vec!["a".into()],
            allow_other_workers: true,
            resources: vec![("gpu".into(), 1.0)],
            retries: RetryPolicy { n: 2, ..RetryPolicy::default() },
            timeout_s: Some(1.0),
            actor: true,
            limit: Some(("few".into(), 2)),
        };
        assert_eq!(one.joined(&Annotations::default()), one);
        assert_eq!(Annotations::default().joined(&one), one);
        assert_eq!(one.joined(&one).timeout_s, Some(2.0));
    }

    #[test]
    fn it_runs_where_both_may_run() {
        let (ab, bc, d) =
            (named(&["a", "b"], false), named(&["b", "c"], true), named(&["d"], true));
        assert_eq!(ab.joined(&bc), named(&["b"], false));
        assert_eq!(bc.joined(&d), named(&["b", "c", "d"], true));
    }

    #[test]
    fn the_larger_share_counts() {
        let with = |resources: &[(&str, f64)], n| Annotations {
            resources: resources.iter().map(|&(name, amount)| (name.into(), amount)).collect(),
            retries: RetryPolicy { n, ..RetryPolicy::default() },
            ..Annotations::default()
        };
        let joined = with(&[("a", 1.0), ("b", 2.0)], 1).joined(&with(&[("b", 1.0), ("c", 3.0)], 4));
        assert_eq!(joined, with(&[("a", 1.0), ("b", 2.0), ("c", 3.0)], 4));
    }
}
