//! Writes solids as a STEP file: ISO 10303-21 text, AP214, millimetres.
//!
//! A prism is a bottom and a top face with the outline as outer loop and the holes as inner ones, and a side face for
//! each outline edge and each hole. Every edge is used by two faces, once in each direction, with the material on the
//! left as seen from outside. A round side is one cylindrical face whose loop crosses its seam twice.

use super::design::{Outline, Solid};
use super::jobs::Revision;
use super::part21::{DOWN, Data, Oriented, Ref, UP, X, list, real};

/// The text of one of a revision's files: the whole, or for an assembly one of its solids. The solids of a whole
/// stand side by side along x.
pub(crate) fn file(revision: &Revision, index: usize) -> String {
    let design = &revision.design;
    let label = revision
        .artifacts
        .get(index)
        .map_or("", |artifact| &artifact.label);
    let part = index
        .checked_sub(1)
        .and_then(|part| design.solids.get(part));
    let mut text = match part {
        Some(solid) => document(label, &[(0.0, solid)]),
        None => document(label, &side_by_side(&design.solids)),
    };
    if design.truncated {
        text.truncate(text.len() * 3 / 5);
    }
    text
}

fn side_by_side(solids: &[Solid]) -> Vec<(f64, &Solid)> {
    let mut next = 0.0;
    let place = |solid| {
        let at = next;
        next += Solid::width(solid) * 1.25;
        (at, solid)
    };
    solids.iter().map(place).collect()
}

/// A closed run of edges from bottom and top, with the side faces between.
struct Wall {
    bottom: Vec<Ref>,
    top: Vec<Ref>,
    sides: Vec<Ref>,
}

fn document(label: &str, solids: &[(f64, &Solid)]) -> String {
    let mut data = Data::default();
    let bodies: Vec<Ref> = solids
        .iter()
        .map(|(at, solid)| data.solid(*at, solid))
        .collect();
    data.product(label, &bodies);
    format!(
        "ISO-10303-21;\nHEADER;\n\
         FILE_DESCRIPTION(('Orville CAD Model'),'2;1');\n\
         FILE_NAME('{label}.step','2026-01-01T00:00:00',(''),(''),'millrun simulator','millrun simulator','');\n\
         FILE_SCHEMA(('AUTOMOTIVE_DESIGN {{ 1 0 10303 214 1 1 1 1 }}'));\n\
         ENDSEC;\nDATA;\n{}ENDSEC;\nEND-ISO-10303-21;\n",
        data.text
    )
}

impl Solid {
    fn width(&self) -> f64 {
        match self.outline {
            Outline::Rectangle { width, .. } => width,
            Outline::Circle { diameter } => diameter,
        }
    }
}

impl Data {
    fn solid(&mut self, at: f64, solid: &Solid) -> Ref {
        let outer = match solid.outline {
            Outline::Rectangle { width, depth } => self.box_wall(at, width, depth, solid.height),
            Outline::Circle { diameter } => self.round_wall(at, 0.0, diameter, solid.height, true),
        };
        let holes: Vec<Wall> = solid
            .holes
            .iter()
            .map(|hole| self.round_wall(at + hole.x, hole.y, hole.diameter, solid.height, false))
            .collect();
        let bottom = self.cap(&outer.bottom, &holes, |wall| &wall.bottom, 0.0, false);
        let top = self.cap(&outer.top, &holes, |wall| &wall.top, solid.height, true);
        let sides = std::iter::once(&outer)
            .chain(&holes)
            .flat_map(|wall| &wall.sides);
        let faces: Vec<Ref> = [bottom, top].into_iter().chain(sides.copied()).collect();
        let shell = self.add(&format!("CLOSED_SHELL('',({}))", list(&faces)));
        self.add(&format!("MANIFOLD_SOLID_BREP('',{shell})"))
    }

