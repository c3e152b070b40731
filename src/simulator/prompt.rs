//! Reads what a prompt says in numbers: dimensions, thickness, holes; and what it calls the part.

use super::tokens::{Token, tokens};

/// A prompt as words, numbers and the stops between clauses.
#[derive(Debug)]
pub(crate) struct Prompt {
    tokens: Vec<Token>,
}

/// Equal round holes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Holes {
    pub(crate) count: usize,
    pub(crate) diameter: Option<f64>,
}

/// How many tokens away from its noun a number is still understood.
const REACH: usize = 8;

const NOUNS: [&str; 24] = [
    "plate",
    "bracket",
    "spacer",
    "box",
    "block",
    "frame",
    "washer",
    "bushing",
    "standoff",
    "cylinder",
    "disc",
    "disk",
    "housing",
    "flange",
    "panel",
    "cover",
    "enclosure",
    "mount",
    "clamp",
    "rail",
    "shelf",
    "handle",
    "hinge",
    "part",
];

impl Prompt {
    pub(crate) fn read(text: &str) -> Self {
        Self {
            tokens: tokens(text),
        }
    }

    /// Two or three sizes joined by `x`, `×` or `by`: width, depth and perhaps thickness, in mm.
    pub(crate) fn dimensions(&self) -> Option<(f64, f64, Option<f64>)> {
        (0..self.tokens.len()).find_map(|start| {
            let (width, next) = self.size_at(start)?;
            let (depth, next) = self.size_at(self.after_times(next)?)?;
            let thickness = self.after_times(next).and_then(|at| self.size_at(at));
            Some((width, depth, thickness.map(|(size, _)| size)))
        })
    }

    /// `8 mm thick`, `a thickness of 8 mm`, `the thickness to 8 mm`.
    pub(crate) fn thickness(&self) -> Option<f64> {
        self.measure(
            &["thick", "tall", "high", "long"],
            &["thickness", "height", "length"],
        )
    }

    /// `20 mm outer diameter`, `20 mm diameter`, `20 mm in diameter`, `a diameter of 20 mm`.
    pub(crate) fn diameter(&self) -> Option<f64> {
        let outer = ["outer", "outside", "od"];
        self.measure(&outer, &outer)
            .or_else(|| self.measure(&["diameter"], &["diameter"]))
    }

    /// `8 mm bore`, `8 mm inner diameter`, `8 mm through hole`, `a bore of 8 mm`.
    pub(crate) fn bore(&self) -> Option<f64> {
        self.measure(
            &["inner", "inside", "id", "bore", "hole", "through"],
            &["inner", "inside", "id", "bore"],
        )
    }

    /// `L bracket`, `L-shaped bracket`, `angle bracket`.
    pub(crate) fn is_angle(&self) -> bool {
        let bracket = self.tokens.iter().position(|token| token.is("bracket"));
        bracket.is_some_and(|at| {
            let before = &self.tokens[at.saturating_sub(2)..at];
            before
                .iter()
                .any(|token| ["l", "angle", "corner"].iter().any(|word| token.is(word)))
        })
    }

    /// `two 6 mm through holes`, `four M5 holes`, `3 holes of 8 mm`.
    pub(crate) fn holes(&self) -> Option<Holes> {
        let at = self
            .tokens
            .iter()
            .position(|token| token.is("hole") || token.is("holes"))?;
        let before = self.clause_before(at);
        let diameter = before.iter().enumerate().rev().find_map(|(index, token)| {
            let metric = index > 0 && before[index - 1].is("m");
            let measured = before
                .get(index + 1)
                .is_some_and(|unit| unit.is("mm") || unit.is("diameter"));
            token
                .number()
                .filter(|_| metric || measured)
                .map(|size| (index, size))
        });
        let counted = &before[..diameter.map_or(before.len(), |(index, _)| index)];
        let count = counted.iter().rev().find_map(Token::count);
        let plural = if self.tokens[at].is("holes") { 2 } else { 1 };
        Some(Holes {
            count: count.unwrap_or(plural),
            diameter: diameter
                .map(|(_, size)| size)
                .or_else(|| self.number_after(at)),
        })
    }

    /// Whether the prompt has one of these words.
    pub(crate) fn names(&self, words: &[&str]) -> bool {
        self.tokens
            .iter()
            .any(|token| words.iter().any(|word| token.is(word)))
    }

    /// What the part is called, in lower case ASCII letters: `mounting plate`.
    pub(crate) fn name(&self) -> String {
        let Some(at) = self
            .tokens
            .iter()
            .position(|token| NOUNS.iter().any(|noun| token.is(noun)))
        else {
            return "part".to_owned();
        };
        let noun = self.tokens[at].word().unwrap_or("part");
        let kind = at
            .checked_sub(1)
            .and_then(|before| self.tokens[before].word())
            .filter(|word| (4..=24).contains(&word.len()) && word.is_ascii())
            .filter(|word| !matches!(*word, "this" | "that" | "make" | "create" | "design"));
        match kind {
            Some(kind) => format!("{kind} {noun}"),
            None => noun.to_owned(),
        }
    }

