//! `defaults`: what every step of a kind has, unless it says otherwise.

use super::reader::{Keys, Reader};
use super::source::{Sources, Span, Way};
use super::steps::{self, DEFAULTED};
use super::tree::{Entry, Tree, Value};

pub(super) const DEFAULTS: Keys = Keys {
    of: "`defaults`",
    known: &DEFAULTED,
};

/// Puts the defaults of `tree`, a manifest, into its steps. A value that is taken knows the step that takes it.
pub(super) fn apply(reader: &mut Reader, tree: &mut Tree, sources: &mut Sources) {
    let Value::Map(entries) = &mut tree.value else {
        return;
    };
    let is_defaults = |entry: &Entry| entry.key.value == "defaults";
    let Some(at) = entries.iter().position(is_defaults) else {
        return;
    };
    let defaults = entries.remove(at).value;
    let Some(fields) = reader.fields(&defaults, DEFAULTS) else {
        return;
    };
    let mut by_kind: Vec<(&str, &[Entry])> = Vec::new();
    for kind in DEFAULTED {
        if let Some(tree) = fields.get(kind)
            && let Some(entries) = steps::check_defaults(reader, kind, tree)
        {
            by_kind.push((kind, entries));
        }
    }
    let parts = entries.iter_mut().find(|entry| entry.key.value == "parts");
    for part in parts.into_iter().flat_map(|parts| items(&mut parts.value)) {
        let steps = member(part, "steps").map(items).unwrap_or_default();
        for step in steps {
            for (kind, defaults) in &by_kind {
                complete(step, kind, defaults, sources);
            }
        }
    }
}

/// Gives `step` what it does not say of `defaults`, when it is a `kind`.
fn complete(step: &mut Tree, kind: &str, defaults: &[Entry], sources: &mut Sources) {
    let Value::Map(entries) = &mut step.value else {
        return;
    };
    let Some(entry) = entries.iter_mut().find(|entry| entry.key.value == kind) else {
        return;
    };
    let taken_at = entry.key.span;
    let Value::Map(body) = &mut entry.value.value else {
        return;
    };
    for default in defaults {
        if body.iter().any(|own| own.key.value == default.key.value) {
            continue;
        }
        let way = Way {
            span: taken_at,
            how: "a default of this step",
        };
        let source = sources.by(default.key.span.source, way);
        let mut taken = default.clone();
        taken.key.span.source = source;
        let first = default.value.span.source;
        take(&mut taken.value, &mut |span| {
            // Behind an alias or in another file, the way goes through that as well.
            span.source = if span.source == first {
                source
            } else {
                sources.by(span.source, way)
            };
        });
        body.push(taken);
    }
}

fn take(tree: &mut Tree, move_to: &mut dyn FnMut(&mut Span)) {
    move_to(&mut tree.span);
    match &mut tree.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| take(item, move_to)),
        Value::Map(entries) => {
            for entry in entries {
                move_to(&mut entry.key.span);
                take(&mut entry.value, move_to);
            }
        }
        _ => {}
    }
}

fn items(tree: &mut Tree) -> &mut [Tree] {
    match &mut tree.value {
        Value::Seq(items) => items,
        _ => &mut [],
    }
}

fn member<'t>(tree: &'t mut Tree, key: &str) -> Option<&'t mut Tree> {
    let Value::Map(entries) = &mut tree.value else {
        return None;
    };
    (entries.iter_mut())
        .find(|entry| entry.key.value == key)
        .map(|entry| &mut entry.value)
}
