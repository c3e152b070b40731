//! What prompts make.

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
fn an_iteration_gives_a_plate_the_size_and_the_holes_it_names() {
    let design = Design::create("A plate, 80 x 60 x 6 mm, with two 6 mm holes.");
    let larger = design.iterate("Make it 120 x 80 mm.");
    let outline = Outline::Rectangle {
        width: 120.0,
        depth: 80.0,
    };
    assert_eq!(
        (larger.solids[0].outline, larger.solids[0].height),
        (outline, 6.0)
    );
    assert_eq!(larger.solids[0].holes.len(), 2);
    let holes = &design.iterate("Use four 8 mm holes.").solids[0].holes;
    assert_eq!((holes.len(), holes[0].diameter), (4, 8.0));
}

#[test]
fn rings_discs_angles_and_inches_are_what_they_are_called() {
    let made = |text| {
        let design = Design::create(text);
        let solid = design.solids[0].clone();
        (solid.outline, solid.height, solid.holes)
    };
    let (outline, height, holes) =
        made("A spacer, 20 mm outer diameter, 8 mm inner diameter, 12 mm long");
    assert_eq!(outline, Outline::Circle { diameter: 20.0 });
    assert_eq!((height, holes[0].diameter), (12.0, 8.0));
    let (outline, height, holes) = made("A cylinder, 1 inch in diameter and 2 in tall");
    assert_eq!(outline, Outline::Circle { diameter: 25.4 });
    assert_eq!((height, holes.len()), (50.8, 0));
    let (outline, width, holes) =
        made("An L-bracket, 50 x 40 x 30 mm, 5 mm thick, with four 6 mm holes.");
    assert_eq!(
        outline,
        Outline::Angle {
            base: 50.0,
            upright: 40.0,
            thickness: 5.0
        }
    );
    let legs: Vec<_> = holes.iter().map(|hole| hole.through).collect();
    assert_eq!(
        legs,
        [
            Through::Base,
            Through::Base,
            Through::Upright,
            Through::Upright
        ]
    );
    assert_eq!((width, holes[0].diameter), (30.0, 6.0));
    let thicker = Design::create("An L bracket, 50 x 40 x 5 mm").iterate("Make it 8 mm thick");
    assert_eq!(
        thicker.solids[0].outline,
        Outline::Angle {
            base: 50.0,
            upright: 40.0,
            thickness: 8.0
        }
    );
}

#[test]
fn absurd_numbers_still_make_a_solid() {
    let design = Design::create("A 0 x 99999999999 mm plate with 7 holes of 500 mm");
    let solid = &design.solids[0];
    assert!(solid.holes.iter().all(|hole| hole.diameter < 60.0));
    assert_eq!(solid.holes.len(), 7);
    Design::create("x x x 3 x [sim:files=2] [[[ ×× 1.2.3.4 by by");
}
