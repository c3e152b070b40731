use proptest::prelude::*;

use super::*;

/// `a` and `b` are plates, `frame` needs both, `bracket` needs `frame`; `old` stands alone.
fn selected(select: &[&str], exclude: &[&str]) -> Result<String, String> {
    let (plates, big, none) = (
        ["plates".to_owned()],
        ["big".to_owned(), "plates".to_owned()],
        [],
    );
    let (both, frame) = ([PartIx(0), PartIx(1)], [PartIx(2)]);
    let part = |id, tags, needs| Candidate { id, tags, needs };
    let parts = [
        part("a", plates.as_slice(), [].as_slice()),
        part("b", &big, &[]),
        part("frame", &none, &both),
        part("bracket", &none, &frame),
        part("old", &none, &[]),
    ];
    let ids = |ids: &[&str]| ids.iter().map(|id| PartId::new(*id).unwrap()).collect();
    let states = States {
        failed: ids(&["b", "frame"]),
        changed: ids(&["old"]),
        new: ids(&[]),
    };
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let wish = Wish {
        select: owned(select),
        exclude: owned(exclude),
    };
    let marks = wish
        .among(&parts, &states)
        .map_err(|error| error.to_string())?;
    let hits = parts
        .iter()
        .zip(marks)
        .filter(|(_, is)| *is)
        .map(|(part, _)| part.id);
    Ok(hits.collect::<Vec<_>>().join(" "))
}

fn ok(select: &[&str], exclude: &[&str]) -> String {
    selected(select, exclude).unwrap()
}

fn error(select: &str) -> String {
    selected(&[select], &[]).unwrap_err()
}

#[test]
fn a_blank_unites_and_a_comma_intersects() {
    assert_eq!(ok(&["a old"], &[]), "a old");
    assert_eq!(ok(&["a", "old"], &[]), "a old");
    assert_eq!(ok(&["tag:plates,state:failed"], &[]), "b");
    assert_eq!(ok(&["tag:plates,tag:big old"], &[]), "b old");
    assert_eq!(ok(&["a,b"], &[]), "");
}

#[test]
fn globs_name_several_parts() {
    assert_eq!(ok(&["{a,b}"], &[]), "a b");
    assert_eq!(ok(&["{a,b},state:failed"], &[]), "b");
    assert_eq!(ok(&["?"], &[]), "a b");
    assert_eq!(ok(&["tag:p*"], &[]), "a b");
}

#[test]
fn a_plus_takes_in_what_is_needed_and_what_needs_it() {
    assert_eq!(ok(&["+frame"], &[]), "a b frame");
    assert_eq!(ok(&["frame+"], &[]), "frame bracket");
    assert_eq!(ok(&["+frame+"], &[]), "a b frame bracket");
    // The neighbours of what is needed are not needed.
    assert_eq!(ok(&["a+"], &[]), "a frame bracket");
    assert_eq!(ok(&["+tag:big+"], &[]), "b frame bracket");
    assert_eq!(ok(&["+state:changed"], &[]), "old");
}

#[test]
fn what_is_excluded_is_left_out_of_everything_or_of_what_is_selected() {
    assert_eq!(ok(&[], &["frame+"]), "a b old");
    assert_eq!(ok(&["+frame"], &["a", "state:changed"]), "b frame");
    assert_eq!(ok(&[], &[]), "a b frame bracket old");
}

#[test]
fn a_state_in_which_nothing_is_selects_nothing() {
    assert_eq!(ok(&["state:new"], &[]), "");
}

#[test]
fn slips_of_the_hand_are_told() {
    assert_eq!(
        error("fram"),
        "there is no part `fram`; did you mean `frame`?"
    );
    assert_eq!(
        error("plates"),
        "there is no part `plates`; there is a tag of this name: `tag:plates`"
    );
    assert_eq!(
        error("tag:plate"),
        "no part has the tag `plate`; did you mean `plates`?"
    );
    assert_eq!(error("x-*"), "no part's id matches `x-*`");
    assert_eq!(
        error("state:fialed"),
        "`state:fialed` in `state:fialed`: there is no state `fialed`; did you mean `failed`?"
    );
    assert_eq!(
        error("tags:plates"),
        "`tags:plates` in `tags:plates`: there is no `tags:`; did you mean `tag`?"
    );
    for (text, why) in [
        ("", "names at least one part"),
        ("a,,b", "a comma stands between"),
        ("a, b", "a comma stands between"),
        ("+", "`+` stands before or after a name"),
        ("a+b", "`+` stands only before and after"),
        ("2+frame", "`+` stands only before and after"),
        ("tag:", "a tag stands after"),
        ("[", "is no pattern"),
    ] {
        assert!(error(text).contains(why), "{text}: {}", error(text));
    }
    assert!(
        selected(&[], &["fram"]).is_err(),
        "an unknown part is not left out in silence"
    );
}

proptest! {
    #[test]
    fn any_text_is_understood_or_refused(text in "[ab+,: {}*tagse\\[\\]]{0,20}") {
        let _ = selected(&[&text], &[]);
    }

    #[test]
    fn what_is_excluded_is_never_selected(select in "[ab*?+]{1,3}", exclude in "(a|b|frame|old)\\+?") {
        if let (Ok(both), Ok(out)) = (selected(&[&select], &[&exclude]), selected(&[&exclude], &[])) {
            let out: Vec<&str> = out.split(' ').collect();
            prop_assert!(both.split(' ').filter(|id| !id.is_empty()).all(|id| !out.contains(&id)));
        }
    }
}
