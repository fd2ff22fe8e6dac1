/* SPDX-License-Identifier: ISC */
/*
 * Landlock; see fence.h.  The kernel's structs as they are since version 4: older systems'
 * headers have less.
 */
#include "fence.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confinement.h"

/* The version that first knows TCP ports. */
#define VERSION_PORTS 4
#define ACCESS_BIND_TCP (UINT64_C(1) << 0)
#define ACCESS_CONNECT_TCP (UINT64_C(1) << 1)
#define RULE_PORT 2

struct ruleset {
	uint64_t files; /* what is forbidden unless a rule allows it */
	uint64_t ports; /* likewise */
};

struct port_rule {
	uint64_t allowed;
	uint64_t port;
};

static struct {
	bool closed; /* but for one port */
	uint16_t port;
} tcp;

/* What each version of Landlock can restrict: reading, writing, making, removing .. since 1,
 * linking elsewhere since 2, truncating since 3, ioctls of devices since 5. */
static uint64_t
file_rights(long version)
{
	int bits = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;

	return (UINT64_C(1) << bits) - 1;
}

static int
make_ruleset(long version, uint16_t port)
{
	struct ruleset set = {.files = file_rights(version), .ports = ACCESS_BIND_TCP | ACCESS_CONNECT_TCP};
	struct port_rule rule = {.allowed = ACCESS_CONNECT_TCP, .port = port};
	size_t size = version >= VERSION_PORTS ? sizeof(set) : offsetof(struct ruleset, ports);
	int fd = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0), error;

	if (fd < 0 || version < VERSION_PORTS || port == 0 ||
	    syscall(SYS_landlock_add_rule, fd, RULE_PORT, &rule, 0) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

uint32_t
fence_raise(uint16_t port)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION), result;
	int fd = version < 0 ? -1 : make_ruleset(version, port), error;

	if (fd < 0)
		return 0;
	result = syscall(SYS_landlock_restrict_self, fd, 0);
	error = errno;
	close(fd);
	errno = error;
	if (result < 0)
		return 0;
	if (version < VERSION_PORTS)
		return CONFINED_FILES;
	tcp.closed = true;
	tcp.port = port;
	return CONFINED_FILES | CONFINED_PORTS;
}

bool
fence_lets_through(const struct addr *to)
{
	return !tcp.closed || (tcp.port != 0 && tcp.port == addr_port(to));
}
