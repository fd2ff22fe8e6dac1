/* SPDX-License-Identifier: ISC */
/*
 * The files control*.c: the socket's file, the requests, clients that watch, and clients that
 * misbehave.  The NAT check itself is a stand-in.
 * NEEDS: supervisor/control supervisor/control_client supervisor/control_clients supervisor/stall supervisor/control_commands supervisor/control_reload supervisor/control_socket supervisor/control_watch supervisor/files supervisor/way supervisor/record supervisor/counts supervisor/metrics supervisor/outer_event
 */
#include "control.h"

#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "checknat.h"
#include "checknat_verdict.h"
#include "control_client.h"
#include "control_commands.h"
#include "control_socket.h"
#include "reload.h"
#include "resolve.h"
#include "supervisor.h"

#define PATH "run/natter.sock"

static char directory[] = "/tmp/natter-control-XXXXXX";
static struct service web, game;

/* checknat.c's place: a check that ends when a test says so. */
static struct {
	int running;
	checknat_done *done;
	bool refuses;
} checks;

struct checknat *
checknat_start(struct event_base *b, const struct config *config, const struct addr *bind, checknat_done *done,
    void *context)
{
	(void)config, (void)context;
	CHECK(b == base && addr_is_wildcard(bind) && addr_port(bind) == 0);
	if (checks.refuses)
		return NULL;
	checks.running++;
	checks.done = done;
	return (struct checknat *)&checks;
}

void
checknat_free(struct checknat *check)
{
	if (check != NULL)
		checks.running--;
}

struct json_object *
checknat_verdict(const struct checknat_result *result)
{
	(void)result;
	return json_tokener_parse("{\"works\": \"yes\"}");
}

/* What refresh leads to, in service.c and resolve.c. */
static struct {
	int web, game, names;
} refreshed;

void
service_refresh(struct service *s)
{
	*(s == &web ? &refreshed.web : &refreshed.game) += 1;
}

bool
service_is_stopped(const struct service *s)
{
	return s->report.state == STATE_STOPPED;
}

/* What was ordered of which. */
static char ordered[MAPPING_NAME_SIZE + 16];

static bool
order(struct service *s, const char *what, bool changes)
{
	snprintf(ordered, sizeof(ordered), "%s %s", what, s->mapping.name);
	return changes;
}

bool
service_stop(struct service *s)
{
	return order(s, "stop", !service_is_stopped(s));
}

bool
service_start(struct service *s)
{
	return order(s, "start", service_is_stopped(s));
}

bool
service_restart(struct service *s)
{
	return order(s, "restart", true);
}

void
resolve_again(void)
{
	refreshed.names++;
}

/* reload.c's place. */
static bool file_is_good;

void
reload_now(struct reload_result *result)
{
	static char first[] = "natter.cfg:3: bind: wrong", second[] = "natter.cfg:4: \"x\": too";
	static char *mistakes[] = {first, second};

	memset(result, 0, sizeof(*result));
	result->done = file_is_good;
	result->counts = (struct reload_counts){.kept = 4, .changed = 3, .replaced = 2, .added = 1};
	result->needs_restart[result->needs_restart_count++] = "user";
	result->mistakes = mistakes;
	result->mistake_count = 2;
}

void
reload_result_free(struct reload_result *result)
{
	CHECK(result->mistake_count == 2);
}

const char *
reload_text(const struct reload_result *result, char buf[RELOAD_TEXT_SIZE])
{
	CHECK(result->counts.kept == 4);
	strlcpy(buf, "in words", RELOAD_TEXT_SIZE);
	return buf;
}

