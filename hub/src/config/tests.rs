use super::*;

fn faults(text: &str) -> Vec<(String, String)> {
    match Config::parse(text, "test") {
        Ok(_) => Vec::new(),
        Err(error) => error
            .faults
            .into_iter()
            .map(|fault| (fault.key, fault.reason))
            .collect(),
    }
}

fn keys(text: &str) -> Vec<String> {
    faults(text).into_iter().map(|(key, _)| key).collect()
}

const FACILITY: &str = "[[facility]]\ncode = \"1319912349\"\nname = \"見本病院\"\n";

#[test]
fn the_defaults_are_the_defaults() {
    let printed = read(DEFAULTS).unwrap();
    let mut expected = section::File {
        facility: printed.facility.clone(),
        ..section::File::default()
    };
    expected.nats.server = Some("nats-server".to_owned());
    assert_eq!(printed, expected);
    let facility = &printed.facility[0];
    let bare = read(
        "[[facility]]\ncode=\"1319912349\"\nname=\"見本病院\"\n\
         [[facility.terminal]]\nid=\"t1\"\nroot=\"./var-terminal/t1\"\n",
    )
    .unwrap();
    assert_eq!(facility, &bare.facility[0]);
    assert!(Config::parse(DEFAULTS, "test").unwrap().warnings.is_empty());
}

#[test]
fn the_printed_defaults_name_every_key() {
    let full = DEFAULTS.lines().map(|line| {
        let bare = line.strip_prefix('#').unwrap_or(line);
        // Prose comments keep a blank after the mark; commented keys do not.
        if line.starts_with("# ") { "" } else { bare }
    });
    let full = full.collect::<Vec<_>>().join("\n");
    let file = read(&full).expect("every commented key is a real one");
    let value = serde_json::to_value(&file).unwrap();
    fn missing(path: &str, value: &serde_json::Value, out: &mut Vec<String>) {
        match value {
            serde_json::Value::Null => out.push(path.to_owned()),
            serde_json::Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| missing(&format!("{path}.{key}"), value, out)),
            serde_json::Value::Array(list) if list.is_empty() => out.push(path.to_owned()),
            serde_json::Value::Array(list) => {
                list.iter().for_each(|value| missing(path, value, out))
            }
            _ => {}
        }
    }
    let mut absent = Vec::new();
    missing("", &value, &mut absent);
    assert_eq!(absent, Vec::<String>::new());
}

#[test]
fn a_wrong_key_is_named_by_its_path() {
    assert_eq!(keys("colour = 1"), ["colour"]);
    assert_eq!(keys("[timing]\nscan = 1"), ["timing.scan"]);
    assert_eq!(keys("[timing]\nscan_ms = 0"), ["timing.scan_ms"]);
    assert_eq!(keys("[timing]\nscan_ms = \"x\""), ["timing.scan_ms"]);
    let terminal = |rest: &str| {
        format!(
            "{FACILITY}[[facility.terminal]]\nid=\"a\"\nroot=\"/x\"\n[[facility.terminal]]\n{rest}"
        )
    };
    assert_eq!(
        keys(&terminal("id=\"b\"")),
        ["facility[0].terminal[1].root"]
    );
    assert_eq!(
        keys(&terminal("id=\"b\"\nroot=\"/x\"")),
        ["facility[0].terminal[1].root"]
    );
    assert_eq!(
        keys(&terminal("id=\"a\"\nroot=\"/y\"")),
        ["facility[0].terminal[1].id"]
    );
    assert_eq!(
        keys(&terminal("id=\"b\"\nroot=\"/y\"\nfaec=\"take\"")),
        ["facility[0].terminal[1].faec"]
    );
    assert_eq!(
        keys(&terminal("id=\"b\"\nroot=\"/y\"\nface=\"steal\"")),
        ["facility[0].terminal[1].face"]
    );
}

