//! YAML 1.2 to a tree. `no`, `on`, `012` and `1_000` are texts.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Error, Location, Options};

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::source::{SourceId, Sources, Span, Spanned, Way};
use super::tree::{Entry, Tree, Value, map_span};

/// The most values of one file, aliases counted where they stand.
const MAX_NODES: usize = 2_000_000;
/// The deepest value.
const MAX_DEPTH: usize = 64;
/// What that takes of the stack, and then some: about 40 KiB a level in a build for debugging.
const STACK_BYTES: usize = 16 * 1024 * 1024;
/// The most values that aliases and merges repeat.
const MAX_REPEATED: usize = 50_000;

/// Reads the text of `source`. What an alias or a merge repeats knows both of its places.
pub(super) fn parse(sources: &mut Sources, source: SourceId) -> Result<Tree, Diagnostics> {
    let node = nodes(sources, source)?;
    let mut planter = Planter {
        sources,
        source,
        last: None,
    };
    Ok(planter.tree(node))
}

/// Parses the text of `source` on a stack of its own: the parser recurses, deeper than a thread of a runtime allows.
fn nodes(sources: &Sources, source: SourceId) -> Result<serde_yaml::Spanned<Node>, Diagnostics> {
    let parse = || {
        serde_yaml::from_str_with_options(sources.text(source), options())
            .map_err(|error| Diagnostics::from(explain(&error, sources, source)))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let parsed = thread
            .spawn_scoped(scope, parse)
            .map(std::thread::ScopedJoinHandle::join);
        match parsed {
            Ok(Ok(parsed)) => parsed,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => {
                let span = Span {
                    source,
                    start: 0,
                    end: 0,
                };
                let message = format!("there is no memory to parse this: {error}");
                Err(Diagnostic::error(Code::UnreadableFile, span, message).into())
            }
        }
    })
}

fn options() -> Options {
    serde_yaml::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        alias_limits: serde_yaml::alias_limits! {
            // A list or mapping is two events.
            max_total_replayed_events: 2 * MAX_REPEATED,
        },
        budget: serde_yaml::budget! {
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES + 10,
            max_depth: MAX_DEPTH,
            // Behind the depth, which has the better message.
            flow_nesting_limit: MAX_DEPTH + 2,
            // One list of steps may serve hundreds of parts; what aliases grow to is bounded by itself.
            enforce_alias_anchor_ratio: false,
        },
    }
}

/// What the parser calls with: a value whose children know where they stand.
enum Node {
    Leaf(Value),
    Seq(Vec<serde_yaml::Spanned<Node>>),
    Map(Vec<(serde_yaml::Spanned<String>, serde_yaml::Spanned<Node>)>),
}

/// Makes trees of nodes.
struct Planter<'s> {
    sources: &'s mut Sources,
    source: SourceId,
    /// The alias that was met last, and the source of what it repeats.
    last: Option<(Span, SourceId)>,
}

impl Planter<'_> {
    fn tree(&mut self, node: serde_yaml::Spanned<Node>) -> Tree {
        let span = self.place(node.referenced, node.defined);
        match node.value {
            Node::Leaf(value) => Spanned::new(value, span),
            Node::Seq(items) => {
                let items = items.into_iter().map(|item| self.tree(item)).collect();
                Spanned::new(Value::Seq(items), span)
            }
            Node::Map(entries) => {
                let entries: Vec<Entry> = entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key: Spanned::new(key.value, self.place(key.referenced, key.defined)),
                        value: self.tree(value),
                    })
                    .collect();
                let span = map_span(span, &entries);
                Spanned::new(Value::Map(entries), span)
            }
        }
    }

    /// The place of what is written at `defined` and used at `referenced`.
    fn place(&mut self, referenced: Location, defined: Location) -> Span {
        let place = span(defined, self.source);
        let used = span(referenced, self.source);
        if used.start == place.start || referenced.span().byte_offset().is_none() {
            return place;
        }
        let source = match self.last {
            Some((last, source)) if last == used => source,
            _ => {
                let how = "used here";
                let source = self.sources.by(self.source, Way { span: used, how });
                self.last = Some((used, source));
                source
            }
        };
        Span { source, ..place }
    }
}

