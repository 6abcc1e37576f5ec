//! What this processor can do: which version of a loop that is compiled several times may run.

use std::sync::OnceLock;

/// The instruction sets that loops are compiled for, from what every processor has upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Whatever the target guarantees.
    Base,
    /// AVX2 and fused multiply-add, BMI1 and 2, conversion of halves, counts of bits.
    Avx2,
    /// Those, and AVX-512 with byte, word, double-word and vector-length extensions.
    Avx512,
}

#[cfg(test)]
thread_local! {
    /// What [`level`] is for a test: never above the processor's.
    pub(crate) static FORCED: std::cell::Cell<Option<Level>> = const { std::cell::Cell::new(None) };
}

/// The level of this processor, or a lower one that `OXIDASK_SIMD` (`avx512`, `avx2`, `base`) asks
/// for. Found out once.
#[inline]
#[must_use]
pub fn level() -> Level {
    #[cfg(test)]
    if let Some(forced) = FORCED.get() {
        return forced;
    }
    processor().level
}

/// The instructions that make rounds of AES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AesUnit {
    /// None.
    No,
    /// One block at a time.
    Block,
    /// Four blocks at a time, beside AVX-512.
    Wide,
}

/// The instructions for AES that may be used beside those of [`level`].
#[inline]
pub(crate) fn aes_unit() -> AesUnit {
    match (level(), processor().aes) {
        (Level::Base, _) if cfg!(target_arch = "x86_64") => AesUnit::No,
        (Level::Avx2, AesUnit::Wide) => AesUnit::Block,
        (_, unit) => unit,
    }
}

#[derive(Clone, Copy)]
struct Processor {
    level: Level,
    aes: AesUnit,
}

fn processor() -> Processor {
    static PROCESSOR: OnceLock<Processor> = OnceLock::new();
    *PROCESSOR.get_or_init(|| {
        let wanted = match std::env::var("OXIDASK_SIMD").as_deref() {
            Ok("base") => Level::Base,
            Ok("avx2") => Level::Avx2,
            _ => Level::Avx512,
        };
        let detected = detected();
        Processor { level: wanted.min(detected.level), ..detected }
    })
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Processor {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let level = match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Base,
    };
    let aes = match (is_x86_feature_detected!("aes"), is_x86_feature_detected!("vaes")) {
        (true, true) if level == Level::Avx512 => AesUnit::Wide,
        (true, _) => AesUnit::Block,
        _ => AesUnit::No,
    };
    Processor { level, aes }
}

#[cfg(target_arch = "aarch64")]
fn detected() -> Processor {
    let has_aes = std::arch::is_aarch64_feature_detected!("aes");
    Processor { level: Level::Base, aes: if has_aes { AesUnit::Block } else { AesUnit::No } }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detected() -> Processor {
    Processor { level: Level::Base, aes: AesUnit::No }
}
