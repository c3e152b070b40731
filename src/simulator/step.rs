//! Writes solids as a STEP file: ISO 10303-21 text, AP214, millimetres unless that is the quirk.

use std::collections::BTreeSet;

use super::design::Solid;
use super::jobs::Revision;
use super::part21::{Data, Ref, UP, Unit, X};
use super::quirks::Quirk;

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
        Some(solid) => document(label, &[(0.0, solid)], &design.quirks),
        None => document(label, &side_by_side(&design.solids), &design.quirks),
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

fn document(label: &str, solids: &[(f64, &Solid)], quirks: &BTreeSet<Quirk>) -> String {
    let unit = if quirks.contains(&Quirk::Metres) {
        Unit::Metre
    } else {
        Unit::Millimetre
    };
    let mut data = Data::new(unit);
    let bodies: Vec<Ref> = if quirks.contains(&Quirk::NoGeometry) {
        Vec::new()
    } else {
        let made = solids.iter().map(|(at, solid)| data.solid(*at, solid));
        made.collect()
    };
    let name = if quirks.contains(&Quirk::NamesNone) {
        "NONE"
    } else {
        label
    };
    data.product(name, &bodies);
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

impl Data {
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
        let prefix = match self.unit {
            Unit::Millimetre => ".MILLI.",
            Unit::Metre => "$",
        };
        let length = self.add(&format!(
            "(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT({prefix},.METRE.))"
        ));
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
        let kind = if bodies.is_empty() {
            "SHAPE_REPRESENTATION"
        } else {
            "ADVANCED_BREP_SHAPE_REPRESENTATION"
        };
        let bodies: String = bodies.iter().map(|body| format!(",{body}")).collect();
        let representation = self.add(&format!("{kind}('{label}',({origin}{bodies}),{units})"));
        self.add(&format!(
            "SHAPE_DEFINITION_REPRESENTATION({shape},{representation})"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::design::Design;

    const PLATE: &str = "A mounting plate, 80 x 60 x 6 mm, with two 6 mm through holes.";

    fn text(prompt: &str) -> String {
        let design = Design::create(prompt);
        document(&design.label, &side_by_side(&design.solids), &design.quirks)
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
