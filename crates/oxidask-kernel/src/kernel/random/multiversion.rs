//! One loop compiled for several instruction sets, chosen when it runs.

/// Runs an expression once for each instruction set: calls in it must be `#[inline(always)]`.
///
/// `multiversion!(fn name(a: A, b: B) => body(a, b))` defines `name`.
macro_rules! multiversion {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) => $body:expr) => {
        $(#[$meta])*
        fn $name($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::kernel::processor::{Level, level};
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,bmi2")]
                fn avx512($($arg: $ty),*) {
                    $body
                }
                #[target_feature(enable = "avx2,fma,bmi2")]
                fn avx2($($arg: $ty),*) {
                    $body
                }
                match level() {
                    // SAFETY: the processor has been seen to have these features.
                    Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: the processor has been seen to have these features.
                    Level::Avx2 => return unsafe { avx2($($arg),*) },
                    Level::Base => {}
                }
            }
            $body
        }
    };
}
pub(super) use multiversion;
