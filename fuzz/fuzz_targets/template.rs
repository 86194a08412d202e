//! Feeds `playbook_fuzz_checks::template`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| playbook_fuzz_checks::template::check(data));
