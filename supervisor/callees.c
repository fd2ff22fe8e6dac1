/* SPDX-License-Identifier: ISC */
/*
 * Whom workers are connected to; see callees.h.
 */
#include "callees.h"

#include <string.h>
#include <unistd.h>

#include "nat.h"

/* A mapping looks whether it is reached when its outer address or the network changes. */
#define HAIRPINS 6
#define HAIRPINS_SECONDS 60

static void
add(struct callee_list *l, const struct server *servers, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		l->list[l->count++] = servers[i].addr;
}

static bool
is_in(const struct callee_list *l, const struct addr *a)
{
	uint32_t i;

	for (i = 0; i < l->count; i++)
		if (addr_equal(&l->list[i], a))
			return true;
	return false;
}

static bool
has_private(const struct server *servers, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (addr_is_private(&servers[i].addr))
			return true;
	return false;
}

/* That one of them rests is no other list. */
void
callees_set_servers(struct callees *c, const struct servers *servers)
{
	struct callee_list new = {0};

	c->stun_is_private = has_private(servers->stun, servers->stun_count);
	add(&new, servers->stun, servers->stun_count);
	add(&new, servers->keep_alive, servers->keep_alive_count);
	if (memcmp(&new, &c->servers, sizeof(new)) == 0)
		return;
	c->before = c->servers;
	c->servers = new;
}

void
callees_set_outer(struct callees *c, const struct addr *outer)
{
	c->outer = *outer;
}

/* Some machines let every address be bound (net.ipv4.ip_nonlocal_bind), but none lets anything be sent
 * from one that it does not have.  Connecting a UDP socket sends nothing. */
static bool
is_own(const struct addr *a)
{
	struct addr any_port = *a;
	int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool own;

	if (fd < 0)
		return true;
	addr_set_port(&any_port, 0);
	own = bind(fd, &any_port.sa, addr_len(&any_port)) == 0 && connect(fd, &a->sa, addr_len(a)) == 0;
	close(fd);
	return own;
}

/* Nothing on this machine, beside it on the same link or in a home's network that does not expect it: a worker, or a STUN
 * server whom it believes, could name anything there.  Who is on the Internet sees no private address. */
static bool
is_elsewhere(const struct callees *c, const struct addr *a)
{
	return addr_is_routable(a) && (c->stun_is_private || !addr_is_private(a)) && !is_own(a);
}

bool
callees_include(struct callees *c, const struct mapping *mapping, enum socket_use use, const struct addr *to)
{
	if (use == SOCKET_TARGET)
		return addr_equal(to, &mapping->target);
	if (use != SOCKET_FRESH && (is_in(&c->servers, to) || is_in(&c->before, to)))
		return true;
	if (mapping->task == TASK_CHECK)
		return is_elsewhere(c, to) && c->strangers++ < NAT_STRANGERS_MAX;
	return use == SOCKET_FRESH && addr_equal(to, &c->outer) && is_elsewhere(c, to) &&
	       quota_take(&c->hairpins, HAIRPINS, HAIRPINS_SECONDS);
}
