//! What a prompt is made into: prismatic solids with round holes, measured in millimetres.

use serde::{Deserialize, Serialize};

use super::directives::Directives;
use super::prompt::{Holes, Prompt};

/// The model behind one revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Design {
    /// `mounting_plate`
    pub(crate) label: String,
    /// One solid is a part, several are an assembly.
    pub(crate) solids: Vec<Solid>,
    /// Whether its files are cut short.
    pub(crate) truncated: bool,
}

/// An outline extruded upwards from z = 0, with holes through it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Solid {
    pub(crate) outline: Outline,
    pub(crate) height: f64,
    pub(crate) holes: Vec<Hole>,
}

/// What a solid is from above, centred on the origin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outline {
    Rectangle { width: f64, depth: f64 },
    Circle { diameter: f64 },
}

/// A round through hole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hole {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) diameter: f64,
}

/// Sizes in mm that are taken at their word; all others give way to the default.
const SENSIBLE: std::ops::RangeInclusive<f64> = 0.1..=100_000.0;

const ROUND: [&str; 8] = [
    "spacer", "spacers", "washer", "bushing", "standoff", "cylinder", "disc", "disk",
];

impl Design {
    /// What a create makes.
    pub(crate) fn create(text: &str) -> Self {
        let prompt = Prompt::read(text);
        let directives = Directives::of(text);
        let assembly = prompt.names(&["assembly", "assembled", "welded"]);
        let files = directives.files.unwrap_or(if assembly { 3 } else { 1 });
        Self {
            label: prompt.name().replace(' ', "_"),
            // An assembly has a file of the whole beside those of its solids.
            solids: vec![solid(&prompt); if files == 1 { 1 } else { files - 1 }],
            truncated: directives.truncated,
        }
    }

    /// What a follow-up makes of it: another thickness where it names one, otherwise the same again.
    pub(crate) fn iterate(&self, text: &str) -> Self {
        let mut next = self.clone();
        next.truncated = Directives::of(text).truncated;
        if let Some(height) = sensible(Prompt::read(text).thickness()) {
            for solid in &mut next.solids {
                solid.height = height;
            }
        }
        next
    }

    /// One sentence about it, as the assistant says it.
    pub(crate) fn explanation(&self) -> String {
        let name = self.label.replace('_', " ");
        let Some(solid) = self.solids.first() else {
            return format!("The {name} is empty.");
        };
        let body = match solid.outline {
            Outline::Rectangle { width, depth } => {
                format!("a rectangular profile of {width} x {depth} mm")
            }
            Outline::Circle { diameter } => format!("a round profile of {diameter} mm diameter"),
        };
        let height = solid.height;
        let holes = match solid.holes.as_slice() {
            [] => "no holes".to_owned(),
            [hole] => format!("one through hole of {} mm", hole.diameter),
            [hole, ..] => format!(
                "{} through holes of {} mm",
                solid.holes.len(),
                hole.diameter
            ),
        };
        let copies = match self.solids.len() {
            1 => String::new(),
            bodies => format!(", made of {bodies} bodies,"),
        };
        format!("The {name}{copies} features {body}, {height} mm thick, with {holes}.")
    }
}

/// The title of a job with this first prompt: `Mounting plate`.
pub(crate) fn title(text: &str) -> String {
    let name = Prompt::read(text).name();
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn sensible(size: Option<f64>) -> Option<f64> {
    size.filter(|size| SENSIBLE.contains(size))
}

fn solid(prompt: &Prompt) -> Solid {
    if prompt.names(&ROUND) && prompt.dimensions().is_none() {
        let diameter = sensible(prompt.diameter()).unwrap_or(20.0);
        let bore = prompt.holes().and_then(|holes| sensible(holes.diameter));
        let bore = bore
            .filter(|bore| *bore < diameter)
            .unwrap_or(diameter * 0.3);
        return Solid {
            outline: Outline::Circle { diameter },
            height: sensible(prompt.thickness()).unwrap_or(10.0),
            holes: vec![Hole {
                x: 0.0,
                y: 0.0,
                diameter: bore,
            }],
        };
    }
    let (width, depth, third) = prompt.dimensions().unwrap_or((80.0, 60.0, None));
    let width = sensible(Some(width)).unwrap_or(80.0);
    let depth = sensible(Some(depth)).unwrap_or(60.0);
    Solid {
        outline: Outline::Rectangle { width, depth },
        height: sensible(third)
            .or_else(|| sensible(prompt.thickness()))
            .unwrap_or(6.0),
        holes: prompt
            .holes()
            .map_or_else(Vec::new, |holes| spread(holes, width, depth)),
    }
}

/// Spreads holes over a plate: up to two in a row along its middle, more in two rows. A hole that is too large for
/// its cell is made to fit.
fn spread(holes: Holes, width: f64, depth: f64) -> Vec<Hole> {
    let rows = if holes.count > 2 { 2 } else { 1 };
    let columns = holes.count.div_ceil(rows).max(1);
    let (cell_width, cell_depth) = (width / columns as f64, depth / rows as f64);
    let room = cell_width.min(cell_depth);
    let diameter = sensible(holes.diameter)
        .filter(|diameter| *diameter <= room * 0.9)
        .unwrap_or_else(|| 6.0_f64.min(room * 0.5));
    (0..holes.count)
        .map(|index| Hole {
            x: ((index % columns) as f64 + 0.5) * cell_width - width / 2.0,
            y: ((index / columns) as f64 + 0.5) * cell_depth - depth / 2.0,
            diameter,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plate_has_the_size_and_the_holes_its_prompt_names() {
        let design = Design::create("A mounting plate, 80 x 60 x 6 mm, with four 5 mm holes.");
        let [solid] = design.solids.as_slice() else {
            panic!("one solid");
        };
        assert_eq!(design.label, "mounting_plate");
        assert_eq!(
            solid.outline,
            Outline::Rectangle {
                width: 80.0,
                depth: 60.0
            }
        );
        assert_eq!(solid.height, 6.0);
        let centres: Vec<_> = solid.holes.iter().map(|hole| (hole.x, hole.y)).collect();
        assert_eq!(
            centres,
            [(-20.0, -15.0), (20.0, -15.0), (-20.0, 15.0), (20.0, 15.0)]
        );
    }

    #[test]
    fn an_iteration_changes_the_thickness_it_names_and_nothing_else() {
        let design = Design::create("A plate, 80 x 60 x 6 mm, with two 6 mm holes.");
        let thicker = design.iterate("Make it 8 mm thick.");
        assert_eq!(thicker.solids[0].height, 8.0);
        assert_eq!(thicker.solids[0].holes, design.solids[0].holes);
        assert_eq!(design.iterate("Add a 2 mm chamfer."), design);
    }

    #[test]
    fn absurd_numbers_still_make_a_solid() {
        let design = Design::create("A 0 x 99999999999 mm plate with 7 holes of 500 mm");
        let solid = &design.solids[0];
        assert!(solid.holes.iter().all(|hole| hole.diameter < 60.0));
        assert_eq!(solid.holes.len(), 7);
        Design::create("x x x 3 x [sim:files=2] [[[ ×× 1.2.3.4 by by");
    }
}
