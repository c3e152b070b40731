//! Templates and conditions: parsed once, checked before they are used, evaluated with bounded effort.
//!
//! A template is text with expressions between `{{` and `}}`. The language is minijinja's; its blocks (`{% %}`), functions
//! and tests are left out, so that all that a template depends on can be read off it.

use std::collections::BTreeMap;
use std::ops::Range;

use minijinja::machinery::ast::{Expr, Stmt};
use minijinja::machinery::{self, CodeGenerator, Instructions};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, filters};

use super::format::format;
use super::guards::Guard;
use super::names::check;
use super::problem::Problem;
use super::reads::{Sees, Site};
use super::scope::{Context, Names, Uses};
use crate::manifest;

/// The work that one evaluation may do, in the engine's instructions.
const FUEL: u64 = 10_000;
/// The longest expression: what the parser nests, we walk through by recursion.
const MAX_EXPRESSION_BYTES: usize = 2_000;

/// The template engine, with nothing in it but the filters that we take.
pub(super) struct Engine(Environment<'static>);

impl Engine {
    pub(super) fn new() -> Self {
        let mut engine = Environment::empty();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_debug(true);
        engine.set_fuel(Some(FUEL));
        engine.add_filter("abs", filters::abs);
        engine.add_filter("capitalize", filters::capitalize);
        engine.add_filter("default", filters::default);
        engine.add_filter("float", filters::float);
        engine.add_filter("int", filters::int);
        engine.add_filter("length", filters::length);
        engine.add_filter("lower", filters::lower);
        engine.add_filter("replace", filters::replace);
        engine.add_filter("round", filters::round);
        engine.add_filter("title", filters::title);
        engine.add_filter("trim", filters::trim);
        engine.add_filter("upper", filters::upper);
        Self(engine)
    }

    /// The value of `code` under `context`.
    pub(super) fn eval(&self, code: &Code<'_>, context: &Value) -> Result<Value, minijinja::Error> {
        let mut unused = String::new();
        let (value, _) = machinery::eval(
            &self.0,
            &code.0,
            context.clone(),
            &BTreeMap::new(),
            &mut machinery::make_string_output(&mut unused),
            AutoEscape::None,
        )?;
        Ok(value.unwrap_or_default())
    }
}

/// An expression, ready to be evaluated.
pub(super) struct Code<'s>(Instructions<'s>);

impl<'s> Code<'s> {
    pub(super) fn new(expr: &Expr<'s>, source: &'s str) -> Self {
        let mut generator = CodeGenerator::new("<manifest>", source);
        generator.compile_expr(expr);
        Self(generator.finish().0)
    }
}

/// An expression with the rules that its operands must keep.
struct Guarded<'s> {
    range: Range<usize>,
    code: Code<'s>,
    guards: Vec<Guard<'s>>,
}

impl<'s> Guarded<'s> {
    fn new(expr: &Expr<'s>, source: &'s str) -> Self {
        Self {
            range: super::walk::range(expr),
            code: Code::new(expr, source),
            guards: Guard::all_of(expr, source),
        }
    }

    fn eval(&self, engine: &Engine, context: &Value) -> Result<Value, Problem> {
        for guard in &self.guards {
            guard.check(engine, context)?;
        }
        let failed = manifest::Code::TemplateFailed;
        engine
            .eval(&self.code, context)
            .map_err(|error| Problem::of_engine(failed, &error, &self.range))
    }
}

/// Text with expressions in it.
pub(super) struct Template<'s> {
    pieces: Vec<Piece<'s>>,
    uses: Uses,
    reads: Vec<Site<'s>>,
}

