/* SPDX-License-Identifier: ISC */
/*
 * Duplicates of a worker's sockets; see held.h.
 */
#include "held.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "monotonic.h"
#include "stall.h"
#include "untouched.h"

/* A worker connects what it is given at once: what is still closed after so long has ended. */
#define CLOSED_SECONDS 5

static unsigned int
tcp_state(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ? TCP_CLOSE : info.tcpi_state;
}

static int
remove_socket(struct held *h, size_t i)
{
	int fd = h->sockets[i].fd;

	h->count--;
	memmove(&h->sockets[i], &h->sockets[i + 1], (h->count - i) * sizeof(h->sockets[0]));
	return fd;
}

/* A worker that has it too keeps it.  What is nobody's ends for the other side, too. */
static void
drop(struct held *h, size_t i)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	bool inherited = h->sockets[i].inherited;
	int fd = remove_socket(h, i);

	if (inherited)
		(void)connect(fd, &nobody, sizeof(nobody));
	stall_close(fd);
}

/* A connection has the address of this machine that the kernel chose for it. */
static bool
fits(const struct held *h, int fd)
{
	struct addr own = addr_of_socket(fd);
	const struct addr *bound = &h->mapping->bind;

	return addr_port(&own) == addr_port(bound) && (addr_is_wildcard(bound) || interface_has(h->interface, &own));
}

static bool
is_of_use(const struct held *h, const struct held_socket *s)
{
	return fits(h, s->fd) && (s->use != SOCKET_KEEP || tcp_state(s->fd) == TCP_ESTABLISHED);
}

static bool
is_as_made(const struct held *h, const struct held_socket *s)
{
	if (untouched(s->fd, h->mapping, s->use))
		return true;
	log_warning("%s: a socket that its last worker left has been tampered with; another one is made", h->mapping->name);
	return false;
}

void
held_init(struct held *h, const struct mapping *mapping, const struct interface *interface)
{
	memset(h, 0, sizeof(*h));
	h->mapping = mapping;
	h->interface = interface;
}

int
held_take(struct held *h, enum socket_use use)
{
	size_t i = 0;

	while (i < h->count) {
		if (!h->sockets[i].inherited || h->sockets[i].use != use)
			i++;
		else if (is_of_use(h, &h->sockets[i]) && is_as_made(h, &h->sockets[i]))
			return remove_socket(h, i);
		else
			drop(h, i);
	}
	return -1;
}

static bool
has_ended(const struct held_socket *s)
{
	return s->use == SOCKET_KEEP && monotonic_seconds() - s->given > CLOSED_SECONDS &&
	       tcp_state(s->fd) == TCP_CLOSE;
}

/* Finds the one of this use that is missed least: the oldest that is not connected, else the
 * oldest.  There must be one. */
static size_t
find_least(const struct held *h, enum socket_use use)
{
	size_t i, least = h->count;
	bool least_is_connected = true;

	for (i = 0; i < h->count; i++) {
		bool connected = tcp_state(h->sockets[i].fd) == TCP_ESTABLISHED;

		if (h->sockets[i].use != use || (least < h->count && (connected || !least_is_connected)))
			continue;
		least = i;
		least_is_connected = connected;
	}
	return least;
}

static void
make_room(struct held *h, enum socket_use use)
{
	size_t most = use == SOCKET_KEEP ? HELD_KEEPS_MAX : 1, count = 0, i;

	for (i = h->count; i-- > 0;) {
		if (has_ended(&h->sockets[i]))
			drop(h, i);
		else
			count += h->sockets[i].use == use;
	}
	if (count == most)
		drop(h, find_least(h, use));
}

void
held_put(struct held *h, enum socket_use use, int fd)
{
	if (h == NULL || (use != SOCKET_SERVE && use != SOCKET_KEEP)) {
		stall_close(fd);
		return;
	}
	make_room(h, use);
	h->sockets[h->count++] = (struct held_socket){.fd = fd, .use = use, .given = monotonic_seconds()};
}

int
held_find(const struct held *h, enum socket_use use)
{
	size_t i;

	for (i = h->count; i-- > 0;)
		if (h->sockets[i].use == use)
			return h->sockets[i].fd;
	return -1;
}

void
held_forget(struct held *h, enum socket_use use)
{
	size_t i;

	for (i = h->count; i-- > 0;)
		if (h->sockets[i].use == use)
			drop(h, i);
}

void
held_inherit(struct held *h)
{
	size_t i;

	for (i = h->count; i-- > 0;) {
		h->sockets[i].inherited = true;
		if (!is_of_use(h, &h->sockets[i]))
			drop(h, i);
	}
}

void
held_end_inherited(struct held *h)
{
	size_t i;

	for (i = h->count; i-- > 0;)
		if (h->sockets[i].inherited)
			drop(h, i);
}

void
held_end(struct held *h)
{
	for (; h->count > 0; drop(h, 0))
		h->sockets[0].inherited = true;
}
