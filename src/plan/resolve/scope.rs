//! What the templates of a part see: variables, the axes of its matrix or the columns of its table, the environment, and the
//! part itself.
//!
//! A name can be known while its value is not: the value was refused, or the id of the part could not be worked out. What
//! uses such a name is checked, but not evaluated.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;
use minijinja::machinery::ast::Expr;

use super::format::value_of;
use super::matrix::Combination;
use super::reads::Chain;
use super::walk::children;
use crate::manifest::Spanned;
use crate::manifest::shape::{EnvEntry, Manifest, Var};
use crate::plan::content::StepKind;
use crate::plan::ids::PartId;

/// The names that templates of one entry of `parts` may use.
pub(super) struct Names<'m> {
    vars: &'m [Var],
    env: &'m [EnvEntry],
    /// Axes of the matrix, or columns of the table.
    axes: Vec<&'m Spanned<String>>,
    has_others: bool,
    /// The values of `vars` and `env` as a whole, which all parts share.
    shared: Shared,
    /// The steps before the one whose texts are looked at.
    earlier: RefCell<Vec<Earlier>>,
    /// The condition of that one.
    condition: RefCell<Option<String>>,
    used: RefCell<BTreeSet<&'m str>>,
    used_env: RefCell<BTreeSet<&'m str>>,
}

/// A step whose results later ones can read.
#[derive(Debug, Clone)]
pub(super) struct Earlier {
    /// Its id.
    pub(super) id: String,
    /// Its kind, where this version knows it.
    pub(super) kind: Option<StepKind>,
    /// Its condition, if it has one.
    pub(super) condition: Option<String>,
}

struct Shared {
    vars: BTreeMap<String, Value>,
    vars_value: Value,
    env_value: Value,
    /// What has a value, when not all of it has.
    known: BTreeSet<String>,
    are_whole: bool,
}

impl Shared {
    fn of(manifest: &Manifest, has_others: bool) -> Self {
        let (vars, env) = (&manifest.vars, &manifest.env);
        let has_all_vars = vars.iter().all(|var| var.value.is_ok());
        let has_all_env = env.iter().all(|env| env.value.is_ok());
        let vars: BTreeMap<String, Value> = (vars.iter())
            .filter_map(|var| {
                let value = var.value.as_ref().ok()?;
                Some((var.name.value.clone(), value_of(&value.value)))
            })
            .collect();
        let env: BTreeMap<String, Value> = (env.iter())
            .filter_map(|env| Some((env.name.value.clone(), env.value.as_deref().ok()?.into())))
            .collect();
        let mut known: BTreeSet<String> = (vars.keys().map(|name| format!("vars.{name}")))
            .chain(env.keys().map(|name| format!("env.{name}")))
            .collect();
        known.extend((!has_others && has_all_vars).then(|| "vars".to_owned()));
        known.extend(has_all_env.then(|| "env".to_owned()));
        Self {
            vars_value: Value::from(vars.clone()),
            env_value: Value::from(env),
            vars,
            known,
            are_whole: !has_others && has_all_vars && has_all_env,
        }
    }
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
    /// `env`, which has the variables of the environment that the manifest lists.
    Env,
    /// Something that was refused, or is not known to be absent.
    Unknown,
}

