//! Anything as a preface, a hello, a welcome, a refusal or an address.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::greeting::{Hello, PREFACE_BYTES, Preface, Refusal, Welcome, read};

fuzz_target!(|bytes: &[u8]| {
    if let Some(preface) = bytes.first_chunk::<PREFACE_BYTES>() {
        let _ = Preface::read(preface);
    }
    let body = Bytes::copy_from_slice(bytes);
    let _ = read::<Hello>(&body);
    let _ = read::<Welcome>(&body);
    let _ = read::<Refusal>(&body);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(address) = text.parse::<Address>()
    {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
});
