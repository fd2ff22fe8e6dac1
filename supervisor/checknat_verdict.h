/* SPDX-License-Identifier: ISC */
/*
 * From what a NAT check observed to what it means: the NAT's type in v0.9's words
 * and in RFC 4787's, and in plain sentences whether this program can work here and
 * what to change if not.
 */
#ifndef CHECKNAT_VERDICT_H
#define CHECKNAT_VERDICT_H

#include <json-c/json.h>

#include "checknat.h"

/* A new object:
 *
 *     {"works": "yes",
 *      "udp": {"type": "Full cone (NAT 1)", "works": "yes", "mapping": ..., "filtering": ...,
 *              "port_preservation": ..., "hairpinning": ..., "inner": "ip:port",
 *              "outer": "ip:port", "servers_asked": 3, "servers_answered": 3, "error": ""},
 *      "tcp": {the same without "filtering"},
 *      "routers": ["192.168.1.1"], "messages": ["a sentence", ...]}
 *
 * A router that kept silent is "".
 * works is "yes": full cone or open; "no"; or "unknown": it could not be found out. */
struct json_object *checknat_verdict(const struct checknat_result *result);

#endif
