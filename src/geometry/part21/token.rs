//! The tokens of Part 21's clear text encoding.

/// One token; texts are without their quotes and still encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name: `CARTESIAN_POINT`, `DATA`, `END-ISO-10303-21`.
    Keyword(&'a [u8]),
    /// `#12`.
    Reference(u64),
    /// A whole number.
    Integer,
    /// `'a text'`.
    Text(&'a [u8]),
    /// Any other value: a real, an enumeration, binary, `$` or `*`.
    Value,
    /// A real as the standard does not have it, and clear enough: `1e-7`, `.5`.
    OddReal,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `,`.
    Comma,
    /// `=`.
    Equals,
    /// `;`.
    Semicolon,
    /// Bytes that are no token.
    Bad,
}

/// Takes a file apart, skipping white space and comments; each item has its byte offset.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Begins at the byte offset `at`.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest
            .iter()
            .position(|&byte| !wanted(byte))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Goes past the next `end`, or to the end of the file; says which.
    fn skip_past(&mut self, end: &[u8]) -> bool {
        let found = self
            .rest()
            .windows(end.len())
            .position(|window| window == end);
        self.at = found.map_or(self.bytes.len(), |position| self.at + position + end.len());
        found.is_some()
    }

    /// A comment without an end is a bad token.
    fn skip_blanks(&mut self) -> Result<(), ()> {
        loop {
            self.take_while(|byte| byte.is_ascii_whitespace());
            if !self.rest().starts_with(b"/*") {
                return Ok(());
            }
            self.at += 2;
            if !self.skip_past(b"*/") {
                return Err(());
            }
        }
    }

    fn reference(&mut self) -> Token<'a> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let id = digits.iter().try_fold(0_u64, |id, digit| {
            id.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        });
        match id {
            Some(id) if !digits.is_empty() => Token::Reference(id),
            _ => Token::Bad,
        }
    }

    /// A quote within a text is written twice.
    fn text(&mut self) -> Token<'a> {
        let start = self.at;
        while self.skip_past(b"'") {
            if self.peek() != Some(b'\'') {
                return Token::Text(&self.bytes[start..self.at - 1]);
            }
            self.at += 1;
        }
        Token::Bad
    }

    /// The sign or first digit is behind us.
    fn number(&mut self, first: u8) -> Token<'a> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        match (first.is_ascii_digit() || !digits.is_empty(), self.peek()) {
            (true, Some(b'.')) => {
                self.at += 1;
                self.take_while(|byte| byte.is_ascii_digit());
                self.exponent(Token::Value)
            }
            (true, Some(b'E' | b'e')) => self.exponent(Token::OddReal),
            (true, _) => Token::Integer,
            (false, Some(b'.')) => {
                self.at += 1;
                self.fraction()
            }
            (false, _) => Token::Bad,
        }
    }

    /// A real without a digit before its point, which is behind us.
    fn fraction(&mut self) -> Token<'a> {
        if self.take_while(|byte| byte.is_ascii_digit()).is_empty() {
            return Token::Bad;
        }
        self.exponent(Token::OddReal)
    }

    /// The `real` that is behind us, with its exponent if it has one.
    fn exponent(&mut self, real: Token<'a>) -> Token<'a> {
        if !matches!(self.peek(), Some(b'E' | b'e')) {
            return real;
        }
        self.at += 1;
        if matches!(self.peek(), Some(b'+' | b'-')) {
            self.at += 1;
        }
        if self.take_while(|byte| byte.is_ascii_digit()).is_empty() {
            return Token::Bad;
        }
        real
    }

    /// `.NAME.` or a real such as `.5`; the point is behind us.
    fn after_point(&mut self) -> Token<'a> {
        let start = self.at;
        match self.fenced(b'.', is_name) {
            Token::Bad if self.bytes.get(start).is_some_and(u8::is_ascii_digit) => {
                self.at = start;
                self.fraction()
            }
            token => token,
        }
    }

    /// `wanted` bytes between two `fence` bytes, the first of which is behind us.
    fn fenced(&mut self, fence: u8, wanted: impl Fn(u8) -> bool) -> Token<'a> {
        let inner = self.take_while(wanted);
        if inner.is_empty() || self.peek() != Some(fence) {
            return Token::Bad;
        }
        self.at += 1;
        Token::Value
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let blank = self.at;
        if self.skip_blanks().is_err() {
            return Some((blank, Token::Bad));
        }
        let start = self.at;
        let first = self.peek()?;
        self.at += 1;
        let token = match first {
            b'(' => Token::Open,
            b')' => Token::Close,
            b',' => Token::Comma,
            b'=' => Token::Equals,
            b';' => Token::Semicolon,
            b'$' | b'*' => Token::Value,
            b'#' => self.reference(),
            b'\'' => self.text(),
            b'"' => self.fenced(b'"', |byte| byte.is_ascii_hexdigit()),
            b'.' => self.after_point(),
            b'+' | b'-' | b'0'..=b'9' => self.number(first),
            b'!' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                self.take_while(|byte| is_name(byte) || byte == b'-');
                Token::Keyword(&self.bytes[start..self.at])
            }
            _ => {
                // One finding for a run of bytes that can begin nothing.
                self.take_while(|byte| !byte.is_ascii_whitespace() && !byte.is_ascii_graphic());
                Token::Bad
            }
        };
        Some((start, token))
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        Tokens::new(text.as_bytes(), 0)
            .map(|(_, token)| token)
            .collect()
    }

    #[test]
    fn every_kind_of_token_is_told_from_the_others() {
        use Token::{
            Close, Comma, Equals, Integer, Keyword, Open, Reference, Semicolon, Text, Value,
        };
        assert_eq!(
            tokens(
                "#12 = A_1(/* no */'it''s', -1,2., +3.5E-07,.T.,\"0FA\",$,*); END-ISO-10303-21;"
            ),
            [
                Reference(12),
                Equals,
                Keyword(b"A_1"),
                Open,
                Text(b"it''s"),
                Comma,
                Integer,
                Comma,
                Value,
                Comma,
                Value,
                Comma,
                Value,
                Comma,
                Value,
                Comma,
                Value,
                Comma,
                Value,
                Close,
                Semicolon,
                Keyword(b"END-ISO-10303-21"),
                Semicolon,
            ]
        );
    }

    #[test]
    fn reals_may_lack_their_point_or_the_digit_before_it() {
        for text in [
            "1e-7", "-2E3", "+1E+05", ".5", "-.5", ".5E-3", ".5e7", "-.25E1",
        ] {
            assert_eq!(tokens(text), [Token::OddReal], "{text}");
        }
        assert_eq!(
            tokens("(.5,.T.,.25)"),
            [
                Token::Open,
                Token::OddReal,
                Token::Comma,
                Token::Value,
                Token::Comma,
                Token::OddReal,
                Token::Close
            ]
        );
    }

    #[test]
    fn what_is_no_token_is_bad_and_reading_goes_on() {
        for text in [
            "#",
            "#99999999999999999999",
            "'open",
            "/* open",
            "+",
            "..",
            "-.",
            "1.E",
            "1E",
            "1e+",
            ".5E-",
            "\"",
            "\u{7f}",
        ] {
            assert!(tokens(text).contains(&Token::Bad), "{text}");
        }
        assert_eq!(tokens("\u{e4}\u{f6};"), [Token::Bad, Token::Semicolon]);
    }
}
