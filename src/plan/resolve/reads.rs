//! Results that expressions read: `steps.<id>.<field>` of the same part, and `parts['<id>'].<field>` of parts that are needed.

use std::ops::Range;

use minijinja::Value;
use minijinja::machinery::ast::Expr;

use super::problem::Problem;
use super::scope::Names;
use super::template::{Code as Compiled, Engine};
use super::walk::{range, visit};
use crate::manifest::{Code, did_you_mean};
use crate::plan::dynamic::{Field, ReadPath};

/// What an expression sees beside variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sees {
    /// Nothing: it makes the part's id.
    Nothing,
    /// The part.
    Part,
    /// The part, and results of steps before it: it is needed when the step starts, and not sooner.
    Results,
}

/// A way from `steps` or `parts` to what is read, as it is written.
pub(super) struct Chain<'e, 's> {
    is_of_part: bool,
    links: Vec<Link<'e, 's>>,
    range: Range<usize>,
}

#[derive(Clone, Copy)]
enum Link<'e, 's> {
    Name(&'s str),
    Key(&'e Expr<'s>),
}

impl Link<'_, '_> {
    /// The name, where it can be told from the expression alone.
    fn name(self) -> Option<String> {
        match self {
            Self::Name(name) => Some(name.to_owned()),
            Self::Key(key) => key.as_const()?.as_str().map(str::to_owned),
        }
    }
}

impl<'e, 's> Chain<'e, 's> {
    /// The chain that `expr` is, if it is one.
    pub(super) fn of(expr: &'e Expr<'s>) -> Option<Self> {
        let (mut at, mut links) = (expr, Vec::new());
        let is_of_part = loop {
            match at {
                Expr::GetAttr(get) => {
                    links.push(Link::Name(get.name));
                    at = &get.expr;
                }
                Expr::GetItem(get) => {
                    links.push(Link::Key(&get.subscript_expr));
                    at = &get.expr;
                }
                Expr::Var(var) if var.id == "steps" => break false,
                Expr::Var(var) if var.id == "parts" => break true,
                _ => return None,
            }
        };
        links.reverse();
        Some(Self {
            is_of_part,
            links,
            range: range(expr),
        })
    }

    /// The expressions in it.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'e Expr<'s>> {
        self.links.iter().filter_map(|link| match link {
            Link::Key(key) => Some(*key),
            Link::Name(_) => None,
        })
    }

    /// The links that name the part, the step, and what of it.
    fn parted(&self) -> Option<(Option<Link<'e, 's>>, Option<Link<'e, 's>>, Link<'e, 's>)> {
        match (self.is_of_part, &self.links[..]) {
            (false, [step, field, ..]) => Some((None, Some(*step), *field)),
            (true, [part, steps, step, field, ..]) if steps.name().as_deref() == Some("steps") => {
                Some((Some(*part), Some(*step), *field))
            }
            (true, [part, field, ..]) if field.name().as_deref() != Some("steps") => {
                Some((Some(*part), None, *field))
            }
            _ => None,
        }
    }

    /// What is wrong with it.
    pub(super) fn check(&self, names: &Names<'_>, sees: Sees) -> Option<Problem> {
        let problem =
            |message: String| Problem::new(Code::UndefinedName, self.range.clone(), message);
        if sees != Sees::Results {
            let holder = if self.is_of_part { "parts" } else { "steps" };
            let message = format!("`{holder}` has results, and this has to be known before a run");
            return Some(problem(message).help("prompts and conditions of steps can read results"));
        }
        let Some((part, step, field)) = self.parted() else {
            let (whose, example) = if self.is_of_part {
                ("the part", "parts['plate-60x40'].explanation")
            } else {
                ("the step", "steps.create.explanation")
            };
            let message = format!("{whose} and what of it has to be named here");
            return Some(problem(message).help(format!("write `{example}`")));
        };
        let Some(field) = field.name() else {
            let message = "what is read of a step can't be computed".to_owned();
            return Some(problem(message).help(fields_help(None)));
        };
        let known = Field::ALL.into_iter().find(|known| known.as_str() == field);
        let earlier = match (part, step.and_then(Link::name)) {
            (None, Some(step)) => match names.earlier_step(&step) {
                Some(earlier) => Some(earlier),
                None => return Some(no_step(&step, names, self.range.clone())),
            },
            _ => None,
        };
        let kind = earlier.as_ref().and_then(|earlier| earlier.kind);
        match known {
            Some(field) if kind.is_none_or(|kind| field.is_of(kind)) => {
                let step = earlier.filter(|earlier| names.may_be_missing(earlier))?;
                Some(unguarded(&step.id, self.range.clone()))
            }
            _ => {
                let message = match kind {
                    Some(kind) => format!("a {kind} has no `{field}`"),
                    None => format!("there is no result `{field}`"),
                };
                let names = Field::ALL
                    .iter()
                    .filter(|f| kind.is_none_or(|kind| f.is_of(kind)));
                let meant = did_you_mean(&field, names.map(|field| field.as_str()));
                Some(problem(message).help_if(meant).help(fields_help(kind)))
            }
        }
    }

