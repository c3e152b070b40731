//! What a manifest means.

use std::time::Duration;

use millrun::manifest::{Code, Format};
use millrun::plan::content::StepKind;
use millrun::plan::family::{Family, OnProposal, Policy};
use millrun::plan::money::Cents;
use millrun::plan::settings::{BalanceCheck, Profile, Rate, Settings};

use super::{problems_of, read, yaml};

fn ids(family: &Family) -> Vec<&str> {
    family.parts.iter().map(|part| part.id.as_str()).collect()
}

/// The prompt that `text` is rendered to.
fn rendered(vars: &str, text: &str) -> Result<String, String> {
    let text = format!(
        "version: 1\nname: n\nvars: {vars}\nparts:\n- id: a\n  steps:\n  - create:\n      prompt: |-\n        x\n        {text}\n"
    );
    let (family, _) = read(&text, Format::Yaml)?;
    let prompt = family.steps[0]
        .content()
        .unwrap()
        .prompt()
        .unwrap()
        .as_str()
        .to_owned();
    Ok(prompt.trim_start_matches("x\n").to_owned())
}

#[test]
fn absent_settings_are_the_documented_ones() {
    let family =
        yaml("version: 1\nname: n\nparts: [{ id: a, steps: [{ create: { prompt: A plate. } }] }]");
    assert_eq!(family.settings, Settings::default());
    assert_eq!(family.salt.uid, "");
}

#[test]
fn settings_are_read() {
    let family = yaml(
        "version: 1\nname: n\nlimits: { cad_writes: 3/0.5s, active_jobs: 7, profile: window }\n\
         budget: { max_spend: 60.5 usd, keep_balance: 5 USD, on_short: stop }\n\
         retry: { attempts: 1, backoff: 500ms..1h }\njob_timeout: 1h30m\noutput: a/b\n\
         parts: [{ id: a, steps: [{ create: { prompt: A plate. } }] }]",
    );
    let settings = family.settings;
    let window = Duration::from_millis(500);
    assert_eq!(
        settings.limits.cad_writes,
        Rate {
            window,
            ..Rate::per(3, 1)
        }
    );
    assert_eq!(settings.limits.reviews, Rate::per(20, 60));
    assert_eq!(settings.limits.active_jobs.get(), 7);
    assert_eq!(settings.limits.profile, Profile::Window);
    assert_eq!(settings.budget.max_spend, Some(Cents(6_050)));
    assert_eq!(settings.budget.keep_balance, Some(Cents(500)));
    assert_eq!(settings.budget.balance, BalanceCheck::Checked);
    assert_eq!(settings.retry.backoff_min, window);
    assert_eq!(settings.job_timeout, Duration::from_secs(5_400));
    assert_eq!(settings.output, "a/b");
}

#[test]
fn a_matrix_is_the_product_less_excludes_with_includes() {
    let family = yaml(
        "version: 1\nname: n\nparts:\n- id: p-{{ w }}x{{ d }}\n  tags: [b, a, b]\n  matrix:\n    w: [60, 80, 120]\n    d: [40, 60]\n    \
         exclude: [{ w: 60, d: 60 }, { w: 120 }]\n    include: [{ d: 90, w: 200 }]\n  \
         steps:\n  - create: { prompt: 'A plate {{ w }} x {{ d }}' }\n",
    );
    assert_eq!(ids(&family), ["p-60x40", "p-80x40", "p-80x60", "p-200x90"]);
    assert_eq!(family.parts[0].tags, ["a", "b"]);
}

#[test]
fn a_step_whose_condition_is_false_does_not_exist() {
    let family = yaml(
        "version: 1\nname: n\nparts:\n- id: p-{{ w }}\n  matrix: { w: [60, 80] }\n  steps:\n  \
         - create: { prompt: 'A plate {{ w }}' }\n  \
         - iterate: { when: w >= 80, prompt: Thicker. }\n  \
         - review: { prompt: Look., on_proposal: fail }\n  \
         - download: { to: 'p/{{ part.id }}/' }\n",
    );
    let [first, second] = &family.parts[..] else {
        panic!("two parts")
    };
    assert_eq!(first.skipped[0].0.as_str(), "iterate");
    assert_eq!(first.skipped[0].1, StepKind::Iterate);
    assert_eq!((first.steps.clone(), second.steps.clone()), (0..3, 3..7));
    let review = &family.steps[5];
    assert_eq!(review.write.unwrap().0, 4);
    assert_eq!(review.policy, Policy::OnProposal(OnProposal::Fail));
    assert_eq!(family.steps[1].write.unwrap().0, 0);
    assert_eq!(
        family.steps[6].policy,
        Policy::PublishAs("p/p-80/p-80".to_owned())
    );
}

#[test]
fn needs_are_ids_and_globs_without_the_part_itself() {
    let part = |id, needs| {
        format!("- {{ id: {id}, needs: [{needs}], steps: [{{ create: {{ prompt: '{id}' }} }}] }}\n")
    };
    let text = format!(
        "version: 1\nname: n\nparts:\n{}{}{}",
        part("plate-1", ""),
        part("plate-2", "plate-1"),
        part("plate-all", "plate-*, plate-1")
    );
    let family = yaml(&text);
    let needs: Vec<Vec<u32>> = (family.parts.iter())
        .map(|part| part.needs.iter().map(|ix| ix.0).collect())
        .collect();
    assert_eq!(needs, [vec![], vec![0], vec![0, 1]]);
}

