//! The faces of solids: prisms over a polygon or a circle, with round holes bored through them.
//!
//! Every edge is used by two faces, once in each direction, with the material on the left as seen from outside. A
//! round side is one cylindrical face whose loop crosses its seam twice.

use super::design::{Hole, Outline, Solid, Through};
use super::part21::{DOWN, Data, Oriented, Point, Ref, UP, X, list};

const Y: Point = [0.0, 1.0, 0.0];

/// A cylinder between two faces: its circles at the start and at the end of its axis, and its side.
struct Bore {
    start: Ref,
    end: Ref,
    side: Ref,
}

/// A hole in a solid's wall.
struct Bored {
    /// The face the axis enters by: its outward normal looks against the axis.
    start: Place,
    end: Place,
    bore: Bore,
}

/// A face of a prism.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Bottom,
    Top,
    /// The one over the outline's edge with this number.
    Side(usize),
}

impl Solid {
    /// How much room it takes along x.
    pub(crate) fn width(&self) -> f64 {
        match self.outline {
            Outline::Rectangle { width, .. } => width,
            Outline::Circle { diameter } => diameter,
            Outline::Angle { base, .. } => base,
        }
    }
}

impl Data {
    /// A solid whose outline is centred on the origin; an angle stands with its base centred there.
    pub(crate) fn solid(&mut self, solid: &Solid) -> Ref {
        let faces = match solid.outline {
            Outline::Rectangle { width, depth } => {
                let (w, d) = (width / 2.0, depth / 2.0);
                let corners = [[-w, -d], [w, -d], [w, d], [-w, d]];
                let holes = self.holes_through(solid);
                self.prism(&corners, solid.height, &holes)
            }
            Outline::Circle { diameter } => {
                let holes = self.holes_through(solid);
                self.disc(diameter, solid.height, &holes)
            }
            Outline::Angle {
                base,
                upright,
                thickness: t,
            } => {
                let corner = [-base / 2.0, -upright / 2.0];
                let corners = [
                    [0.0; 2],
                    [base, 0.0],
                    [base, t],
                    [t, t],
                    [t, upright],
                    [0.0, upright],
                ]
                .map(|[x, y]| [corner[0] + x, corner[1] + y]);
                let holes: Vec<Bored> = solid
                    .holes
                    .iter()
                    .map(|hole| self.hole_in_leg(corner, t, hole))
                    .collect();
                self.prism(&corners, solid.height, &holes)
            }
        };
        let shell = self.add(&format!("CLOSED_SHELL('',({}))", list(&faces)));
        self.add(&format!("MANIFOLD_SOLID_BREP('',{shell})"))
    }

    fn holes_through(&mut self, solid: &Solid) -> Vec<Bored> {
        let through = |hole: &Hole| Bored {
            start: Place::Bottom,
            end: Place::Top,
            bore: self.cylinder(
                [hole.x, hole.y, 0.0],
                UP,
                X,
                hole.diameter / 2.0,
                solid.height,
                false,
            ),
        };
        solid.holes.iter().map(through).collect()
    }

    /// A hole through one of an angle's legs, between the outer face and the inner one.
    fn hole_in_leg(&mut self, corner: [f64; 2], thickness: f64, hole: &Hole) -> Bored {
        let [x, y] = corner;
        let radius = hole.diameter / 2.0;
        match hole.through {
            Through::Upright => Bored {
                start: Place::Side(5),
                end: Place::Side(3),
                bore: self.cylinder([x, y + hole.x, hole.y], X, UP, radius, thickness, false),
            },
            Through::Base => Bored {
                start: Place::Side(0),
                end: Place::Side(2),
                bore: self.cylinder([x + hole.x, y, hole.y], Y, UP, radius, thickness, false),
            },
        }
    }

