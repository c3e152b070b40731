//! Manifests from their text to their meaning.

mod arbitrary;
mod golden;
mod invalid;
mod language;
mod meaning;
mod reference;
mod resolution;
mod schema;
mod schema_order;
mod schema_words;

use millrun::manifest::{self, Diagnostics, Sources, Style};
use millrun::plan::content::{ImageRef, ImageType};
use millrun::plan::digest::Digest;
use millrun::plan::family::Family;
use millrun::plan::resolve::{ImageProblem, ImageSource, understand};

/// Images that are known by their paths alone.
struct PaperImages;

impl ImageSource for PaperImages {
    fn image(&mut self, path: &str) -> Result<ImageRef, ImageProblem> {
        Ok(ImageRef {
            digest: Digest::of(path.as_bytes()),
            image_type: ImageType::Png,
        })
    }
}

fn read(text: &str, format: manifest::Format) -> Result<(Family, Diagnostics), String> {
    let mut sources = Sources::default();
    let source = sources.add("parts.yaml", text);
    let read = manifest::parse(&mut sources, source, format);
    understand(read, &sources, &mut PaperImages).map_err(|problems| show(&problems, &sources))
}

fn yaml(text: &str) -> Family {
    match read(text, manifest::Format::Yaml) {
        Ok((family, _)) => family,
        Err(problems) => panic!("{problems}"),
    }
}

/// A family of one part with `steps`, and what is wrong with it.
fn problems_of(steps: &str) -> String {
    let text = format!(
        "version: 1\nname: n\nvars: {{ width: 80, size: \"9\" }}\nparts:\n- id: a\n  steps:\n{steps}"
    );
    read(&text, manifest::Format::Yaml).map_or_else(|problems| problems, |_| String::new())
}

fn show(problems: &Diagnostics, sources: &Sources) -> String {
    let render = |problem| manifest::render(problem, sources, Style::Plain);
    problems.iter().map(render).collect::<Vec<_>>().join("\n")
}

/// All keys of a family with the parts and steps that have them.
fn keys(family: &Family) -> Vec<(String, String)> {
    let step = |ix| {
        (
            family.step_ref(ix).to_string(),
            family.step(ix).key().unwrap().to_string(),
        )
    };
    family.step_indices().map(step).collect()
}