fn span(location: Location, source: SourceId) -> Span {
    let index = |n: Option<u64>| usize::try_from(n.unwrap_or(0)).unwrap_or(usize::MAX);
    let start = index(location.span().byte_offset());
    Span {
        source,
        start,
        end: start + index(location.span().byte_len()),
    }
}

fn explain(error: &Error, sources: &Sources, source: SourceId) -> Diagnostic {
    let error = error.without_snippet();
    let at = error.location().unwrap_or(Location::UNKNOWN);
    let mut place = span(at, source);
    if at.span().byte_offset().is_none() {
        place.start = offset_of(sources.text(source), at);
        place.end = place.start;
    }
    let said = error.to_string();
    let message = said.split(" at line ").next().unwrap_or(&said).to_owned();
    match error {
        Error::DuplicateMappingKey { key, .. } => {
            let name = key.as_deref().unwrap_or("this key");
            let message = format!("`{name}` stands twice in one mapping");
            Diagnostic::error(Code::RepeatedKey, place, message).help("remove one of the two")
        }
        Error::MultipleDocuments { .. } => {
            Diagnostic::error(Code::Syntax, place, "a second YAML document starts here")
                .help("a manifest is one document: remove the `---`")
        }
        Error::UnknownAnchor { .. } => {
            Diagnostic::error(Code::Syntax, place, "this alias has no anchor")
                .help("anchors (`&name`) stand above the aliases (`*name`) that use them")
        }
        Error::UnsupportedTag { tag, .. } | Error::TaggedStructFieldName { tag, .. } => {
            let message = format!("manifests have no tags, and this is `{tag}`");
            Diagnostic::error(Code::Syntax, place, message).help("remove it")
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => explain_repeats(place),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Diagnostic::error(Code::Syntax, place, "this alias stands in its own anchor")
                .help("a value can't have itself in it")
        }
        // A breach inside of an alias comes as a message, and so does one that the scanner finds.
        _ if message.starts_with("alias replay limit exceeded") => explain_repeats(place),
        _ if message.starts_with("recursion limit exceeded") => explain_size(place),
        _ if message.starts_with("budget breached") => explain_size(place),
        _ => Diagnostic::error(Code::Syntax, place, message)
            .label("YAML stops here")
            .help("look for a missing quote, bracket, colon or blank here and in the line above"),
    }
}

fn explain_repeats(place: Span) -> Diagnostic {
    let message = "aliases repeat more than a manifest may have";
    Diagnostic::error(Code::Syntax, place, message).help(format!(
        "aliases and merges repeat at most {MAX_REPEATED} values; a matrix, a table or `defaults` repeats without them"
    ))
}

fn explain_size(place: Span) -> Diagnostic {
    let message = "this is more YAML than a manifest may have";
    Diagnostic::error(Code::Syntax, place, message).help(format!(
        "a file has at most {MAX_NODES} values, {MAX_DEPTH} levels deep, and its aliases repeat at most {MAX_REPEATED}"
    ))
}

/// The byte at a line and column, which some errors have alone.
fn offset_of(text: &str, at: Location) -> usize {
    let count = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let line_start: usize = text
        .split_inclusive('\n')
        .take(count(at.line()))
        .map(str::len)
        .sum();
    let line = text[line_start..].split('\n').next().unwrap_or_default();
    let column: usize = line
        .chars()
        .take(count(at.column()))
        .map(char::len_utf8)
        .sum();
    line_start + column
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a boolean, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Int(value)))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node, E> {
        let value = i64::try_from(value).map_err(|_| E::custom("this number is too large"))?;
        self.visit_i64(value)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}
