//! What holds for every text.

use std::path::{Component, Path};

use proptest::prelude::*;

use super::{Untrusted, terminal};

/// Any text, and more often than chance would have it what is dangerous.
fn hostile() -> impl Strategy<Value = String> {
    let dangerous = prop::sample::select(vec![
        "\u{1b}]52;c;cm0=\u{7}",
        "\u{1b}[2J",
        "\u{9b}31m",
        "\u{90}",
        "\r",
        "\n",
        "\t",
        "\0",
        "\u{7f}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "\u{ad}",
        "\u{e0041}",
        "=",
        "+1",
        "-",
        "@",
        "\"",
        "'",
        ",",
        ";",
        "..",
        "/",
        "\\",
        ":",
        ".step",
        ".STP",
        ".html",
        "con",
        "NUL",
        " ",
        "<b>",
        "&amp;",
        "</script>",
        "%2e",
        "\u{ff1d}",
    ]);
    let piece = prop_oneof![
        dangerous.prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z0-9]{1,40}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn is_bare(c: char) -> bool {
    let bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let unseen = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    (c < ' ' && c != '\n') || matches!(c, '\u{7f}'..='\u{9f}') || bidi || unseen
}

/// The fields of one CSV record (RFC 4180), read without any of the code under test.
fn fields(record: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = record.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    assert!(!quoted, "an open quote in {record}");
    fields.push(field);
    fields
}

proptest! {
    #[test]
    fn no_terminal_is_told_anything(text in hostile(), columns in 1..50_usize) {
        let text = Untrusted::from(text);
        prop_assert!(!text.for_terminal().contains(is_bare));
        let line = text.for_terminal_line();
        prop_assert!(!line.contains(is_bare) && !line.contains('\n'));
        prop_assert!(!text.for_terminal_columns(columns).contains(is_bare));
        let debugged = format!("{text:?}");
        prop_assert!(!debugged.contains(is_bare));
        prop_assert_eq!(terminal::lines(&text.for_terminal()), text.for_terminal());
    }

    #[test]
    fn no_field_is_a_formula_or_two_fields(text in hostile()) {
        let field = Untrusted::from(text.as_str()).for_csv();
        let record = format!("\"before\",{field},\"after\"");
        let read = fields(&record);
        prop_assert_eq!(read.len(), 3);
        prop_assert!(!read[1].contains(is_bare));
        let first = read[1].trim_start().chars().next();
        prop_assert!(!first.is_some_and(|c| "=+-@".contains(c)));
        let data = read[1].strip_prefix('\'').unwrap_or(&read[1]);
        let shown = terminal::lines(&text);
        prop_assert!(data == shown || read[1] == shown, "nothing else is lost");
    }

    #[test]
    fn no_page_has_a_tag_of_it(text in hostile()) {
        let safe = Untrusted::from(text.as_str()).for_html();
        prop_assert!(!safe.contains(['<', '>', '"', '\'', '`']) && !safe.contains(is_bare));
        let read = safe.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        let read = read.replace("&#39;", "'").replace("&#96;", "`").replace("&amp;", "&");
        prop_assert_eq!(read, terminal::lines(&text));
    }

    #[test]
    fn no_name_leaves_its_folder(text in hostile()) {
        let name = Untrusted::from(text).for_file_name();
        let components: Vec<Component<'_>> = Path::new(&name).components().collect();
        prop_assert!(matches!(components[..], [Component::Normal(only)] if only == name.as_str()));
        prop_assert!((1..=101).contains(&name.len()));
        prop_assert!(!name.starts_with(['.', '-']) && !name.ends_with(['.', ' ']));
        prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)));
        prop_assert!(!name.contains('.') || name.ends_with(".step") || name.ends_with(".stp"));
    }
}
