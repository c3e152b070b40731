//! What an expression may not do, which the template engine would let pass.
//!
//! The engine finds `'9' >= 80` true, since it orders values of different types by type, and prints `60 / 2` as `30.0`
//! where a value becomes text inside of an expression. So the operands of comparisons and the inputs of what makes text
//! are evaluated on their own and looked at, before the whole is.

use std::ops::Range;

use minijinja::Value;
use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr};
use minijinja::value::ValueKind;

use super::format::prints_alike;
use super::problem::Problem;
use super::template::{Code as Compiled, Engine};
use super::walk::{children, range, visit};
use crate::manifest::Code;

/// The filters that make no text of what they are given.
const TEXTLESS_FILTERS: [&str; 6] = ["abs", "default", "float", "int", "length", "round"];

/// A rule for the operands of one operator or filter.
pub(super) struct Guard<'s> {
    rule: Rule,
    range: Range<usize>,
    operands: Vec<Compiled<'s>>,
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Both operands are of one kind.
    SameKind,
    /// The first operand is of the kind of what is in the second.
    Member,
    /// Each operand is printed by the engine as it is by us.
    PrintsAlike,
}

impl<'s> Guard<'s> {
    /// The guards of everything in `expr`.
    pub(super) fn all_of(expr: &Expr<'s>, source: &'s str) -> Vec<Self> {
        let mut guards = Vec::new();
        visit(expr, &mut |expr| {
            let mut add = |rule, operands: Vec<&Expr<'s>>| {
                guards.push(Self {
                    rule,
                    range: range(expr),
                    operands: (operands.into_iter())
                        .map(|operand| Compiled::new(operand, source))
                        .collect(),
                });
            };
            match expr {
                Expr::BinOp(op) => {
                    if let Some(rule) = rule_of(op.op) {
                        add(rule, vec![&op.left, &op.right]);
                    }
                }
                Expr::Compare(chain) => {
                    let mut left = &chain.expr;
                    for op in &chain.ops {
                        let rule = match op.op {
                            CompareOpKind::In | CompareOpKind::NotIn => Rule::Member,
                            _ => Rule::SameKind,
                        };
                        add(rule, vec![left, &op.expr]);
                        left = &op.expr;
                    }
                }
                Expr::Filter(filter) if !TEXTLESS_FILTERS.contains(&filter.name) => {
                    add(Rule::PrintsAlike, children(expr));
                }
                _ => {}
            }
        });
        guards
    }

    /// Looks at the operands under `context`.
    pub(super) fn check(&self, engine: &Engine, context: &Value) -> Result<(), Problem> {
        let values: Option<Vec<Value>> = (self.operands.iter())
            .map(|operand| engine.eval(operand, context).ok())
            .collect();
        // An operand that can't be evaluated fails the whole expression, unless it is not reached.
        let Some(values) = values else { return Ok(()) };
        match (self.rule, &values[..]) {
            (Rule::SameKind, [left, right]) => self.same_kind(left, right),
            // The items of a mapping are its keys, which is where `in` looks.
            (Rule::Member, [left, right])
                if matches!(right.kind(), ValueKind::Seq | ValueKind::Map) =>
            {
                let items = right.try_iter().into_iter().flatten();
                items
                    .into_iter()
                    .try_for_each(|item| self.same_kind(left, &item))
            }
            (Rule::Member, [left, right])
                if matches!(right.kind(), ValueKind::String | ValueKind::Undefined) =>
            {
                self.same_kind(left, right)
            }
            (Rule::PrintsAlike, values) if !values.iter().all(prints_alike) => Err(Problem::new(
                Code::TemplateFailed,
                self.range.clone(),
                "only texts and whole numbers can be made into text here",
            )
            .help("print other values by themselves: `{{ width / 2 }} mm`")),
            _ => Ok(()),
        }
    }

    fn same_kind(&self, left: &Value, right: &Value) -> Result<(), Problem> {
        match (left.kind(), right.kind()) {
            (ValueKind::Undefined, _) | (_, ValueKind::Undefined) => {
                let message = "one side of this comparison is undefined";
                return Err(
                    Problem::new(Code::UndefinedName, self.range.clone(), message)
                        .help("look at the keys and indices in it"),
                );
            }
            (ValueKind::Seq, ValueKind::Seq) => {
                let items = |list: &Value| list.try_iter().into_iter().flatten();
                return (items(left).zip(items(right)))
                    .try_for_each(|(left, right)| self.same_kind(&left, &right));
            }
            (left, right) if left == right => return Ok(()),
            _ => {}
        }
        let message = format!("{} is compared with {}", describe(left), describe(right));
        Err(
            Problem::new(Code::MixedComparison, self.range.clone(), message)
                .help("write both as numbers or both as texts: `| int` makes a number of a text"),
        )
    }
}

fn rule_of(op: BinOpKind) -> Option<Rule> {
    match op {
        BinOpKind::Eq
        | BinOpKind::Ne
        | BinOpKind::Lt
        | BinOpKind::Lte
        | BinOpKind::Gt
        | BinOpKind::Gte => Some(Rule::SameKind),
        BinOpKind::In => Some(Rule::Member),
        BinOpKind::Concat => Some(Rule::PrintsAlike),
        BinOpKind::ScAnd
        | BinOpKind::ScOr
        | BinOpKind::Add
        | BinOpKind::Sub
        | BinOpKind::Mul
        | BinOpKind::Div
        | BinOpKind::FloorDiv
        | BinOpKind::Rem
        | BinOpKind::Pow => None,
    }
}

fn describe(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => format!("the text {value:?}"),
        ValueKind::Number => format!("the number {value}"),
        ValueKind::Bool => format!("the boolean {value}"),
        other => format!("a value of type {other}"),
    }
}
