//! Whole files, odd files, damaged files and no files at all.

use proptest::prelude::*;

use super::{Flaw, MAX_FINDINGS_PER_FLAW, Schema, examine, is_whole};

const HEADER: &str = "HEADER;
FILE_DESCRIPTION(('Orville CAD Model'),'2;1');
FILE_NAME('plate.step','2026-11-24T00:00:00',(''),(''),'','','');
FILE_SCHEMA(('AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }'));
ENDSEC;
";
const DATA: &str = "#1=CARTESIAN_POINT('it''s; #9',(0.,-1.5E-07,+2.));
/* (a comment; */ #2=CLOSED_SHELL('',(#1));
#3=MANIFOLD_SOLID_BREP('plate',#2);
#4=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));
";

fn file(header: &str, data: &str) -> String {
    format!("ISO-10303-21;\n{header}DATA;\n{data}ENDSEC;\nEND-ISO-10303-21;\n")
}

fn errors(text: &str) -> Vec<Flaw> {
    let examination = examine(text.as_bytes());
    examination
        .errors
        .as_slice()
        .iter()
        .map(|finding| finding.flaw)
        .collect()
}

/// The warnings of a file that has no error.
fn warnings(text: &str) -> Vec<Flaw> {
    let examination = examine(text.as_bytes());
    assert!(examination.errors.is_empty(), "{:?}", examination.errors);
    examination
        .warnings
        .as_slice()
        .iter()
        .map(|finding| finding.flaw)
        .collect()
}

#[test]
fn a_sound_file_has_no_finding() {
    let text = file(HEADER, DATA);
    let examination = examine(text.as_bytes());
    assert!(examination.errors.is_empty(), "{:?}", examination.errors);
    assert!(
        examination.warnings.is_empty(),
        "{:?}",
        examination.warnings
    );
    assert_eq!((examination.entities, examination.solids), (4, 1));
    assert_eq!(examination.schema, Schema::Ap214);
    assert!(is_whole(text.as_bytes()));
}

#[test]
fn quirks_of_real_exporters_are_warnings() {
    let nested = HEADER.replace("(('Orville CAD Model')", "((('Orville CAD Model'))");
    assert_eq!(warnings(&file(&nested, DATA)), [Flaw::OddHeader]);

    let broken = HEADER.replace("FILE_NAME(", "FILE_NAME ('x'), (");
    assert_eq!(warnings(&file(&broken, DATA)), [Flaw::OddHeader]);

    let empty_list = format!("{DATA}#5=PRODUCT('..','NONE',$,());\n");
    assert_eq!(warnings(&file(HEADER, &empty_list)), []);

    let integers = DATA.replace("0.,", "0,");
    assert_eq!(warnings(&file(HEADER, &integers)), [Flaw::IntegerForReal]);

    let reals = DATA.replace("(0.,-1.5E-07,", "(.5,-1e-7,");
    assert_eq!(
        warnings(&file(HEADER, &reals)),
        [Flaw::OddReal, Flaw::OddReal]
    );

    let unterminated = DATA.replace("(#1));", "(#1))");
    assert_eq!(
        warnings(&file(HEADER, &unterminated)),
        [Flaw::MissingSemicolon]
    );
    let last = DATA.replace(".METRE.));", ".METRE.))");
    assert_eq!(warnings(&file(HEADER, &last)), [Flaw::MissingSemicolon]);

    let duplicate = format!("{DATA}#1=DIRECTION('',(1.,0.,0.));\n");
    assert_eq!(warnings(&file(HEADER, &duplicate)), [Flaw::DuplicateId(1)]);

    let dangling = DATA.replace("#2);", "#7);");
    assert_eq!(
        warnings(&file(HEADER, &dangling)),
        [Flaw::DanglingReference(7)]
    );

    let accented = DATA.replace("plate", "pl\u{e4}te");
    assert_eq!(warnings(&file(HEADER, &accented)), [Flaw::NotPrintable]);

    assert_eq!(warnings(&file(HEADER, "")), [Flaw::NoSolid]);

    let trailing = file(HEADER, DATA) + "\0\0";
    assert_eq!(warnings(&trailing), [Flaw::TrailingBytes]);
    assert!(is_whole(trailing.as_bytes()));

    let open_end = file(HEADER, DATA)
        .trim_end()
        .trim_end_matches(';')
        .to_owned();
    assert_eq!(warnings(&open_end), [Flaw::MissingSemicolon]);
    assert!(is_whole(open_end.as_bytes()));
}

#[test]
fn sections_of_the_third_edition_are_passed_over() {
    let anchors = "ANCHOR;\n<plate>=#3;\nENDSEC;\nREFERENCE;\n#9=<other.stp#4>;\nENDSEC;\n";
    let text = file(&format!("{HEADER}{anchors}"), DATA).replace("DATA;", "DATA('x',('AP242'));");
    assert_eq!(warnings(&text), []);
}

#[test]
fn what_is_missing_is_an_error() {
    let text = file(HEADER, DATA);
    assert_eq!(errors(""), [Flaw::NoMagic]);
    assert_eq!(errors("<html>502 Bad Gateway</html>"), [Flaw::NoMagic]);
    assert_eq!(errors("\u{1f}\u{8b}\u{8}"), [Flaw::NoMagic]);
    assert_eq!(
        errors("ISO-10303-21;"),
        [Flaw::NoHeader, Flaw::NoData, Flaw::NoEnd]
    );
    assert_eq!(errors(&file("", DATA)), [Flaw::NoHeader]);
    assert_eq!(
        errors(&text.replace("DATA;", "")),
        [Flaw::UnexpectedToken, Flaw::NoData]
    );
    assert_eq!(
        errors(&text.replace("END-ISO-10303-21;", "")),
        [Flaw::NoEnd]
    );
}

