//! Which operating-system user gives a command or looks at a record.

/// The name of a user id; `uid-N` when the machine has no name for it.
pub fn user_name(uid: u32) -> String {
    std::fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| {
                let mut fields = line.split(':');
                let name = fields.next()?;
                (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
            })
        })
        .unwrap_or_else(|| format!("uid-{uid}"))
}

/// The user of this process.
pub fn me() -> String {
    user_name(rustix::process::getuid().as_raw())
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_come_from_the_machine() {
        assert_eq!(super::user_name(0), "root");
        assert_eq!(super::user_name(4_000_000_001), "uid-4000000001");
    }
}
