//! Writes solids as a STEP file: ISO 10303-21 text, AP214, millimetres unless that is the quirk.

use std::collections::BTreeSet;

use super::design::{Design, Solid};
use super::jobs::Revision;
use super::part21::{Data, Point, Unit};
use super::product::{Frame, Product};
use super::quirks::Quirk;

/// The text of one of a revision's files: the whole, or for an assembly one of its parts.
pub(crate) fn file(revision: &Revision, index: usize) -> String {
    let design = &revision.design;
    let label = revision
        .artifacts
        .get(index)
        .map_or("", |artifact| &artifact.label);
    let part = index
        .checked_sub(1)
        .and_then(|part| design.parts().get(part));
    let content = part.map_or_else(|| Content::whole(design), Content::Part);
    let mut text = document(label, &content, &design.quirks);
    if design.truncated {
        text.truncate(text.len() * 3 / 5);
    }
    text
}

/// What is in a file.
enum Content<'a> {
    Part(&'a Solid),
    Assembly(&'a [Solid]),
}

impl<'a> Content<'a> {
    fn whole(design: &'a Design) -> Self {
        match (design.parts(), design.solids.as_slice()) {
            ([], [solid]) => Self::Part(solid),
            (parts, _) => Self::Assembly(parts),
        }
    }
}

fn document(label: &str, content: &Content<'_>, quirks: &BTreeSet<Quirk>) -> String {
    let unit = if quirks.contains(&Quirk::Metres) {
        Unit::Metre
    } else {
        Unit::Millimetre
    };
    let mut data = Data::new(unit);
    let frame = data.frame();
    let name = |label: String| {
        if quirks.contains(&Quirk::NamesNone) {
            "NONE".to_owned()
        } else {
            label
        }
    };
    let with_bodies = !quirks.contains(&Quirk::NoGeometry);
    match content {
        Content::Part(solid) => {
            data.solid_part(&frame, &name(label.to_owned()), solid, with_bodies);
        }
        Content::Assembly(solids) => {
            let mut parts = Vec::new();
            for (index, (at, solid)) in side_by_side(solids).into_iter().enumerate() {
                let label = name(part_label(label, index + 1));
                let part = data.solid_part(&frame, &label, solid, with_bodies);
                parts.push((part, at));
            }
            data.assembly(&frame, &name(label.to_owned()), &parts);
        }
    }
    let text = format!(
        "ISO-10303-21;\nHEADER;\n\
         FILE_DESCRIPTION(('Orville CAD Model'),'2;1');\n\
         FILE_NAME('{label}.step','2026-01-01T00:00:00',(''),(''),'millrun simulator','millrun simulator','');\n\
         FILE_SCHEMA(('AUTOMOTIVE_DESIGN {{ 1 0 10303 214 1 1 1 1 }}'));\n\
         ENDSEC;\nDATA;\n{}ENDSEC;\nEND-ISO-10303-21;\n",
        data.text
    );
    quirks.iter().fold(text, |text, quirk| quirk.applied(text))
}

/// What the `number`th part of an assembly is called, in its file and in the file of the whole.
pub(crate) fn part_label(whole: &str, number: usize) -> String {
    format!("{whole}_{number}")
}

/// The parts of an assembly stand side by side along x.
fn side_by_side(solids: &[Solid]) -> Vec<(Point, &Solid)> {
    let mut next = 0.0;
    let place = |solid| {
        let at = [next, 0.0, 0.0];
        next += Solid::width(solid) * 1.25;
        (at, solid)
    };
    solids.iter().map(place).collect()
}

impl Data {
    fn solid_part(
        &mut self,
        frame: &Frame,
        label: &str,
        solid: &Solid,
        with_body: bool,
    ) -> Product {
        let body = with_body.then(|| self.solid(solid));
        self.part(frame, label, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLATE: &str = "A mounting plate, 80 x 60 x 6 mm, with two 6 mm through holes.";
    const ASSEMBLY: &str = "An assembly of 40 x 20 x 5 mm plates [sim:files=4]";

    fn text(prompt: &str) -> String {
        let design = Design::create(prompt);
        document(&design.label, &Content::whole(&design), &design.quirks)
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
        for prompt in [PLATE, "A spacer of 20 mm diameter", ASSEMBLY] {
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
        for prompt in [
            PLATE,
            ASSEMBLY,
            "An assembly [sim:files=3][sim:quirk=no-geometry]",
        ] {
            let text = text(prompt);
            let mut known = 0;
            for line in text.lines().filter(|line| line.starts_with('#')) {
                known += 1;
                let (number, entity) = line.split_once('=').unwrap();
                assert_eq!(number, format!("#{known}"));
                for rest in entity.split('#').skip(1) {
                    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
                    let referred: usize = rest[..digits].parse().unwrap();
                    // What is referred to was written before.
                    assert!((1..known).contains(&referred), "{prompt}: {line}");
                }
            }
            assert!(known > 10);
        }
    }

    /// The number of the one entity that begins so, and those that it refers to.
    fn only<'a>(text: &'a str, entity: &str) -> (&'a str, Vec<&'a str>) {
        let mut found = text.lines().filter(|line| line.contains(entity));
        let line = found.next().unwrap();
        assert_eq!(found.next(), None, "{entity}");
        let (number, rest) = line.split_once('=').unwrap();
        let refs = rest.split('#').skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
            &rest[..end]
        });
        (&number[1..], refs.collect())
    }

    fn at<'a>(text: &'a str, number: &str) -> &'a str {
        let begin = format!("#{number}=");
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(&begin)).unwrap()
    }

    #[test]
    fn an_assembly_is_made_of_one_product_a_part_each_in_its_place() {
        let text = text(ASSEMBLY);
        let label = Design::create(ASSEMBLY).label;
        for (entity, expected) in [
            ("MANIFOLD_SOLID_BREP", 3),
            ("ADVANCED_BREP_SHAPE_REPRESENTATION", 3),
            ("PRODUCT", 4),
            ("PRODUCT_DEFINITION", 4),
            ("SHAPE_DEFINITION_REPRESENTATION", 4),
            ("NEXT_ASSEMBLY_USAGE_OCCURRENCE", 3),
            ("ITEM_DEFINED_TRANSFORMATION", 3),
            ("CONTEXT_DEPENDENT_SHAPE_REPRESENTATION", 3),
        ] {
            assert_eq!(count(&text, entity), expected, "{entity}");
        }
        let defined = |label: &str| {
            let (product, _) = only(&text, &format!("=PRODUCT('{label}'"));
            let formation = format!("=PRODUCT_DEFINITION_FORMATION('','',#{product})");
            let (formation, _) = only(&text, &formation);
            only(
                &text,
                &format!("=PRODUCT_DEFINITION('design','',#{formation},"),
            )
            .0
        };
        let shaped = |definition: &str| {
            let shape = format!("=PRODUCT_DEFINITION_SHAPE('','',#{definition})");
            let (shape, _) = only(&text, &shape);
            let shown = format!("=SHAPE_DEFINITION_REPRESENTATION(#{shape},");
            let (_, refs) = only(&text, &shown);
            refs[1]
        };
        let whole = defined(&label);
        let whole_shape = only(&text, &format!("=SHAPE_REPRESENTATION('{label}'"));
        assert_eq!(whole_shape.0, shaped(whole));
        for (number, x) in [(1, "0."), (2, "50."), (3, "100.")] {
            let part = defined(&format!("{label}_{number}"));
            let usage = format!(
                "=NEXT_ASSEMBLY_USAGE_OCCURRENCE('{number}','{label}_{number}','',#{whole},#{part},$)"
            );
            let (usage, _) = only(&text, &usage);
            let placed = format!("'Placement of an item',#{usage})");
            let (placed, _) = only(&text, &placed);
            let shown = text.lines().find(|line| {
                line.contains("=CONTEXT_DEPENDENT_SHAPE_REPRESENTATION(")
                    && line.ends_with(&format!(",#{placed});"))
            });
            let (_, refs) = only(&text, shown.unwrap());
            let (_, relation) = only(&text, &format!("#{}=(REPRESENTATION_RELATIONSHIP", refs[0]));
            let [from, to, moved] = relation.try_into().unwrap();
            assert_eq!((from, to), (shaped(part), shaped(whole)));
            let (_, ends) = only(&text, &format!("#{moved}=ITEM_DEFINED_TRANSFORMATION("));
            let [origin, place] = ends.try_into().unwrap();
            assert!(at(&text, from).contains(&format!("(#{origin},")));
            assert!(whole_shape.1.contains(&place));
            let (_, axes) = only(&text, &format!("#{place}=AXIS2_PLACEMENT_3D("));
            assert_eq!(
                at(&text, axes[0]),
                format!("CARTESIAN_POINT('',({x},0.,0.));")
            );
        }
    }

    #[test]
    fn a_part_is_the_same_in_its_file_and_in_the_whole() {
        let whole = text(ASSEMBLY);
        let design = Design::create(ASSEMBLY);
        let part = document(
            &part_label(&design.label, 1),
            &Content::Part(&design.solids[0]),
            &design.quirks,
        );
        let entities: Vec<&str> = part.lines().filter(|line| line.starts_with('#')).collect();
        assert!(entities.iter().all(|entity| whole.contains(entity)));
    }
}