static int
connect_client(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK(connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	return fd;
}

static char reply[1 << 20];
static size_t reply_length;
static bool ended;

static bool
receive(int fd)
{
	ssize_t n = recv(fd, reply + reply_length, sizeof(reply) - 1 - reply_length, 0);

	if (n > 0)
		reply_length += (size_t)n;
	reply[reply_length] = '\0';
	ended = ended || n == 0 || (n < 0 && errno == ECONNRESET);
	return ended;
}

static int
lines(void)
{
	const char *p = reply;
	int count = 0;

	while ((p = strchr(p, '\n')) != NULL) {
		p++;
		count++;
	}
	return count;
}

/* Sends text and reads until there are so many lines. */
static void
converse(int fd, const char *text, size_t length, int wanted)
{
	reply_length = 0;
	reply[0] = '\0';
	ended = false;
	CHECK(length == 0 || send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length);
	RUN_UNTIL(receive(fd) || lines() >= wanted);
	CHECK(lines() == wanted);
}

static const char *
ask(int fd, const char *text)
{
	converse(fd, text, strlen(text), 1);
	CHECK(!ended);
	return reply;
}

/* A client that sent no request hears it and is shown out. */
static void
check_dismissed(const char *text, size_t length, const char *error)
{
	int fd = connect_client();

	converse(fd, text, length, 1);
	CHECK(strstr(reply, "\"ok\":false") != NULL && strstr(reply, error) != NULL);
	RUN_UNTIL(receive(fd));
	close(fd);
}

static void
test_file(void)
{
	struct control_socket other;
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = PATH};
	char path[200];
	struct stat st;
	int fd, i;

	umask(0);
	CHECK(control_open(base, PATH, (gid_t)-1) == 0);
	CHECK(stat(PATH, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0660);
	CHECK(stat("run", &st) == 0 && (st.st_mode & 07777) == 0755);
	CHECK(umask(022) == 0);
	CHECK(control_socket_open(&other, PATH, (gid_t)-1) == -1 && errno == EADDRINUSE);
	control_close();
	CHECK(access(PATH, F_OK) < 0);
	control_close(); /* nothing to close */
	/* Left by a dead one. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	close(fd);
	CHECK(control_open(base, PATH, getegid()) == 0);
	/* Another's is not ours to remove. */
	CHECK(unlink(PATH) == 0 && symlink("/nowhere", PATH) == 0);
	control_close();
	CHECK(lstat(PATH, &st) == 0);
	CHECK(control_open(base, PATH, (gid_t)-1) == -1 && errno == EEXIST);
	CHECK(unlink(PATH) == 0);
	CHECK(control_open(base, "no/such/socket", (gid_t)-1) == -1 && errno == ENOENT);
	for (i = 0; i < 199; i++)
		path[i] = 'x';
	path[i] = '\0';
	CHECK(control_open(base, path, (gid_t)-1) == -1 && errno == ENAMETOOLONG);
}

static void
test_group(void)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	CHECK(control_open(base, PATH, 4242) == 0);
	CHECK(stat(PATH, &st) == 0 && st.st_gid == 4242 && (st.st_mode & 07777) == 0660);
	CHECK(getegid() != 4242);
	control_close();
}

static void
test_commands(void)
{
	struct json_object *answer, *value;
	int fd = connect_client();

	answer = json_tokener_parse(ask(fd, "{\"command\":\"list\"}\n"));
	CHECK(json_object_object_get_ex(answer, "ok", &value) && json_object_get_boolean(value));
	CHECK(json_object_object_get_ex(answer, "mappings", &value) && json_object_array_length(value) == 2);
	json_object_put(answer);
	answer = json_tokener_parse(ask(fd, " {\"name\": \"game\", \"command\": \"show\"} \r\n"));
	CHECK(json_object_object_get_ex(answer, "mapping", &value));
	CHECK(json_object_object_get_ex(value, "outer", &value));
	CHECK_TEXT(json_object_get_string(value), "203.0.113.7:2");
	json_object_put(answer);
	CHECK(strstr(ask(fd, "{\"command\":\"version\"}\n"), "\"version\":\"" NATTER_VERSION "\"") != NULL);
	CHECK(strstr(ask(fd, "{\"command\":\"metrics\"}\n"), "{\"ok\":true,\"metrics\":\"# HELP natter_") == reply);
	/* Refusals that do not end the connection. */
	CHECK_TEXT(ask(fd, "{\"command\":\"show\",\"name\":\"x\"}\n"),
	    "{\"ok\":false,\"error\":\"there is no mapping of that name\"}\n");
	CHECK(strstr(ask(fd, "{\"command\":\"show\",\"name\":7}\n"), "has no \\\"name\\\"") != NULL);
	CHECK(strstr(ask(fd, "{\"command\":\"lis\"}\n"), "does not know") != NULL);
	converse(fd, "{\"command\":\"version\"}\n{\"command\":\"list\"}\n{\"command\":\"version\"}\n", 64, 3);
	close(fd);
}

