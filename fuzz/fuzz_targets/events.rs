//! Feeds `playbook_fuzz_checks::events`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| playbook_fuzz_checks::events::check(data));
