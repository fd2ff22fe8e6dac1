/* SPDX-License-Identifier: ISC */
/*
 * Addresses that come and go; see interface.h.
 */
#include "interface.h"

#include <bsd/string.h>
#include <errno.h>
#include <ifaddrs.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "service.h"

enum place {
	PLACE_FOUND,
	PLACE_NONE,    /* no interface has the address */
	PLACE_UNKNOWN, /* the kernel does not say */
};

/* Also of an interface that is down, and an address that cannot be used yet: neither is gone. */
static enum place
find_place(const struct addr *a, char name[IF_NAMESIZE])
{
	enum place place = PLACE_NONE;
	struct ifaddrs *all, *each;
	struct addr other;

	if (getifaddrs(&all) < 0)
		return PLACE_UNKNOWN;
	for (each = all; each != NULL && place == PLACE_NONE; each = each->ifa_next) {
		if (each->ifa_addr == NULL || addr_from_sockaddr(each->ifa_addr, &other) < 0 || !addr_same_ip(&other, a))
			continue;
		strlcpy(name, each->ifa_name, IF_NAMESIZE);
		name[strcspn(name, ":")] = '\0'; /* the label of one address */
		place = PLACE_FOUND;
	}
	freeifaddrs(all);
	return place;
}

void
interface_look(struct interface *i)
{
	char name[IF_NAMESIZE];

	if (!addr_is_wildcard(&i->mapping->bind) && find_place(&i->mapping->bind, name) == PLACE_FOUND)
		strlcpy(i->name, name, sizeof(i->name));
}

void
interface_init(struct interface *i, const struct mapping *mapping)
{
	memset(i, 0, sizeof(*i));
	i->mapping = mapping;
	interface_look(i);
}

/* The address from which the kernel would send through that interface: of several the one
 * that is preferred now.  It is asked with a far address, one of the DNS's root servers,
 * which no router keeps out as bogus; connecting a UDP socket sends nothing. */
static bool
ask_kernel(const char *name, sa_family_t family, struct addr *out)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr far;
	bool ok;

	if (fd < 0)
		return false;
	addr_parse(family == AF_INET6 ? "2001:7fd::1" : "193.0.14.129", 53, &far);
	ok = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) == 0 &&
	     connect(fd, &far.sa, addr_len(&far)) == 0;
	*out = addr_of_socket(fd);
	close(fd);
	return ok;
}

/* Without an address of its own an interface would lend one of another interface. */
static bool
find_stand_in(const struct interface *i, struct addr *out)
{
	const struct addr *bound = &i->mapping->bind;
	char name[IF_NAMESIZE];

	if (i->name[0] == '\0' || find_place(bound, name) != PLACE_NONE ||
	    !ask_kernel(i->name, bound->sa.sa_family, out) || find_place(out, name) != PLACE_FOUND ||
	    strcmp(name, i->name) != 0)
		return false;
	addr_set_port(out, addr_port(bound));
	return true;
}

/* Two mappings that shared a port would each get some of the clients. */
static bool
is_free(const struct mapping *wanted)
{
	const struct service *s;

	TAILQ_FOREACH(s, services_all(), entry) {
		struct mapping other = s->mapping;

		if (strcmp(other.name, wanted->name) == 0)
			continue;
		if (addr_is_set(&s->interface.stand_in)) {
			other.bind = s->interface.stand_in;
			addr_set_port(&other.bind, addr_port(&s->mapping.bind));
		}
		if (mapping_binds_collide(&other, wanted))
			return false;
	}
	return true;
}

static void
set_stand_in(struct interface *i, const struct addr *a)
{
	i->earlier = i->stand_in;
	i->stand_in = *a;
}

int
interface_substitute(struct interface *i, struct mapping *mapping)
{
	char gone[ADDR_TEXT_SIZE], now[ADDR_TEXT_SIZE];
	struct addr a;

	if (!find_stand_in(i, &a)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	mapping->bind = a;
	if (!is_free(mapping)) {
		errno = EADDRINUSE;
		return -1;
	}
	if (addr_same_ip(&a, &i->stand_in))
		return 0;
	log_warning("%s: %s is gone from %s: until it is back, %s is used, which is there now", mapping->name,
	    addr_ip_text(&i->mapping->bind, gone), i->name, addr_ip_text(&a, now));
	set_stand_in(i, &a);
	return 0;
}

struct mapping
interface_bound(const struct interface *i)
{
	struct mapping m = *i->mapping;
	struct addr a;

	if (find_stand_in(i, &a))
		m.bind = a;
	return m;
}

void
interface_note_bound(struct interface *i)
{
	static const struct addr none;
	char text[ADDR_TEXT_SIZE];

	if (!addr_is_set(&i->stand_in))
		return;
	log_info("%s: %s is back and used again", i->mapping->name, addr_ip_text(&i->mapping->bind, text));
	set_stand_in(i, &none);
}

bool
interface_has(const struct interface *i, const struct addr *a)
{
	return addr_same_ip(a, &i->mapping->bind) || (addr_is_set(&i->stand_in) && addr_same_ip(a, &i->stand_in));
}

bool
interface_had(const struct interface *i, const struct addr *a)
{
	return interface_has(i, a) || (addr_is_set(&i->earlier) && addr_same_ip(a, &i->earlier));
}
