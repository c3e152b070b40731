//! Lineage over random families: what is cosmetic never costs anything, and what is added costs only itself.

use millrun::simulator::Config;
use proptest::prelude::*;

use super::harness::{Night, assert_clean};

/// A part: which create of a few, and which iterates of a few. Few, so that twins and shared prefixes are common.
type Shape = (u8, Vec<u8>);

fn manifest(parts: &[(String, Shape)]) -> String {
    let part = |(id, (create, iterates)): &(String, Shape)| {
        let iterate =
            |(n, what): (usize, &u8)| format!(", {{id: i{n}, iterate: {{prompt: Change {what}}}}}");
        let iterates: String = iterates.iter().enumerate().map(iterate).collect();
        format!("{{id: {id}, steps: [{{create: {{prompt: 'Box {create}'}}}}{iterates}]}}")
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    format!(
        "{{version: 1, name: f, uid: u, budget: {{max_spend: 900.00 usd}}, parts: [{}]}}",
        parts.join(", ")
    )
}

fn shape() -> impl Strategy<Value = Shape> {
    (0u8..3, proptest::collection::vec(0u8..2, 0..3))
}

fn named(prefix: &str, shapes: &[Shape]) -> Vec<(String, Shape)> {
    shapes
        .iter()
        .enumerate()
        .map(|(n, shape)| (format!("{prefix}{n}"), shape.clone()))
        .collect()
}

fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn permuting_renaming_and_removing_cost_nothing_and_a_row_costs_itself(
        (shapes, shuffled) in proptest::collection::vec(shape(), 1..6)
            .prop_flat_map(|shapes| (Just(shapes.clone()), Just(shapes).prop_shuffle())),
        added in shape(),
        kept in proptest::collection::vec(any::<bool>(), 6),
    ) {
        in_virtual_time(async {
            let night = Night::new(Config::default());
            let first = night.run(&manifest(&named("p", &shapes))).await;
            prop_assert_eq!(first.exit_code(), 0);
            let writes: usize = shapes.iter().map(|(_, iterates)| 1 + iterates.len()).sum();
            prop_assert_eq!(night.books().totals.writes, writes);
            for names in ["p", "renamed"] {
                let plan = night.plan(&manifest(&named(names, &shuffled)));
                prop_assert_eq!(plan.writes(), 0);
            }
            // Parts that go away leave their jobs behind, and take nobody else's with them.
            let left: Vec<Shape> = shuffled.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(shape, _)| shape.clone()).collect();
            if !left.is_empty() {
                let plan = night.plan(&manifest(&named("left", &left)));
                prop_assert_eq!(plan.writes(), 0);
            }
            let mut more = named("q", &shuffled);
            more.insert(0, ("new".to_owned(), added.clone()));
            let before = night.books().totals.writes;
            let again = night.run(&manifest(&more)).await;
            prop_assert_eq!(again.exit_code(), 0);
            prop_assert_eq!(night.books().totals.writes - before, 1 + added.1.len());
            assert_clean(&night.books());
            Ok(())
        })?;
    }
}
