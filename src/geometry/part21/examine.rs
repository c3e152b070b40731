//! The examination: sections and records, read token by token.

use std::collections::{HashMap, HashSet};
use std::mem;

use super::finding::{Findings, Flaw};
use super::schema::Schema;
use super::token::{Token, Tokens};

const MAGIC: &[u8] = b"ISO-10303-21";
const END: &[u8] = b"END-ISO-10303-21";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Records that are, or are also, a solid.
const SOLIDS: [&[u8]; 4] = [
    b"MANIFOLD_SOLID_BREP",
    b"BREP_WITH_VOIDS",
    b"FACETED_BREP",
    b"FACETED_BREP_AND_BREP_WITH_VOIDS",
];

/// Records whose numbers are all reals.
const REALS_ONLY: [&[u8]; 5] = [
    b"CARTESIAN_POINT",
    b"DIRECTION",
    b"VECTOR",
    b"CIRCLE",
    b"CYLINDRICAL_SURFACE",
];

/// What a file is, as far as its text tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examination {
    /// What is missing or damaged.
    pub errors: Findings,
    /// What is unusual.
    pub warnings: Findings,
    /// The number of records in the data sections.
    pub entities: usize,
    /// The number of those that are solids: `MANIFOLD_SOLID_BREP` and its kinds, not their placements.
    pub solids: usize,
    /// The application protocol that the header names.
    pub schema: Schema,
}

/// Examines a file. It takes any bytes, never panics, and takes time linear in their number.
#[must_use]
pub fn examine(bytes: &[u8]) -> Examination {
    let Some(start) = after_magic(bytes) else {
        let mut examination = Examination::default();
        examination.errors.add(0, Flaw::NoMagic);
        return examination;
    };
    let mut reader = Reader::default();
    if bytes.starts_with(BYTE_ORDER_MARK) {
        reader.found.warnings.add(0, Flaw::NotPrintable);
    }
    let mut tokens = Tokens::new(bytes, start);
    for (offset, token) in tokens.by_ref() {
        reader.read(offset, token);
        if reader.place == Place::End {
            break;
        }
    }
    if reader.place == Place::End {
        reader.ending(bytes.len(), tokens);
    }
    reader.finish(bytes)
}

/// Whether the bytes arrived to their end: they begin with `ISO-10303-21;` after an optional byte order mark and white
/// space, and `END-ISO-10303-21` comes after it. As in an examination, what follows the end and a missing last `;` don't
/// matter. An end within a text or comment counts only where a file ends: there something before it is damaged, and
/// another download would bring the same.
#[must_use]
pub fn is_whole(bytes: &[u8]) -> bool {
    after_magic(bytes).is_some_and(|start| {
        let rest = bytes[start..].trim_ascii_end();
        let ends = rest
            .strip_suffix(b";")
            .is_some_and(|rest| rest.ends_with(END));
        ends || Tokens::new(bytes, start).any(|(_, token)| token == Token::Keyword(END))
    })
}

/// The offset after `ISO-10303-21;`.
fn after_magic(bytes: &[u8]) -> Option<usize> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let text = text.trim_ascii_start().strip_prefix(MAGIC)?;
    let text = text.trim_ascii_start().strip_prefix(b";")?;
    Some(bytes.len() - text.len())
}

/// Where in the file the reader is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    BetweenSections,
    Header,
    Data(Record),
    /// Anchors, references and signatures of the third edition, which have a grammar of their own.
    OtherSection,
    End,
}

/// How far a record `#1 = NAME(…);` has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    Before,
    Numbered,
    Equals,
    Named,
    Inside,
    Closed,
    /// Damaged: nothing counts until the next `;`.
    Damaged,
    /// No record yet: the section's own parameters, up to their `;`.
    Heading,
}

#[derive(Debug, Default)]
struct Reader {
    found: Examination,
    place: Place,
    seen_header: bool,
    seen_data: bool,
    /// Open parentheses.
    depth: usize,
    /// The last token was a name within a list, which only a list may follow.
    name_within: bool,
    is_solid: bool,
    is_reals_only: bool,
    /// The header record being read is `FILE_SCHEMA` and has not told its name.
    wants_schema: bool,
    defined: HashSet<u64>,
    /// Records referred to and not yet defined, with the first place of that.
    pending: HashMap<u64, usize>,
}

