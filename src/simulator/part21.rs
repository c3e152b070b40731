//! The text of a STEP file's data section: numbered entities, and the points, curves and faces built from them.

/// The number of an entity: `#7`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ref(usize);

impl std::fmt::Display for Ref {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

pub(crate) type Point = [f64; 3];

pub(crate) const UP: Point = [0.0, 0.0, 1.0];
pub(crate) const DOWN: Point = [0.0, 0.0, -1.0];
pub(crate) const X: Point = [1.0, 0.0, 0.0];

/// An edge with the direction a loop runs through it.
pub(crate) type Oriented = (Ref, bool);

/// The data section as it grows.
pub(crate) struct Data {
    pub(crate) text: String,
    pub(crate) unit: Unit,
    last: usize,
}

/// What lengths are counted in; they come in as millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Millimetre,
    Metre,
}

impl Data {
    pub(crate) fn new(unit: Unit) -> Self {
        Self {
            text: String::new(),
            unit,
            last: 0,
        }
    }

    pub(crate) fn add(&mut self, entity: &str) -> Ref {
        self.last += 1;
        self.text.push_str(&format!("#{}={entity};\n", self.last));
        Ref(self.last)
    }

    pub(crate) fn face(&mut self, bounds: &[Ref], surface: Ref, same_sense: bool) -> Ref {
        let bounds = list(bounds);
        let sense = logical(same_sense);
        self.add(&format!("ADVANCED_FACE('',({bounds}),{surface},{sense})"))
    }

    pub(crate) fn bound(&mut self, kind: &str, edges: &[Oriented]) -> Ref {
        let edges: Vec<Ref> = edges
            .iter()
            .map(|(edge, forward)| {
                let sense = logical(*forward);
                self.add(&format!("ORIENTED_EDGE('',*,*,{edge},{sense})"))
            })
            .collect();
        let edge_loop = self.add(&format!("EDGE_LOOP('',({}))", list(&edges)));
        self.add(&format!("{kind}('',{edge_loop},.T.)"))
    }

    pub(crate) fn line(&mut self, start: Point, direction: Point, from: Ref, to: Ref) -> Ref {
        let point = self.point(start);
        let direction = self.direction(direction);
        let vector = self.add(&format!("VECTOR('',{direction},1.)"));
        let line = self.add(&format!("LINE('',{point},{vector})"));
        self.add(&format!("EDGE_CURVE('',{from},{to},{line},.T.)"))
    }

    /// A whole circle around `axis` that begins and ends in `vertex`.
    pub(crate) fn circle(
        &mut self,
        centre: Point,
        axis: Point,
        reference: Point,
        radius: f64,
        vertex: Ref,
    ) -> Ref {
        let place = self.placement(centre, axis, reference);
        let radius = self.length(radius);
        let circle = self.add(&format!("CIRCLE('',{place},{radius})"));
        self.add(&format!("EDGE_CURVE('',{vertex},{vertex},{circle},.T.)"))
    }

    pub(crate) fn placement(&mut self, origin: Point, axis: Point, reference: Point) -> Ref {
        let origin = self.point(origin);
        let axis = self.direction(axis);
        let reference = self.direction(reference);
        self.add(&format!(
            "AXIS2_PLACEMENT_3D('',{origin},{axis},{reference})"
        ))
    }

    pub(crate) fn vertex(&mut self, at: Point) -> Ref {
        let point = self.point(at);
        self.add(&format!("VERTEX_POINT('',{point})"))
    }

    pub(crate) fn point(&mut self, [x, y, z]: Point) -> Ref {
        let [x, y, z] = [x, y, z].map(|size| self.length(size));
        self.add(&format!("CARTESIAN_POINT('',({x},{y},{z}))"))
    }

    /// A length in the file's unit.
    pub(crate) fn length(&self, millimetres: f64) -> String {
        match self.unit {
            Unit::Millimetre => real(millimetres),
            Unit::Metre => decimals(millimetres / 1_000.0, 9),
        }
    }

    pub(crate) fn direction(&mut self, [x, y, z]: Point) -> Ref {
        self.add(&format!(
            "DIRECTION('',({},{},{}))",
            real(x),
            real(y),
            real(z)
        ))
    }
}

pub(crate) fn list(refs: &[Ref]) -> String {
    refs.iter()
        .map(Ref::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

fn logical(value: bool) -> &'static str {
    if value { ".T." } else { ".F." }
}

/// A REAL: always with a point, never with more than six decimals.
fn real(value: f64) -> String {
    decimals(value, 6)
}

fn decimals(value: f64, most: usize) -> String {
    // Adding zero turns -0.0 into 0.0.
    let text = format!("{:.most$}", value + 0.0);
    text.trim_end_matches('0').to_owned()
}
