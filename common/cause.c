/* SPDX-License-Identifier: ISC */
/*
 * The causes' names; see cause.h.
 */
#include "cause.h"

static const char *const names[CAUSE_COUNT] = {
    [CAUSE_NO_NETWORK] = "no_network",
    [CAUSE_NAMES_UNRESOLVED] = "names_unresolved",
    [CAUSE_PORT_UNAVAILABLE] = "port_unavailable",
    [CAUSE_KEEP_ALIVE_UNREACHABLE] = "keep_alive_unreachable",
    [CAUSE_KEEP_ALIVE_LOST] = "keep_alive_lost",
    [CAUSE_KEEP_ALIVE_UNUSABLE] = "keep_alive_unusable",
    [CAUSE_STUN_SILENT] = "stun_silent",
    [CAUSE_STUN_UNUSABLE] = "stun_unusable",
    [CAUSE_STUN_DISAGREE] = "stun_disagree",
    [CAUSE_NAT_SYMMETRIC] = "nat_symmetric",
    [CAUSE_ADDRESS_MISMATCH] = "address_mismatch",
    [CAUSE_TARGET_REFUSED] = "target_refused",
    [CAUSE_TARGET_SILENT] = "target_silent",
    [CAUSE_TARGET_UNREACHABLE] = "target_unreachable",
    [CAUSE_NO_ROOM] = "no_room",
    [CAUSE_WORKER_DIED] = "worker_died",
};

const char *
cause_name(enum cause c)
{
	return names[c];
}

static const char *const refusal_names[REFUSAL_COUNT] = {
    [REFUSAL_DENIED] = "denied",
    [REFUSAL_LIMIT] = "limit",
    [REFUSAL_CLIENT_LIMIT] = "client_limit",
    [REFUSAL_REPLACED] = "replaced",
};

const char *
refusal_name(enum refusal r)
{
	return refusal_names[r];
}
