//! What the templates of a part see: variables, the axes of its matrix, and the part itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;

use super::format::value_of;
use super::matrix::Combination;
use crate::manifest::shape::{Axis, Var};

/// The names that templates of one entry of `parts` may use.
pub(super) struct Names<'m> {
    vars: &'m [Var],
    axes: &'m [Axis],
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
}

impl<'m> Names<'m> {
    pub(super) fn new(vars: &'m [Var], axes: &'m [Axis]) -> Self {
        Self {
            vars,
            axes,
            used: RefCell::default(),
        }
    }

    /// What `name` stands for; a variable that is asked for counts as used.
    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        match name {
            "vars" => Some(Meaning::Vars),
            "part" => Some(Meaning::Part),
            _ if self.axes.iter().any(|axis| axis.name.value == name) => Some(Meaning::Value),
            _ => self.has_var(name).then_some(Meaning::Value),
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
        let vars: BTreeMap<String, Value> = self
            .vars
            .iter()
            .map(|var| (var.name.value.clone(), value_of(&var.value.value)))
            .collect();
        let mut values = vars.clone();
        values.insert("vars".to_owned(), Value::from(vars));
        for (axis, value) in self.axes.iter().zip(combination) {
            values.insert(axis.name.value.clone(), value_of(value));
        }
        Scope(values)
    }
}

/// The values that a template is rendered with.
pub(super) struct Scope(BTreeMap<String, Value>);

impl Scope {
    /// The values, without `part`.
    pub(super) fn context(&self) -> Value {
        Value::from(self.0.clone())
    }

    /// The values of the part with the id `id`.
    pub(super) fn context_of(mut self, id: &str) -> Value {
        let part = Value::from(BTreeMap::from([("id", Value::from(id))]));
        self.0.insert("part".to_owned(), part);
        Value::from(self.0)
    }
}