impl<'m> Names<'m> {
    /// `has_others` says that there may be names beside these.
    pub(super) fn new(
        manifest: &'m Manifest,
        axes: &[&'m Spanned<String>],
        has_others: bool,
    ) -> Self {
        Self {
            vars: &manifest.vars,
            env: &manifest.env,
            axes: axes.to_vec(),
            has_others,
            shared: Shared::of(manifest, has_others),
            earlier: RefCell::default(),
            condition: RefCell::default(),
            used: RefCell::default(),
            used_env: RefCell::default(),
        }
    }

    /// What `name` stands for; a variable that is asked for counts as used.
    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        match name {
            "vars" => Some(Meaning::Vars),
            "part" => Some(Meaning::Part),
            "env" => Some(Meaning::Env),
            _ if self.axes.iter().any(|axis| axis.value == name) => Some(Meaning::Value),
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

    /// The texts of a step with this condition are looked at.
    pub(super) fn enter_step(&self, condition: Option<String>) {
        *self.condition.borrow_mut() = condition;
    }

    /// Makes a step one that later ones can read.
    pub(super) fn pass_step(&self, step: Earlier) {
        self.earlier.borrow_mut().push(step);
    }

    /// The earlier step `id`.
    pub(super) fn earlier_step(&self, id: &str) -> Option<Earlier> {
        let earlier = self.earlier.borrow();
        earlier.iter().find(|known| known.id == id).cloned()
    }

    /// Whether `step` may be skipped where the step is not whose texts are looked at.
    pub(super) fn may_be_missing(&self, step: &Earlier) -> bool {
        step.condition.is_some() && step.condition != *self.condition.borrow()
    }

    /// The ids of the steps before.
    pub(super) fn earlier_steps(&self) -> Vec<String> {
        let earlier = self.earlier.borrow();
        earlier.iter().map(|step| step.id.clone()).collect()
    }

    /// Whether the manifest lists the variable `name` of the environment, which then counts as used.
    pub(super) fn has_env(&self, name: &str) -> bool {
        let listed = self.env.iter().find(|env| env.name.value == name);
        (self.used_env.borrow_mut()).extend(listed.map(|env| env.name.value.as_str()));
        listed.is_some()
    }

    /// The names of the listed variables of the environment.
    pub(super) fn env(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        let read = self.env.iter().filter(|env| env.value.is_ok());
        read.map(|env| env.name.value.as_str())
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
        let axes: Vec<&'m str> = self.axes.iter().map(|axis| axis.value.as_str()).collect();
        axes.into_iter().chain(self.vars())
    }

    /// The variables that were asked for; those of the environment as `env.NAME`.
    pub(super) fn into_used(self) -> impl Iterator<Item = String> {
        let vars = self.used.into_inner().into_iter().map(str::to_owned);
        let env = self.used_env.into_inner().into_iter();
        vars.chain(env.map(|name| format!("env.{name}")))
    }

    /// The values for one combination of the axes. A part's id comes later, since it is rendered from the rest.
    pub(super) fn scope(&self, combination: &Combination<'m>) -> Scope {
        let shared = &self.shared;
        let is_whole = shared.are_whole && combination.iter().all(Option::is_some);
        let mut known: Option<BTreeSet<String>> = (!is_whole).then(|| shared.known.clone());
        let mut values = shared.vars.clone();
        for (axis, value) in self.axes.iter().zip(combination) {
            let name = &axis.value;
            match value {
                Some(value) => values.insert(name.clone(), value_of(value)),
                None => values.remove(name),
            };
        }
        if let Some(known) = &mut known {
            known.extend(values.keys().cloned());
        }
        values.insert("vars".to_owned(), shared.vars_value.clone());
        values.insert("env".to_owned(), shared.env_value.clone());
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
    /// Whether the axis, column or variable `name` is used.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether the part's own id is used.
    pub(super) const fn has_part(&self) -> bool {
        self.part
    }

    /// Adds what `expr` uses.
    pub(super) fn add(&mut self, expr: &Expr<'_>) {
        if let Some(chain) = Chain::of(expr) {
            chain.keys().for_each(|key| self.add(key));
            return;
        }
        let holder = |owner: &Expr<'_>| match owner {
            Expr::Var(var) if matches!(var.id, "vars" | "env") => Some(var.id.to_owned()),
            _ => None,
        };
        let member = match expr {
            Expr::GetAttr(get) => holder(&get.expr).map(|holder| (holder, get.name.to_owned())),
            Expr::GetItem(get) => holder(&get.expr).and_then(|holder| {
                let key = get.subscript_expr.as_const()?;
                Some((holder, key.as_str()?.to_owned()))
            }),
            _ => None,
        };
        match (member, expr) {
            (Some((holder, name)), _) => {
                self.names.insert(format!("{holder}.{name}"));
            }
            (None, Expr::Var(var)) if var.id == "part" => self.part = true,
            (None, Expr::Var(var)) => {
                self.names.insert(var.id.to_owned());
            }
            (None, _) => children(expr).into_iter().for_each(|inner| self.add(inner)),
        }
    }
}
