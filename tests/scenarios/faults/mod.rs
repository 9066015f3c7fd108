//! Disks, shares, lines, brokers, databases and clocks that fail: `docs/faults.md` says which promise each holds.

mod broken_disk;
mod burst;
mod clock;
mod cluster;
mod commands;
mod cut_lines;
mod damaged_store;
mod every_syscall;
mod flaky_share;
mod full_disk;
mod killed_relay;
mod later_release;
mod partitions;
mod promoted_standby;
mod restored_backup;
mod rolling_restart;
mod scene;
mod soak;
mod unsafe_database;
