//! Three floors, no arrow back up: who may import whom.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, MetadataCommand};
use shikaku_tests::program::workspace;

/// Every edge between packages of the project that may exist, dev- and build-dependencies included.
const MAY_USE: &[(&str, &[&str])] = &[
    ("shikaku-schemas", &[]),
    ("shikaku-broker", &[]),
    ("shikaku-disk", &[]),
    ("shikaku-domain", &["shikaku-schemas"]),
    ("shikaku-ledger", &["shikaku-schemas", "shikaku-disk"]),
    (
        "shikaku-core",
        &[
            "shikaku-schemas",
            "shikaku-broker",
            "shikaku-domain",
            "shikaku-ledger",
        ],
    ),
    ("shikaku-models", &["shikaku-schemas", "shikaku-broker"]),
    ("shikaku-api", &["shikaku-schemas", "shikaku-models"]),
    (
        "shikaku-kit",
        &["shikaku-schemas", "shikaku-broker", "shikaku-disk"],
    ),
    (
        "shikaku-terminal",
        // Its tests ask the simulator, which shares no reading or writing with it.
        &[
            "shikaku-schemas",
            "shikaku-disk",
            "shikaku-kit",
            "shikaku-terminal-simulator",
        ],
    ),
    (
        "shikaku-card-reader",
        &["shikaku-schemas", "shikaku-kit", "shikaku-card-simulator"],
    ),
    // It must not share reading or writing with what it tests.
    ("shikaku-terminal-simulator", &[]),
    ("shikaku-card-simulator", &[]),
    // A model that called the code would be a test of the code.
    ("shikaku-model", &[]),
    ("shikaku-share", &[]),
    // They know the built program alone, the cards that lie in its reader and the share below its folders.
    (
        "shikaku-tests",
        &["shikaku-card-simulator", "shikaku-share"],
    ),
];

/// The binary, the only package that knows both wings.
const PROGRAM: &str = "shikaku-hub";

/// Libraries that belong to one place: name, and the packages that may use it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["shikaku-ledger", "shikaku-models"]),
    (
        "async-nats",
        // The port; the others speak it in their tests only.
        &[
            "shikaku-broker",
            "shikaku-core",
            "shikaku-kit",
            "shikaku-models",
            PROGRAM,
        ],
    ),
    ("axum", &["shikaku-api"]),
    ("pcsc", &["shikaku-card-reader"]),
    ("cqrs-es", &["shikaku-domain"]),
    (
        "encoding_rs",
        &["shikaku-schemas", "shikaku-terminal-simulator"],
    ),
    ("clap", &[PROGRAM]),
    ("stateright", &["shikaku-model"]),
    ("fuser", &["shikaku-share"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(workspace())
        .no_deps()
        .exec()
        .unwrap()
}

fn edges() -> BTreeMap<String, BTreeSet<String>> {
    metadata()
        .packages
        .into_iter()
        .map(|package| {
            let uses = package
                .dependencies
                .into_iter()
                .map(|dependency| dependency.name);
            (package.name.to_string(), uses.collect())
        })
        .collect()
}

#[test]
fn every_edge_between_packages_is_allowed() {
    let packages = edges();
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for (package, uses) in &packages {
        if package == PROGRAM {
            continue;
        }
        let may = allowed
            .get(package.as_str())
            .unwrap_or_else(|| panic!("{package} has no line in this table: say what it may use"));
        let wrong: Vec<_> = uses
            .iter()
            // A package may enable its own features for its tests.
            .filter(|name| {
                *name != package && packages.contains_key(*name) && !may.contains(&name.as_str())
            })
            .collect();
        assert!(wrong.is_empty(), "{package} must not use {wrong:?}");
    }
}

#[test]
fn nobody_uses_the_program() {
    for (package, uses) in edges() {
        assert!(!uses.contains(PROGRAM), "{package} uses {PROGRAM}");
    }
}

#[test]
fn each_technology_stays_in_its_place() {
    for (package, uses) in edges() {
        for (library, places) in ONLY_IN {
            let lawful = places.contains(&package.as_str());
            assert!(
                lawful || !uses.contains(*library),
                "{package} must not use {library}"
            );
        }
    }
}

#[test]
fn a_package_is_named_after_its_folder() {
    let root = workspace().canonicalize().unwrap();
    for package in metadata().packages {
        let folder = package.manifest_path.parent().unwrap();
        assert!(folder.starts_with(root.to_str().unwrap()));
        assert_eq!(
            package.name.to_string(),
            format!("shikaku-{}", folder.file_name().unwrap())
        );
    }
}

#[test]
fn every_package_inherits_the_lints() {
    for package in metadata().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has lints of its own",
            package.name
        );
    }
}
