//! Feeds `playbook_fuzz_checks::params`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| playbook_fuzz_checks::params::check(data));
