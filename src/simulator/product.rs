//! The products of a STEP file: parts with their bodies, and the assembly that says where each of them stands.

use super::part21::{Data, Point, Ref, UP, Unit, X};

/// What all products of a file refer to: what they are for, and their units.
pub(crate) struct Frame {
    product: Ref,
    definition: Ref,
    units: Ref,
}

/// A product that others may be made of.
pub(crate) struct Product {
    label: String,
    definition: Ref,
    representation: Ref,
    /// Its own origin, to be laid on a place in an assembly.
    origin: Ref,
}

impl Data {
    pub(crate) fn frame(&mut self) -> Frame {
        let context =
            self.add("APPLICATION_CONTEXT('core data for automotive mechanical design processes')");
        self.add(&format!(
            "APPLICATION_PROTOCOL_DEFINITION('international standard','automotive_design',2000,{context})"
        ));
        let product = self.add(&format!("PRODUCT_CONTEXT('',{context},'mechanical')"));
        let definition = self.add(&format!(
            "PRODUCT_DEFINITION_CONTEXT('part definition',{context},'design')"
        ));
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
        Frame {
            product,
            definition,
            units,
        }
    }

    /// A part, with its body if it has one.
    pub(crate) fn part(&mut self, frame: &Frame, label: &str, body: Option<Ref>) -> Product {
        let kind = if body.is_some() {
            "ADVANCED_BREP_SHAPE_REPRESENTATION"
        } else {
            "SHAPE_REPRESENTATION"
        };
        let origin = self.placement([0.0; 3], UP, X);
        self.product(frame, label, kind, origin, body.as_slice())
    }

    /// An assembly: each part is one product, and stands where its point says, turned as it was made.
    pub(crate) fn assembly(
        &mut self,
        frame: &Frame,
        label: &str,
        parts: &[(Product, Point)],
    ) -> Product {
        let origin = self.placement([0.0; 3], UP, X);
        let places: Vec<Ref> = parts
            .iter()
            .map(|(_, at)| self.placement(*at, UP, X))
            .collect();
        let whole = self.product(frame, label, "SHAPE_REPRESENTATION", origin, &places);
        for (index, ((part, _), place)) in parts.iter().zip(places).enumerate() {
            self.occurrence(index + 1, &whole, part, place);
        }
        whole
    }

    fn product(
        &mut self,
        frame: &Frame,
        label: &str,
        kind: &str,
        origin: Ref,
        items: &[Ref],
    ) -> Product {
        let context = frame.product;
        let product = self.add(&format!("PRODUCT('{label}','{label}','',({context}))"));
        let formation = self.add(&format!("PRODUCT_DEFINITION_FORMATION('','',{product})"));
        let context = frame.definition;
        let definition = self.add(&format!(
            "PRODUCT_DEFINITION('design','',{formation},{context})"
        ));
        let shape = self.add(&format!("PRODUCT_DEFINITION_SHAPE('','',{definition})"));
        let items: String = items.iter().map(|item| format!(",{item}")).collect();
        let units = frame.units;
        let representation = self.add(&format!("{kind}('{label}',({origin}{items}),{units})"));
        self.add(&format!(
            "SHAPE_DEFINITION_REPRESENTATION({shape},{representation})"
        ));
        Product {
            label: label.to_owned(),
            definition,
            representation,
            origin,
        }
    }

    /// Says that `part` is in `whole`, with its origin laid on `place`.
    fn occurrence(&mut self, number: usize, whole: &Product, part: &Product, place: Ref) {
        let usage = self.add(&format!(
            "NEXT_ASSEMBLY_USAGE_OCCURRENCE('{number}','{}','',{},{},$)",
            part.label, whole.definition, part.definition
        ));
        let shape = self.add(&format!(
            "PRODUCT_DEFINITION_SHAPE('Placement','Placement of an item',{usage})"
        ));
        let moved = self.add(&format!(
            "ITEM_DEFINED_TRANSFORMATION('','',{},{place})",
            part.origin
        ));
        let relation = self.add(&format!(
            "(REPRESENTATION_RELATIONSHIP('','',{},{})\
             REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION({moved})SHAPE_REPRESENTATION_RELATIONSHIP())",
            part.representation, whole.representation
        ));
        self.add(&format!(
            "CONTEXT_DEPENDENT_SHAPE_REPRESENTATION({relation},{shape})"
        ));
    }
}