static void
check_refreshed(int web_times, int game_times, int names)
{
	CHECK(refreshed.web == web_times && refreshed.game == game_times && refreshed.names == names);
	memset(&refreshed, 0, sizeof(refreshed));
}

static void
test_refresh(void)
{
	int fd = connect_client();

	CHECK_TEXT(ask(fd, "{\"command\":\"refresh\"}\n"), "{\"ok\":true,\"refreshed\":2}\n");
	check_refreshed(1, 1, 1);
	CHECK_TEXT(ask(fd, "{\"command\":\"refresh\",\"name\":\"game\"}\n"), "{\"ok\":true,\"refreshed\":1}\n");
	check_refreshed(0, 1, 0);
	CHECK_TEXT(ask(fd, "{\"command\":\"refresh\",\"name\":\"x\"}\n"),
	    "{\"ok\":false,\"error\":\"there is no mapping of that name\"}\n");
	CHECK(strstr(ask(fd, "{\"command\":\"refresh\",\"name\":null}\n"), "\"ok\":false") != NULL);
	check_refreshed(0, 0, 0);
	close(fd);
}

static void
test_orders(void)
{
	int fd = connect_client();

	CHECK_TEXT(ask(fd, "{\"command\":\"stop\",\"name\":\"game\"}\n"), "{\"ok\":true,\"changed\":true}\n");
	CHECK_TEXT(ordered, "stop game");
	CHECK_TEXT(ask(fd, "{\"command\":\"start\",\"name\":\"web\"}\n"), "{\"ok\":true,\"changed\":false}\n");
	CHECK_TEXT(ordered, "start web");
	game.report.state = STATE_STOPPED;
	CHECK(strstr(ask(fd, "{\"command\":\"show\",\"name\":\"game\"}\n"), "\"state\":\"stopped\"") != NULL);
	CHECK_TEXT(ask(fd, "{\"command\":\"restart\",\"name\":\"game\"}\n"), "{\"ok\":true,\"changed\":true}\n");
	CHECK_TEXT(ordered, "restart game");
	/* What is stopped stays so. */
	CHECK_TEXT(ask(fd, "{\"command\":\"refresh\"}\n"), "{\"ok\":true,\"refreshed\":1}\n");
	CHECK(strstr(ask(fd, "{\"command\":\"refresh\",\"name\":\"game\"}\n"), "is stopped; natterctl start") != NULL);
	check_refreshed(1, 0, 1);
	ordered[0] = '\0';
	CHECK(strstr(ask(fd, "{\"command\":\"stop\",\"name\":\"x\"}\n"), "no mapping of that name") != NULL);
	CHECK(strstr(ask(fd, "{\"command\":\"stop\"}\n"), "has no \\\"name\\\"") != NULL);
	CHECK_TEXT(ordered, "");
	game.report.state = STATE_OPEN;
	close(fd);
}

void
services_set_log_level(enum log_level level)
{
	log_set_level(level);
}

static void
test_log(void)
{
	int fd = connect_client();

	log_set_level(LOG_LEVEL_WARNING);
	CHECK_TEXT(ask(fd, "{\"command\":\"log-level\"}\n"), "{\"ok\":true,\"level\":\"warning\"}\n");
	CHECK_TEXT(ask(fd, "{\"command\":\"log\",\"level\":\"info\"}\n"), "{\"ok\":true,\"level\":\"info\"}\n");
	CHECK(log_get_level() == LOG_LEVEL_INFO && log_has("level info"));
	CHECK(strstr(ask(fd, "{\"command\":\"log\",\"level\":\"loud\"}\n"), "no such level; take error") != NULL);
	CHECK(strstr(ask(fd, "{\"command\":\"log\",\"level\":3}\n"), "no such level") != NULL);
	CHECK(log_get_level() == LOG_LEVEL_INFO);
	close(fd);
}

