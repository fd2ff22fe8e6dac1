/* SPDX-License-Identifier: ISC */
/*
 * portloss.c: when a port is given up; portowner.c: who has one.
 * NEEDS: supervisor/portloss supervisor/portowner worker/net
 */
#include "portloss.h"

#include <sys/wait.h>

#include "loop.h"
#include "portowner.h"

static void
test_patience(void)
{
	struct portloss p = {0};

	CHECK(!portloss_note(&p, 0, 100) && !p.lost);
	CHECK(!portloss_note(&p, EADDRINUSE, 100) && p.lost);
	CHECK(!portloss_note(&p, EADDRINUSE, 100 + PORTLOSS_SECONDS - 1));
	CHECK(portloss_note(&p, EADDRINUSE, 100 + PORTLOSS_SECONDS));
	/* One socket that could be made: it begins anew. */
	CHECK(!portloss_note(&p, 0, 200) && !p.lost);
	CHECK(!portloss_note(&p, EADDRINUSE, 201) && p.lost);
	/* Other trouble is no reason, and no comfort either. */
	CHECK(!portloss_note(&p, EMFILE, 300) && p.lost);
	CHECK(portloss_note(&p, EADDRINUSE, 301));
	CHECK(!portloss_note(&(struct portloss){0}, EADDRNOTAVAIL, 1000));
}

/* A child that has the port at this address, until it is killed. */
static pid_t
start_owner(int type, const char *ip, struct mapping *m)
{
	struct addr at;
	int ready[2];
	pid_t pid;
	int fd;

	m->protocol = type == SOCK_STREAM ? PROTOCOL_TCP : PROTOCOL_UDP;
	MUST(pipe(ready) == 0 && (pid = fork()) >= 0);
	if (pid == 0) {
		fd = bind_to(type, ip, 0, &at);
		if (fd < 0 || (type == SOCK_STREAM && listen(fd, 1) < 0) ||
		    write(ready[1], &at, sizeof(at)) != sizeof(at))
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	MUST(read(ready[0], &m->bind, sizeof(m->bind)) == sizeof(m->bind));
	close(ready[0]);
	return pid;
}

static void
end_owner(pid_t pid)
{
	kill(pid, SIGKILL);
	MUST(waitpid(pid, NULL, 0) == pid);
}

/* As the kernel knows this program: valgrind gives it another one's. */
static const char *
own_name(void)
{
	static char name[32];
	FILE *f = fopen("/proc/self/comm", "re");

	MUST(f != NULL && fscanf(f, "%31s", name) == 1);
	fclose(f);
	return name;
}

static void
test_owner(int type, const char *ip)
{
	struct mapping m = {.protocol = PROTOCOL_TCP};
	pid_t pid = start_owner(type, ip, &m);
	uint16_t port = addr_port(&m.bind);
	char who[128], expected[128];

	snprintf(expected, sizeof(expected), "%s (process %d)", own_name(), (int)pid);
	CHECK(portowner_find(&m, who, sizeof(who)) && strcmp(who, expected) == 0);
	if (m.bind.sa.sa_family == AF_INET) {
		MUST(addr_parse("0.0.0.0", port, &m.bind) == 0);
		CHECK(portowner_find(&m, who, sizeof(who)) && strcmp(who, expected) == 0);
		MUST(addr_parse("127.0.0.9", port, &m.bind) == 0);
		CHECK(!portowner_find(&m, who, sizeof(who)));
		MUST(addr_parse("127.0.0.1", port, &m.bind) == 0);
	}
	m.protocol = m.protocol == PROTOCOL_TCP ? PROTOCOL_UDP : PROTOCOL_TCP;
	CHECK(!portowner_find(&m, who, sizeof(who)));
	m.protocol = m.protocol == PROTOCOL_TCP ? PROTOCOL_UDP : PROTOCOL_TCP;
	end_owner(pid);
	CHECK(!portowner_find(&m, who, sizeof(who)));
}

int
main(void)
{
	loop_start();
	test_patience();
	test_owner(SOCK_STREAM, "127.0.0.1");
	test_owner(SOCK_DGRAM, "127.0.0.1");
	test_owner(SOCK_STREAM, "::1");
	loop_end();
	return check_done();
}
