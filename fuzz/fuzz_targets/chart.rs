#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shikaku_fuzz::medical_chart(bytes));
