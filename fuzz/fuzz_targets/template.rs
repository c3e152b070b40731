#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    millrun_fuzz::template(text);
});
