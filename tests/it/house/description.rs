//! What the API document names: read off the checked-in OpenAPI description and the document's own examples, so that what
//! is added to either is looked for in the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Names of one kind. What must be named on both sides is what each reads or writes in every answer.
pub(super) struct Part {
    pub(super) title: &'static str,
    pub(super) names: BTreeSet<String>,
    pub(super) on_both_sides: bool,
}

/// One of the document's examples.
pub(super) struct Example {
    /// `poll_job_status`, or `create_a_cad_job.request`
    pub(super) stem: String,
    pub(super) fields: BTreeSet<String>,
}

impl Example {
    fn is_request(&self) -> bool {
        self.stem.ends_with(".request")
    }
}

pub(super) fn examples() -> Vec<Example> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/api");
    let mut examples = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let example = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut fields = BTreeSet::new();
        each_field(&example, &mut |name, _| {
            fields.insert(name.to_owned());
        });
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        examples.push(Example { stem, fields });
    }
    examples.sort_by(|a, b| a.stem.cmp(&b.stem));
    assert_eq!(examples.len(), 14);
    examples
}

/// All that has to be named by a test.
pub(super) fn parts() -> [Part; 8] {
    let api = Description::read();
    let examples = examples();
    let of_examples = |requests: bool| {
        let some = examples
            .iter()
            .filter(move |example| example.is_request() == requests);
        some.flat_map(|example| example.fields.iter().cloned())
    };
    let part = |title, names, on_both_sides| Part {
        title,
        names,
        on_both_sides,
    };
    let mut requests = api.request_fields();
    requests.extend(of_examples(true));
    let mut answers = api.answer_fields();
    answers.extend(of_examples(false));
    [
        part("Paths", api.paths(), true),
        part("Scopes", api.scopes(), false),
        part("Fields of requests", requests, false),
        part("Headers", api.headers(), false),
        part("Fields of answers", answers, true),
        part("Values", api.values(), false),
        part("Statuses", api.statuses(), false),
        part("Error codes", api.codes(), true),
    ]
}

/// The OpenAPI description.
struct Description(Value);

impl Description {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulator/openapi.json");
        let mut api: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        // The description itself is no endpoint of the document.
        let paths = api["paths"].as_object_mut().unwrap();
        assert!(paths.remove("/api/v1/openapi.json").is_some());
        Self(api)
    }

    fn paths(&self) -> BTreeSet<String> {
        let paths = self.0["paths"].as_object().unwrap().keys();
        paths
            .map(|path| path.strip_prefix("/api/v1").unwrap().to_owned())
            .collect()
    }

    fn operations(&self) -> impl Iterator<Item = &Value> {
        let paths = self.0["paths"].as_object().unwrap().values();
        paths.flat_map(|methods| methods.as_object().unwrap().values())
    }

    fn scopes(&self) -> BTreeSet<String> {
        let needed = self.operations().map(|operation| &operation["security"]);
        needed.flat_map(texts).collect()
    }

    fn statuses(&self) -> BTreeSet<String> {
        self.operations()
            .flat_map(|operation| operation["responses"].as_object().unwrap().keys().cloned())
            .collect()
    }

    /// Parameters of a kind: `query` or `header`.
    fn parameters(&self, place: &str) -> BTreeSet<String> {
        let known = self.0["components"]["parameters"].as_object().unwrap();
        let some = known.values().filter(|known| known["in"] == place);
        some.map(|known| known["name"].as_str().unwrap().to_owned())
            .collect()
    }

    fn request_fields(&self) -> BTreeSet<String> {
        let mut fields = self.parameters("query");
        for operation in self.operations() {
            fields.extend(self.fields(&operation["requestBody"]));
        }
        fields
    }

    fn answer_fields(&self) -> BTreeSet<String> {
        let answers = self.operations().map(|operation| &operation["responses"]);
        answers.flat_map(|answers| self.fields(answers)).collect()
    }

    /// Those of requests and of answers, as tests write them.
    fn headers(&self) -> BTreeSet<String> {
        let mut headers = self.parameters("header");
        let components = &self.0["components"];
        let described = [
            &self.0["paths"],
            &components["responses"],
            &components["securitySchemes"],
        ];
        let mut look = |name: &str, value: &Value| match (name, value) {
            ("headers", Value::Object(named)) => headers.extend(named.keys().cloned()),
            ("scheme", Value::String(scheme)) if scheme == "bearer" => {
                headers.insert("authorization".to_owned());
            }
            ("requestBody", _) => {
                headers.insert("content-type".to_owned());
            }
            _ => {}
        };
        for described in described {
            each_field(described, &mut look);
        }
        headers
            .iter()
            .map(|header| header.to_ascii_lowercase())
            .collect()
    }

    /// What a field may be, where that is listed; codes have a list of their own.
    fn values(&self) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        each_field(&self.0, &mut |name, value| match name {
            "enum" => values.extend(texts(value)),
            // The types that a form's field may have.
            "contentType" => {
                let kinds = value.as_str().unwrap().split(',');
                values.extend(kinds.map(|kind| kind.trim().to_owned()));
            }
            _ => {}
        });
        &values - &self.codes()
    }

    fn codes(&self) -> BTreeSet<String> {
        texts(&self.0["components"]["schemas"]["ErrorCode"]["enum"])
            .into_iter()
            .collect()
    }

    /// The names of all properties below `value`, references followed.
    fn fields(&self, value: &Value) -> BTreeSet<String> {
        let mut fields = BTreeSet::new();
        let mut followed = BTreeSet::new();
        let mut left = vec![value];
        while let Some(value) = left.pop() {
            each_field(value, &mut |name, value| match (name, value) {
                ("properties", Value::Object(named)) => fields.extend(named.keys().cloned()),
                ("$ref", Value::String(to)) if followed.insert(to.clone()) => {
                    let pointer = to.strip_prefix('#').unwrap();
                    left.push(self.0.pointer(pointer).unwrap());
                }
                _ => {}
            });
        }
        fields
    }
}

/// Shows every field in `value`, however deep.
fn each_field(value: &Value, look: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                look(name, value);
                each_field(value, look);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| each_field(value, look)),
        _ => {}
    }
}

/// All texts in `value`.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(object) => object.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_field_of_an_example_is_described() {
    let api = Description::read();
    let (requests, answers) = (api.request_fields(), api.answer_fields());
    // What is in a viewer's state is described in words.
    let state = &api.0["components"]["schemas"]["ReviewRequest"]["properties"]["viewer_state"];
    let words = state["description"].as_str().unwrap();
    for example in examples() {
        for field in &example.fields {
            let described = if example.is_request() {
                requests.contains(field) || words.contains(&format!("`{field}`"))
            } else {
                answers.contains(field)
            };
            assert!(described, "{field} of {}", example.stem);
        }
    }
}
