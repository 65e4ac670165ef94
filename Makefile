# Everything that builds, checks, tests and installs Gantry.
# `make demo` and `make test` need root and Go; they install what else they need.

PREFIX        ?= /usr
SYSCONFDIR    ?= /etc
LOCALSTATEDIR ?= /var
DESTDIR       ?=

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2

PATHS    = gantry/internal/paths
# The tags keep the manual and suggestion code of the command-line library out:
# every tool starts half a millisecond sooner.
TAGS     = urfave_cli_no_docs,urfave_cli_no_suggest
LDFLAGS  = -s -w -X $(PATHS).prefix=$(PREFIX) -X $(PATHS).sysconfdir=$(SYSCONFDIR) -X $(PATHS).localstatedir=$(LOCALSTATEDIR)
BUILD    = CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -tags $(TAGS) -ldflags "$(LDFLAGS)"
SCRIPTS  = .ci/run demo etc/fill $(wildcard tests/*.sh tests/outside/testdata/* tests/vm/guest/files/*.sh) tests/vm/guest/files/agent

.PHONY: all build install check test test-vm bench demo clean

all: build

build:
	@mkdir -p bin
	$(BUILD) -o bin/ $(filter-out ./cmd/lxc-shim,$(wildcard ./cmd/*))
	$(subst -s -w,-s -w -E lxc_shim,$(BUILD)) -o bin/ ./cmd/lxc-shim
	etc/fill config .cache/config "$(CURDIR)/.cache/config" "$(CURDIR)/hooks" $(SYSCONFDIR) $(LOCALSTATEDIR)

install: build
	tests/install.sh "$(DESTDIR)" "$(PREFIX)" "$(SYSCONFDIR)" "$(LOCALSTATEDIR)"

check:
	tests/prepare.sh check
	@echo "gofmt"; unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	  [ -z "$$unformatted" ] || { echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; }
	$(GO) vet -tags $(TAGS) ./...
	$(GO) run $(STATICCHECK) -tags $(TAGS) ./...
	$(GO) test ./internal/house
	shellcheck $(SCRIPTS)

test: build
	tests/prepare.sh test
	GANTRY_BUILT=1 $(GO) run -buildvcs=false ./tests/run

# In virtual machines: some minutes for their disks the first time.
test-vm: build
	tests/prepare.sh test-vm
	$(GO) run -buildvcs=false ./tests/vm

bench: build
	tests/prepare.sh bench
	GANTRY_BUILT=1 $(GO) run -buildvcs=false ./bench

demo:
	tests/prepare.sh demo
	@$(MAKE) --no-print-directory -s build
	./demo

clean:
	rm -rf bin .cache