    /// A number before one of the `after` words or behind one of the `before` words.
    fn measure(&self, after: &[&str], before: &[&str]) -> Option<f64> {
        let adjective = (0..self.tokens.len()).find_map(|start| {
            let (size, next) = self.size_at(start)?;
            let next = if self.tokens.get(next)?.is("in") {
                next + 1
            } else {
                next
            };
            let word = self.tokens.get(next)?;
            after
                .iter()
                .any(|candidate| word.is(candidate))
                .then_some(size)
        });
        adjective.or_else(|| {
            let at = self
                .tokens
                .iter()
                .position(|token| before.iter().any(|word| token.is(word)))?;
            self.number_after(at)
        })
    }

    /// The nearest [`REACH`] tokens before `at` that belong to the same clause and to no dimensions.
    fn clause_before(&self, at: usize) -> &[Token] {
        let near = at.saturating_sub(REACH)..at;
        let border = near.clone().rev().find_map(|index| {
            if self.tokens[index] == Token::Stop {
                return Some(index + 1);
            }
            let (_, behind) = self.size_at(self.after_times(index)?)?;
            Some(behind.min(at))
        });
        &self.tokens[border.unwrap_or(near.start)..at]
    }

    fn number_after(&self, at: usize) -> Option<f64> {
        self.tokens[at..]
            .iter()
            .take(REACH)
            .take_while(|token| **token != Token::Stop)
            .find_map(Token::number)
    }

    /// A number at `at` with the place behind it and its unit.
    fn size_at(&self, at: usize) -> Option<(f64, usize)> {
        let size = self.tokens.get(at)?.number()?;
        let unit = self.tokens.get(at + 1).is_some_and(|token| token.is("mm"));
        Some((size, at + 1 + usize::from(unit)))
    }

    fn after_times(&self, at: usize) -> Option<usize> {
        let token = self.tokens.get(at)?;
        token.joins().then_some(at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Prompt {
        Prompt::read(text)
    }

    #[test]
    fn dimensions_are_read_however_they_are_joined() {
        let expected = Some((80.0, 60.0, Some(6.5)));
        assert_eq!(
            read("A 6061-T6 plate, 80 x 60 x 6.5 mm.").dimensions(),
            expected
        );
        assert_eq!(read("80x60x6.5mm").dimensions(), expected);
        assert_eq!(read("80 mm × 60 mm × 6.5 mm").dimensions(), expected);
        assert_eq!(read("80 by 60 mm").dimensions(), Some((80.0, 60.0, None)));
        assert_eq!(read("two 6 mm holes").dimensions(), None);
    }

    #[test]
    fn holes_are_counted_and_measured() {
        let holes = |text| {
            read(text)
                .holes()
                .map(|holes| (holes.count, holes.diameter))
        };
        let prompt = "A plate, 60 x 40 x 6 mm, with rounded corners and two 6 mm through holes.";
        assert_eq!(holes(prompt), Some((2, Some(6.0))));
        assert_eq!(holes("with four M5 holes"), Some((4, Some(5.0))));
        let prompt = "A 60 x 40 x 6 mm plate with four holes of 5 mm";
        assert_eq!(holes(prompt), Some((4, Some(5.0))));
        assert_eq!(holes("A 60 x 40 x 6 mm plate with holes"), Some((2, None)));
        assert_eq!(holes("3 holes of 8 mm"), Some((3, Some(8.0))));
        assert_eq!(holes("a through hole"), Some((1, None)));
        assert_eq!(holes("with holes"), Some((2, None)));
        assert_eq!(holes("a plain block"), None);
    }

    #[test]
    fn diameters_and_angles_are_told_apart() {
        let ring = read("A spacer, 20 mm outer diameter, 8 mm inner diameter, 10 mm long");
        assert_eq!((ring.diameter(), ring.bore()), (Some(20.0), Some(8.0)));
        let ring = read("An outer diameter of 20 mm, a bore of 8 mm");
        assert_eq!((ring.diameter(), ring.bore()), (Some(20.0), Some(8.0)));
        assert_eq!(read("A 12 mm diameter cylinder").bore(), None);
        for (text, is) in [
            ("An L-bracket", true),
            ("an L-shaped bracket", true),
            ("An angle bracket", true),
            ("A flat bracket", false),
            ("An L of plates", false),
        ] {
            assert_eq!(read(text).is_angle(), is, "{text}");
        }
    }

    #[test]
    fn a_thickness_is_read_on_either_side_of_its_word() {
        assert_eq!(read("Make it 8 mm thick.").thickness(), Some(8.0));
        assert_eq!(
            read("Increase the thickness to 8 mm").thickness(),
            Some(8.0)
        );
        assert_eq!(read("Add a 2 mm chamfer").thickness(), None);
    }

    #[test]
    fn the_name_is_the_first_known_noun_with_its_kind() {
        assert_eq!(
            read("Create a mounting plate with holes").name(),
            "mounting plate"
        );
        assert_eq!(read("Create a box.").name(), "box");
        assert_eq!(read("Something round").name(), "part");
    }
}
