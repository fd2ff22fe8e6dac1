#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# natterctl and the control socket of a real natterd: who may do what, and what its commands do.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# config_web [LINE...]: one TCP mapping, and more lines for natter.cfg.
config_web() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; } );
$(printf '%s\n' "$@")
END
}

# As a member of the socket's group who is not natterd's user.
ctl_as_member() {
    setpriv --reuid nobody --regid root --clear-groups "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" "$@"
}

@test "the socket's group may look; what changes something is refused with the reason, by the kernel's word" {
    config_web
    natter_start
    natter_open web
    [[ $(ctl_as_member list) == *web*open* ]]
    run -1 ctl_as_member refresh web
    [[ $output == "natterctl: web: permission denied: to refresh takes the right to change"*"only root has; try it with sudo" ]]
    natter_ctl refresh web
}
