//! `include`: settings that several manifests share, from files below the manifest's folder.
//!
//! What a file says wins over what it includes, and of two included files the later one wins. Mappings are joined key by
//! key, and so are the lists of names in [`JOINED`]; every other value is replaced as a whole.

use super::diagnostic::{Code, Diagnostic};
use super::reader::Reader;
use super::source::{SourceId, Sources, Spanned, Way};
use super::suggest::list;
use super::surroundings::{Surroundings, beside};
use super::top::{Format, INCLUDED, MANIFEST};
use super::tree::{Entry, Tree, Value};

/// The most files that one manifest includes, counted as often as they are.
const MAX_FILES: usize = 100;
/// Lists that are joined, and not replaced.
const JOINED: [&str; 2] = ["env", "allow"];

/// Reads all that `tree`, a manifest, includes, and puts it below what `tree` says. The answer says whether all of it could be
/// read.
pub(super) fn resolve(
    reader: &mut Reader,
    tree: &mut Tree,
    sources: &mut Sources,
    surroundings: &mut dyn Surroundings,
) -> bool {
    let Value::Map(entries) = &mut tree.value else {
        return true;
    };
    let mut includer = Includer {
        reader,
        sources,
        surroundings,
        open: Vec::new(),
        files: 0,
        is_whole: true,
    };
    *entries = includer.gather(std::mem::take(entries), "");
    includer.is_whole
}

struct Includer<'a> {
    reader: &'a mut Reader,
    sources: &'a mut Sources,
    surroundings: &'a mut dyn Surroundings,
    /// The files between the manifest and the one that is read: their paths, and where each was included.
    open: Vec<Spanned<String>>,
    files: usize,
    is_whole: bool,
}

impl Includer<'_> {
    /// `entries`, written in the file at `from`, with all that they include.
    fn gather(&mut self, mut entries: Vec<Entry>, from: &str) -> Vec<Entry> {
        let is_include = |entry: &Entry| entry.key.value == "include";
        let Some(at) = entries.iter().position(is_include) else {
            return entries;
        };
        let include = entries.remove(at).value;
        let items = self.reader.list(&include);
        self.is_whole &= items.is_some();
        let mut below = Vec::new();
        for item in items.unwrap_or_default() {
            match self.file(item, from) {
                Some(file) => below = join(below, file),
                None => self.is_whole = false,
            }
        }
        join(below, entries)
    }

    /// What the file says that `item` of the file at `from` names.
    fn file(&mut self, item: &Tree, from: &str) -> Option<Vec<Entry>> {
        let written = self.reader.text(item)?;
        let path = match beside(from, &written.value) {
            Ok(path) => path,
            Err(problem) => return self.reader.refuse(problem.at(&written.value, item.span)),
        };
        let name = Spanned::new(path.clone(), item.span);
        if let Some(start) = self.open.iter().position(|open| open.value == path) {
            return self.reader.refuse(circle(&self.open[start..], &name));
        }
        self.files += 1;
        if self.files > MAX_FILES {
            let message = format!("a manifest includes at most {MAX_FILES} files");
            return self
                .reader
                .refuse(Diagnostic::error(Code::BadValue, item.span, message).help("join some"));
        }
        let Some(format) = Format::of(&path) else {
            return self.reader.refuse(
                Diagnostic::error(
                    Code::UnknownFormat,
                    item.span,
                    "the name of an included file ends in `.yaml`, `.yml` or `.toml`",
                )
                .help("rename the file"),
            );
        };
        let text = match self.surroundings.file(&path) {
            Ok(text) => text,
            Err(problem) => return self.reader.refuse(problem.at(&written.value, item.span)),
        };
        let source = self.sources.add(self.surroundings.name(&path), text);
        let way = Way {
            span: item.span,
            how: "included here",
        };
        let source = self.sources.by(source, way);
        let entries = self.entries(source, format)?;
        self.open.push(name);
        let all = self.gather(entries, &path);
        self.open.pop();
        Some(all)
    }

    /// The keys and values of the text of `source`, which is included.
    fn entries(&mut self, source: SourceId, format: Format) -> Option<Vec<Entry>> {
        let tree = match format.parse(self.sources, source) {
            Ok(tree) => tree,
            Err(problems) => {
                self.reader.diagnostics.extend(problems);
                return None;
            }
        };
        if tree.value == Value::Null {
            return Some(Vec::new());
        }
        self.reader.entries(&tree)?;
        let Value::Map(mut entries) = tree.value else {
            return None;
        };
        for entry in &entries {
            let key = entry.key.value.as_str();
            if MANIFEST.knows(key) && !INCLUDED.contains(&key) {
                self.reader.diagnostics.push(
                    Diagnostic::error(
                        Code::UnknownKey,
                        entry.key.span,
                        format!("`{key}` belongs to the manifest itself"),
                    )
                    .help(format!("an included file has {}", list(&INCLUDED))),
                );
            }
        }
        // A version is for tools that look at the file alone.
        entries.retain(|entry| {
            let key = entry.key.value.as_str();
            key != "version" && (INCLUDED.contains(&key) || !MANIFEST.knows(key))
        });
        Some(entries)
    }
}

/// The circle of `open`, which `last` closes.
fn circle(open: &[Spanned<String>], last: &Spanned<String>) -> Diagnostic {
    let names: Vec<&str> = (open.iter().chain([last]))
        .map(|file| file.value.as_str())
        .collect();
    let message = format!("files include each other: {}", names.join(" -> "));
    let mut problem = Diagnostic::error(Code::Cycle, last.span, message)
        .label(format!("`{}` is included again", last.value));
    for (before, file) in open.iter().zip(&open[1..]) {
        let text = format!("`{}` includes `{}`", before.value, file.value);
        problem = problem.see(file.span, text);
    }
    problem.help("remove one of these includes")
}

/// `over` on top of `below`.
fn join(mut below: Vec<Entry>, over: Vec<Entry>) -> Vec<Entry> {
    for entry in over {
        let known = (below.iter_mut()).find(|known| known.key.value == entry.key.value);
        let Some(known) = known else {
            below.push(entry);
            continue;
        };
        known.key = entry.key;
        known.value = match (
            std::mem::replace(&mut known.value.value, Value::Null),
            entry.value,
        ) {
            (
                Value::Map(under),
                Spanned {
                    value: Value::Map(over),
                    span,
                },
            ) => Spanned::new(Value::Map(join(under, over)), span),
            (
                Value::Seq(mut under),
                Spanned {
                    value: Value::Seq(over),
                    span,
                },
            ) if JOINED.contains(&known.key.value.as_str()) => {
                for item in over {
                    if under.iter().all(|known| known.value != item.value) {
                        under.push(item);
                    }
                }
                Spanned::new(Value::Seq(under), span)
            }
            (_, over) => over,
        };
    }
    below
}
