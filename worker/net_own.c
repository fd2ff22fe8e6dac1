/* SPDX-License-Identifier: ISC */
/*
 * Whether an address is this machine's; see net.h.  Apart from the other helpers, so that
 * a test can be another machine.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

/* Some machines let every address be bound (net.ipv4.ip_nonlocal_bind), but none lets
 * anything be sent from one that it does not have.  Connecting a UDP socket sends nothing. */
bool
net_is_own_address(const struct addr *a)
{
	int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr any_port = *a;
	bool is_own;

	if (fd < 0)
		return false;
	addr_set_port(&any_port, 0);
	is_own = bind(fd, &any_port.sa, addr_len(a)) == 0 && connect(fd, &a->sa, addr_len(a)) == 0;
	close(fd);
	return is_own;
}
