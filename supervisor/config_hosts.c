/* SPDX-License-Identifier: ISC */
/*
 * Lists of servers' names; see config_hosts.h.
 */
#include "config_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* First those that answered over TCP and UDP when they were last checked, then
 * those that are known to be in use.  The two with a port of their own pass
 * firewalls that let nothing but the web through. */
static const char *const stun_tcp[] = {
    "stun.nextcloud.com",
    "stun.freeswitch.org",
    "stun.voip.blackberry.com",
    "stun.sipnet.com",
    "stun.radiojar.com",
    "stun.sonetel.com",
    "stun.voipgate.com",
    "stun.telnyx.com",
    "stun.hot-chilli.net",
    "stun.flashdance.cx",
    "turn.cloudflare.com",
    "fwa.lifesizecloud.com",
    "stun.nextcloud.com:443",
    "turn.cloud-rtc.com:80",
    NULL,
};

/* The same, and one that was seen to work inside China. */
static const char *const stun_udp[] = {
    "stun.miwifi.com",
    "stun.nextcloud.com",
    "stun.freeswitch.org",
    "stun.voip.blackberry.com",
    "stun.sipnet.com",
    "stun.radiojar.com",
    "stun.sonetel.com",
    "stun.voipgate.com",
    "stun.telnyx.com",
    "stun.hot-chilli.net",
    "stun.flashdance.cx",
    "turn.cloudflare.com",
    NULL,
};

static const char *const keep_alive[] = {
    "www.qq.com",
    "www.baidu.com",
    "example.com",
    NULL,
};

static void
fill(const char *const *names, uint16_t default_port, struct config_hosts *out)
{
	struct config_host *host;
	size_t count = 0;

	while (names[count] != NULL)
		count++;
	out->list = alloc_zero(count * sizeof(*out->list));
	for (out->count = 0; out->count < count; out->count++) {
		host = &out->list[out->count];
		addr_split(names[out->count], default_port, host->host, &host->port);
	}
}

void
config_hosts_builtin_stun(enum protocol protocol, struct config_hosts *out)
{
	fill(protocol == PROTOCOL_TCP ? stun_tcp : stun_udp, CONFIG_HOSTS_STUN_PORT, out);
}

void
config_hosts_builtin_keep_alive(struct config_hosts *out)
{
	fill(keep_alive, CONFIG_HOSTS_KEEP_ALIVE_PORT, out);
}

void
config_hosts_copy(const struct config_hosts *from, struct config_hosts *out)
{
	size_t size = from->count * sizeof(*from->list);

	out->list = alloc_zero(size);
	memcpy(out->list, from->list, size);
	out->count = from->count;
}

bool
config_hosts_equal(const struct config_hosts *a, const struct config_hosts *b)
{
	size_t i;

	for (i = 0; i < a->count && a->count == b->count; i++)
		if (a->list[i].port != b->list[i].port || strcmp(a->list[i].host, b->list[i].host) != 0)
			return false;
	return a->count == b->count;
}

void
config_hosts_free(struct config_hosts *hosts)
{
	free(hosts->list);
	hosts->list = NULL;
	hosts->count = 0;
}
