# `make help` lists the targets. Everything runs offline once the Go modules are there.

GO      ?= go
TAGS     = nomsgpack
# SQLite is C translated into Go: instrumented it takes five times as long, and its races are not ours to find.
RACE     = -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/pergabridge
	$(GO) build -tags $(TAGS) -o bin/pergabridge ./cmd/pergabridge

.PHONY: release
release: ## binaries, archives, packages, bills of materials and checksums of this commit, in dist/ (ONLY=linux/amd64)
	$(GO) run ./cmd/pergabridge/internal/release $(if $(ONLY),-only $(ONLY)) $(if $(VERSION),-version $(VERSION))

.PHONY: test
test: peers ## every test, with the race detector, against real peers
	@bash -o pipefail -c '$(GO) test -json $(RACE) -tags $(TAGS) -p 4 -timeout 18m ./... | $(GO) run ./.ci/summary'

.PHONY: quick
quick: ## the tests without the race detector
	@bash -o pipefail -c '$(GO) test -json -tags $(TAGS) -timeout 10m ./... | $(GO) run ./.ci/summary'

.PHONY: peers
peers: ## list the real peers the tests need, and install what is missing where that can be done
	@bash .ci/peers

.PHONY: lint
lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt'ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet -tags $(TAGS) ./... ./.ci/summary
	$(GO) tool staticcheck -tags $(TAGS) ./...

.PHONY: generate
generate: ## make the generated code again
	$(GO) generate ./...

.PHONY: screenshots
screenshots: ## take the pictures of docs/console again
	@dir=$$(mktemp -d) && PERGABRIDGE_SCREENSHOTS=$$dir $(GO) test -tags $(TAGS) -count 1 -run TestEveryPage ./cmd/pergabridge/browsertest && \
	for p in docs/console/*.png; do cp "$$dir/$$(basename "$$p")" "$$p"; done; rm -r "$$dir"

.PHONY: fuzz
fuzz: ## every fuzz target with 10,000 inputs (FUZZ=1m for a time)
	@bash .ci/fuzz $(or $(FUZZ),10000x)

.PHONY: bench
bench: ## the benchmarks of the hot paths
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchmem ./bridge/... ./soap/... ./webhooks/...

.PHONY: torture
torture: ## the kill test for longer (KILLS=200 restarts)
	PERGABRIDGE_KILLS=$(or $(KILLS),200) $(GO) test -tags $(TAGS) -timeout 2h -run Kill -v ./cmd/pergabridge

.PHONY: demo
demo: ## play a task's whole life
	$(GO) run -tags $(TAGS) ./cmd/pergabridge demo --once
