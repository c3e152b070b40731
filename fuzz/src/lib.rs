//! What must hold for every text that is given to millrun as a manifest, a table, a template or a condition.
//!
//! The fuzz targets and a test of the usual suite (`tests/it/manifest/arbitrary.rs`) share these: no text makes a panic,
//! what is wrong is shown at a place in the text, and reading is the same each time.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use millrun::manifest::{
    self, Diagnostics, FileProblem, Format, Sources, Style, Surroundings, render, to_json,
};
use millrun::plan::content::{ImageRef, ImageType};
use millrun::plan::digest::Digest;
use millrun::plan::family::Family;
use millrun::plan::resolve::{ImageProblem, ImageSource, understand};

/// What stands beside each manifest: a table, and a file of shared settings.
struct Beside<'t> {
    table: &'t str,
}

const TABLE: &str = "number,width:number,holes:int,coated:bool\n007,12.5,2,true\n008,60,4,false\n";
const SHARED: &str = "vars: { material: steel }\ndefaults: { review: { prompt: Look. } }\n";

impl Surroundings for Beside<'_> {
    fn file(&mut self, path: &str) -> Result<String, FileProblem> {
        match path.rsplit_once('.') {
            Some((_, "csv")) => Ok(self.table.to_owned()),
            Some((_, "yaml")) => Ok(SHARED.to_owned()),
            Some((_, "toml")) => Ok("[vars]\nmaterial = \"steel\"\n".to_owned()),
            _ => Err(FileProblem::Missing),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "LOT").then(|| "7".to_owned())
    }
}

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

fn read(text: &str, format: Format, table: &str) -> Result<(Family, Diagnostics), Diagnostics> {
    let mut sources = Sources::default();
    let source = sources.add("parts.yaml", text);
    let mut beside = Beside { table };
    let read = manifest::parse_in(&mut sources, source, format, &mut beside);
    let outcome = understand(read, &sources, &mut PaperImages);
    let problems = match &outcome {
        Ok((_, lints)) => lints,
        Err(problems) => problems,
    };
    for problem in problems {
        let shown = render(problem, &sources, Style::Plain);
        assert!(shown.contains("-->"), "no place: {shown}");
        let json = to_json(problem, &sources);
        let place = (json["line"].as_u64(), json["column"].as_u64());
        assert!(place >= (Some(1), Some(1)), "{json}");
    }
    outcome
}

/// Reads `text`, and answers what it came to in a few words.
fn look(text: &str, format: Format, table: &str) -> String {
    match (read(text, format, table), read(text, format, table)) {
        (Ok((family, lints)), Ok((again, _))) => {
            assert!(!lints.has_errors());
            let ids: BTreeSet<&str> = family.parts.iter().map(|part| part.id.as_str()).collect();
            assert_eq!(ids.len(), family.parts.len(), "two parts with one id");
            assert_eq!(
                format!("{family:?}"),
                format!("{again:?}"),
                "read in two ways"
            );
            format!("{} parts", family.parts.len())
        }
        (Err(problems), Err(again)) => {
            assert!(problems.has_errors(), "refused without a reason");
            let codes = |problems: &Diagnostics| {
                problems.iter().fold(String::new(), |mut all, problem| {
                    let _ = write!(all, "{} ", problem.code.as_str());
                    all
                })
            };
            assert_eq!(codes(&problems), codes(&again), "refused in two ways");
            codes(&problems)
        }
        _ => panic!("read and refused"),
    }
}

/// Any text is a manifest or is refused: as YAML and as TOML.
pub fn manifest(text: &str) -> String {
    let yaml = look(text, Format::Yaml, TABLE);
    let toml = look(text, Format::Toml, TABLE);
    format!("{yaml} / {toml}")
}

/// Any text is a design table or is refused.
pub fn table(text: &str) -> String {
    let manifest = "version: 1\nname: n\nuid: u\nbudget: {}\nparts:\n- id: p-{{ number }}\n  table: rows.csv\n  \
        steps: [{ create: { prompt: \"{{ number }} {{ width }}\" } }, { iterate: { when: holes > 2, prompt: x } }]\n";
    look(manifest, Format::Yaml, text)
}

/// Any first line is a condition or is refused, and any lines after it are a template or are refused.
pub fn template(text: &str) -> String {
    let (when, template) = text.split_once('\n').unwrap_or((text, text));
    // What JSON writes in quotes, YAML reads as the same text.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let manifest = format!(
        "version: 1\nname: n\nuid: u\nbudget: {{}}\nenv: [LOT]\nvars: {{ material: steel, size: \"9\", thick: 6.5 }}\nparts:\n\
        - id: p-{{{{ width }}}}\n  matrix: {{ width: [60, 80], flat: [true] }}\n  steps:\n  - create: {{ prompt: {template} }}\n  \
        - iterate: {{ when: {when}, prompt: {template}, images: [{template}] }}\n  - download: {{ to: {template} }}\n",
        template = quoted(template),
        when = quoted(when),
    );
    look(&manifest, Format::Yaml, TABLE)
}
