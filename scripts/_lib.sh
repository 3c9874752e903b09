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

# What the tests need of the system. package : what shows that it is there
needs=(
    "chromium:/usr/bin/chromium"
    "firefox-esr:/usr/bin/firefox-esr"
    "pulseaudio:/usr/bin/pulseaudio" # a loudspeaker of software, for firefox
    "libatomic1:/usr/lib/*/libatomic.so.1 /usr/lib64/libatomic.so.1" # playwright's own node needs it
    "pocketsphinx-testdata:/usr/share/pocketsphinx/test/data"
    "iproute2:/usr/sbin/ip /usr/bin/ip /sbin/ip"
    "nftables:/usr/sbin/nft"
    "openssh-client:/usr/bin/ssh"
    "openssh-server:/usr/sbin/sshd"
    "baresip-core:/usr/bin/baresip" # softphones, which call
    "sip-tester:/usr/bin/sipp"
    "nginx:/usr/sbin/nginx"
)

missing() {
    local need path
    for need in "${needs[@]}"; do
        for path in ${need#*:}; do
            [ ! -e "$path" ] || continue 2
        done
        printf '%s ' "${need%%:*}"
    done
}

# The prefix that makes apt-get allowed here, or no success.
as_root() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then
        printf 'env'
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        printf 'sudo -n env'
    else
        return 1
    fi
}

# Install what the tests need of the system, where that may be; prints what cannot be had.
install_system_packages() {
    local absent root package
    absent=$(missing)
    if [ -n "$absent" ] && root=$(as_root); then
        say "installing system packages: $absent"
        # One by one, so that one that cannot be had does not keep the others away.
        $root DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2 || say "apt-get update failed"
        for package in $absent; do
            $root DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$package" \
                </dev/null >/dev/null || say "apt-get could not install $package"
        done
        absent=$(missing)
    fi
    printf '%s' "${absent% }"
}