    /// The faces of a prism over a polygon that runs counter-clockwise.
    fn prism(&mut self, corners: &[[f64; 2]], height: f64, holes: &[Bored]) -> Vec<Ref> {
        let count = corners.len();
        let after = |i: usize| (i + 1) % count;
        let direction = |i: usize| {
            let ([x, y], [next_x, next_y]) = (corners[i], corners[after(i)]);
            let length = (next_x - x).hypot(next_y - y);
            [(next_x - x) / length, (next_y - y) / length]
        };
        let mut ring = |z: f64| -> (Vec<Ref>, Vec<Ref>) {
            let vertices: Vec<Ref> = corners
                .iter()
                .map(|[x, y]| self.vertex([*x, *y, z]))
                .collect();
            let edges = (0..count)
                .map(|i| {
                    let ([x, y], [dx, dy]) = (corners[i], direction(i));
                    self.line([x, y, z], [dx, dy, 0.0], vertices[i], vertices[after(i)])
                })
                .collect();
            (vertices, edges)
        };
        let (low, bottom) = ring(0.0);
        let (high, top) = ring(height);
        let posts: Vec<Ref> = (0..count)
            .map(|i| self.line([corners[i][0], corners[i][1], 0.0], UP, low[i], high[i]))
            .collect();
        let mut faces = self.caps(&bottom, &top, height, holes);
        for i in 0..count {
            let around = [
                (bottom[i], true),
                (posts[after(i)], true),
                (top[i], false),
                (posts[i], false),
            ];
            let ([x, y], [dx, dy]) = (corners[i], direction(i));
            let place = self.placement([x, y, 0.0], [dy, -dx, 0.0], [dx, dy, 0.0]);
            faces.push(self.plane_face(Place::Side(i), &around, place, holes));
        }
        faces.extend(holes.iter().map(|hole| hole.bore.side));
        faces
    }

    /// The faces of a cylinder that stands on the origin.
    fn disc(&mut self, diameter: f64, height: f64, holes: &[Bored]) -> Vec<Ref> {
        let wall = self.cylinder([0.0; 3], UP, X, diameter / 2.0, height, true);
        let mut faces = self.caps(&[wall.start], &[wall.end], height, holes);
        faces.push(wall.side);
        faces.extend(holes.iter().map(|hole| hole.bore.side));
        faces
    }

    /// The bottom and the top face. Seen from above, outlines and holes run counter-clockwise; the top takes its outline
    /// so and its holes reversed, the bottom the opposite.
    fn caps(&mut self, bottom: &[Ref], top: &[Ref], height: f64, holes: &[Bored]) -> Vec<Ref> {
        let place = self.placement([0.0; 3], DOWN, X);
        let low = self.plane_face(Place::Bottom, &run(bottom, false), place, holes);
        let place = self.placement([0.0, 0.0, height], UP, X);
        let high = self.plane_face(Place::Top, &run(top, true), place, holes);
        vec![low, high]
    }

    fn plane_face(
        &mut self,
        here: Place,
        outline: &[Oriented],
        place: Ref,
        holes: &[Bored],
    ) -> Ref {
        let mut bounds = vec![self.bound("FACE_OUTER_BOUND", outline)];
        for hole in holes {
            if hole.start == here {
                bounds.push(self.bound("FACE_BOUND", &[(hole.bore.start, true)]));
            }
            if hole.end == here {
                bounds.push(self.bound("FACE_BOUND", &[(hole.bore.end, false)]));
            }
        }
        let plane = self.add(&format!("PLANE('',{place})"));
        self.face(&bounds, plane, true)
    }

    /// A cylinder's side, seen from outside (`outward`) or, for a hole, from within.
    fn cylinder(
        &mut self,
        start: Point,
        axis: Point,
        reference: Point,
        radius: f64,
        length: f64,
        outward: bool,
    ) -> Bore {
        let end = moved(start, axis, length);
        let seam_start = moved(start, reference, radius);
        let low = self.vertex(seam_start);
        let high = self.vertex(moved(end, reference, radius));
        let first = self.circle(start, axis, reference, radius, low);
        let last = self.circle(end, axis, reference, radius, high);
        let seam = self.line(seam_start, axis, low, high);
        let around = if outward {
            [(first, true), (seam, true), (last, false), (seam, false)]
        } else {
            [(last, true), (seam, false), (first, false), (seam, true)]
        };
        let bound = self.bound("FACE_OUTER_BOUND", &around);
        let place = self.placement(start, axis, reference);
        let radius = self.length(radius);
        let surface = self.add(&format!("CYLINDRICAL_SURFACE('',{place},{radius})"));
        Bore {
            start: first,
            end: last,
            side: self.face(&[bound], surface, outward),
        }
    }
}

fn moved(from: Point, along: Point, by: f64) -> Point {
    [0, 1, 2].map(|i| from[i] + along[i] * by)
}

/// A loop through all of the edges, forwards or backwards.
fn run(edges: &[Ref], forward: bool) -> Vec<Oriented> {
    let mut edges: Vec<Oriented> = edges.iter().map(|edge| (*edge, forward)).collect();
    if !forward {
        edges.reverse();
    }
    edges
}
