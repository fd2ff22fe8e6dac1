/* SPDX-License-Identifier: ISC */
/*
 * resolve.c with a name service of the test's own: getaddrinfo here stands in
 * for libc's, and its children inherit what it is to say.
 * NEEDS: supervisor/resolve supervisor/resolve_servers supervisor/lookup supervisor/child
 */
#include "resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>

#include "supervisor.h"

static struct config config;
static struct config_mapping mapping;
static struct config_host stun[] = {{"stun.example", 3478}, {"192.0.2.9", 3479}};
static int changes;
static int strangers; /* children that resolve.c did not know */

/* What stun.example is; 0: nobody knows. */
static in_addr_t dns;

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	static struct sockaddr_in sa = {.sin_family = AF_INET};
	static struct addrinfo answer = {.ai_family = AF_INET, .ai_addr = (struct sockaddr *)&sa};

	(void)service, (void)hints;
	if (dns == 0 || strcmp(name, "stun.example") != 0)
		return EAI_AGAIN;
	sa.sin_addr.s_addr = htonl(dns);
	answer.ai_addrlen = sizeof(sa);
	*list = &answer;
	return 0;
}

static void
on_child(evutil_socket_t fd, short what, void *context)
{
	int status;
	pid_t pid;

	(void)fd, (void)what, (void)context;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!resolve_reaped(pid))
			strangers++;
}

static void
on_changed(void)
{
	changes++;
}

/* Are these the servers, in this order? */
static bool
servers_are(const char *first, const char *second)
{
	const char *wanted[] = {first, second};
	struct servers servers;
	char text[ADDR_TEXT_SIZE];
	uint32_t i;

	resolve_servers(&mapping, &servers);
	for (i = 0; i < servers.stun_count && i < 2 && wanted[i] != NULL; i++)
		if (strcmp(addr_text(&servers.stun[i].addr, text), wanted[i]) != 0)
			return false;
	return servers.stun_count == (second == NULL ? 1 : 2);
}

/* The timer that is due in minutes is the one that asks for all names again. */
static int
end_its_wait(const struct event_base *b, const struct event *event, void *context)
{
	struct timeval now, due;

	(void)context;
	event_base_gettimeofday_cached((struct event_base *)(uintptr_t)b, &now);
	if (event_pending(event, EV_TIMEOUT, &due) && due.tv_sec > now.tv_sec + 120)
		event_active((struct event *)(uintptr_t)event, EV_TIMEOUT, 0);
	return 0;
}

static bool
is_childless(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static void
ten_minutes_pass(void)
{
	/* A name that is still being looked up is not asked for twice. */
	RUN_UNTIL(is_childless());
	event_base_foreach_event(base, end_its_wait, NULL);
}

static void
test_start_without_names(void)
{
	CHECK(resolve_open(base, &config, on_changed) == 0);
	CHECK(servers_are("192.0.2.9:3479", NULL));
	RUN_UNTIL(log_has("cannot resolve stun.example"));
	/* That a name has no address is news, but only once. */
	CHECK(changes == 1);
	dns = 0xcb007101;
	RUN_UNTIL(changes == 2);
	CHECK(servers_are("203.0.113.1:3478", "192.0.2.9:3479"));
}

static void
test_a_server_moves(void)
{
	dns = 0xcb007102;
	ten_minutes_pass();
	RUN_UNTIL(changes == 3);
	CHECK(servers_are("203.0.113.2:3478", "192.0.2.9:3479"));
}

static void
test_a_name_is_lost(void)
{
	log_clear();
	dns = 0;
	ten_minutes_pass();
	RUN_UNTIL(log_has("cannot resolve stun.example"));
	CHECK(changes == 3 && servers_are("203.0.113.2:3478", "192.0.2.9:3479"));
	dns = 0xcb007102;
	RUN_UNTIL(is_childless());
	resolve_again();
	RUN_UNTIL(log_has("stun.example resolves again"));
	CHECK(changes == 3);
}

static bool
are_known(const char *host)
{
	struct config_host list[] = {{"", 3478}};
	struct config_hosts hosts = {list, 1};
	struct servers servers;

	strlcpy(list[0].host, host, sizeof(list[0].host));
	resolve_stun(&hosts, AF_INET, &servers);
	return servers.stun_count == 1;
}

/* Names that are new, that stay, and that nobody wants any more, one while it is being looked up. */
static void
test_other_names(void)
{
	static struct config_host first[] = {{"gone.example", 1}, {"192.0.2.8", 2}};
	static struct config_host second[] = {{"stun.example", 3478}, {"192.0.2.7", 2}};
	static struct config_host check[] = {{"192.0.2.8", 3}};
	int before = changes;

	mapping.stun.list = first;
	resolve_change(&config, false);
	CHECK(are_known("stun.example") && are_known("192.0.2.9") && are_known("192.0.2.8"));
	mapping.stun.list = second;
	config.stun[PROTOCOL_UDP] = (struct config_hosts){check, 1};
	resolve_change(&config, true);
	CHECK(servers_are("203.0.113.2:3478", "192.0.2.7:2"));
	CHECK(are_known("192.0.2.8") && !are_known("192.0.2.9"));
	RUN_UNTIL(is_childless());
	CHECK(strangers == 1 && changes == before && !log_has("malformed") && !log_has("gone.example"));
	/* Who comes again is looked up again. */
	mapping.stun.list = first;
	resolve_change(&config, true);
	RUN_UNTIL(log_has("cannot resolve gone.example"));
	CHECK(!are_known("stun.example"));
}

int
main(void)
{
	struct event *child;

	loop_open();
	child = evsignal_new(base, SIGCHLD, on_child, NULL);
	event_add(child, NULL);
	TAILQ_INIT(&config.mappings);
	TAILQ_INSERT_TAIL(&config.mappings, &mapping, entry);
	config.uid = config.gid = 65534;
	mapping.mapping.bind = addr_of("0.0.0.0:5000");
	mapping.stun.list = stun;
	mapping.stun.count = 2;
	test_start_without_names();
	test_a_server_moves();
	test_a_name_is_lost();
	CHECK(strangers == 0);
	test_other_names();
	resolve_close();
	event_free(child);
	return check_done();
}
