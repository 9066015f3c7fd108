# `make help` lists every target. All of them work on a plain Debian 12 with Rust, as root or with sudo.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export LANG := C.UTF-8
export LC_ALL := C.UTF-8
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: help setup run test crash faults soak month large cards bench fuzz simulate simulate-tables simulate-seeds simulate-mutants simulate-night lint check

help: ## list all targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install what is missing (system packages, nats-server, test tools); quick when nothing is
	@deploy/setup.sh

run: setup ## build and start the hub on its embedded default, with a simulated terminal playing a day
	@exec cargo run --quiet --bin shikaku -- up

test: setup ## every test, with real servers started by the tests themselves
	cargo build --bin shikaku
	SHIKAKU_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug/shikaku cargo nextest run --workspace --no-fail-fast
	cargo test --workspace --doc --quiet
	@$(MAKE) --no-print-directory simulate-tables simulate-seeds
	@echo "make test: all green"

crash: setup ## kill -9 of hub and broker at random moments, KILLS=100 of them, with counts at the end
	cargo build --bin shikaku
	SHIKAKU_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug/shikaku SHIKAKU_KILLS=$(or $(KILLS),100) \
	  cargo nextest run -p shikaku-tests --success-output final -E 'test(crashes_lose_nothing)'

faults: setup ## disks, lines, brokers and clocks that fail, in the long form: SYSCALLS=100 RELAY_KILLS=100 BURST=10000 ROUNDS=10 FAILOVERS=5 CUTS=all
	cargo build --bin shikaku
	SHIKAKU_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug/shikaku SHIKAKU_SYSCALLS=$(or $(SYSCALLS),100) \
	  SHIKAKU_RELAY_KILLS=$(or $(RELAY_KILLS),100) SHIKAKU_BURST=$(or $(BURST),10000) SHIKAKU_ROUNDS=$(or $(ROUNDS),10) \
	  SHIKAKU_FAILOVERS=$(or $(FAILOVERS),5) SHIKAKU_CUTS=$(or $(CUTS),all) \
	  cargo nextest run -p shikaku-tests --no-fail-fast --success-output final -E 'test(/^faults::/)'

soak: setup ## mixed load with faults for HOURS=1 (a fraction too), with a table of memory and open files
	cargo build --bin shikaku
	SHIKAKU_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug/shikaku SHIKAKU_SOAK_HOURS=$(or $(HOURS),1) \
	  cargo nextest run -p shikaku-tests --no-capture -E 'test(/^faults::soak/)'

month: setup ## a month of tickets at three facilities by simulated terminals and a moved clock: PATIENTS=2000 DAYS=all|some
	cargo build --bin shikaku
	SHIKAKU_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug/shikaku SHIKAKU_MONTH_PATIENTS=$(or $(PATIENTS),2000) \
	  SHIKAKU_MONTH_DAYS=$(or $(DAYS),all) cargo nextest run -p shikaku-tests --no-capture -E 'test(/^a_month_at_three_facilities::/)'

large: setup ## one answer of UNITS=100000 people, killed in the middle: by an adapter alone, then by the whole hub: peak memory, the same history
	cargo build --release --bin shikaku
	SHIKAKU_LARGE_UNITS=$(or $(UNITS),100000) \
	  cargo nextest run -p shikaku-terminal --no-capture -E 'test(/^large::/)'
	SHIKAKU_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/release/shikaku SHIKAKU_LARGE_MIB=200 SHIKAKU_LARGE_UNITS=$(or $(UNITS),100000) \
	  cargo nextest run -p shikaku-tests --no-capture -E 'test(/^a_large_answer::/)'

cards: setup ## random walk of STEPS=1000 over two card readers, and the time from insertion to observation
	SHIKAKU_CARD_STEPS=$(or $(STEPS),1000) SHIKAKU_CARD_ROUNDS=$(or $(ROUNDS),30) \
	  cargo nextest run -p shikaku-card-reader --no-capture -E 'test(/^(walk|latency)::/)'

SIMULATION = cd tests/simulation && RUSTFLAGS="--cfg tokio_unstable" cargo run --quiet --release --

simulate: ## one deterministic run of the spine under faults: SEED=N STEPS=N, MUTANT=NAME plants one
	@$(SIMULATION) --seed $(or $(SEED),1) --steps $(or $(STEPS),60) $(if $(MUTANT),--mutant $(MUTANT))

simulate-tables: setup ## whether the tables in memory, on which seeds run, answer as the real databases do
	cargo nextest run -p shikaku-ledger -p shikaku-models --features shikaku-ledger/simulation,shikaku-models/simulation -E 'test(memory)'

simulate-seeds: ## the fixed set of seeds that every change runs
	@$(SIMULATION) --seed 1 --seeds $(or $(SEEDS),300) --steps $(or $(STEPS),60)

simulate-mutants: ## plants each fault of the list and prints the first seed that finds it
	@$(SIMULATION) --mutants --seeds $(or $(SEEDS),1000) --steps $(or $(STEPS),60)

simulate-night: ## many seeds from a new place: SEED=N SEEDS=N
	@$(SIMULATION) --seed $(or $(SEED),1000000) --seeds $(or $(SEEDS),500000) --steps $(or $(STEPS),60)

bench: setup ## the side-by-side performance table, as text and target/bench.json; PARTS="postgres sqlite parse latency" picks some
	@$(MAKE) --no-print-directory -C bench run

fuzz: setup ## libFuzzer on every reader or TARGET=name, SECONDS=120 each (needs a nightly compiler)
	@deploy/fuzz.sh "$(TARGET)" "$(or $(SECONDS),120)"

lint: setup ## rustfmt, clippy, cargo-deny, documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo deny --log-level error check bans licenses sources
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@echo "make lint: clean"

check: lint ## the fast inner loop: lint and unit tests
	cargo nextest run --workspace --lib --bins
	@echo "make check: all green"
