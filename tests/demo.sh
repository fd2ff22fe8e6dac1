#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The demonstration: a carrier's full-cone NAT made by this machine's kernel, STUN and web servers outside,
# natterd inside, and a client outside that reads a page of the inside web server through the hole. Everything
# lives in network namespaces of its own and is removed at the end.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$(dirname "$0")/helper.bash"

step() {
    printf '\n== %s\n' "$*"
}

show() {
    printf '$ %s\n' "$*"
    "$@"
}

lab_need_root
trap lab_down EXIT

step "The network: outside client 203.0.113.40 -- carrier's full-cone NAT ${LAB_WAN} -- this machine 192.168.77.2"
lab_up fullcone
lab_servers
lab_web "$LAB_LAN" 192.168.77.3:80 "Hello from the web server inside, at 192.168.77.3."
echo "STUN: coturn on 203.0.113.10 and .11, stund on .20 and .21; web servers to stay connected to: .30 and .31"
if lab_in "$LAB_INET" curl -s -m 1 "http://$LAB_WAN/" >/dev/null; then
    echo "the inside web server can be read without natter: this is no demonstration" >&2
    exit 1
fi
echo "Without natter the outside client cannot read the inside web server."

step "natter.cfg, and natterd -f -c natter.cfg"
natter_config <<END
$(natter_lab_servers)
status_report = { hook = "echo \"hook: {name} is now {outer_ip}:{outer_port}\""; status_file = "status.json"; };
mappings = ( { name = "web"; protocol = "tcp"; target = "192.168.77.3:80"; } );
END
sed 's/^/    /' "$LAB_DIR/natter.cfg"
natter_start
outer=$(natter_open web)
grep -E 'info|warning|error' "$LAB_DIR/natterd.log"

step "Can it work here? What natterd finds out about the NAT"
show natter_ctl check-nat

step "What its owner sees"
show natter_ctl list

step "What the outside client sees"
show natter_fetch "$outer"

step "The carrier's NAT forgets everything; natter notices and tells the new address"
lab_forget
changed() {
    [[ $(natter_field web outer) != "$outer" ]] && natter_is web state open
}
lab_wait 20 changed
show natter_ctl list
show natter_fetch "$(natter_field web outer)"

natter_stop
printf '\nThat worked: natter kept an inside web server reachable through a full-cone NAT.\n'
