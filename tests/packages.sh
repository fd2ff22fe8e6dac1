#!/bin/bash
# SPDX-License-Identifier: ISC
#
# packages.sh build|deb|demo|bench|test|ci: installs the Debian packages that this needs and that are missing, each kind
# including those before it, but test not those of bench; ci also gets promtool. Without root, or without apt, it says
# what is missing and fails.
set -euo pipefail

build="gcc libc6-dev make pkg-config libconfig-dev libbsd-dev libevent-dev libjson-c-dev libseccomp-dev"
deb="debhelper dpkg-dev"
demo="iproute2 nftables conntrack coturn stun-server nginx-light curl socat procps jq"
bench="haproxy libnginx-mod-stream iperf3 wrk gnuplot-nox"
test="bats stun-client util-linux iputils-ping mandoc man-db locales strace valgrind zsh python3 busybox bind9
    bind9-dnsutils adduser logrotate systemd $deb"
ci="clang clang-tidy cppcheck llvm shellcheck lintian"
# For the tests, which unpack them in a throw-away machine: installed, they would change how this one starts services.
openrc="openrc librc1 libeinfo1"
kept=$(cd "$(dirname "$0")/.." && pwd)/build/packages
unpacked=""

case ${1:-} in
build) wanted=$build ;;
deb) wanted="$build $deb" ;;
demo) wanted="$build $demo" ;;
bench) wanted="$build $demo $bench" ;;
test) wanted="$build $demo $test" unpacked=$openrc ;;
ci) wanted="$build $demo $test $ci" unpacked=$openrc ;;
*)
    echo "usage: packages.sh build|deb|demo|bench|test|ci" >&2
    exit 2
    ;;
esac

# What another package provides counts too: nginx for nginx-light.
is_there() {
    case $1 in
    nginx-light) command -v nginx || [[ -x /usr/sbin/nginx ]] ;;
    *) [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]] ;;
    esac >/dev/null
}

# quietly COMMAND...: what it says only if it fails.
quietly() {
    local log
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { cat "$log" >&2 && exit 1; }
    rm -f "$log"
}

# A server's package starts it; the tests start their own, in namespaces of their own.
forbid_services() {
    local policy=/usr/sbin/policy-rc.d
    [[ ! -e $policy ]] || return 0
    # shellcheck disable=SC2064 # now
    trap "rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
}

install_packages() {
    if ((EUID != 0)); then
        echo "Missing packages; as root: apt-get install $*" >&2
        exit 1
    fi
    echo "Installing: $*"
    export DEBIAN_FRONTEND=noninteractive
    forbid_services
    quietly apt-get update -q
    quietly apt-get install -y -q --no-install-recommends "$@"
}

fetch() {
    mkdir -p "$kept"
    cd "$kept"
    apt-get download -q "$@" >/dev/null 2>&1 || { quietly apt-get update -q && quietly apt-get download -q "$@"; }
}

# promtool checks what natterctl metrics prints. Its package is a server with a user and a service of its own, of
# which nothing else is wanted: the program alone is taken out of it.
get_promtool() {
    echo "Taking promtool out of the package prometheus"
    (fetch prometheus)
    dpkg-deb --fsys-tarfile "$kept"/prometheus_*.deb | tar -x -O ./usr/bin/promtool >"$kept/promtool"
    install -m 755 "$kept/promtool" /usr/local/bin
    rm -f "$kept"/prometheus_*.deb "$kept/promtool"
}

if ! command -v apt-get >/dev/null; then
    echo "This is no Debian system: please install what these packages hold: $wanted" >&2
    exit 0
fi
missing=()
for package in $wanted; do
    is_there "$package" || missing+=("$package")
done
((${#missing[@]} == 0)) || install_packages "${missing[@]}"
missing=()
for package in $unpacked; do
    compgen -G "$kept/${package}_*.deb" >/dev/null || missing+=("$package")
done
((${#missing[@]} == 0)) || fetch "${missing[@]}"
[[ $1 != ci ]] || ((EUID != 0)) || command -v promtool >/dev/null || get_promtool
