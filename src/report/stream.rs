//! JSON that is written as it is made, and made safe on the way.

use std::io::{self, Write};

use crate::untrusted::terminal;

/// Passes serialized JSON on; no character of it does more to a terminal than show itself.
pub(super) struct SafeJson<W>(pub(super) W);

impl<W: Write> Write for SafeJson<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A serializer hands over whole texts, and never a part of a character.
        if bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
            self.0.write_all(bytes)?;
        } else {
            let text = std::str::from_utf8(bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            self.0.write_all(terminal::json(text).as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_piece_by_piece_is_as_safe_as_the_whole() {
        let value = serde_json::json!({ "a": "plain", "b": "\u{202e}\u{1b}[2J é 😀\n", "c\u{200b}": [1, null] });
        let mut written = Vec::new();
        serde_json::to_writer_pretty(SafeJson(&mut written), &value).unwrap();
        let whole = terminal::json(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(String::from_utf8(written).unwrap(), whole);
    }
}
