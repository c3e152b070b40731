//! What a prompt is made into: prismatic solids with round holes, measured in millimetres.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::directives::Directives;
use super::prompt::{Holes, Prompt};
use super::quirks::Quirk;

/// The model behind one revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Design {
    /// `mounting_plate`
    pub(crate) label: String,
    /// One solid is a part, several are an assembly.
    pub(crate) solids: Vec<Solid>,
    /// Whether one solid is an assembly too, as its only part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) only_part: bool,
    /// Whether its files are cut short.
    pub(crate) truncated: bool,
    /// What is odd about them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) quirks: BTreeSet<Quirk>,
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
    Rectangle {
        width: f64,
        depth: f64,
    },
    Circle {
        diameter: f64,
    },
    /// The profile of an L bracket: a base along x, an upright along y, both from the same corner.
    Angle {
        base: f64,
        upright: f64,
        thickness: f64,
    },
}

/// A round through hole. In an angle, `x` runs along its leg from the corner and `y` along the bracket's width.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hole {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) diameter: f64,
    /// Only an angle has a choice.
    #[serde(default)]
    pub(crate) through: Through,
}

/// Which leg of an angle a hole goes through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Through {
    #[default]
    Base,
    Upright,
}

/// Sizes in mm that are taken at their word; all others give way to the default.
const SENSIBLE: std::ops::RangeInclusive<f64> = 0.1..=100_000.0;

/// What has a bore unless its prompt says otherwise.
const RINGS: [&str; 6] = ["spacer", "spacers", "washer", "bushing", "standoff", "ring"];
/// What has one only if its prompt says so.
const DISCS: [&str; 5] = ["cylinder", "disc", "disk", "rod", "pin"];

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
            only_part: files == 2,
            truncated: directives.truncated,
            quirks: directives.quirks,
        }
    }

    /// The solids that have files of their own beside that of the whole.
    pub(crate) fn parts(&self) -> &[Solid] {
        if self.only_part || self.solids.len() > 1 {
            &self.solids
        } else {
            &[]
        }
    }

    /// What a follow-up makes of it: another thickness where it names one, for a plate also another size and other holes,
    /// otherwise the same again.
    pub(crate) fn iterate(&self, text: &str) -> Self {
        let mut next = self.clone();
        let directives = Directives::of(text);
        next.truncated = directives.truncated;
        next.quirks = directives.quirks;
        let prompt = Prompt::read(text);
        for solid in &mut next.solids {
            solid.reshape(&prompt);
            if let Some(size) = sensible(prompt.thickness()) {
                solid.thicken(size);
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
            Outline::Angle {
                base,
                upright,
                thickness,
            } => format!("legs of {base} and {upright} mm, {thickness} mm thick"),
        };
        let extent = match solid.outline {
            Outline::Angle { .. } => "wide",
            Outline::Rectangle { .. } | Outline::Circle { .. } => "thick",
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
        format!("The {name}{copies} features {body}, {height} mm {extent}, with {holes}.")
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

impl Solid {
    /// Gives a plate the size and the holes that `prompt` names; what it doesn't name stays.
    fn reshape(&mut self, prompt: &Prompt) {
        let Outline::Rectangle { width, depth } = &mut self.outline else {
            return;
        };
        let (size, holes) = (prompt.dimensions(), prompt.holes());
        if size.is_none() && holes.is_none() {
            return;
        }
        if let Some((wider, deeper, third)) = size {
            *width = sensible(Some(wider)).unwrap_or(*width);
            *depth = sensible(Some(deeper)).unwrap_or(*depth);
            self.height = sensible(third).unwrap_or(self.height);
        }
        let before = self.holes.first().map(|hole| hole.diameter);
        let holes = Holes {
            count: holes.map_or(self.holes.len(), |holes| holes.count),
            diameter: holes.and_then(|holes| holes.diameter).or(before),
        };
        self.holes = spread(holes, *width, *depth);
    }

    /// Gives it another thickness; an angle that is too thick for its legs stays as it is.
    fn thicken(&mut self, size: f64) {
        match &mut self.outline {
            Outline::Rectangle { .. } | Outline::Circle { .. } => self.height = size,
            Outline::Angle {
                base,
                upright,
                thickness,
            } => {
                // The holes stand where they stood: beyond the thickest leg there is.
                if size <= thickest(*base, *upright) {
                    *thickness = size;
                }
            }
        }
    }
}

fn solid(prompt: &Prompt) -> Solid {
    let flat = prompt.dimensions().is_some();
    if prompt.is_angle() {
        angle(prompt)
    } else if prompt.names(&RINGS) && !flat {
        round(prompt, true)
    } else if prompt.names(&DISCS) && !flat {
        round(prompt, false)
    } else {
        plate(prompt)
    }
}

/// A ring, or a disc that has a bore only if it is asked for.
fn round(prompt: &Prompt, ring: bool) -> Solid {
    let diameter = sensible(prompt.diameter()).unwrap_or(20.0);
    let asked = prompt.holes().and_then(|holes| holes.diameter);
    let bore = sensible(prompt.bore().or(asked)).filter(|bore| *bore < diameter);
    let usual = (ring || prompt.holes().is_some()).then_some(diameter * 0.3);
    let holes = bore.or(usual).map(|diameter| Hole {
        x: 0.0,
        y: 0.0,
        diameter,
        through: Through::default(),
    });
    Solid {
        outline: Outline::Circle { diameter },
        height: sensible(prompt.thickness()).unwrap_or(10.0),
        holes: holes.into_iter().collect(),
    }
}

fn plate(prompt: &Prompt) -> Solid {
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

/// `50 x 40 x 5 mm` are the legs and their thickness; where that is said apart, the third number is the width.
fn angle(prompt: &Prompt) -> Solid {
    let (base, upright, third) = prompt.dimensions().unwrap_or((50.0, 50.0, None));
    let base = sensible(Some(base)).unwrap_or(50.0);
    let upright = sensible(Some(upright)).unwrap_or(50.0);
    let (width, thickness) = match prompt.thickness() {
        Some(thickness) => (third, Some(thickness)),
        None => (None, third),
    };
    let width = sensible(width).unwrap_or(40.0);
    let most = thickest(base, upright);
    let thickness = sensible(thickness)
        .filter(|thickness| *thickness <= most)
        .unwrap_or_else(|| 5.0_f64.min(most));
    let count = prompt.holes().map_or(0, |holes| holes.count);
    let diameter = prompt.holes().and_then(|holes| holes.diameter);
    let leg = |through, length: f64, count| {
        let free = length - most;
        let holes = spread(Holes { count, diameter }, free, width);
        holes.into_iter().map(move |hole| Hole {
            x: most + free / 2.0 + hole.x,
            y: width / 2.0 + hole.y,
            through,
            ..hole
        })
    };
    Solid {
        outline: Outline::Angle {
            base,
            upright,
            thickness,
        },
        height: width,
        holes: leg(Through::Base, base, count.div_ceil(2))
            .chain(leg(Through::Upright, upright, count / 2))
            .collect(),
    }
}

/// What the legs of an angle may have at most, so that there is room for holes beside the corner.
fn thickest(base: f64, upright: f64) -> f64 {
    base.min(upright) * 0.4
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
            through: Through::default(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