impl Reader {
    fn read(&mut self, offset: usize, token: Token<'_>) {
        if let Token::Text(text) = token {
            let odd = |byte: &u8| !matches!(byte, b' '..=b'~' | b'\r' | b'\n');
            if let Some(position) = text.iter().position(odd) {
                let flaw = Flaw::NotPrintable;
                self.found.warnings.add(offset + 1 + position, flaw);
            }
        }
        if let Token::Keyword(name) = token
            && self.section_word(offset, name)
        {
            return;
        }
        match self.place {
            Place::Header => self.header(offset, token),
            Place::Data(record) => {
                let next = self.data(record, offset, token);
                self.place = Place::Data(next);
            }
            Place::BetweenSections | Place::OtherSection | Place::End => {
                self.outside(offset, token);
            }
        }
    }

    /// Takes a word that begins or ends a section, wherever it stands: none of them can be anything
    /// else, and a damaged section should not swallow the next.
    fn section_word(&mut self, offset: usize, name: &[u8]) -> bool {
        let place = match name {
            b"HEADER" => {
                self.seen_header = true;
                Place::Header
            }
            b"DATA" => {
                self.seen_data = true;
                Place::Data(Record::Heading)
            }
            b"ANCHOR" | b"REFERENCE" | b"SIGNATURE" if self.place == Place::BetweenSections => {
                Place::OtherSection
            }
            b"ENDSEC" => Place::BetweenSections,
            END => Place::End,
            _ => return false,
        };
        match self.place {
            Place::Data(Record::Inside) => self.found.errors.add(offset, Flaw::UnclosedList),
            Place::Data(Record::Named | Record::Equals | Record::Numbered) => {
                self.found.errors.add(offset, Flaw::UnexpectedToken);
            }
            Place::Data(Record::Closed) => {
                self.found.warnings.add(offset, Flaw::MissingSemicolon);
                self.end_record();
            }
            Place::Header if self.depth > 0 => {
                self.found.warnings.add(offset, Flaw::OddHeader);
            }
            _ => {}
        }
        self.begin_record();
        self.place = place;
        true
    }

    /// A header is read for its schema only, so nothing in it is worse than unusual but bytes that
    /// are no token.
    fn header(&mut self, offset: usize, token: Token<'_>) {
        match token {
            Token::Open => {
                self.depth += 1;
                if self.depth > 2 {
                    self.found.warnings.add(offset, Flaw::OddHeader);
                }
            }
            Token::Close if self.depth > 0 => self.depth -= 1,
            Token::Semicolon if self.depth == 0 => self.wants_schema = false,
            Token::Keyword(name) if self.depth == 0 => {
                self.wants_schema = name.eq_ignore_ascii_case(b"FILE_SCHEMA");
            }
            Token::Text(text) if self.wants_schema => {
                self.found.schema = Schema::from_name(text);
                self.wants_schema = false;
            }
            Token::Bad => self.found.errors.add(offset, Flaw::BadToken),
            Token::Text(_) | Token::Comma | Token::Value | Token::Integer | Token::OddReal
                if self.depth > 0 => {}
            _ => self.found.warnings.add(offset, Flaw::OddHeader),
        }
    }

    fn data(&mut self, record: Record, offset: usize, token: Token<'_>) -> Record {
        match (record, token) {
            (_, Token::Bad) => {
                self.found.errors.add(offset, Flaw::BadToken);
                // Within a list one value is damaged, elsewhere the record's shape is.
                self.name_within = false;
                if record == Record::Inside {
                    record
                } else {
                    Record::Damaged
                }
            }
            (Record::Before, Token::Reference(id)) => self.define(id, offset),
            (Record::Before | Record::Damaged | Record::Heading, Token::Semicolon) => {
                self.begin_record();
                Record::Before
            }
            (Record::Closed | Record::Heading, Token::Reference(id)) => {
                self.found.warnings.add(offset, Flaw::MissingSemicolon);
                if record == Record::Closed {
                    self.end_record();
                }
                self.define(id, offset)
            }
            (Record::Damaged | Record::Heading, _) => record,
            (Record::Numbered, Token::Equals) => Record::Equals,
            (Record::Equals, Token::Keyword(name)) => {
                self.name(name);
                Record::Named
            }
            (Record::Equals | Record::Named, Token::Open) => {
                self.depth = 1;
                Record::Inside
            }
            (Record::Inside, Token::Semicolon) => {
                self.found.errors.add(offset, Flaw::UnclosedList);
                self.end_record();
                Record::Before
            }
            (Record::Inside, token) => self.inside(offset, token),
            (Record::Closed, Token::Semicolon) => {
                self.end_record();
                Record::Before
            }
            _ => {
                self.found.errors.add(offset, Flaw::UnexpectedToken);
                Record::Damaged
            }
        }
    }

