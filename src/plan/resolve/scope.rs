//! What the templates of a part see: variables, the axes of its matrix, and the part itself.
//!
//! A name can be known while its value is not: the value was refused, or the id of the part could not be worked out. What
//! uses such a name is checked, but not evaluated.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;
use minijinja::machinery::ast::Expr;

use super::format::value_of;
use super::matrix::Combination;
use super::walk::children;
use crate::manifest::shape::{Axis, Var};
use crate::plan::ids::PartId;

/// The names that templates of one entry of `parts` may use.
pub(super) struct Names<'m> {
    vars: &'m [Var],
    axes: &'m [Axis],
    has_others: bool,
    used: RefCell<BTreeSet<&'m str>>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A variable or an axis.
    Value,
    /// `vars`, which has the variables.
    Vars,
    /// `part`, which has an `id`.
    Part,
    /// Something that was refused, or is not known to be absent.
    Unknown,
}

impl<'m> Names<'m> {
    /// `has_others` says that there may be names beside these.
    pub(super) fn new(vars: &'m [Var], axes: &'m [Axis], has_others: bool) -> Self {
        Self {
            vars,
            axes,
            has_others,
            used: RefCell::default(),
        }
    }

    /// What `name` stands for; a variable that is asked for counts as used.
    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        match name {
            "vars" => Some(Meaning::Vars),
            "part" => Some(Meaning::Part),
            _ if self.axes.iter().any(|axis| axis.name.value == name) => Some(Meaning::Value),
            _ if self.has_var(name) => Some(Meaning::Value),
            _ => self.may_be(name).then_some(Meaning::Unknown),
        }
    }

    /// Whether there is a variable `name`, which then counts as used.
    pub(super) fn has_var(&self, name: &str) -> bool {
        let var = self.vars.iter().find(|var| var.name.value == name);
        self.used
            .borrow_mut()
            .extend(var.map(|var| var.name.value.as_str()));
        var.is_some()
    }

    /// Whether something could be called `name` that was refused. An expression takes a name like `hole-d` to pieces.
    pub(super) fn may_be(&self, name: &str) -> bool {
        let is_piece = |known: &str| {
            known
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .any(|piece| piece == name)
        };
        self.has_others || self.values().any(is_piece)
    }

    /// The names of all variables.
    pub(super) fn vars(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        self.vars.iter().map(|var| var.name.value.as_str())
    }

    /// The names of all axes and variables.
    pub(super) fn values(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        let axes = self.axes.iter().map(|axis| axis.name.value.as_str());
        axes.chain(self.vars())
    }

    /// The variables that were asked for.
    pub(super) fn into_used(self) -> BTreeSet<&'m str> {
        self.used.into_inner()
    }

    /// The values for one combination of the axes. A part's id comes later, since it is rendered from the rest.
    pub(super) fn scope(&self, combination: &Combination<'m>) -> Scope {
        let mut vars: BTreeMap<String, Value> = BTreeMap::new();
        for var in self.vars {
            if let Ok(value) = &var.value {
                vars.insert(var.name.value.clone(), value_of(&value.value));
            }
        }
        let are_whole = !self.has_others && self.vars.iter().all(|var| var.value.is_ok());
        let is_whole = are_whole && combination.iter().all(Option::is_some);
        let qualified = |name: &String| format!("vars.{name}");
        let mut known: Option<BTreeSet<String>> =
            (!is_whole).then(|| vars.keys().map(qualified).collect());
        let mut values = vars.clone();
        for (axis, value) in self.axes.iter().zip(combination) {
            let name = &axis.name.value;
            match value {
                Some(value) => values.insert(name.clone(), value_of(value)),
                None => values.remove(name),
            };
        }
        if let Some(known) = &mut known {
            known.extend(values.keys().cloned());
            known.extend(are_whole.then(|| "vars".to_owned()));
        }
        values.insert("vars".to_owned(), Value::from(vars));
        Scope { values, known }
    }
}

/// The values that the templates of a part are rendered with.
pub(super) struct Scope {
    values: BTreeMap<String, Value>,
    /// What has a value, as [`Context::has_all`] asks for it; nothing when all names have.
    known: Option<BTreeSet<String>>,
}

impl Scope {
    /// The values, without `part`.
    pub(super) fn context(&self) -> Context {
        Context {
            values: Value::from(self.values.clone()),
            known: self.known.clone(),
            has_part: false,
        }
    }

    /// The values of the part with the id `id`, if that is known.
    pub(super) fn context_of(mut self, id: Option<&PartId>) -> Context {
        if let Some(id) = id {
            let part = Value::from(BTreeMap::from([("id", Value::from(id.as_str()))]));
            self.values.insert("part".to_owned(), part);
        }
        Context {
            values: Value::from(self.values),
            known: self.known,
            has_part: id.is_some(),
        }
    }
}

/// What one evaluation sees.
pub(super) struct Context {
    /// The values.
    pub(super) values: Value,
    known: Option<BTreeSet<String>>,
    has_part: bool,
}

impl Context {
    /// Whether everything that is used has a value.
    pub(super) fn has_all(&self, uses: &Uses) -> bool {
        (self.has_part || !uses.part)
            && (self.known.as_ref()).is_none_or(|known| uses.names.is_subset(known))
    }
}

/// What an expression or a template uses.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Variables and axes by their names, `vars.x` for a variable that is named so, and `vars` for all of them.
    names: BTreeSet<String>,
    part: bool,
}

impl Uses {
    /// Adds what `expr` uses.
    pub(super) fn add(&mut self, expr: &Expr<'_>) {
        let of_vars = |owner: &Expr<'_>| matches!(owner, Expr::Var(var) if var.id == "vars");
        let member = match expr {
            Expr::GetAttr(get) if of_vars(&get.expr) => Some(get.name.to_owned()),
            Expr::GetItem(get) if of_vars(&get.expr) => {
                let key = get.subscript_expr.as_const();
                key.and_then(|key| key.as_str().map(str::to_owned))
            }
            _ => None,
        };
        match (member, expr) {
            (Some(name), _) => {
                self.names.insert(format!("vars.{name}"));
            }
            (None, Expr::Var(var)) if var.id == "part" => self.part = true,
            (None, Expr::Var(var)) => {
                self.names.insert(var.id.to_owned());
            }
            (None, _) => children(expr).into_iter().for_each(|inner| self.add(inner)),
        }
    }
}
