//! The solids in STEP files are solids: closed, turned outwards, and as large as their prompts say.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use super::*;

type Vector = [f64; 3];

/// A STEP file as its entities: name and arguments by number.
struct Model(BTreeMap<usize, (String, String)>);

/// What a file's faces add up to.
#[derive(Debug, Default, PartialEq)]
struct Census {
    vertices: usize,
    edges: usize,
    faces: usize,
    inner_loops: usize,
    solids: usize,
    volume: f64,
}

impl Model {
    fn read(text: &str) -> Self {
        let entities = text.lines().filter_map(|line| {
            let (number, rest) = line.strip_prefix('#')?.split_once('=')?;
            let (name, arguments) = rest.split_once('(')?;
            let arguments = arguments.strip_suffix(");").unwrap();
            Some((
                number.parse().unwrap(),
                (name.to_owned(), arguments.to_owned()),
            ))
        });
        Self(entities.collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = usize> {
        self.0
            .iter()
            .filter(move |(_, (known, _))| known == name)
            .map(|(number, _)| *number)
    }

    fn name(&self, number: usize) -> &str {
        &self.0[&number].0
    }

    fn refs(&self, number: usize) -> Vec<usize> {
        let arguments = self.0[&number].1.split('#').skip(1);
        arguments
            .map(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_digit());
                rest[..end.unwrap_or(rest.len())].parse().unwrap()
            })
            .collect()
    }

    fn sense(&self, number: usize) -> f64 {
        if self.0[&number].1.ends_with(".T.") {
            1.0
        } else {
            -1.0
        }
    }

    fn vector(&self, number: usize) -> Vector {
        let (_, numbers) = self.0[&number].1.split_once('(').unwrap();
        let numbers: Vec<f64> = numbers
            .trim_end_matches(')')
            .split(',')
            .map(|number| number.parse().unwrap())
            .collect();
        numbers.try_into().unwrap()
    }

    fn radius(&self, number: usize) -> f64 {
        let (_, radius) = self.0[&number].1.rsplit_once(',').unwrap();
        radius.parse().unwrap()
    }

    /// The origin and axis of the placement a surface or curve has.
    fn placement(&self, number: usize) -> (Vector, Vector) {
        let place = self.refs(self.refs(number)[0]);
        (self.vector(place[0]), self.vector(place[1]))
    }

    fn vertex(&self, number: usize) -> Vector {
        self.vector(self.refs(number)[0])
    }

    /// The edges of a bound, each with its direction.
    fn edges(&self, bound: usize) -> Vec<(usize, f64)> {
        let uses = self.refs(self.refs(bound)[0]);
        uses.into_iter()
            .map(|used| (self.refs(used)[0], self.sense(used)))
            .collect()
    }

    /// The area a bound encloses as seen against `normal`; negative if it runs the other way.
    fn area(&self, bound: usize, normal: Vector) -> f64 {
        let mut doubled = 0.0;
        let mut last_end = None;
        for (edge, sense) in self.edges(bound) {
            let [from, to, curve] = self.refs(edge).try_into().unwrap();
            if self.name(curve) == "CIRCLE" {
                let (_, axis) = self.placement(curve);
                doubled += 2.0 * PI * self.radius(curve).powi(2) * dot(axis, normal) * sense;
                continue;
            }
            let (start, end) = if sense > 0.0 { (from, to) } else { (to, from) };
            assert!(
                last_end.is_none_or(|last| last == start),
                "a loop has no gap"
            );
            last_end = Some(end);
            doubled += dot(cross(self.vertex(start), self.vertex(end)), normal);
        }
        doubled / 2.0
    }

    /// What a face adds to the volume: a third of the flow of x through it.
    fn flow(&self, face: usize) -> f64 {
        let mut bounds = self.refs(face);
        let surface = bounds.pop().unwrap();
        let (origin, axis) = self.placement(surface);
        let outward = self.sense(face);
        if self.name(surface) == "PLANE" {
            let areas: Vec<f64> = bounds.iter().map(|bound| self.area(*bound, axis)).collect();
            assert!(areas[0] > 0.0, "an outline runs counter-clockwise");
            assert!(
                areas[1..].iter().all(|area| *area < 0.0),
                "holes run clockwise"
            );
            let area: f64 = areas.iter().sum();
            assert!(area > 0.0);
            return dot(origin, axis) * area * outward / 3.0;
        }
        assert_eq!(self.name(surface), "CYLINDRICAL_SURFACE");
        let radius = self.radius(surface);
        let heights: Vec<f64> = self
            .edges(bounds[0])
            .into_iter()
            .filter_map(|(edge, sense)| {
                let curve = self.refs(edge)[2];
                (self.name(curve) == "CIRCLE")
                    .then(|| dot(self.placement(curve).0, axis) * sense * -outward)
            })
            .collect();
        // Seen from outside the lower circle runs forwards, seen from within the upper one.
        let height: f64 = heights.iter().sum();
        assert!(height > 0.0, "{heights:?}");
        radius * 2.0 * PI * radius * height * outward / 3.0
    }

