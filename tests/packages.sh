#!/bin/bash
# SPDX-License-Identifier: ISC
#
# packages.sh build|demo|bench|test|ci: installs the Debian packages that this needs and that are missing, each kind
# including those before it, but test not those of bench; ci also gets promtool. Without root, or without apt, it says what is missing and
# fails.
set -euo pipefail

build="gcc libc6-dev make pkg-config libconfig-dev libbsd-dev libevent-dev libjson-c-dev"
demo="iproute2 nftables conntrack coturn stun-server nginx-light curl socat procps jq"
bench="haproxy libnginx-mod-stream iperf3 wrk gnuplot-nox"
test="bats stun-client util-linux iputils-ping mandoc strace valgrind python3 busybox bind9 bind9-dnsutils"
ci="clang clang-tidy llvm shellcheck"

case ${1:-} in
build) wanted=$build ;;
demo) wanted="$build $demo" ;;
bench) wanted="$build $demo $bench" ;;
test) wanted="$build $demo $test" ;;
ci) wanted="$build $demo $test $ci" ;;
*)
    echo "usage: packages.sh build|demo|bench|test|ci" >&2
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

# promtool checks what natterctl metrics prints. Its package is a server with a user and a service of its own, of
# which nothing else is wanted: the program alone is taken out of it.
get_promtool() {
    local folder download="apt-get download -q -o APT::Sandbox::User=root prometheus"
    echo "Taking promtool out of the package prometheus"
    folder=$(mktemp -d)
    if ! { cd "$folder" && { $download || { apt-get update -q && $download; }; } &&
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool &&
        install -m 755 usr/bin/promtool /usr/local/bin; } >"$folder/log" 2>&1; then
        cat "$folder/log" >&2
        return 1
    fi
    rm -rf "$folder"
}

if ! command -v apt-get >/dev/null; then
    echo "This is no Debian system: please install what these packages hold: $wanted" >&2
    exit 0
fi
[[ $1 != ci ]] || ((EUID != 0)) || command -v promtool >/dev/null || (get_promtool)
missing=()
for package in $wanted; do
    is_there "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0
if ((EUID != 0)); then
    echo "Missing packages; as root: apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# A server's package starts it; the tests start their own, in namespaces of their own.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
log=$(mktemp)
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
rm -f "$log"
