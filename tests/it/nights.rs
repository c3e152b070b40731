//! Nights drawn from seeds.

#[path = "../torture/mod.rs"]
mod torture;

use torture::night::night;

#[test]
fn nights_keep_every_promise() {
    let start = std::time::Instant::now();
    for seed in 0..40 {
        let outcome = night(seed, false);
        if !outcome.violations.is_empty() {
            println!("{seed}: {:#?}", outcome.violations);
        }
    }
    println!("{:?}", start.elapsed());
}
