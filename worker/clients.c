/* SPDX-License-Identifier: ISC */
/*
 * Counts by client; see clients.h.  A balanced tree: nobody outside can choose addresses that
 * make it slow, and it has no size to choose.
 */
#include "clients.h"

#include <bsd/sys/tree.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

struct client {
	RB_ENTRY(client) entry;
	struct network who;
	uint32_t count; /* never 0 */
};

RB_HEAD(client_tree, client);

struct clients {
	struct client_tree tree;
};

static int
compare(const struct client *a, const struct client *b)
{
	return memcmp(&a->who, &b->who, sizeof(a->who));
}

/* Their STATIC forms want a name that libbsd leaves undefined. */
RB_PROTOTYPE(client_tree, client, entry, compare)
RB_GENERATE(client_tree, client, entry, compare)

static struct client *
find(struct clients *clients, const struct addr *client)
{
	struct client wanted = {.who = network_around(client, 32, 64)};

	return RB_FIND(client_tree, &clients->tree, &wanted);
}

uint32_t
clients_count(struct clients *clients, const struct addr *client)
{
	const struct client *c = find(clients, client);

	return c != NULL ? c->count : 0;
}

int
clients_enter(struct clients *clients, const struct addr *client)
{
	struct client *c = find(clients, client);

	if (c == NULL) {
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			return -1;
		c->who = network_around(client, 32, 64);
		RB_INSERT(client_tree, &clients->tree, c);
	}
	c->count++;
	return 0; /* NOLINT(clang-analyzer-unix.Malloc): it is in the tree */
}

static void
forget(struct clients *clients, struct client *c)
{
	RB_REMOVE(client_tree, &clients->tree, c);
	free(c);
}

void
clients_leave(struct clients *clients, const struct addr *client)
{
	struct client *c = find(clients, client);

	if (c != NULL && --c->count == 0)
		forget(clients, c);
}

struct clients *
clients_new(void)
{
	struct clients *clients = calloc(1, sizeof(*clients));

	if (clients != NULL)
		RB_INIT(&clients->tree);
	return clients;
}

void
clients_free(struct clients *clients)
{
	struct client *c;

	if (clients == NULL)
		return;
	while ((c = RB_ROOT(&clients->tree)) != NULL)
		forget(clients, c); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself out of the tree */
	free(clients);
}
