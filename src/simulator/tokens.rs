//! A prompt as words, numbers and stops. Sizes come out in millimetres, whatever unit they were written in.

const MM_PER_INCH: f64 = 25.4;

const COUNTS: [&str; 11] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
];

/// A piece of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Number(f64),
    /// In lower case; `×` is `x`.
    Word(String),
    Stop,
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Number(_) | Self::Stop => None,
        }
    }

    pub(crate) fn is(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Word(_) | Self::Stop => None,
        }
    }

    /// Whether it stands between two sizes of one body.
    pub(crate) fn joins(&self) -> bool {
        self.is("x") || self.is("by")
    }

    /// A whole number, in figures or as a word up to ten.
    pub(crate) fn count(&self) -> Option<usize> {
        match self {
            Self::Number(number) => (0..=200).find(|count| *count as f64 == *number),
            Self::Word(word) => COUNTS.iter().position(|count| count == word),
            Self::Stop => None,
        }
    }
}

/// Splits at every border between letters, figures and the rest: `80x60mm` is five tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if first.is_ascii_digit() {
            let (number, length) = number(rest);
            tokens.extend(number.map(Token::Number));
            length
        } else if first.is_alphabetic() {
            let letters = rest
                .find(|c: char| !c.is_alphabetic())
                .unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..letters].to_lowercase()));
            letters
        } else {
            match first {
                '×' => tokens.push(Token::Word("x".to_owned())),
                '"' | '″'
                    if text[..text.len() - rest.len()].ends_with(|c: char| c.is_ascii_digit()) =>
                {
                    tokens.push(Token::Word("inch".to_owned()));
                }
                '.' | ',' | ';' | ':' | '!' | '?' | '\n' | '[' | ']' => tokens.push(Token::Stop),
                _ => {}
            }
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    in_millimetres(tokens)
}

/// Turns inches into millimetres. In `3 x 2 x 1/4 in` the unit at the end is that of all three.
fn in_millimetres(mut tokens: Vec<Token>) -> Vec<Token> {
    for at in (0..tokens.len()).rev() {
        if tokens[at].number().is_none() || !is_inch(&tokens, at + 1) {
            continue;
        }
        tokens[at + 1] = Token::Word("mm".to_owned());
        let mut first = at;
        while first >= 2 && tokens[first - 1].joins() && tokens[first - 2].number().is_some() {
            first -= 2;
        }
        for token in &mut tokens[first..=at] {
            if let Token::Number(number) = token {
                // To a nanometre, so that 3 in are 76.2 mm and not a hair less.
                *number = (*number * MM_PER_INCH * 1e6).round() / 1e6;
            }
        }
    }
    tokens
}

/// Whether the word at `at`, behind a number, is the unit and not the preposition: `4 in a row`.
fn is_inch(tokens: &[Token], at: usize) -> bool {
    let word = |at: usize| tokens.get(at).and_then(Token::word);
    match word(at) {
        Some("inch" | "inches") => true,
        Some("in") => !matches!(
            word(at + 1),
            Some("a" | "an" | "the" | "each" | "total" | "all" | "one" | "two")
        ),
        _ => false,
    }
}

/// The number a text begins with, which may be a fraction, and its length.
fn number(text: &str) -> (Option<f64>, usize) {
    let figures = number_length(text);
    let whole = text[..figures].parse::<f64>().ok();
    let below = text[figures..]
        .strip_prefix('/')
        .map_or("", |below| &below[..number_length(below)]);
    match (whole, below.parse::<f64>()) {
        (Some(above), Ok(divisor)) if divisor > 0.0 => {
            (Some(above / divisor), figures + 1 + below.len())
        }
        (whole, _) => (whole, figures),
    }
}

/// The length of the number a text begins with; a point counts only before another figure.
fn number_length(text: &str) -> usize {
    let whole = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let Some(fraction) = text[whole..].strip_prefix('.') else {
        return whole;
    };
    match fraction
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(fraction.len())
    {
        0 => whole,
        figures => whole + 1 + figures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<f64> {
        tokens(text).iter().filter_map(Token::number).collect()
    }

    #[test]
    fn inches_are_millimetres() {
        assert_eq!(numbers("3 x 2 x 1/4 in plate"), [76.2, 50.8, 6.35]);
        assert_eq!(numbers("2\" wide, 10 mm thick"), [50.8, 10.0]);
        assert_eq!(numbers("1.5 inches by 20 mm"), [38.1, 20.0]);
        assert_eq!(numbers("two holes, 4 in a row"), [4.0]);
        assert_eq!(numbers("20 mm in diameter"), [20.0]);
        assert_eq!(numbers("2 in diameter"), [50.8]);
        assert_eq!(numbers("a 1/0 / 3/ part"), [1.0, 0.0, 3.0]);
    }
}