enum Piece<'s> {
    Text(&'s str),
    Value(Guarded<'s>),
}

impl<'s> Template<'s> {
    /// Parses `source`, whose expressions may use `names` and what they see. It comes with its lints.
    ///
    /// # Errors
    /// All that is wrong with it, lints included.
    pub(super) fn parse(
        source: &'s str,
        names: &Names<'_>,
        sees: Sees,
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = Vec::new();
        let looked = Self::look(source, &mut |expr| {
            problems.extend(check(expr, names, sees));
        });
        let (template, refused) = looked?;
        problems.extend(refused);
        if problems.iter().all(Problem::is_lint) {
            Ok((template, problems))
        } else {
            Err(problems)
        }
    }

    /// Parses `source`, which was checked before.
    ///
    /// # Errors
    /// What keeps it from being parsed.
    pub(super) fn compile(source: &'s str) -> Result<Self, Vec<Problem>> {
        let (template, refused) = Self::look(source, &mut |_| {})?;
        if refused.is_empty() {
            Ok(template)
        } else {
            Err(refused)
        }
    }

    /// Parses `source`; `look` looks at its expressions.
    fn look(
        source: &'s str,
        look: &mut dyn FnMut(&Expr<'s>),
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let syntax = manifest::Code::TemplateSyntax;
        let whole = 0..source.len();
        refuse_long(longest_expression(source))?;
        let parsed = machinery::parse(source, "<manifest>", SyntaxConfig::default())
            .map_err(|error| vec![Problem::of_engine(syntax, &error, &whole)])?;
        let Stmt::Template(template) = &parsed else {
            return Err(vec![Problem::new(syntax, whole, "this is no template")]);
        };
        let mut problems = Vec::new();
        let (mut pieces, mut reads) = (Vec::new(), Vec::new());
        let mut uses = Uses::default();
        for child in &template.children {
            match child {
                Stmt::EmitRaw(text) => pieces.push(Piece::Text(text.raw)),
                Stmt::EmitExpr(emit) => {
                    look(&emit.expr);
                    uses.add(&emit.expr);
                    reads.extend(Site::all_of(&emit.expr, source));
                    pieces.push(Piece::Value(Guarded::new(&emit.expr, source)));
                }
                _ => problems.push(
                    Problem::new(syntax, whole.clone(), "templates have no `{% %}` blocks")
                        .help("for a choice write `{{ a if condition else b }}`"),
                ),
            }
        }
        let template = Self {
            pieces,
            uses,
            reads,
        };
        Ok((template, problems))
    }

    /// What it uses.
    pub(super) const fn uses(&self) -> &Uses {
        &self.uses
    }

    /// The results that it reads.
    pub(super) fn reads(&self) -> &[Site<'s>] {
        &self.reads
    }

    /// The text under `context`; `None` when it uses what has no value there.
    pub(super) fn render(
        &self,
        engine: &Engine,
        context: &Context,
    ) -> Option<Result<String, Problem>> {
        let is_known = context.has_all(&self.uses);
        is_known.then(|| self.print(engine, &context.values))
    }

    pub(super) fn print(&self, engine: &Engine, context: &Value) -> Result<String, Problem> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Value(expression) => {
                    let value = expression.eval(engine, context)?;
                    let failed = manifest::Code::TemplateFailed;
                    let refuse = |why| {
                        Problem::new(failed, expression.range.clone(), why)
                            .help("a template prints texts, exact numbers and booleans")
                    };
                    text.push_str(&format(&value).map_err(refuse)?);
                }
            }
        }
        Ok(text)
    }
}

/// An expression that is true or false.
pub(super) struct Condition<'s> {
    expression: Guarded<'s>,
    uses: Uses,
    reads: Vec<Site<'s>>,
}

impl<'s> Condition<'s> {
    /// What it uses.
    pub(super) const fn uses(&self) -> &Uses {
        &self.uses
    }

    /// The results that it reads.
    pub(super) fn reads(&self) -> &[Site<'s>] {
        &self.reads
    }

    /// Parses `source`, which may use `names`, `part` and results. It comes with its lints.
    ///
    /// # Errors
    /// All that is wrong with it, lints included.
    pub(super) fn parse(
        source: &'s str,
        names: &Names<'_>,
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = Vec::new();
        let condition = Self::look(source, &mut |expr| {
            problems.extend(check(expr, names, Sees::Results));
        })?;
        if problems.iter().all(Problem::is_lint) {
            Ok((condition, problems))
        } else {
            Err(problems)
        }
    }

    /// Parses `source`, which was checked before.
    ///
    /// # Errors
    /// What keeps it from being parsed.
    pub(super) fn compile(source: &'s str) -> Result<Self, Vec<Problem>> {
        Self::look(source, &mut |_| {})
    }