    fn census(&self) -> Census {
        let faces: Vec<usize> = self.all("ADVANCED_FACE").collect();
        let mut uses: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for face in &faces {
            let bounds = self.refs(*face);
            for bound in &bounds[..bounds.len() - 1] {
                for (edge, sense) in self.edges(*bound) {
                    uses.entry(edge).or_default().push(sense);
                }
            }
        }
        for (edge, senses) in &uses {
            assert_eq!(senses.len(), 2, "edge {edge}");
            assert_eq!(
                senses.iter().sum::<f64>(),
                0.0,
                "edge {edge} runs both ways"
            );
        }
        assert_eq!(uses.len(), self.all("EDGE_CURVE").count());
        Census {
            vertices: self.all("VERTEX_POINT").count(),
            edges: uses.len(),
            faces: faces.len(),
            inner_loops: self.all("FACE_BOUND").count(),
            solids: self.all("MANIFOLD_SOLID_BREP").count(),
            volume: faces.iter().map(|face| self.flow(*face)).sum(),
        }
    }
}

fn dot(a: Vector, b: Vector) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cross([a, b, c]: Vector, [x, y, z]: Vector) -> Vector {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

/// The files of a job with this prompt, the whole first.
async fn files(prompt: &str) -> Vec<String> {
    let client = Client::new(Config::default());
    let job = client
        .job("k1", &format!("{prompt} [sim:duration=0]"))
        .await;
    let status = client.get(&job).await.json();
    let mut files = Vec::new();
    for artifact in status["artifacts"].as_array().unwrap() {
        let url = artifact["download_url"].as_str().unwrap();
        let link = client
            .get(&format!("{url}?redirect=false"))
            .await
            .text("url");
        let at = link.find("/_storage/").unwrap();
        let file = client.get(&link[at..]).await;
        files.push(String::from_utf8(file.bytes.into()).unwrap());
    }
    files
}

#[tokio::test(start_paused = true)]
async fn solids_are_closed_and_as_large_as_their_prompts_say() {
    let disc = |diameter: f64, height: f64| PI * diameter * diameter / 4.0 * height;
    for (prompt, solids, holes, volume) in [
        ("A box, 30 x 20 x 10 mm", 1, 0, 6_000.0),
        (
            "A mounting plate, 80 x 60 x 6 mm, with four 5 mm holes",
            1,
            4,
            80.0 * 60.0 * 6.0 - 4.0 * disc(5.0, 6.0),
        ),
        (
            "A plate, 4 x 3 x 1/4 in, with two 1/4 inch holes",
            1,
            2,
            101.6 * 76.2 * 6.35 - 2.0 * disc(6.35, 6.35),
        ),
        (
            "A cylinder, 12 mm diameter, 40 mm tall",
            1,
            0,
            disc(12.0, 40.0),
        ),
        (
            "A spacer, 20 mm outer diameter, 8 mm bore, 10 mm long",
            1,
            1,
            disc(20.0, 10.0) - disc(8.0, 10.0),
        ),
        (
            "An L bracket, 50 x 40 x 30 mm, 5 mm thick, with three 6 mm holes",
            1,
            3,
            (50.0 + 35.0) * 5.0 * 30.0 - 3.0 * disc(6.0, 5.0),
        ),
        (
            "An assembly of 40 x 20 x 5 mm plates with one 6 mm hole [sim:files=4]",
            3,
            3,
            3.0 * (4_000.0 - disc(6.0, 5.0)),
        ),
    ] {
        let whole = &files(prompt).await[0];
        let census = Model::read(whole).census();
        let difference = (census.volume - volume).abs() / volume;
        assert!(difference < 1e-6, "{prompt}: {census:?}, not {volume}");
        assert_eq!(census.solids, solids, "{prompt}");
        // Euler and Poincaré: each through hole is a handle.
        let left = census.vertices + census.faces + 2 * holes;
        let right = census.edges + census.inner_loops + 2 * solids;
        assert_eq!(left, right, "{prompt}: {census:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_file_of_an_assembly_is_one_of_its_solids() {
    let prompt = "An assembly of 40 x 20 x 5 mm plates [sim:files=4]";
    let files = files(prompt).await;
    assert_eq!(files.len(), 4);
    let volumes: Vec<f64> = files
        .iter()
        .map(|file| Model::read(file).census().volume.round())
        .collect();
    assert_eq!(volumes, [12_000.0, 4_000.0, 4_000.0, 4_000.0]);
}

#[tokio::test(start_paused = true)]
async fn an_assembly_has_as_many_files_as_are_asked_for() {
    for count in [1, 2, 3, 50] {
        let prompt = format!("A plate, 40 x 20 x 5 mm [sim:files={count}]");
        let files = files(&prompt).await;
        assert_eq!(files.len(), count);
        let placed = files[0].matches("=NEXT_ASSEMBLY_USAGE_OCCURRENCE(").count();
        assert_eq!(placed, count - 1);
        let parts = files[1..].iter();
        let bodies = parts.map(|file| Model::read(file).census().solids);
        assert_eq!(bodies.sum::<usize>(), count - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn quirks_are_as_real_exporters_have_them() {
    const PLATE: &str = "A plate, 80 x 60 x 6.5 mm, with two 6 mm holes";
    let plain = &files(PLATE).await[0];
    assert_eq!(*plain, files(PLATE).await[0], "the same bytes each time");
    let odd = async |quirk: &str| {
        let prompt = format!("{PLATE} [sim:quirk={quirk}]");
        files(&prompt).await.remove(0)
    };
    let nested = odd("nested-header").await;
    assert!(nested.contains("FILE_DESCRIPTION((('Orville CAD Model')),'2;1');"));
    let integers = odd("integers").await;
    assert!(integers.contains("CARTESIAN_POINT('',(40,30,6.5))"));
    let directions = integers.lines().filter(|line| line.contains("=DIRECTION("));
    assert!(directions.count() > 0 && !integers.contains("1.,"));
    assert!(integers.contains("LENGTH_MEASURE(1.E-6)"));
    let no_contexts = odd("no-contexts").await;
    assert!(no_contexts.contains("=PRODUCT('plate','plate','',());"));
    let no_semicolon = odd("no-semicolon").await;
    assert_eq!(no_semicolon.len() + 1, plain.len());
    assert_eq!(no_semicolon.lines().count(), plain.lines().count());
    let metres = odd("metres").await;
    assert!(metres.contains("SI_UNIT($,.METRE.)"));
    let volume = Model::read(&metres).census().volume;
    let expected = Model::read(plain).census().volume / 1e9;
    assert!((volume - expected).abs() < expected * 1e-6, "{volume}");
    let empty = odd("no-geometry").await;
    assert!(empty.contains("=SHAPE_REPRESENTATION('plate',(#"));
    assert!(!empty.contains("BREP") && empty.ends_with("END-ISO-10303-21;\n"));
    let nameless = odd("names-none").await;
    assert!(nameless.contains("=PRODUCT('NONE','NONE','',(#"));
    assert!(nameless.contains("CARTESIAN_POINT('NONE',("));
    let broken = odd("broken-header").await;
    assert!(broken.contains("\nFILE_NAME ('plate.step'),'2026-01-01T00:00:00',(''),"));
    let angles = odd("no-angle-unit").await;
    assert!(!angles.contains("PLANE_ANGLE_UNIT") && !angles.contains("RADIAN.)PLANE"));
    let (_, units) = angles.split_once("GLOBAL_UNIT_ASSIGNED_CONTEXT((").unwrap();
    let units = units.split_once("))").unwrap().0;
    assert_eq!(units.split(',').count(), 2, "{units}");
    for unit in units.split(',') {
        assert!(angles.contains(&format!("\n{unit}=")), "{unit}");
    }
    let other_schema = odd("ap203").await;
    assert!(other_schema.contains("FILE_SCHEMA(('CONFIGURATION_CONTROL_3D_DESIGN_ED2_MIM_LF"));
    let truncated = odd("truncated").await;
    assert!(plain.starts_with(&truncated) && truncated.len() < plain.len());
    let both = odd("metres] [sim:quirk=integers").await;
    assert!(both.contains("SI_UNIT($,.METRE.)") && both.contains("DIRECTION('',(0,0,1))"));
}
