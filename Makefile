# The few commands one needs. Each is a line one could type; the scripts say what they do.
.PHONY: run help test bench bench-quick bench-growth docs samples profile fuzz sbom reproducible switches clean

BIN := target/release/strongroom

run: ## build and serve a development vault on loopback, filled with invented customers
	cargo build --release --locked
	mkdir -p dev-data
	$(BIN) dev --data-dir dev-data --listen 127.0.0.1:8443 --credentials-out dev-data/credentials.json \
		--customers config/sample/customers.ndjson --print-requests

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

test: ## everything a change must pass
	scripts/test.sh

bench: ## performance, as ratios to a bare server (about a quarter of an hour)
	cargo build --release --locked
	cargo bench --locked --bench ratio

bench-quick: ## the same, smaller, in three minutes
	cargo build --release --locked
	cargo bench --locked --bench ratio -- --quick

RECORDS := 1000000
bench-growth: ## what a vault costs as it grows: 1 M records (about 2 GB below TMPDIR for a while), or RECORDS=10000000
	cargo build --release --locked
	cargo bench --locked --bench ratio -- --quick --growth $(RECORDS)

docs: ## regenerate what is generated from the code, and the API documentation
	scripts/generated.sh write
	cargo doc --no-deps --locked

samples: ## make the invented customers again (same bytes every time)
	python3 scripts/make_customers.py > config/sample/customers.ndjson

fuzz: ## coverage-guided fuzzing of every target, ten minutes each (scripts/fuzz.sh says more)
	scripts/fuzz.sh --seconds 600

sbom: ## what the binary is made of, as CycloneDX JSON in target/sbom.cdx.json
	mkdir -p target
	python3 scripts/sbom.py

reproducible: ## build the release twice in two places and compare the bytes
	scripts/reproducible.sh

profile: ## where a detokenize spends its time (needs perf)
	scripts/profile.sh

switches: ## turn rules off, one at a time, and expect a test to notice each (long)
	scripts/switches.sh generated
	scripts/switches.sh kept

clean: ## remove what was built and the development vault
	cargo clean
	rm -rf dev-data
