# shellcheck shell=bash
# What the scripts share: talk on stderr, and the choice of a Python.

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $1"
    [ $# -lt 2 ] || say "  fix: $2"
    exit 1
}

# The interpreter that builds an environment: the first one that runs and is at least 3.11.
find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    fail "no Python of at least 3.11 on this machine" "apt-get install python3 python3-pip"
}

# make_venv FOLDER: an environment with a current pip. Debian keeps `ensurepip` in a package of its own
# (python3-venv); where that is missing, the pip outside puts one inside.
make_venv() {
    local python
    python=$(find_python) || exit 1
    if ! "$python" -c 'import ensurepip' >/dev/null 2>&1; then
        "$python" -m pip --version >/dev/null 2>&1 ||
            fail "$python has neither ensurepip nor pip" "apt-get install python3-pip python3-venv"
        "$python" -m venv --without-pip "$1" >&2
        "$python" -m pip -qq --python "$1/bin/python" install pip >&2
    else
        "$python" -m venv "$1" >&2
    fi
    "$1/bin/python" -m pip install -qq --upgrade 'pip>=25.1' >&2
}
