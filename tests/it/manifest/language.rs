//! Tables, included files, defaults, the environment, and YAML's own means.

use std::collections::BTreeMap;

use millrun::manifest::{self, Code, FileProblem, Format, Sources, Surroundings};
use millrun::plan::content::{Content, OnFail, Prompt, Selection};
use millrun::plan::family::{Family, OnProposal, Policy};
use millrun::plan::resolve::understand;

use super::{PaperImages, keys, read, show, yaml};

/// Files and an environment on paper.
#[derive(Default)]
struct Paper {
    files: BTreeMap<&'static str, &'static str>,
}

impl Surroundings for Paper {
    fn file(&mut self, path: &str) -> Result<String, FileProblem> {
        let text = self.files.get(path).ok_or(FileProblem::Missing)?;
        Ok((*text).to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "LOT").then(|| "007".to_owned())
    }
}

fn beside<const N: usize>(
    files: [(&'static str, &'static str); N],
    text: &str,
) -> (Family, Vec<Code>) {
    let mut sources = Sources::default();
    let source = sources.add("parts.yaml", text);
    let mut paper = Paper {
        files: files.into(),
    };
    let read = manifest::parse_in(&mut sources, source, Format::Yaml, &mut paper);
    match understand(read, &sources, &mut PaperImages) {
        Ok((family, lints)) => (family, lints.iter().map(|lint| lint.code).collect()),
        Err(problems) => panic!("{}", show(&problems, &sources)),
    }
}

fn prompts(family: &Family) -> Vec<&str> {
    let prompts = family
        .steps
        .iter()
        .filter_map(|step| step.content()?.prompt());
    prompts.map(Prompt::as_str).collect()
}

fn ids(family: &Family) -> Vec<&str> {
    family.parts.iter().map(|part| part.id.as_str()).collect()
}

const TABLE: &str = "version: 1\nname: n\nparts:\n- id: p-{{ part_number }}\n  table: tables/sizes.csv\n  steps:\n  \
    - create: { prompt: \"{{ note }}, {{ width }} mm, {{ count + 1 }} holes\" }\n  \
    - iterate: { when: coated and width >= 12.5, prompt: Coat it. }\n";

#[test]
fn a_table_makes_one_part_a_row() {
    let table = "\u{feff}part_number,width:number,count:int,coated:bool,note\r\n\
                 007,12.50,2,true,\"flat, \"\"thin\"\"\"\r\n0010,8.0,04,false,\"two\nlines\"\r\n";
    let (family, _) = beside([("tables/sizes.csv", table)], TABLE);
    assert_eq!(ids(&family), ["p-007", "p-0010"]);
    assert_eq!(
        prompts(&family),
        [
            "flat, \"thin\", 12.5 mm, 3 holes",
            "Coat it.",
            "two\nlines, 8 mm, 5 holes"
        ]
    );
}

#[test]
fn a_new_row_changes_no_other_part_and_a_matrix_of_the_same_values_is_the_same() {
    let header = "part_number,width:number,count:int,coated:bool,note\n";
    let row = "007,60,2,false,flat\n";
    let one: &'static str = Box::leak(format!("{header}{row}").into_boxed_str());
    let two: &'static str =
        Box::leak(format!("{header}008,80,3,true,thick\n{row}").into_boxed_str());
    let before = keys(&beside([("tables/sizes.csv", one)], TABLE).0);
    let after = keys(&beside([("tables/sizes.csv", two)], TABLE).0);
    assert!(before.iter().all(|key| after.contains(key)));
    let matrix = TABLE.replace(
        "table: tables/sizes.csv",
        "matrix: { part_number: [007], width: [60.0], count: [2], coated: [false], note: [flat] }",
    );
    assert_eq!(keys(&yaml(&matrix)), before);
}

#[test]
fn what_is_included_lies_below_what_the_manifest_says() {
    let text = "version: 1\nname: n\nuid: u\ninclude: [a.yaml, shared/b.toml]\nvars: { x: 1 }\nbudget: { max_spend: 5 usd }\n\
                parts: [{ id: a, steps: [{ create: { prompt: \"{{ x }} {{ y }} {{ z }} {{ w }} {{ env.LOT }}\" } }] }]\n";
    let files = [
        (
            "a.yaml",
            "version: 1\nvars: { x: a, y: a, z: a }\nbudget: { max_spend: 9 usd, keep_balance: 2 usd }\noutput: from-a\nenv: [LOT]\nlints: { allow: [twins] }\n",
        ),
        (
            "shared/b.toml",
            "include = [\"deep/c.yaml\", \"../top.yaml\"]\nvars.y = \"b\"\njob_timeout = \"1h\"\nlints.allow = [\"no-uid\"]\n",
        ),
        (
            "shared/deep/c.yaml",
            "vars: { z: c, y: c }\noutput: from-c\n",
        ),
        ("top.yaml", "vars: { w: top }\n"),
    ];
    let (family, lints) = beside(files, text);
    assert_eq!(prompts(&family), ["1 b c top 007"]);
    let settings = &family.settings;
    assert_eq!(settings.budget.max_spend.unwrap().0, 500);
    assert_eq!(settings.budget.keep_balance.unwrap().0, 200);
    assert_eq!(settings.output, "from-c");
    assert_eq!(settings.job_timeout.as_secs(), 3_600);
    assert_eq!(lints, [], "what is included may serve others");
}

