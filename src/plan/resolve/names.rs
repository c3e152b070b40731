//! Checks the names in an expression without evaluating it: one behind a false `and` is found as well.

use minijinja::machinery::ast::Expr;

use super::problem::Problem;
use super::reads::{Chain, Sees};
use super::scope::{Meaning, Names};
use super::walk::{children, range};
use crate::manifest::{Code, did_you_mean};

/// The filters that templates may use. None of them compares values, and none gives the same text for two of them.
pub(super) const FILTERS: [&str; 12] = [
    "abs",
    "capitalize",
    "default",
    "float",
    "int",
    "length",
    "lower",
    "replace",
    "round",
    "title",
    "trim",
    "upper",
];

/// Everything in `expr` that is not there for the taking.
pub(super) fn check(expr: &Expr<'_>, names: &Names<'_>, sees: Sees) -> Vec<Problem> {
    if let Some(chain) = Chain::of(expr) {
        let mut problems: Vec<Problem> = chain.check(names, sees).into_iter().collect();
        // Which step is read has to be known before a run.
        for key in chain.keys() {
            problems.extend(check(key, names, sees.min(Sees::Part)));
        }
        return problems;
    }
    let mut problems: Vec<Problem> = (check_one(expr, names, sees).into_iter()).collect();
    let inner = match expr {
        // Whatever is called: there are no functions.
        Expr::Call(call) => (children(expr).into_iter().skip(1))
            .chain(children(&call.expr))
            .collect(),
        _ => children(expr),
    };
    for expr in inner {
        problems.extend(check(expr, names, sees));
    }
    problems
}

fn check_one(expr: &Expr<'_>, names: &Names<'_>, sees: Sees) -> Option<Problem> {
    match expr {
        Expr::Var(var) => check_variable(var.id, expr, names, sees),
        Expr::GetAttr(get) => check_member(&get.expr, get.name, expr, names),
        Expr::GetItem(get) => {
            let key = get.subscript_expr.as_const()?;
            check_member(&get.expr, key.as_str()?, expr, names)
        }
        Expr::Filter(filter) if !FILTERS.contains(&filter.name) => {
            let message = format!("there is no filter `{}`", filter.name);
            let span = expr.span();
            let range = span.start_offset as usize..span.end_offset as usize;
            Some(
                Problem::new(Code::UndefinedName, range, message)
                    .help_if(did_you_mean(filter.name, FILTERS))
                    .help(format!("the filters are: {}", FILTERS.join(", "))),
            )
        }
        Expr::Test(test) => Some(
            Problem::new(
                Code::TemplateSyntax,
                range(expr),
                format!("there is no test `is {}`", test.name),
            )
            .help("compare with `==`, `<`, `in` and the like"),
        ),
        Expr::Call(_) => Some(
            Problem::new(
                Code::TemplateSyntax,
                range(expr),
                "templates have no functions",
            )
            .help("use operators and filters: `{{ name | upper }}`"),
        ),
        _ => None,
    }
}

fn check_variable(name: &str, expr: &Expr<'_>, names: &Names<'_>, sees: Sees) -> Option<Problem> {
    match names.meaning(name) {
        Some(Meaning::Part) if sees == Sees::Nothing => Some(
            Problem::new(
                Code::UndefinedName,
                range(expr),
                "a part's id can't be made from the part itself",
            )
            .help("use variables and the axes of the matrix"),
        ),
        Some(_) => None,
        None => Some(undefined(
            name,
            expr,
            (names.values().chain(["vars", "part"])).chain(names.env().next().map(|_| "env")),
        )),
    }
}

/// Checks `vars.name` and `part.name`.
fn check_member(
    owner: &Expr<'_>,
    name: &str,
    expr: &Expr<'_>,
    names: &Names<'_>,
) -> Option<Problem> {
    let Expr::Var(owner) = owner else { return None };
    match names.meaning(owner.id)? {
        Meaning::Env if !names.has_env(name) => {
            Some(undefined(name, expr, names.env()).help(format!("list it: `env: [{name}]`")))
        }
        Meaning::Vars if !names.has_var(name) && !names.may_be(name) => {
            Some(undefined(name, expr, names.vars()))
        }
        Meaning::Part if name != "id" => Some(undefined(name, expr, ["id"])),
        Meaning::Value => Some(
            Problem::new(
                Code::UndefinedName,
                range(expr),
                format!("`{}` is a plain value and has no `{name}`", owner.id),
            )
            .help(format!("write `{{{{ {} }}}}`", owner.id)),
        ),
        Meaning::Vars | Meaning::Part | Meaning::Env | Meaning::Unknown => None,
    }
}

fn undefined<'a>(name: &str, expr: &Expr<'_>, known: impl IntoIterator<Item = &'a str>) -> Problem {
    let mut seen = std::collections::BTreeSet::new();
    let known: Vec<&str> = (known.into_iter())
        .filter(|name| !name.is_empty() && seen.insert(*name))
        .collect();
    let help = did_you_mean(name, known.iter().copied());
    Problem::new(
        Code::UndefinedName,
        range(expr),
        format!("`{name}` is undefined"),
    )
    .help_if(help)
    .help_if((!known.is_empty()).then(|| format!("known here: {}", known.join(", "))))
}
