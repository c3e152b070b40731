//! Templates and conditions that read results, evaluated when these are there. They were checked with the manifest.

use minijinja::Value;

use super::problem::Problem;
use super::template::{Condition, Engine, Template};

/// The text of the template `source`.
///
/// # Errors
/// Why there is none.
pub(in crate::plan) fn render(source: &str, values: &Value) -> Result<String, String> {
    let template = Template::compile(source).map_err(first)?;
    let text = template.print(&Engine::new(), values);
    text.map_err(Problem::into_message)
}

/// Whether the condition `source` holds.
///
/// # Errors
/// Why that can't be said.
pub(in crate::plan) fn holds(source: &str, values: &Value) -> Result<bool, String> {
    let condition = Condition::compile(source).map_err(first)?;
    let holds = condition.decide(&Engine::new(), values);
    holds.map_err(Problem::into_message)
}

fn first(problems: Vec<Problem>) -> String {
    let mut messages = problems.into_iter().map(Problem::into_message);
    messages.next().unwrap_or_default()
}