#[test]
fn defaults_are_what_a_step_does_not_say() {
    let text = "version: 1\nname: n\nvars: { x: 7 }\ndefaults:\n  review: { prompt: \"Look at {{ x }}.\", on_proposal: fail }\n  \
                check: { files: 2, on_fail: warn }\n  download: { to: \"d/{{ part.id }}\", artifacts: root }\n  iterate: { when: x > 9 }\n\
                parts:\n- id: a\n  steps:\n  - create: { prompt: A plate. }\n  - iterate: { prompt: Thicker. }\n  - review: {}\n  \
                - review: { prompt: Again., on_proposal: ignore }\n    id: again\n  - check: { files: 3 }\n  - download: { artifacts: all }\n";
    let family = yaml(text);
    assert_eq!(prompts(&family), ["A plate.", "Look at 7.", "Again."]);
    assert_eq!(family.parts[0].skipped.len(), 1);
    assert_eq!(family.steps[1].policy, Policy::OnProposal(OnProposal::Fail));
    assert_eq!(
        family.steps[2].policy,
        Policy::OnProposal(OnProposal::Ignore)
    );
    let Content::Check { expected } = family.steps[3].content().unwrap() else {
        panic!("{:?}", family.steps[3])
    };
    assert_eq!(
        (expected.files.unwrap().get(), expected.on_fail),
        (3, OnFail::Warn)
    );
    let artifacts = Selection::All;
    assert_eq!(
        family.steps[4].content(),
        Some(&Content::Download {
            artifacts,
            transcript: false
        })
    );
    assert_eq!(
        family.steps[4].policy,
        Policy::PublishAs("d/a/a".to_owned())
    );
}

#[test]
fn aliases_and_merges_are_what_they_repeat() {
    let text = "version: 1\nname: n\nvars: { a: &word plate }\nparts:\n- &first\n  id: x\n  tags: [t]\n  steps: &steps [{ create: { prompt: A plate. } }]\n\
                - <<: *first\n  id: y\n- id: z\n  tags: [*word]\n  steps: *steps\n";
    let family = yaml(text);
    assert_eq!(ids(&family), ["x", "y", "z"]);
    let tags: Vec<&str> = family
        .parts
        .iter()
        .map(|part| part.tags[0].as_str())
        .collect();
    assert_eq!(tags, ["t", "t", "plate"]);
    assert_eq!(family.steps[0].key(), family.steps[1].key());
}

#[test]
fn a_mistake_behind_an_alias_is_told_once_with_both_places() {
    let text = "version: 1\nname: n\nuid: u\nbudget: {}\nparts:\n- id: x\n  steps: &steps [{ create: { prompt: \"{{ y }}\" } }]\n- id: z\n  steps: *steps\n";
    let problems = read(
        &text.replace(
            "- id: x\n  steps: &steps",
            "- id: x\n  steps: &other [{ create: { prompt: x } }]\n- id: w\n  tags: [&steps",
        ),
        Format::Yaml,
    );
    assert!(problems.is_err());
    let problems = read(text, Format::Yaml).unwrap_err();
    assert_eq!(problems.matches("undefined-name").count(), 1, "{problems}");
}

#[test]
fn bombs_and_abysses_are_refused_before_they_cost_anything() {
    let bomb = |item: &str, levels: usize| {
        let line = |n: usize| {
            format!(
                "l{n}: &l{n} [{}]\n",
                vec![format!("*l{}", n - 1); 9].join(", ")
            )
        };
        let lines: String = (1..levels).map(line).collect();
        format!("l0: &l0 {item}\n{lines}")
    };
    let wide = format!(
        "a: &a [{}]\nb: [{}]\n",
        "x, ".repeat(60_000),
        "*a, ".repeat(20_000)
    );
    let merges = format!(
        "a: &a {{{}}}\nb:\n{}",
        "k: v, ",
        "- { <<: *a }\n".repeat(200_000)
    );
    for text in [
        bomb("x", 9),
        bomb("{ a: b }", 9),
        wide,
        merges,
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(100_000),
        format!("a: {}", "!!x ".repeat(10)),
        "a: &a [*a]\n".to_owned(),
        "a: &a { <<: *a }\n".to_owned(),
        "? [a, b]\n: c\n".to_owned(),
    ] {
        let start = &text[..text.len().min(60)];
        let problems = read(&text, Format::Yaml).unwrap_err();
        assert!(problems.contains("error["), "{start}: {problems}");
    }
}

#[test]
fn as_much_as_the_contract_allows_is_read() {
    let steps = "    steps: *steps\n";
    let parts: String = (0..10_000)
        .map(|n| {
            format!(
                "  - id: part-{n}\n    steps: [{{ create: {{ prompt: A plate {n} mm wide. }} }}]\n"
            )
        })
        .collect();
    let family = yaml(&format!("version: 1\nname: n\nparts:\n{parts}"));
    assert_eq!(family.parts.len(), 10_000);
    let aliased: String = (1..5_000)
        .map(|n| format!("  - id: part-{n}\n{steps}"))
        .collect();
    let first = "  - id: part-0\n    steps: &steps [{ create: { prompt: A plate. } }]\n";
    let family = yaml(&format!("version: 1\nname: n\nparts:\n{first}{aliased}"));
    assert_eq!(family.parts.len(), 5_000);
    // Every level of what is deepest is a list.
    let deep = format!(
        "version: 1\nname: n\nvars: {{ a: {}{} }}\n",
        "[".repeat(60),
        "]".repeat(60)
    );
    let problems = read(&deep, Format::Yaml).unwrap_err();
    assert!(problems.contains("wrong-type"), "{problems}");
}

#[test]
fn lints_are_silenced_by_name() {
    let text = "version: 1\nname: n\nlints: { allow: [no-uid, no-budget, unused-var, twins] }\nvars: { a: 1 }\nparts:\n\
                - { id: p, steps: [{ create: { prompt: A plate. } }] }\n- { id: q, steps: [{ create: { prompt: A plate. } }] }\n";
    let (_, lints) = read(text, Format::Yaml).unwrap();
    assert_eq!(lints.iter().count(), 0);
}
