#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dayuan_fuzz::request(data));