    /// The bottom or top face. Seen from above, outlines and holes run counter-clockwise; the top face takes its
    /// outline so and its holes reversed, the bottom face the opposite.
    fn cap(
        &mut self,
        outline: &[Ref],
        holes: &[Wall],
        edges: impl Fn(&Wall) -> &Vec<Ref>,
        height: f64,
        is_top: bool,
    ) -> Ref {
        let mut bounds = vec![self.bound("FACE_OUTER_BOUND", &run(outline, is_top))];
        for hole in holes {
            bounds.push(self.bound("FACE_BOUND", &run(edges(hole), !is_top)));
        }
        let place = self.placement([0.0, 0.0, height], if is_top { UP } else { DOWN }, X);
        let plane = self.add(&format!("PLANE('',{place})"));
        self.face(&bounds, plane, true)
    }

    fn box_wall(&mut self, at: f64, width: f64, depth: f64, height: f64) -> Wall {
        let (w, d) = (width / 2.0, depth / 2.0);
        let corners = [[at - w, -d], [at + w, -d], [at + w, d], [at - w, d]];
        let directions = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]];
        let low = corners.map(|[x, y]| self.vertex([x, y, 0.0]));
        let high = corners.map(|[x, y]| self.vertex([x, y, height]));
        let mut ring = |vertices: [Ref; 4], z: f64| -> Vec<Ref> {
            (0..4)
                .map(|i| {
                    let ([x, y], [dx, dy]) = (corners[i], directions[i]);
                    self.line([x, y, z], [dx, dy, 0.0], vertices[i], vertices[(i + 1) % 4])
                })
                .collect()
        };
        let bottom = ring(low, 0.0);
        let top = ring(high, height);
        let posts: Vec<Ref> = (0..4)
            .map(|i| self.line([corners[i][0], corners[i][1], 0.0], UP, low[i], high[i]))
            .collect();
        let sides = (0..4)
            .map(|i| {
                let around = [
                    (bottom[i], true),
                    (posts[(i + 1) % 4], true),
                    (top[i], false),
                    (posts[i], false),
                ];
                let bound = self.bound("FACE_OUTER_BOUND", &around);
                let ([x, y], [dx, dy]) = (corners[i], directions[i]);
                let place = self.placement([x, y, 0.0], [dy, -dx, 0.0], [dx, dy, 0.0]);
                let plane = self.add(&format!("PLANE('',{place})"));
                self.face(&[bound], plane, true)
            })
            .collect();
        Wall { bottom, top, sides }
    }

    /// A cylinder's side, seen from outside (`outward`) or, for a hole, from within.
    fn round_wall(&mut self, x: f64, y: f64, diameter: f64, height: f64, outward: bool) -> Wall {
        let radius = diameter / 2.0;
        let start = [x + radius, y, 0.0];
        let low = self.vertex(start);
        let high = self.vertex([x + radius, y, height]);
        let bottom = self.circle([x, y, 0.0], radius, low);
        let top = self.circle([x, y, height], radius, high);
        let seam = self.line(start, UP, low, high);
        let around = if outward {
            [(bottom, true), (seam, true), (top, false), (seam, false)]
        } else {
            [(top, true), (seam, false), (bottom, false), (seam, true)]
        };
        let bound = self.bound("FACE_OUTER_BOUND", &around);
        let place = self.placement([x, y, 0.0], UP, X);
        let surface = self.add(&format!("CYLINDRICAL_SURFACE('',{place},{})", real(radius)));
        let side = self.face(&[bound], surface, outward);
        Wall {
            bottom: vec![bottom],
            top: vec![top],
            sides: vec![side],
        }
    }

    /// The product that owns the bodies, with its units.
    fn product(&mut self, label: &str, bodies: &[Ref]) {
        let context =
            self.add("APPLICATION_CONTEXT('core data for automotive mechanical design processes')");
        self.add(&format!(
            "APPLICATION_PROTOCOL_DEFINITION('international standard','automotive_design',2000,{context})"
        ));
        let product_context = self.add(&format!("PRODUCT_CONTEXT('',{context},'mechanical')"));
        let product = self.add(&format!(
            "PRODUCT('{label}','{label}','',({product_context}))"
        ));
        let formation = self.add(&format!("PRODUCT_DEFINITION_FORMATION('','',{product})"));
        let design = self.add(&format!(
            "PRODUCT_DEFINITION_CONTEXT('part definition',{context},'design')"
        ));
        let definition = self.add(&format!(
            "PRODUCT_DEFINITION('design','',{formation},{design})"
        ));
        let shape = self.add(&format!("PRODUCT_DEFINITION_SHAPE('','',{definition})"));
        let length = self.add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))");
        let angle = self.add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))");
        let solid_angle = self.add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())");
        let accuracy = self.add(&format!(
            "UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-6),{length},'distance_accuracy_value','')"
        ));
        let units = self.add(&format!(
            "(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT(({accuracy}))\
             GLOBAL_UNIT_ASSIGNED_CONTEXT(({length},{angle},{solid_angle}))REPRESENTATION_CONTEXT('',''))"
        ));
        let origin = self.placement([0.0; 3], UP, X);
        let bodies = list(bodies);
        let representation = self.add(&format!(
            "ADVANCED_BREP_SHAPE_REPRESENTATION('{label}',({origin},{bodies}),{units})"
        ));
        self.add(&format!(
            "SHAPE_DEFINITION_REPRESENTATION({shape},{representation})"
        ));
    }
}

