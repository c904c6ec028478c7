#!/usr/bin/env bash
# Builds the program with Debian's Go packages, without a module, and runs it.
# packages: golang-go golang-github-jackc-pgx-v5-dev
# suite: forky
set -euo pipefail

export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$PWD/cache GOFLAGS=-buildvcs=false CGO_ENABLED=0
echo "# versions: $(go version | cut -d ' ' -f 3), pgx $(dpkg-query -W -f '${Version}' golang-github-jackc-pgx-v5-dev)"
[ -z "$(gofmt -l ./*.go)" ] && go vet . && go build -o example .
./example