static void
test_reload(void)
{
	int fd = connect_client();

	file_is_good = true;
	CHECK_TEXT(ask(fd, "{\"command\":\"reload\"}\n"),
	    "{\"ok\":true,\"reload\":{\"kept\":4,\"changed\":3,\"replaced\":2,\"added\":1,\"removed\":0,"
	    "\"needs_restart\":[\"user\"],\"text\":\"in words\"}}\n");
	file_is_good = false;
	CHECK_TEXT(ask(fd, "{\"command\":\"reload\"}\n"),
	    "{\"ok\":false,\"error\":\"natter.cfg is refused and nothing has changed\","
	    "\"mistakes\":[\"natter.cfg:3: bind: wrong\",\"natter.cfg:4: \\\"x\\\": too\"]}\n");
	close(fd);
}

/* Who is neither root nor natterd's user reads all and changes nothing. */
static void
test_permissions(void)
{
	int fd, own;

	if (geteuid() != 0)
		return;
	CHECK(chmod(".", 0711) == 0 && seteuid(65534) == 0);
	fd = connect_client();
	CHECK(seteuid(0) == 0);
	CHECK(strstr(ask(fd, "{\"command\":\"list\"}\n"), "\"ok\":true") != NULL);
	CHECK_TEXT(ask(fd, "{\"command\":\"refresh\"}\n"),
	    "{\"ok\":false,\"error\":\"permission denied: \\\"refresh\\\" changes what natterd does, and only root may do "
	    "that; try it with sudo\"}\n");
	check_refreshed(0, 0, 0);
	CHECK(strstr(ask(fd, "{\"command\":\"reload\"}\n"), "permission denied: \\\"reload\\\" changes") != NULL);
	/* As if natterd itself ran without root. */
	CHECK(seteuid(65533) == 0);
	own = connect_client();
	CHECK(strstr(ask(fd, "{\"command\":\"refresh\"}\n"), "only root and natterd's own user (uid 65533) may") != NULL);
	CHECK_TEXT(ask(own, "{\"command\":\"refresh\",\"name\":\"web\"}\n"), "{\"ok\":true,\"refreshed\":1}\n");
	CHECK(seteuid(0) == 0);
	check_refreshed(1, 0, 0);
	close(fd);
	close(own);
}

/* Reads until there are so many lines, which are then a client's news. */
static void
check_news(int fd, int wanted, const char *event, const char *member)
{
	converse(fd, "", 0, wanted);
	if (strstr(reply, event) == NULL || strstr(reply, member) == NULL)
		printf("got %s", reply);
	CHECK(strstr(reply, event) != NULL && strstr(reply, member) != NULL);
}

static void
report(struct service *s, enum state state, const char *outer, const char *error)
{
	struct report old = s->report;

	s->report.state = state;
	s->report.outer = addr_of(outer);
	strlcpy(s->report.error, error, sizeof(s->report.error));
	control_report(s, &old);
}