    fn look(source: &'s str, look: &mut dyn FnMut(&Expr<'s>)) -> Result<Self, Vec<Problem>> {
        let syntax = manifest::Code::TemplateSyntax;
        let whole = 0..source.len();
        if source.trim_start().starts_with("{{") {
            return Err(vec![
                Problem::new(syntax, whole, "a condition is an expression without braces")
                    .help("write `when: width >= 80`"),
            ]);
        }
        refuse_long(source)?;
        let expr = machinery::parse_expr(source)
            .map_err(|error| vec![Problem::of_engine(syntax, &error, &whole)])?;
        look(&expr);
        let mut uses = Uses::default();
        uses.add(&expr);
        Ok(Self {
            expression: Guarded::new(&expr, source),
            uses,
            reads: Site::all_of(&expr, source),
        })
    }

    /// Whether it holds under `context`; `None` when it uses what has no value there.
    pub(super) fn holds(
        &self,
        engine: &Engine,
        context: &Context,
    ) -> Option<Result<bool, Problem>> {
        let is_known = context.has_all(&self.uses);
        is_known.then(|| self.decide(engine, &context.values))
    }

    pub(super) fn decide(&self, engine: &Engine, context: &Value) -> Result<bool, Problem> {
        let value = self.expression.eval(engine, context)?;
        if value.kind() == ValueKind::Bool {
            return Ok(value.is_true());
        }
        let message = format!(
            "a condition is true or false, and this is a {}",
            value.kind()
        );
        Err(Problem::new(
            manifest::Code::NotACondition,
            self.expression.range.clone(),
            message,
        )
        .help("compare it with something: `width >= 80`"))
    }
}

fn refuse_long(expression: &str) -> Result<(), Vec<Problem>> {
    if expression.len() <= MAX_EXPRESSION_BYTES {
        return Ok(());
    }
    let message = format!("an expression has at most {MAX_EXPRESSION_BYTES} bytes");
    let syntax = manifest::Code::TemplateSyntax;
    // All of the scalar is its place: where the expression ends is what the parser would find out.
    Err(vec![
        Problem::new(syntax, 0..0, message).help("give a part of it a name under `vars`"),
    ])
}

/// The longest stretch of `source` that could be an expression, found without parsing.
fn longest_expression(source: &str) -> &str {
    let openings = source.match_indices("{{").chain(source.match_indices("{%"));
    let mut starts: Vec<usize> = openings.map(|(at, _)| at).chain([source.len()]).collect();
    starts.sort_unstable();
    let stretch = |pair: &[usize]| -> &str {
        let text = source.get(pair[0] + 2..pair[1]).unwrap_or_default();
        let close = text.rfind("}}").max(text.rfind("%}"));
        &text[..close.unwrap_or(text.len())]
    };
    starts
        .windows(2)
        .map(stretch)
        .max_by_key(|text| text.len())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_bounded_before_they_are_parsed() {
        let mut sources = crate::manifest::Sources::default();
        let source = sources.add("m.yaml", "version: 1\nname: n\nparts: []\n");
        let format = crate::manifest::Format::Yaml;
        let manifest = crate::manifest::parse(&mut sources, source, format);
        let manifest = manifest.unwrap_err().rest.unwrap();
        let names = Names::new(&manifest, &[], false);
        let long = "1+".repeat(1_000_000);
        for text in [
            format!("{{{{ {long}1 }}}}"),
            format!("{{{{ '}}}}' ~ {long}1 }}}}"),
            format!("{{% if {long}1 %}}"),
            format!("{{{{ {long}"),
        ] {
            assert!(Template::parse(&text, &names, Sees::Part).is_err());
        }
        assert!(Condition::parse(&long, &names).is_err());
        let prose = format!("{{{{ 1 }}}} {} {{{{ 2 }}}}", "prose ".repeat(9_000));
        assert!(Template::parse(&prose, &names, Sees::Part).is_ok());
        let deepest = format!("{{{{ {}1 }}}}", "1+".repeat(990));
        assert!(Template::parse(&deepest, &names, Sees::Part).is_ok());
    }
}
