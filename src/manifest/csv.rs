//! Records of comma-separated values (RFC 4180), with the place of each cell.
//!
//! Readers of CSV are lenient: they take a quote in the middle of a cell, and read to the end of the file for one that is
//! missing. Here both are errors, since a row that was read wrongly is a part that is paid for.

use std::borrow::Cow;
use std::ops::Range;

/// One cell: its text without quotes, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) range: Range<usize>,
}

/// Why a text is no CSV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) range: Range<usize>,
    pub(super) message: &'static str,
    pub(super) help: &'static str,
}

/// The records of a text, one after the other. After an error there are none.
pub(super) struct Records<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Records<'t> {
    /// Those of `text`, without its byte order mark.
    pub(super) fn new(text: &'t str) -> Self {
        let at = text.len() - text.trim_start_matches('\u{feff}').len();
        Self { text, at }
    }

    fn record(&mut self) -> Result<Vec<Cell<'t>>, Malformed> {
        let mut cells = Vec::new();
        loop {
            let cell = self.cell()?;
            cells.push(cell);
            let rest = &self.text[self.at..];
            if rest.starts_with(',') {
                self.at += 1;
                continue;
            }
            self.at += match rest {
                _ if rest.starts_with("\r\n") => 2,
                "" => 0,
                _ => 1,
            };
            return Ok(cells);
        }
    }

    /// The cell that starts here. It ends before a comma, a line end, or at the end of the text.
    fn cell(&mut self) -> Result<Cell<'t>, Malformed> {
        let start = self.at;
        let rest = &self.text[start..];
        if let Some(quoted) = rest.strip_prefix('"') {
            return self.quoted(start, quoted);
        }
        let end = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
        if let Some(quote) = rest[..end].find('"') {
            return Err(Malformed {
                range: start + quote..start + quote + 1,
                message: "a quote in a cell that is not quoted",
                help: "put the whole cell in quotes, and write the quote in it twice: `\"3\"\" pipe\"`",
            });
        }
        self.at = start + end;
        Ok(Cell {
            text: Cow::Borrowed(&rest[..end]),
            range: start..self.at,
        })
    }

    fn quoted(&mut self, start: usize, quoted: &'t str) -> Result<Cell<'t>, Malformed> {
        let mut end = 0;
        let mut has_quotes = false;
        loop {
            let Some(quote) = quoted[end..].find('"') else {
                return Err(Malformed {
                    range: start..start + 1,
                    message: "this quote is never closed",
                    help: "close it, or remove it",
                });
            };
            end += quote;
            if !quoted[end + 1..].starts_with('"') {
                break;
            }
            has_quotes = true;
            end += 2;
        }
        self.at = start + 1 + end + 1;
        let rest = &self.text[self.at..];
        if !(rest.is_empty() || rest.starts_with([',', '\n', '\r'])) {
            let next = rest.chars().next().map_or(1, char::len_utf8);
            return Err(Malformed {
                range: self.at..self.at + next,
                message: "text behind a closing quote",
                help: "a quote in a quoted cell is written twice: `\"3\"\" pipe\"`",
            });
        }
        let text = &quoted[..end];
        Ok(Cell {
            text: if has_quotes {
                Cow::Owned(text.replace("\"\"", "\""))
            } else {
                Cow::Borrowed(text)
            },
            range: start..self.at,
        })
    }
}

impl<'t> Iterator for Records<'t> {
    type Item = Result<Vec<Cell<'t>>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.text.len() {
            return None;
        }
        let record = self.record();
        if record.is_err() {
            self.at = self.text.len();
        }
        Some(record)
    }
}

/// The address of a cell as spreadsheets have it; both indices count from zero.
pub(super) fn address(column: usize, row: usize) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    let letters: String = letters.into_iter().rev().collect();
    format!("{letters}{}", row + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Result<Vec<Vec<String>>, Malformed> {
        Records::new(text)
            .map(|record| {
                let cells = record?.into_iter();
                Ok(cells.map(|cell| cell.text.into_owned()).collect())
            })
            .collect()
    }

    #[test]
    fn cells_are_quoted_as_the_rfc_says() {
        let read = texts("\u{feff}a,\"b,\"\"c\"\"\"\r\n007,\"x\ny\"\n,\n").unwrap();
        assert_eq!(read, [["a", "b,\"c\""], ["007", "x\ny"], ["", ""]]);
        assert_eq!(texts("a\n\nb").unwrap(), [["a"], [""], ["b"]]);
        assert_eq!(texts("").unwrap(), Vec::<Vec<String>>::new());
        for (bad, at) in [("a,\"b\n", 2), ("a\"b", 1), ("\"a\"b,c", 3), ("a,b\n\"", 4)] {
            assert_eq!(texts(bad).unwrap_err().range.start, at, "{bad:?}");
        }
    }

    #[test]
    fn addresses_are_those_of_spreadsheets() {
        assert_eq!(address(0, 0), "A1");
        assert_eq!(address(1, 6), "B7");
        assert_eq!(address(25, 1), "Z2");
        assert_eq!(address(26, 1), "AA2");
        assert_eq!(address(701, 0), "ZZ1");
        assert_eq!(address(702, 0), "AAA1");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_another_program_writes_is_read_as_it_was(
            rows in (1usize..4).prop_flat_map(|n| prop::collection::vec(prop::collection::vec("[a-z\",\r\n é]{1,6}", n), 1..5))
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(texts(&text).unwrap(), rows);
            for record in Records::new(&text) {
                for cell in record.unwrap() {
                    let raw = &text[cell.range];
                    prop_assert!(raw == cell.text || raw.trim_matches('"').replace("\"\"", "\"") == cell.text.trim_matches('"'));
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a,\"\r\né]{0,12}") {
            let _ = texts(&text);
        }
    }
}
