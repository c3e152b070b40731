//! The encoding of keys is frozen: a change here would buy everything again.

use std::num::NonZeroU32;

use millrun::manifest::Format;
use millrun::plan::content::{Content, Expected, ImageRef, ImageType, OnFail, Prompt, Selection};
use millrun::plan::digest::Digest;
use millrun::plan::key::{IdempotencyKey, LineageId, Salt, StepKey};
use millrun::plan::remote::RevisionId;
use millrun::plan::view::{Reviewed, Snapshot, View};

use super::{keys, read, yaml};

const YAML: &str = r#"
version: 1
name: golden
uid: 6f1c0a52
vars: { material: 6061-T6 aluminium, thickness: 6.0 }
parts:
  - id: plate-{{ width }}
    tags: [plates]
    matrix: { width: [60, 80.5] }
    steps:
      - create:
          prompt: |
            A flat {{ material }} plate, {{ width }} x 40 x {{ thickness }} mm.

            Rounded corners: Ø {{ width / 10 }}.
          images: [sketches/plate.png, "sketches/{{ part.id }}.png"]
      - review: { prompt: Is it easy to make?, on_proposal: fail }
      - iterate: { when: width > 60, prompt: Add a 2 mm chamfer. }
      - check: {}
      - download: { to: "plates/{{ part.id }}" }
  - id: frame
    needs: [plate-*]
    steps:
      - create: { prompt: A frame. }
      - iterate: { prompt: "Thicker." }
      - id: again
        iterate: { prompt: "Thicker." }
      - download: {}
"#;

const TOML: &str = r#"
version = 1
name = "golden"
uid = "6f1c0a52"
vars.thickness = 6
vars.material = "6061-T6 aluminium"

[[parts]]
id = "plate-{{ width }}"
matrix.width = [60, 80.5]

[[parts.steps]]
create.images = ["sketches/plate.png", "sketches/{{ part.id }}.png"]
create.prompt = """
A flat {{ material }} plate, {{ width }} x 40 x {{ thickness }} mm.

Rounded corners: Ø {{ width / 10 }}.
"""

[[parts.steps]]
review = { prompt = "Is it easy to make?", on_proposal = "fail" }

[[parts.steps]]
iterate.prompt = "Add a 2 mm chamfer."
iterate.when = "width > 60"

[[parts.steps]]
check = {}

[[parts.steps]]
download.to = "plates/{{ part.id }}"

[[parts]]
id = "frame"
needs = ["plate-*"]
steps = [
  { create.prompt = "A frame." },
  { iterate.prompt = "Thicker." },
  { id = "again", iterate.prompt = "Thicker." },
  { download = {} },
]
"#;

const STEP_KEYS: [(&str, &str); 13] = [
    (
        "plate-60/create",
        "1c61a3bc1469def7638dec29a1662f6d13a31cc42ba24d97a838a4bfdd5592b9",
    ),
    (
        "plate-60/review",
        "b60de864272f727ee2c7943f47956d65dea5aa8b91c1ba2c29cdaa459f3006e3",
    ),
    (
        "plate-60/check",
        "6f2131c2818533f3cd708a1192503c55c2e83f3d4a3c1203cd2d0561d7af3cd4",
    ),
    (
        "plate-60/download",
        "af1db38ddb98981b6c761cceee8330d0cb085f755871b560f2d8c6304257a522",
    ),
    (
        "plate-80.5/create",
        "7dc6638b06626d999d0c34c8e3699d921b42bf73a8482f2c1c714c1f4f039c51",
    ),
    (
        "plate-80.5/review",
        "aaeef785c474cb7ce73026caecde735a046cf9c3d65af030bcefd6422d30ceaf",
    ),
    (
        "plate-80.5/iterate",
        "5572656ee54c17cd4b76bd89c6b3a335955b7f8db1433d09ab6b968f52ab7484",
    ),
    (
        "plate-80.5/check",
        "08a105ab826fe00f857359bf6d88d3ef764d47f33a1da0180b01cd4b4e8aabc0",
    ),
    (
        "plate-80.5/download",
        "732a8e9987f00c34d975f5755b417d07b9f52d502ac6c17978d4c15fcc1a1b1d",
    ),
    (
        "frame/create",
        "c41d6547b905e61ab537906cbc66c10f62225c6e2ed8d6cc9f0283e4274c381b",
    ),
    (
        "frame/iterate",
        "b22b6ae500bb8e0a0748a90f3f19b939b0e891d13ae25c430801a4bb62358c95",
    ),
    (
        "frame/again",
        "8e4e334a2b4cafd4d943a48856bac9336b9095cb126480a74709cfb94f6f6893",
    ),
    (
        "frame/download",
        "e9412b3dd7061777f87bb2567a77c91cc407e09574c770913f848dc3cab0be05",
    ),
];

#[test]
fn step_keys_are_frozen() {
    let frozen: Vec<(String, String)> = STEP_KEYS
        .map(|(step, key)| (step.to_owned(), key.to_owned()))
        .into();
    assert_eq!(keys(&yaml(YAML)), frozen);
}

#[test]
fn toml_and_yaml_twins_mean_the_same() {
    let (toml, _) = read(TOML, Format::Toml).unwrap();
    let yaml = yaml(YAML);
    assert_eq!(keys(&toml), keys(&yaml));
    assert_eq!(toml.settings, yaml.settings);
    assert_eq!(toml.part(millrun::plan::family::PartIx(2)).needs.len(), 2);
}