#[test]
fn bad_codes_names_and_references_are_refused_together() {
    let text = "[[welfare_office]]\nname=\"x\"\npayer_numbers=[\"12997012\"]\nregisters=\"32\"\n\
         [[facility]]\ncode=\"13\"\nname=\"a\"\n\
         [[consumer]]\nname=\"ward 3\"\naudience=\"department\"\nfacility=\"1319912349\"\n\
         [[consumer]]\nname=\"hub\"\naudience=\"receipt\"\nfacility=\"13\"\n";
    assert_eq!(
        keys(text),
        [
            "welfare_office[0].payer_numbers[0]",
            "welfare_office[0].registers",
            "facility[0].code",
            "consumer[0].name",
            "consumer[0].facility",
            "consumer[1].name",
        ]
    );
}

#[test]
fn plain_http_stays_on_loopback() {
    assert_eq!(keys("[http]\nlisten=\"0.0.0.0:80\""), ["http.listen"]);
    assert_eq!(keys("[http]\nlisten=\"here\""), ["http.listen"]);
    assert_eq!(keys("[http]\nlisten=\"[::1]:0\""), Vec::<String>::new());
}

#[test]
fn a_secret_is_never_part_of_the_fault() {
    let found = faults("[database]\nurl = \"mysql://root:canary@x\"");
    assert_eq!(found[0].0, "database.url");
    assert!(!found[0].1.contains("canary"));
}

#[test]
fn a_facility_code_with_a_wrong_check_digit_is_a_warning() {
    let config = Config::parse("[[facility]]\ncode=\"1319912340\"\nname=\"a\"\n", "test").unwrap();
    assert_eq!(config.warnings[0].key, "facility[0].code");
}

#[test]
fn every_sample_in_deploy_parses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            seen += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            read(&text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        }
    }
    assert!(seen > 0);
}

#[test]
fn a_desk_names_one_reader_for_each_entry_and_a_terminal_of_its_own() {
    let text = format!(
        "{FACILITY}[[facility.terminal]]\nid=\"t1\"\nroot=\"/x\"\n\
         [[facility.desk]]\nid=\"d1\"\nterminal=\"t1\"\n\
         [[facility.desk.reader]]\nid=\"r1\"\nname=\"ACR122*\"\n\
         [[facility.desk.reader]]\nid=\"r1\"\nname=\"ACR122U 00 00\"\n\
         [[facility.desk]]\nid=\"d 2\"\nterminal=\"t9\"\n\
         [[facility.desk.reader]]\nid=\"r3\"\nname=\"*\"\n\
         [[facility.desk]]\nid=\"d3\"\nterminal=\"t1\"\n"
    );
    assert_eq!(
        keys(&text),
        [
            "facility[0].desk[0].reader[1].id",
            "facility[0].desk[0].reader[1].name",
            "facility[0].desk[1].id",
            "facility[0].desk[1].terminal",
            "facility[0].desk[1].reader[0].name",
            "facility[0].desk[2].terminal",
        ]
    );
}

#[test]
fn a_card_rule_that_could_touch_what_it_must_not_is_refused() {
    let rule = |rest: &str| {
        keys(&format!(
            "{FACILITY}[[facility.card_rule]]\nname=\"x\"\nread=\"apdu\"\n{rest}"
        ))
    };
    for apdu in [
        "00A4040C0AD392F000260100000001",
        "00A4040C0AD3921000310001010408",
        "0020008004313233340",
        "80A2000000",
    ] {
        assert_eq!(
            rule(&format!("apdu=[\"00B0000010\", \"{apdu}\"]")),
            ["facility[0].card_rule[0].apdu[1]"],
            "{apdu}"
        );
    }
    assert_eq!(rule("apdu=[\"00B0000010\"]"), Vec::<String>::new());
    assert_eq!(
        rule("apdu=[\"00B0000010\"]\nmap_file=\"/nowhere/cards.csv\""),
        ["facility[0].card_rule[0].map_file"]
    );
}