/// A loop through all of the edges, forwards or backwards.
fn run(edges: &[Ref], forward: bool) -> Vec<Oriented> {
    let mut edges: Vec<Oriented> = edges.iter().map(|edge| (*edge, forward)).collect();
    if !forward {
        edges.reverse();
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::design::Design;

    const PLATE: &str = "A mounting plate, 80 x 60 x 6 mm, with two 6 mm through holes.";

    fn text(prompt: &str) -> String {
        let design = Design::create(prompt);
        document(&design.label, &side_by_side(&design.solids))
    }

    fn count(text: &str, entity: &str) -> usize {
        text.matches(&format!("={entity}(")).count()
    }

    #[test]
    fn a_plate_with_two_holes_has_eight_faces() {
        let text = text(PLATE);
        assert!(text.starts_with("ISO-10303-21;\n"));
        assert!(text.ends_with("END-ISO-10303-21;\n"));
        assert_eq!(count(&text, "MANIFOLD_SOLID_BREP"), 1);
        assert_eq!(count(&text, "ADVANCED_FACE"), 8);
        assert_eq!(count(&text, "CYLINDRICAL_SURFACE"), 2);
        assert_eq!(count(&text, "EDGE_CURVE"), 12 + 2 * 3);
        assert_eq!(count(&text, "FACE_BOUND"), 4);
    }

    #[test]
    fn every_edge_is_used_once_in_each_direction() {
        for prompt in [
            PLATE,
            "A spacer of 20 mm diameter",
            "An assembly [sim:files=4]",
        ] {
            let text = text(prompt);
            let uses = |sense: &str| {
                let mut edges: Vec<&str> = text
                    .lines()
                    .filter_map(|line| {
                        line.split_once("=ORIENTED_EDGE('',*,*,")?
                            .1
                            .strip_suffix(sense)
                    })
                    .collect();
                edges.sort_unstable();
                edges
            };
            assert_eq!(uses(",.T.);"), uses(",.F.);"));
            assert_eq!(uses(",.T.);").len(), count(&text, "EDGE_CURVE"));
        }
    }

    #[test]
    fn no_reference_dangles() {
        let text = text(PLATE);
        let entities = text.lines().filter(|line| line.starts_with('#')).count();
        let mut referred = text.split('#').skip(1).filter_map(|rest| {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            rest[..digits].parse::<usize>().ok()
        });
        assert!(referred.all(|id| (1..=entities).contains(&id)));
    }

    #[test]
    fn an_assembly_has_its_solids_side_by_side() {
        let text = text("An assembly of 40 x 20 x 5 mm plates [sim:files=4]");
        assert_eq!(count(&text, "MANIFOLD_SOLID_BREP"), 3);
        assert!(text.contains("CARTESIAN_POINT('',(80.,-10.,0.))"));
    }
}