/// What was worked out by another program from what `src/plan/key.rs` says.
#[test]
fn keys_of_what_is_expected_and_selected_are_frozen() {
    let check = |files, on_fail| {
        let files = NonZeroU32::new(files);
        let expected = Expected { files, on_fail };
        StepKey::new(&Content::Check { expected }, None).to_string()
    };
    let download = |artifacts| {
        StepKey::new(
            &Content::Download {
                artifacts,
                transcript: false,
            },
            None,
        )
        .to_string()
    };
    // What has its default is not in the key.
    assert_eq!(
        check(0, OnFail::Reject),
        "0ada280d478f89efecdb8b399a15577031018b0dbc06393a5141a38493eb4f51"
    );
    assert_eq!(
        check(3, OnFail::Reject),
        "8dc36e6849c0415154607bb2f989a81adf4466c1819c9db35146c63b36b44d41"
    );
    assert_eq!(
        check(0, OnFail::Warn),
        "a25b79189a31c93f66d446c308b0b8dfe0378d5cdee2e8a9f995c8944d575bcb"
    );
    assert_eq!(
        check(3, OnFail::Warn),
        "4a985f4de4657435fa3652375be4074d0db2ca2de233c4237af18dc976094b30"
    );
    assert_eq!(
        download(Selection::All),
        "935654f6bafadb976b184df44f6d2782832c5a0640cf2414d492534b2aec83c7"
    );
    assert_eq!(
        download(Selection::Root),
        "f0d829728812335060c91a0d255756ee102b483450c8aff41af2c25db2d5ae76"
    );
    assert_eq!(
        download(Selection::Labels("root".to_owned())),
        "3137364adde1b531127d22f32588275274b8153352635bde7fdecf4b64d94643"
    );
}

/// What was worked out by another program from what `src/plan/key.rs` says.
#[test]
fn keys_of_what_a_review_is_shown_are_frozen() {
    let key = |view: View| {
        let prompt = Prompt::new("Look.");
        let view = view.boxed();
        StepKey::new(&Content::Review { prompt, view }, None).to_string()
    };
    let revision = |revision| View {
        revision: Some(revision),
        ..View::default()
    };
    let state = |state| View {
        viewer_state: Some(state),
        ..View::default()
    };
    let snapshots = vec![Snapshot {
        label: "Here".to_owned(),
        image: ImageRef {
            digest: Digest::of(b"picture"),
            image_type: ImageType::Png,
        },
    }];
    let pictures = View {
        snapshots: snapshots.clone(),
        ..View::default()
    };
    let all = View {
        revision: Some(Reviewed::Latest),
        viewer_state: Some(serde_json::json!({ "a": true })),
        snapshots,
    };
    let odd = serde_json::json!({ "zoom": "x", "camera": { "up": null, "at": [1, 2.5] } });
    assert_eq!(
        [
            key(View::default()),
            key(revision(Reviewed::Latest)),
            key(revision(Reviewed::Id(RevisionId("latest".to_owned())))),
            key(state(odd)),
            key(pictures),
            key(all),
        ],
        [
            "e4916233c703afe757cdab8ea59c09bdbab49c744e2cd81268220edaab85cd7f",
            "b9413b8c8bbcdd6d6459614417658c3b40e602560d57ad9dd8f5c9d02e73936a",
            "fc4662e3b4e19b57e4d9bbd9657ada8532526b23dca8a766baa6be35d8e2333a",
            "5fd4e489653871baf8b712ba1daea275d1a4a136655f850c8363f9af0cfba920",
            "8db86d740a4b3e8c972de0c38c3471a3392710d12c1a8fa2d599e34158895807",
            "12cea8d9cdf386494a24233c525eed78c08cdbc9e1f8ae9988bb81db17528422",
        ]
    );
}

#[test]
fn idempotency_keys_are_frozen() {
    let family = yaml(YAML);
    let create = family.steps[0].key().unwrap();
    let iterate = family.steps[8].key().unwrap();
    let key = |salt: &Salt, step, ordinal, generation, attempt| {
        let lineage = LineageId {
            create,
            ordinal,
            generation,
        };
        IdempotencyKey::new(salt, step, lineage, attempt).to_string()
    };
    let unsalted = Salt {
        name: "golden".to_owned(),
        uid: String::new(),
    };
    assert_eq!(
        [
            key(&family.salt, create, 0, 0, 0),
            key(&family.salt, create, 1, 0, 0),
            key(&family.salt, create, 0, 1, 0),
            key(&family.salt, create, 0, 0, 1),
            key(&family.salt, iterate, 0, 0, 0),
            key(&unsalted, create, 0, 0, 0),
        ],
        IDEMPOTENCY_KEYS
    );
}

const IDEMPOTENCY_KEYS: [&str; 6] = [
    "mr1-3nttusnbxl5euhdwuw24lqasanzogfono6os5gmtaiq4vxzd3kdq",
    "mr1-d3a27a6cdoz3r53vs64fw7ipm3nqohlyvn36dkci5gd42rw6bo3a",
    "mr1-j65pymmbh3v3s2tewpswmc5pnxwqq5j5qkn5zwywkgdqdextxduq",
    "mr1-5xbjge75ze3lrcayedwt7xozcpmi7ramgfsglkjquyso5ttqkbna",
    "mr1-ftp73c5eexh5yn7lkzn7eloowprdbhwicfqbgjwu4x7dmyxkq3za",
    "mr1-fsebh6dpw7xdg4rifqtgcsrsagdcicjxqd5vxj6wxwsukmawf32q",
];
