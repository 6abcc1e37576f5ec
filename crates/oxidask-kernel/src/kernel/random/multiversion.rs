//! One loop compiled for several instruction sets, chosen when it runs.

/// The widest instruction set of this machine that we compile for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Baseline,
}

#[cfg(test)]
thread_local! {
    /// What [`isa`] is for a test; never wider than the machine's.
    pub(super) static FORCED: std::cell::Cell<Option<Isa>> = const { std::cell::Cell::new(None) };
}

/// The instruction set to run.
#[inline]
pub(super) fn isa() -> Isa {
    #[cfg(test)]
    if let Some(forced) = FORCED.get() {
        return forced;
    }
    widest()
}

#[inline]
pub(super) fn widest() -> Isa {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
        {
            return Isa::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Isa::Avx2;
        }
    }
    Isa::Baseline
}

/// Runs an expression once for each instruction set: calls in it must be `#[inline(always)]`.
///
/// `multiversion!(fn name(a: A, b: B) => body(a, b))` defines `name`.
macro_rules! multiversion {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) => $body:expr) => {
        $(#[$meta])*
        fn $name($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,bmi2")]
            fn avx512($($arg: $ty),*) {
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi2")]
            fn avx2($($arg: $ty),*) {
                $body
            }
            match $crate::kernel::random::multiversion::isa() {
                // SAFETY: `isa` has seen these features.
                #[cfg(target_arch = "x86_64")]
                $crate::kernel::random::multiversion::Isa::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: `isa` has seen these features.
                #[cfg(target_arch = "x86_64")]
                $crate::kernel::random::multiversion::Isa::Avx2 => unsafe { avx2($($arg),*) },
                $crate::kernel::random::multiversion::Isa::Baseline => $body,
            }
        }
    };
}
pub(super) use multiversion;