#[test]
fn damage_is_an_error_at_its_place() {
    for (good, bad, flaw) in [
        ("(#1));", "(#1);", Flaw::UnclosedList),
        ("(#1));", "(#1)", Flaw::UnclosedList),
        ("(#1));", "(#1)));", Flaw::UnexpectedToken),
        ("#3=", "#3", Flaw::UnexpectedToken),
        ("+2.", "nan", Flaw::UnexpectedToken),
        ("+2.", "?", Flaw::BadToken),
        ("'plate'", "plate", Flaw::UnexpectedToken),
        ("*/", "", Flaw::BadToken),
        ("#2)", "#)", Flaw::BadToken),
        (".METRE.", ".ME TRE.", Flaw::BadToken),
    ] {
        let found = errors(&file(HEADER, &DATA.replacen(good, bad, 1)));
        assert_eq!(found.first(), Some(&flaw), "{bad}");
    }

    let text = file(HEADER, &DATA.replace("+2.", "\u{1}\u{2}"));
    let examination = examine(text.as_bytes());
    let [finding] = examination.errors.as_slice() else {
        panic!("expected one error, got {:?}", examination.errors);
    };
    assert_eq!(Some(finding.offset), text.find('\u{1}'));
    assert_eq!(
        finding.to_string(),
        format!("not a token at byte {}", finding.offset)
    );
    assert_eq!(examination.entities, 4);
}

#[test]
fn every_truncation_is_an_error_and_is_not_whole() {
    let text = file(HEADER, DATA);
    let end = text.rfind("END-ISO-10303-21").unwrap() + "END-ISO-10303-21".len();
    for length in 0..end {
        let part = &text.as_bytes()[..length];
        assert!(!examine(part).errors.is_empty(), "{length}");
        assert!(!is_whole(part), "{length}");
    }
}

#[test]
fn a_file_is_whole_between_its_two_marks() {
    assert!(is_whole(
        b"\xef\xbb\xbf \r\nISO-10303-21 ;x END-ISO-10303-21;\r\n\n"
    ));
    assert!(!is_whole(b"ISO-10303-21;"));
    assert!(!is_whole(b"x ISO-10303-21; END-ISO-10303-21;"));
    assert!(is_whole(b"ISO-10303-21; END-ISO-10303-21; x"));
    assert!(!is_whole(
        b"ISO-10303-21; 'END-ISO-10303-21;' /* END-ISO-10303-21; */"
    ));
    assert!(is_whole(b"ISO-10303-21; 'never closed; END-ISO-10303-21;"));
}

#[test]
fn a_solid_of_several_kinds_counts_once() {
    let data = format!(
        "{DATA}#5=(BREP_WITH_VOIDS(())FACETED_BREP()MANIFOLD_SOLID_BREP(#2)SOLID_MODEL());\n"
    );
    assert_eq!(examine(file(HEADER, &data).as_bytes()).solids, 2);
}

#[test]
fn findings_are_capped_by_kind_and_counted() {
    let data: String = (10..110)
        .map(|id| format!("#{id}=A(#{});\n", id + 1_000))
        .collect();
    let examination = examine(file(HEADER, &data).as_bytes());
    assert_eq!(examination.warnings.total(), 101);
    let kept = examination.warnings.as_slice();
    assert_eq!(kept.len(), MAX_FINDINGS_PER_FLAW + 1);
    assert_eq!(kept.last().unwrap().flaw, Flaw::NoSolid);
}

#[test]
fn a_million_open_lists_are_only_an_error() {
    let data = format!("#1=A{};\n", "(".repeat(1_000_000));
    assert_eq!(errors(&file(HEADER, &data)), [Flaw::UnclosedList]);
}

/// Examines bytes of any kind; whatever is found lies within them.
fn assert_examinable(bytes: &[u8]) {
    let examination = examine(bytes);
    for findings in [&examination.errors, &examination.warnings] {
        assert!(findings.as_slice().len() <= findings.total());
        for finding in findings.as_slice() {
            assert!(finding.offset <= bytes.len(), "{finding}");
        }
    }
    assert!(examination.solids <= examination.entities);
    // What is only unusual is whole; what is whole has an end, be it in an unclosed text.
    assert!(is_whole(bytes) || !examination.errors.is_empty());
    let is_ended = bytes.windows(16).any(|end| end == b"END-ISO-10303-21");
    assert!(!is_whole(bytes) || is_ended);
}

proptest! {
    #[test]
    fn any_bytes_can_be_examined(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        assert_examinable(&bytes);
        assert_examinable(&[b"ISO-10303-21;HEADER;ENDSEC;DATA;".as_slice(), &bytes].concat());
    }

    #[test]
    fn any_tokens_can_be_examined(
        tokens in proptest::collection::vec(
            proptest::sample::select(vec![
                "#1", "#2", "=", "(", ")", ",", ";", "A", "'x'", "'", "1", "1.", ".T.", "$", "/*", "*/",
                "HEADER", "DATA", "ENDSEC", "ANCHOR", "FILE_SCHEMA", "END-ISO-10303-21", "\n",
            ]),
            0..60,
        )
    ) {
        assert_examinable(format!("ISO-10303-21;{}", tokens.concat()).as_bytes());
    }

    #[test]
    fn a_sound_file_with_any_byte_changed_can_be_examined(
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = file(HEADER, DATA).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        assert_examinable(&bytes);
    }
}