static void
test_watch(void)
{
	int all = connect_client(), one = connect_client(), fd = connect_client();
	struct service fresh;

	CHECK(strstr(ask(fd, "{\"command\":\"watch\",\"name\":\"x\"}\n"), "no mapping of that name") != NULL);
	converse(all, "{\"command\":\"watch\"}\n", 20, 3);
	CHECK(strstr(reply, "{\"ok\":true}\n{\"time\":") == reply && strstr(reply, "\"event\":\"present\",\"mapping\":{") != NULL);
	converse(one, "{\"command\":\"watch\",\"name\":\"game\"}\nhello\n", 41, 2);
	report(&web, STATE_DEGRADED, "203.0.113.7:1", "no answer");
	check_news(all, 1, "\"event\":\"state\"", "\"state\":\"degraded\"");
	report(&web, STATE_DEGRADED, "203.0.113.7:1", "no answer");
	report(&web, STATE_DEGRADED, "203.0.113.7:1", "still no answer");
	check_news(all, 1, "\"event\":\"error\"", "still no answer");
	report(&web, STATE_OPEN, "203.0.113.7:9", "");
	check_news(all, 1, "\"event\":\"change\"", "\"old_outer\":\"203.0.113.7:1\"");
	report(&game, STATE_BACKOFF, "", "gone");
	check_news(all, 1, "\"event\":\"down\"", "\"old_outer\":\"203.0.113.7:2\"");
	check_news(one, 1, "\"event\":\"down\"", "\"name\":\"game\"");
	report(&game, STATE_OPEN, "203.0.113.7:2", "");
	check_news(all, 1, "\"event\":\"up\"", "203.0.113.7:2");
	check_news(one, 1, "\"event\":\"up\"", "203.0.113.7:2");
	game.report.reach = REACH_REACHABLE;
	control_report(&game, &game.report);
	check_news(one, 1, "\"event\":\"reach\"", "\"reach\":\"reachable\"");
	/* The table itself may change. */
	fill_service(&fresh, "fresh", PROTOCOL_TCP, "10.0.0.7:1", "203.0.113.7:5");
	TAILQ_INSERT_TAIL(&table, &fresh, entry);
	report(&web, STATE_OPEN, "203.0.113.7:1", "");
	check_news(all, 3, "\"event\":\"new\"", "\"name\":\"fresh\"");
	TAILQ_REMOVE(&table, &fresh, entry);
	control_report(&web, &web.report);
	check_news(all, 1, "\"event\":\"gone\"", "{\"name\":\"fresh\"}");
	CHECK(strstr(ask(fd, "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	close(all);
	close(one);
	close(fd);
}

/* One that does not read is told the latest in the end, and not of every change before. */
static void
test_slow_watcher(void)
{
	char outer[ADDR_TEXT_SIZE];
	int slow = connect_client(), fd = connect_client(), i;

	converse(slow, "{\"command\":\"watch\",\"name\":\"web\"}\n", 34, 2);
	for (i = 1; i <= 3000; i++) {
		snprintf(outer, sizeof(outer), "203.0.113.8:%d", i);
		report(&web, STATE_OPEN, outer, "");
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	CHECK(strstr(ask(fd, "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	reply_length = 0;
	RUN_UNTIL(receive(slow) || strstr(reply, "\"outer\":\"203.0.113.8:3000\"") != NULL);
	CHECK(lines() < 2000);
	report(&web, STATE_OPEN, "203.0.113.7:1", "");
	check_news(slow, 1, "\"event\":\"change\"", "\"old_outer\":\"203.0.113.8:3000\"");
	close(slow);
	close(fd);
}

static bool
may_watch(int fd)
{
	static const char request[] = "{\"command\":\"watch\"}\n";

	reply_length = 0;
	CHECK(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
	RUN_UNTIL(receive(fd) || lines() > 0);
	return strstr(reply, "\"ok\":true") != NULL;
}

/* Those that left have left their places. */
static void
test_many_watch(void)
{
	static const char request[] = "{\"command\":\"watch\"}\n";
	int fds[16], fd = connect_client(), i;
	bool watches = false;

	for (i = 0; i < 16; i++) {
		fds[i] = connect_client();
		converse(fds[i], request, strlen(request), 3);
	}
	CHECK(!may_watch(fd) && strstr(reply, "too many clients watch") != NULL);
	for (i = 0; i < 16; i++)
		close(fds[i]);
	RUN_UNTIL(watches || (watches = may_watch(fd)));
	close(fd);
}

/* Who asks during a check waits for that one; a client that leaves is no trouble. */
static void
test_check(void)
{
	static const char request[] = "{\"command\":\"check-nat\"}\n{\"command\":\"version\"}\n";
	int first = connect_client(), second = connect_client(), gone = connect_client(), fd = connect_client();
	static struct config config;

	CHECK(strstr(ask(fd, "{\"command\":\"check-nat\"}\n"), "could not begin") != NULL);
	control_commands_open(base, &config, control_answer_waiting);
	checks.refuses = true;
	CHECK(strstr(ask(fd, "{\"command\":\"check-nat\"}\n"), "could not begin") != NULL);
	checks.refuses = false;
	CHECK(send(first, request, strlen(request), 0) > 0 && send(second, request, strlen(request), 0) > 0);
	CHECK(send(gone, request, strlen(request), 0) > 0);
	RUN_UNTIL(checks.running == 1);
	close(gone);
	/* Others are served meanwhile, so the three requests have been read. */
	CHECK(strstr(ask(fd, "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	CHECK(checks.running == 1);
	checks.done(NULL, NULL);
	CHECK(checks.running == 0);
	converse(first, "", 0, 2);
	CHECK(strstr(reply, "{\"ok\":true,\"check\":{\"works\":\"yes\"}}\n{") == reply);
	converse(second, "", 0, 2);
	CHECK(strstr(reply, "\"works\"") != NULL);
	CHECK(send(first, request, strlen(request), 0) > 0);
	RUN_UNTIL(checks.running == 1);
	checks.done(NULL, NULL);
	converse(first, "", 0, 2);
	close(first);
	close(second);
	close(fd);
	checks.running = 0;
	control_commands_close();
	CHECK(checks.running == 0);
}

/* The places of those who wait, or did and have left, are not all that there are. */
static void
test_many_wait(void)
{
	static const char request[] = "{\"command\":\"check-nat\"}\n";
	static struct config config;
	int fds[17], i;

	control_commands_open(base, &config, control_answer_waiting);
	for (i = 0; i < 16; i++) {
		fds[i] = connect_client();
		CHECK(send(fds[i], request, strlen(request), 0) > 0);
	}
	RUN_UNTIL(checks.running == 1);
	fds[16] = connect_client();
	CHECK(strstr(ask(fds[16], "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	CHECK(strstr(ask(fds[16], request), "too many clients wait") != NULL);
	checks.done(NULL, NULL);
	converse(fds[0], "", 0, 1);
	CHECK(strstr(reply, "\"works\"") != NULL);
	for (i = 0; i < 17; i++)
		close(fds[i]);
	control_commands_close();
}

static void
test_half_close(void)
{
	static const char two[] = "{\"command\":\"list\"}\n{\"command\":\"version\"}\n{\"command\":";
	int fd = connect_client();

	CHECK(send(fd, two, strlen(two), 0) == (ssize_t)strlen(two));
	shutdown(fd, SHUT_WR);
	converse(fd, "", 0, 2);
	RUN_UNTIL(receive(fd));
	close(fd);
}

static void
test_garbage(void)
{
	static char huge[70000];
	static const char *const lines_of_garbage[] = {
	    "\n", "hello\n", "GET / HTTP/1.1\r\n", "[]\n", "7\n", "{}\n",
	    "{\"command\":7}\n", "{\"command\":\"list\"\n",
	    "{\"command\":\"list\"}x\n", "{'command':'list'}\n", "[[[[[[[[[[[[[[[[\n", "\"\\u0000\"\n", "\xff\xfe\n",
	};
	size_t i;

	for (i = 0; i < sizeof(lines_of_garbage) / sizeof(lines_of_garbage[0]); i++)
		check_dismissed(lines_of_garbage[i], strlen(lines_of_garbage[i]), "a request is one line");
	check_dismissed("{\"command\":\"list\"}\0\n", 20, "a request is one line");
	memset(huge, ' ', sizeof(huge));
	check_dismissed(huge, sizeof(huge), "too long");
}

/* One that asks and asks and never reads is soon not listened to, which bounds
 * what its answers take, and keeps nobody else waiting. */
static void
test_deaf_client(void)
{
	static const char request[] = "{\"command\":\"list\"}\n";
	int deaf = connect_client(), fd, i, taken = 0;

	for (i = 0; i < 20000; i++) {
		if (send(deaf, request, strlen(request), MSG_NOSIGNAL) > 0)
			taken++;
		else
			event_base_loop(base, EVLOOP_NONBLOCK);
	}
	CHECK(taken < 10000);
	fd = connect_client();
	CHECK(strstr(ask(fd, "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	close(fd);
	close(deaf);
}

static bool
is_served(void)
{
	static const char request[] = "{\"command\":\"version\"}\n";
	int fd = connect_client();

	reply_length = 0;
	ended = false;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
		RUN_UNTIL(receive(fd) || lines() > 0);
	close(fd);
	return reply_length > 0 && strstr(reply, "\"ok\":true") != NULL;
}

static void
connect_many(int *fds, size_t n, uid_t uid)
{
	size_t i;

	CHECK(uid == 0 || seteuid(uid) == 0);
	for (i = 0; i < n; i++) {
		fds[i] = connect_client();
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	CHECK(uid == 0 || seteuid(0) == 0);
}

static void
close_many(const int *fds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		close(fds[i]);
	RUN_UNTIL(control_clients_count() == 0);
}

/* Of one user a new client is served and the oldest leaves; of several nobody takes another's place. */
static void
test_too_many(void)
{
	static int fds[1000], others[1000], own;

	connect_many(fds, 48, 0);
	CHECK(strstr(ask(fds[0], "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	own = connect_client();
	CHECK(strstr(ask(own, "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	converse(fds[0], "", 0, 1);
	CHECK(strstr(reply, "too many clients") != NULL);
	RUN_UNTIL(receive(fds[0]));
	CHECK(strstr(ask(fds[1], "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	close(own);
	close_many(fds, 48);
	if (geteuid() != 0)
		return;
	own = connect_client();
	connect_many(fds, 1000, 65534);
	CHECK(control_clients_count() == 49);
	connect_many(others, 1000, 65533);
	CHECK(control_clients_count() == 97 && is_served());
	CHECK(strstr(ask(own, "{\"command\":\"version\"}\n"), "\"ok\":true") != NULL);
	close(own);
	for (own = 0; own < 1000; own++)
		close(others[own]);
	close_many(fds, 1000);
}

/* Answers that nobody reads: those who let them lie leave for the others. */
static void
test_unread(void)
{
	static const char request[] = "{\"command\":\"list\"}\n";
	static struct service many[1500];
	int fds[40];
	size_t i;

	for (i = 0; i < 1500; i++) {
		fill_service(&many[i], "many", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:1");
		TAILQ_INSERT_TAIL(&table, &many[i], entry);
	}
	for (i = 0; i < 40; i++) {
		fds[i] = connect_client();
		CHECK(send(fds[i], request, strlen(request), MSG_NOSIGNAL) > 0);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	RUN_UNTIL(control_clients_count() <= 16);
	for (i = 0; i < 1500; i++)
		TAILQ_REMOVE(&table, &many[i], entry);
	CHECK(is_served());
	close_many(fds, 40);
}

int
main(void)
{
	if (mkdtemp(directory) == NULL || chdir(directory) < 0)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	loop_open();
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:1");
	fill_service(&game, "game", PROTOCOL_UDP, "10.0.0.6:90", "203.0.113.7:2");
	TAILQ_INSERT_TAIL(&table, &web, entry);
	TAILQ_INSERT_TAIL(&table, &game, entry);
	test_file();
	test_group();
	CHECK(control_open(base, PATH, (gid_t)-1) == 0);
	test_commands();
	test_refresh();
	test_orders();
	test_log();
	test_reload();
	test_permissions();
	test_watch();
	test_slow_watcher();
	test_many_watch();
	test_check();
	test_many_wait();
	test_half_close();
	test_garbage();
	test_deaf_client();
	RUN_UNTIL(control_clients_count() == 0);
	test_too_many();
	test_unread();
	control_close();
	event_base_loop(base, EVLOOP_NONBLOCK); /* frees what a client had */
	CHECK(rmdir("run") == 0 && rmdir(directory) == 0);
	return check_done();
}