    fn inside(&mut self, offset: usize, token: Token<'_>) -> Record {
        if mem::take(&mut self.name_within) && token != Token::Open {
            self.found.errors.add(offset, Flaw::UnexpectedToken);
        }
        match token {
            Token::Open => self.depth += 1,
            Token::Close => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Record::Closed;
                }
            }
            Token::Keyword(name) => {
                self.name(name);
                self.name_within = true;
            }
            Token::Reference(id) if !self.defined.contains(&id) => {
                self.pending.entry(id).or_insert(offset);
            }
            Token::Integer if self.is_reals_only => {
                self.found.warnings.add(offset, Flaw::IntegerForReal);
            }
            Token::OddReal => self.found.warnings.add(offset, Flaw::OddReal),
            Token::Equals => {
                self.found.errors.add(offset, Flaw::UnclosedList);
                return Record::Damaged;
            }
            _ => {}
        }
        Record::Inside
    }

    fn outside(&mut self, offset: usize, token: Token<'_>) {
        if self.place == Place::BetweenSections && token != Token::Semicolon {
            self.found.errors.add(offset, Flaw::UnexpectedToken);
            // One finding for the whole stray section.
            self.place = Place::OtherSection;
        }
    }

    fn define(&mut self, id: u64, offset: usize) -> Record {
        self.pending.remove(&id);
        if !self.defined.insert(id) {
            self.found.warnings.add(offset, Flaw::DuplicateId(id));
        }
        Record::Numbered
    }

    fn name(&mut self, name: &[u8]) {
        self.is_solid |= SOLIDS.iter().any(|solid| name.eq_ignore_ascii_case(solid));
        self.is_reals_only = REALS_ONLY
            .iter()
            .any(|real| name.eq_ignore_ascii_case(real));
    }

    fn end_record(&mut self) {
        self.found.entities += 1;
        self.found.solids += usize::from(self.is_solid);
        self.begin_record();
    }

    fn begin_record(&mut self) {
        self.depth = 0;
        self.name_within = false;
        self.is_solid = false;
        self.is_reals_only = false;
        self.wants_schema = false;
    }

    /// After the end comes its `;`, and then nothing.
    fn ending(&mut self, length: usize, mut tokens: Tokens<'_>) {
        let trailing = match tokens.next() {
            Some((_, Token::Semicolon)) => tokens.next(),
            other => {
                self.found.warnings.add(length, Flaw::MissingSemicolon);
                other
            }
        };
        if let Some((offset, _)) = trailing {
            self.found.warnings.add(offset, Flaw::TrailingBytes);
        }
    }

    fn finish(mut self, bytes: &[u8]) -> Examination {
        let end = bytes.len();
        if !self.seen_header {
            self.found.errors.add(0, Flaw::NoHeader);
        }
        if !self.seen_data {
            self.found.errors.add(0, Flaw::NoData);
        }
        if self.place != Place::End {
            self.found.errors.add(end, Flaw::NoEnd);
        }
        let mut dangling: Vec<(usize, u64)> =
            self.pending.into_iter().map(|(id, at)| (at, id)).collect();
        dangling.sort_unstable();
        for (offset, id) in dangling {
            self.found.warnings.add(offset, Flaw::DanglingReference(id));
        }
        if self.found.solids == 0 {
            self.found.warnings.add(end, Flaw::NoSolid);
        }
        self.found
    }
}