    /// What it reads; nothing when something is wrong with it.
    pub(super) fn site(&self, source: &'s str) -> Option<Site<'s>> {
        let (part, step, field) = self.parted()?;
        let field = field.name()?;
        let key = |link: Link<'e, 's>| match link {
            Link::Key(key) if link.name().is_none() => Key::Computed(Compiled::new(key, source)),
            link => Key::Named(link.name().unwrap_or_default()),
        };
        Some(Site {
            part: part.map(key),
            step: step.map(key),
            field: Field::ALL
                .into_iter()
                .find(|known| known.as_str() == field)?,
            range: self.range.clone(),
        })
    }
}

fn fields_help(kind: Option<crate::plan::content::StepKind>) -> String {
    let fields = Field::ALL
        .iter()
        .filter(|field| kind.is_none_or(|kind| field.is_of(kind)));
    let names: Vec<&str> = fields.map(|field| field.as_str()).collect();
    match &names[..] {
        [] => "nothing of it can be read".to_owned(),
        names => format!("what can be read: {}", names.join(", ")),
    }
}

fn no_step(name: &str, names: &Names<'_>, range: Range<usize>) -> Problem {
    let known = names.earlier_steps();
    let message = format!("there is no step `{name}` before this one");
    let list = format!("the steps before it: {}", known.join(", "));
    Problem::new(Code::UndefinedName, range, message)
        .help_if(did_you_mean(name, known.iter().map(String::as_str)))
        .help_if((!known.is_empty()).then_some(list))
}

fn unguarded(name: &str, range: Range<usize>) -> Problem {
    let message = format!("the step `{name}` has a condition, and is not there when that is false");
    Problem::new(Code::UnguardedStep, range, message).help("give this step the same condition")
}

/// One place of an expression that reads a result.
pub(super) struct Site<'s> {
    part: Option<Key<'s>>,
    step: Option<Key<'s>>,
    /// What of it.
    pub(super) field: Field,
    /// Where it stands.
    pub(super) range: Range<usize>,
}

enum Key<'s> {
    Named(String),
    Computed(Compiled<'s>),
}

impl<'s> Site<'s> {
    /// All places of `expr` that read results.
    pub(super) fn all_of(expr: &Expr<'s>, source: &'s str) -> Vec<Self> {
        let mut sites = Vec::new();
        visit(expr, &mut |expr| {
            sites.extend(Chain::of(expr).and_then(|chain| chain.site(source)));
        });
        sites
    }

    /// What it reads where names have these values.
    pub(super) fn path(&self, engine: &Engine, values: &Value) -> Result<ReadPath, Problem> {
        let name = |key: &Option<Key<'_>>| match key {
            None => Ok(None),
            Some(Key::Named(name)) => Ok(Some(name.clone())),
            Some(Key::Computed(code)) => {
                let failed =
                    |why: String| Problem::new(Code::TemplateFailed, self.range.clone(), why);
                let value = engine
                    .eval(code, values)
                    .map_err(|error| failed(error.to_string()))?;
                let text = super::format::format(&value).map_err(failed)?;
                Ok(Some(text))
            }
        };
        Ok(ReadPath {
            part: name(&self.part)?,
            step: name(&self.step)?,
            field: self.field,
        })
    }
}
