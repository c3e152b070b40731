//! What a selection names in a family.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::expression::{Expression, Name, Pattern, SelectionError, State, Term};

use crate::manifest::did_you_mean;
use crate::plan::family::{Family, PartIx};
use crate::plan::ids::PartId;

/// What was typed: the expressions of `--select`, which unite, and of `--exclude`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// What is selected; nothing: everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// What is left out of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

/// A part, as a selection sees it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its tags.
    pub tags: &'a [String],
    /// The places of the parts that it needs.
    pub needs: &'a [PartIx],
}

/// The parts that stand in a way that a selection may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct States {
    /// They did not succeed in the last run.
    pub failed: BTreeSet<PartId>,
    /// They were made before, and something else is wanted of them.
    pub changed: BTreeSet<PartId>,
    /// They were never made.
    pub new: BTreeSet<PartId>,
}

impl States {
    fn of(&self, state: State) -> &BTreeSet<PartId> {
        match state {
            State::Failed => &self.failed,
            State::Changed => &self.changed,
            State::New => &self.new,
        }
    }
}

impl Wish {
    /// Whether it selects everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.select.is_empty() && self.exclude.is_empty()
    }

    /// Whether it has to be known how parts stand.
    ///
    /// # Errors
    /// When it can't be understood.
    pub fn asks_for_states(&self) -> Result<bool, SelectionError> {
        let texts = self.select.iter().chain(&self.exclude);
        let asks = texts.map(|text| Ok(Expression::parse(text)?.asks_for_states()));
        let asks: Vec<bool> = asks.collect::<Result<_, SelectionError>>()?;
        Ok(asks.into_iter().any(|asks| asks))
    }

    /// The selected parts of `family`, in its order.
    ///
    /// # Errors
    /// When it can't be understood, or names a part, a tag or a pattern that is nowhere.
    pub fn parts(&self, family: &Family, states: &States) -> Result<Vec<PartIx>, SelectionError> {
        let needs: Vec<Vec<PartIx>> = family
            .part_indices()
            .map(|ix| family.needed_parts(ix))
            .collect();
        let parts: Vec<Candidate<'_>> = family
            .parts
            .iter()
            .zip(&needs)
            .map(|(part, needs)| Candidate {
                id: part.id.as_str(),
                tags: &part.tags,
                needs,
            })
            .collect();
        let marks = self.among(&parts, states)?;
        let selected = family.part_indices().zip(marks);
        Ok(selected.filter_map(|(ix, is)| is.then_some(ix)).collect())
    }

    /// Which of `parts` are selected.
    ///
    /// # Errors
    /// As [`Wish::parts`].
    pub fn among(
        &self,
        parts: &[Candidate<'_>],
        states: &States,
    ) -> Result<Vec<bool>, SelectionError> {
        let field = Field::new(parts, states);
        let mut marks = if self.select.is_empty() {
            vec![true; parts.len()]
        } else {
            field.any_of(&self.select)?
        };
        for (mark, excluded) in marks.iter_mut().zip(field.any_of(&self.exclude)?) {
            *mark &= !excluded;
        }
        Ok(marks)
    }
}

/// The parts that expressions are held against.
struct Field<'a> {
    parts: &'a [Candidate<'a>],
    states: &'a States,
    needed_by: Vec<Vec<PartIx>>,
}

impl<'a> Field<'a> {
    fn new(parts: &'a [Candidate<'a>], states: &'a States) -> Self {
        let mut needed_by = vec![Vec::new(); parts.len()];
        for (ix, part) in (0..).map(PartIx).zip(parts) {
            for need in part.needs {
                needed_by[place(*need)].push(ix);
            }
        }
        Self {
            parts,
            states,
            needed_by,
        }
    }

    fn any_of(&self, texts: &[String]) -> Result<Vec<bool>, SelectionError> {
        let mut marks = vec![false; self.parts.len()];
        for text in texts {
            for terms in &Expression::parse(text)?.unions {
                for (mark, hit) in marks.iter_mut().zip(self.all_of(terms)?) {
                    *mark |= hit;
                }
            }
        }
        Ok(marks)
    }

    fn all_of(&self, terms: &[Term]) -> Result<Vec<bool>, SelectionError> {
        let mut marks = vec![true; self.parts.len()];
        for term in terms {
            for (mark, hit) in marks.iter_mut().zip(self.term(term)?) {
                *mark &= hit;
            }
        }
        Ok(marks)
    }

    fn term(&self, term: &Term) -> Result<Vec<bool>, SelectionError> {
        let named: Vec<bool> = match &term.name {
            Name::Id(id) => self.named(|part| id.is_match(part.id)),
            Name::Tag(tag) => self.named(|part| part.tags.iter().any(|own| tag.is_match(own))),
            Name::State(state) => {
                let of = self.states.of(*state);
                let ids: BTreeSet<&str> = of.iter().map(PartId::as_str).collect();
                self.named(|part| ids.contains(part.id))
            }
        };
        // That nothing stands in a state may be; that nothing has a name is a slip of the hand.
        if !named.contains(&true) {
            match &term.name {
                Name::Id(id) => return Err(self.no_part(id)),
                Name::Tag(tag) => return Err(self.no_tag(tag)),
                Name::State(_) => {}
            }
        }
        let mut marks = named.clone();
        if term.before {
            self.spread(&named, &mut marks, |ix| self.parts[ix].needs);
        }
        if term.after {
            self.spread(&named, &mut marks, |ix| &self.needed_by[ix]);
        }
        Ok(marks)
    }

    fn named(&self, is: impl Fn(&Candidate<'_>) -> bool) -> Vec<bool> {
        self.parts.iter().map(is).collect()
    }

    /// Marks everything that can be reached from `named` along `edges`.
    fn spread<'b>(
        &self,
        named: &[bool],
        marks: &mut [bool],
        edges: impl Fn(usize) -> &'b [PartIx],
    ) {
        let mut seen = named.to_vec();
        let mut open: Vec<usize> = (0..self.parts.len()).filter(|ix| named[*ix]).collect();
        while let Some(ix) = open.pop() {
            marks[ix] = true;
            for next in edges(ix).iter().copied().map(place) {
                if !seen[next] {
                    seen[next] = true;
                    open.push(next);
                }
            }
        }
    }

    fn no_part(&self, id: &Pattern) -> SelectionError {
        let text = id.text();
        if matches!(id, Pattern::Glob { .. }) {
            return SelectionError(format!("no part's id matches `{text}`"));
        }
        let ids = self.parts.iter().map(|part| part.id);
        let is_tag = self
            .parts
            .iter()
            .any(|part| part.tags.iter().any(|tag| tag == text));
        let help = match did_you_mean(text, ids) {
            _ if is_tag => format!("; there is a tag of this name: `tag:{text}`"),
            Some(help) => format!("; {help}"),
            None => String::new(),
        };
        SelectionError(format!("there is no part `{text}`{help}"))
    }

    fn no_tag(&self, tag: &Pattern) -> SelectionError {
        let text = tag.text();
        let tags: BTreeSet<&str> = self
            .parts
            .iter()
            .flat_map(|part| part.tags.iter().map(String::as_str))
            .collect();
        let help = match did_you_mean(text, tags.iter().copied()) {
            Some(help) => format!("; {help}"),
            None if tags.is_empty() => "; the manifest has no tags".to_owned(),
            None => String::new(),
        };
        SelectionError(format!("no part has the tag `{text}`{help}"))
    }
}

const fn place(ix: PartIx) -> usize {
    ix.0 as usize
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