#[test]
fn templates_print_numbers_as_people_do() {
    let vars = "{ w: 60, h: 2.50, big: 9007199254740993, yes: true, no: no, zeros: 007, f: 1e3 }";
    let print = |text| rendered(vars, text).unwrap();
    assert_eq!(print("{{ w / 2 }} {{ w * h }} {{ h }}"), "30 150 2.5");
    assert_eq!(print("{{ big }} {{ f }}"), "9007199254740993 1000");
    assert_eq!(print("{{ yes }} {{ no }} {{ zeros }}"), "true no 007");
    assert_eq!(
        print("{{ vars.w }} {{ vars['h'] }} {{ part.id }}"),
        "60 2.5 a"
    );
    assert_eq!(
        print("{{ 'wide' if w > 50 else 'thin' }}{# gone #}"),
        "wide"
    );
    assert_eq!(print("{{ w / 60 | round(2) }}{{ 'mm' | upper }}"), "1MM");
    assert_eq!(print("{{ w ~ 'x' ~ zeros }}"), "60x007");
    for engine_s_way in [
        "w / 2 ~ 'x'",
        "yes ~ 'x'",
        "(w / 2) | upper",
        "'x' | replace('x', h)",
    ] {
        let problem = rendered(vars, &format!("{{{{ {engine_s_way} }}}}")).unwrap_err();
        assert!(
            problem.contains("only texts and whole numbers"),
            "{problem}"
        );
    }
    assert_eq!(print("{% raw %}{{ w }}{% endraw %}"), "{{ w }}");
}

#[test]
fn templates_have_bounded_effort() {
    let mut deep = "'x'".to_owned();
    for _ in 0..8 {
        deep = format!("({deep} * 999)");
    }
    let problem = rendered("{}", &format!("{{{{ {deep} | length }}}}")).unwrap_err();
    assert!(problem.contains("template-failed"), "{problem}");
}

#[test]
fn comparing_a_text_with_a_number_is_an_error_wherever_it_stands() {
    let check = |when: &str| {
        let step = format!(
            "  - create: {{ prompt: '{{{{ width }}}}{{{{ size }}}}' }}\n  - iterate: {{ prompt: x, when: {when:?} }}\n"
        );
        problems_of(&step)
    };
    for wrong in [
        "size >= 80",
        "80 <= size",
        "'9' == 9",
        "width != '80'",
        "width > 100 and size > 5",
        "10 < width < size",
        "(size | trim) < (width + 1)",
        "width in [60, '80']",
        "size not in [9]",
        "width in '80 90'",
        "not (size == 9)",
        "true == 1",
        "(1 if size < 3 else 2) == 1",
        "width > 80 and (size == 5)",
        "not (width < 10 or size in [9, 10])",
        "size in [['9'], 9]",
        "[width, size] == [80, 9]",
        "width in (60, '80')",
        "width in {'80': 1}",
        "(size | trim | upper) == 9",
        "(size | default(9)) > 8",
        "(size | length) == size",
        "[1 if size == 9 else 2] == [1]",
    ] {
        let problem = check(wrong);
        assert!(
            problem.contains("error[mixed-comparison]"),
            "{wrong}: {problem}"
        );
    }
    for right in [
        "size | int >= 8",
        "width in [60, 80.5, 80]",
        "size in 'a9'",
        "10 < width <= 80 and size == '9'",
        "true",
        "not (width == 60.0)",
        "[width, size] == [80, '9']",
        "width in {80: 1}",
        "(size | int) in [9] and (width > 60 or size == '9')",
    ] {
        assert_eq!(check(right), "", "{right}");
    }
}

#[test]
fn what_is_found_to_be_undefined_late_is_an_error_in_a_condition_too() {
    for wrong in [
        "vars['wi' ~ 'dht'] == vars['x' ~ 'y']",
        "part.id.x == part.id.y",
        "width in [vars['x' ~ 'y']]",
        "{'a': 1}['b'] != 1",
    ] {
        let step = format!(
            "  - create: {{ prompt: '{{{{ width }}}}{{{{ size }}}}' }}\n  - iterate: {{ prompt: x, when: {wrong:?} }}\n"
        );
        let problem = problems_of(&step);
        assert!(
            problem.contains("error[undefined-name]"),
            "{wrong}: {problem}"
        );
    }
}

#[test]
fn lints_say_what_is_perhaps_not_meant() {
    let text = "version: 1\nname: n\nvars: { a: 1, b: 2 }\nparts:\n- id: p\n  steps: [{ create: { prompt: '{{ vars.a }}' } }]\n\
                - id: q\n  steps: [{ create: { prompt: '{{ a }}' } }]\n";
    let (_, lints) = read(text, Format::Yaml).unwrap();
    let codes: Vec<Code> = lints.iter().map(|lint| lint.code).collect();
    assert_eq!(
        codes,
        [Code::NoUid, Code::NoBudget, Code::UnusedVar, Code::Twins]
    );
    assert!(!lints.has_errors());
}

#[test]
fn ten_thousand_parts_are_worked_out() {
    let axis = |name: &str| {
        let values: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        format!("    {name}: [{}]\n", values.join(", "))
    };
    let text = format!(
        "version: 1\nname: n\nparts:\n- id: p-{{{{ a }}}}-{{{{ b }}}}\n  matrix:\n{}{}  steps:\n  \
         - create: {{ prompt: 'A plate {{{{ a }}}} x {{{{ b }}}}' }}\n  \
         - iterate: {{ when: a > b, prompt: 'Thicker by {{{{ a / 2 }}}}.' }}\n  \
         - download: {{ to: 'p/{{{{ part.id }}}}' }}\n",
        axis("a"),
        axis("b")
    );
    let family = yaml(&text);
    assert_eq!(family.parts.len(), 10_000);
    assert_eq!(family.steps.len(), 24_950);
}
