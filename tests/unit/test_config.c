/* SPDX-License-Identifier: ISC */
/*
 * The configuration as a struct: what `natterd -n` does not print.
 * NEEDS: supervisor/config supervisor/config_file supervisor/config_global supervisor/config_hook supervisor/config_hosts supervisor/config_include supervisor/config_mapping supervisor/config_relay supervisor/config_mistake supervisor/config_ports supervisor/config_scan supervisor/config_syntax supervisor/config_value supervisor/config_write supervisor/hook_settings
 */
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "config.h"
#include "config_mistake.h"
#include "text.h"

static char directory[] = "/tmp/natter-test-config.XXXXXX";
static char path[PATH_MAX];
static int errors;

static void
count_error(enum log_level level, const char *text)
{
	(void)text;
	errors += level == LOG_LEVEL_ERROR;
}

/* The configuration that the text is, or NULL. */
static struct config *
load(const char *text)
{
	FILE *f = fopen(path, "w");

	errors = 0;
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		return NULL;
	return config_load(path);
}

static const struct config_mapping *
nth(const struct config *config, int n)
{
	const struct config_mapping *m = TAILQ_FIRST(&config->mappings);

	while (m != NULL && n-- > 0)
		m = TAILQ_NEXT(m, entry);
	return m;
}

static bool
has_intervals(const struct config *config, int n, uint32_t shortest, uint32_t longest, uint32_t stun)
{
	const struct mapping *m = &nth(config, n)->mapping;

	return m->keep_alive_shortest == shortest && m->keep_alive_longest == longest && m->stun_interval == stun;
}

static const char three[] = "mappings = (\n"
			    "  { name = \"a\"; protocol = \"tcp\"; target = \"127.0.0.1:80\"; },\n"
			    "  { name = \"b\"; protocol = \"udp\"; bind = 5000; hook = \"own {outer_ip}\"; },\n"
			    "  { name = \"c\"; protocol = \"udp\"; bind = 5001; hook = \"\"; }\n"
			    ");\n"
			    "status_report = { hook = \"global '{outer_ip}'\"; };\n"
			    "open_port = { tcp = [ \"6001\",\n"
			    "    \"6000\"\n\n"
			    "]; };\n"
			    "user = \"nobody\";\n"
			    "logging = { level = \"warning\"; };\n";

static void
test_mappings(void)
{
	struct config *config = load(three);

	CHECK(config != NULL);
	if (config == NULL)
		return;
	CHECK(config->mapping_count == 5 && nth(config, 4) != NULL && nth(config, 5) == NULL);
	CHECK_TEXT(nth(config, 0)->hook.command, "global '{outer_ip}'");
	CHECK_TEXT(nth(config, 1)->hook.command, "own {outer_ip}");
	CHECK(nth(config, 2)->hook.command == NULL);
	CHECK(nth(config, 0)->line == 2);
	CHECK(nth(config, 3)->line == 7);
	CHECK(nth(config, 4)->line == 8); /* not that of the bracket */
	CHECK(nth(config, 0)->keep_alive.count == 3);
	CHECK(nth(config, 1)->keep_alive.count == 0);
	CHECK(nth(config, 1)->mapping.udp_timeout == UDP_TIMEOUT_DEFAULT);
	CHECK(nth(config, 1)->mapping.log_level == LOG_LEVEL_WARNING);
	CHECK(!addr_is_set(&nth(config, 1)->mapping.target));
	CHECK(addr_port(&nth(config, 0)->mapping.bind) == 0 && addr_is_wildcard(&nth(config, 0)->mapping.bind));
	config_free(config);
}

static const char relay_options[] = "mappings = ( { protocol = \"tcp\"; target = \"127.0.0.1:1\"; },\n"
				    "    { protocol = \"tcp\"; target = \"127.0.0.1:2\"; tcp_timeout = 600;\n"
				    "      tcp_keepalive = 60; congestion_control = \"dctcp\"; },\n"
				    "    { protocol = \"tcp\"; target = \"127.0.0.1:3\"; tcp_keepalive = 0; } );\n";

static void
test_relay_options(void)
{
	struct config *config = load(relay_options);
	const struct mapping *m;

	CHECK(config != NULL);
	if (config == NULL)
		return;
	m = &nth(config, 0)->mapping;
	CHECK(m->tcp_timeout == 0 && m->tcp_keepalive == 0 && m->congestion_control[0] == '\0');
	m = &nth(config, 1)->mapping;
	CHECK(m->tcp_timeout == 600 && m->tcp_keepalive == 60);
	CHECK_TEXT(m->congestion_control, "dctcp");
	CHECK(nth(config, 2)->mapping.tcp_keepalive == TCP_KEEPALIVE_OFF);
	config_free(config);
}

/* Unused bytes are equal too: the reload compares with memcmp. */
static void
test_same_twice(void)
{
	struct config *one = load(three), *two = load(three);
	int i;

	CHECK(one != NULL && two != NULL);
	for (i = 0; one != NULL && two != NULL && i < 5; i++)
		CHECK(memcmp(&nth(one, i)->mapping, &nth(two, i)->mapping, sizeof(struct mapping)) == 0);
	config_free(one);
	config_free(two);
}

static void
test_identity(void)
{
	struct config *config = load(three);
	const struct passwd *nobody = getpwnam("nobody");
	uid_t wanted = geteuid();

	if (wanted == 0 && nobody != NULL)
		wanted = nobody->pw_uid;
	CHECK(config != NULL);
	if (config == NULL)
		return;
	CHECK_TEXT(config->user, "nobody");
	CHECK(config->uid == wanted);
	CHECK(nth(config, 0)->mapping.uid == wanted);
	CHECK(nth(config, 0)->mapping.gid == config->gid);
	config_free(config);
}

static void
test_places(void)
{
	struct config *config = load("logging = { log_file = \"\"; }; status_report = { status_file = \"s.json\"; };");
	char wanted[PATH_MAX + 10];

	CHECK(config != NULL);
	if (config == NULL)
		return;
	CHECK_TEXT(config->file, path);
	CHECK_TEXT(config->directory, directory);
	CHECK(config->log_file == NULL);
	snprintf(wanted, sizeof(wanted), "%s/s.json", directory);
	CHECK_TEXT(config->status_file, wanted);
	CHECK(config->control_socket[0] == '/' && config->pid_file[0] == '/' && config->state_dir[0] == '/');
	config_free(config);
}

/* A mapping's own setting wins as a whole, wherever it stands. */
static void
test_intervals(void)
{
	struct config *config = load("mappings = (\n"
				     "  { protocol = \"tcp\"; bind = 5000; keep_alive_interval = 10; stun_interval = 86400; },\n"
				     "  { protocol = \"udp\"; bind = 5000; keep_alive_interval = ( 1, 3600 ); },\n"
				     "  { protocol = \"tcp\"; bind = 5001; }\n"
				     ");\n"
				     "keep_alive_interval = [ 5, 20 ];\n"
				     "stun_interval = 10;\n");

	CHECK(config != NULL);
	if (config == NULL)
		return;
	CHECK(has_intervals(config, 0, 10, 10, 86400));
	CHECK(has_intervals(config, 1, 1, 3600, 10));
	CHECK(has_intervals(config, 2, 5, 20, 10));
	config_free(config);
}

/* One mapping from elsewhere: a file gives it servers and nothing that would be written. */
static void
test_single(void)
{
	struct mapping wanted = {.name = "tcp-3456", .protocol = PROTOCOL_TCP, .test_page = 1};
	struct config *config;

	CHECK(addr_parse("0.0.0.0:3456", 0, &wanted.bind) == 0);
	config = config_single(NULL, &wanted);
	CHECK(config != NULL && config->mapping_count == 1);
	if (config == NULL)
		return;
	CHECK(nth(config, 0)->stun.count > 3 && nth(config, 0)->keep_alive.count == 3);
	CHECK(has_intervals(config, 0, KEEP_ALIVE_SHORTEST_DEFAULT, KEEP_ALIVE_LONGEST_DEFAULT, STUN_INTERVAL_DEFAULT));
	CHECK(nth(config, 0)->mapping.uid == config->uid && nth(config, 0)->mapping.test_page == 1);
	CHECK(config->control_socket == NULL && config->pid_file == NULL && config->state_dir == NULL);
	config_free(config);

	config = load("open_port = { tcp = [ \"1\" ]; }; keep_alive = [ \"a.example\" ]; keep_alive_interval = 7;"
		      "stun_interval = 60;"
		      "stun_server = { tcp = [ \"b.example\" ]; }; state_dir = \"s\"; user = \"nobody\";"
		      "status_report = { hook = \"x\"; status_file = \"y\"; }; logging = { log_file = \"z\"; };");
	config_free(config);
	config = config_single(path, &wanted);
	CHECK(config != NULL && config->mapping_count == 1);
	if (config == NULL)
		return;
	CHECK_TEXT(nth(config, 0)->mapping.name, "tcp-3456");
	CHECK_TEXT(nth(config, 0)->stun.list[0].host, "b.example");
	CHECK_TEXT(nth(config, 0)->keep_alive.list[0].host, "a.example");
	CHECK(has_intervals(config, 0, 7, 7, 60));
	CHECK(nth(config, 0)->hook.command == NULL && config->status_file == NULL && config->log_file == NULL);
	CHECK(config->control_socket == NULL && config->pid_file == NULL && config->state_dir == NULL);
	CHECK_TEXT(config->user, "nobody");
	config_free(config);
	load("nonsense = 1;");
	CHECK(config_single(path, &wanted) == NULL);
	CHECK(config_single("/nowhere/natter.cfg", &wanted) == NULL);
}

static const char hook_settings[] =
    "mappings = ( { protocol = \"tcp\"; bind = 1; }, { protocol = \"tcp\"; bind = 2; hook = \"own\"; },\n"
    "    { protocol = \"tcp\"; bind = 3; hook_user = \"\"; hook_timeout = 7; hook_retry = 0; },\n"
    "    { protocol = \"tcp\"; bind = 4; hook = \"\"; hook_retry = 1000; } );\n"
    "status_report = { hook = \"all\"; hook_user = \"%s\"; hook_timeout = 60; hook_retry = 5; };\n";

static bool
has_account(const struct hook_settings *hook, const struct passwd *account)
{
	if (account == NULL)
		return hook->user == NULL;
	return hook->user != NULL && strcmp(hook->user, account->pw_name) == 0 && hook->uid == account->pw_uid &&
	       hook->gid == account->pw_gid && strcmp(hook->home, account->pw_dir) == 0 &&
	       strcmp(hook->shell, account->pw_shell) == 0;
}

static void
test_hooks(void)
{
	const struct passwd *self = getpwuid(geteuid());
	const struct hook_settings *hook;
	struct config *config;
	char text[1024];

	if (self == NULL)
		return;
	snprintf(text, sizeof(text), hook_settings, self->pw_name);
	config = load(text);
	CHECK(config != NULL);
	if (config == NULL)
		return;
	self = getpwuid(geteuid());
	hook = &nth(config, 0)->hook;
	CHECK_TEXT(hook->command, "all");
	CHECK(hook->timeout == 60 && hook->retry == 5 && has_account(hook, self));
	hook = &nth(config, 1)->hook;
	CHECK_TEXT(hook->command, "own");
	CHECK(hook->timeout == 60 && hook->retry == 5 && has_account(hook, self));
	hook = &nth(config, 2)->hook;
	CHECK_TEXT(hook->command, "all");
	CHECK(hook->timeout == 7 && hook->retry == 0 && has_account(hook, NULL));
	hook = &nth(config, 3)->hook;
	CHECK(hook->command == NULL && hook->timeout == 60 && hook->retry == 1000);
	config_free(config);
	config = load("open_port = { tcp = [ \"1\" ]; };");
	CHECK(config != NULL && nth(config, 0)->hook.timeout == 30 && nth(config, 0)->hook.retry == 0);
	config_free(config);
	/* Without a service nobody asks for it. */
	CHECK(load("status_report = { hook_user = \"no-such-account\"; };") == NULL && errors == 1);
	config = config_single(path, NULL);
	CHECK(config != NULL);
	config_free(config);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_hosts(const struct config_hosts *a, const struct config_hosts *b)
{
	return a->count == b->count &&
	       (a->count == 0 || memcmp(a->list, b->list, a->count * sizeof(*a->list)) == 0);
}

static bool
same_mapping(const struct config_mapping *a, const struct config_mapping *b)
{
	return memcmp(&a->mapping, &b->mapping, sizeof(a->mapping)) == 0 && same_hosts(&a->stun, &b->stun) &&
	       same_hosts(&a->keep_alive, &b->keep_alive) && same_text(a->hook.command, b->hook.command) &&
	       same_text(a->hook.user, b->hook.user) && a->hook.timeout == b->hook.timeout &&
	       a->hook.retry == b->hook.retry;
}

static bool
same_globals(const struct config *a, const struct config *b)
{
	return a->log_level == b->log_level && same_text(a->log_file, b->log_file) &&
	       same_text(a->status_file, b->status_file) && same_text(a->control_socket, b->control_socket) &&
	       same_text(a->pid_file, b->pid_file) && same_text(a->state_dir, b->state_dir) &&
	       same_text(a->user, b->user) && a->uid == b->uid && a->gid == b->gid &&
	       same_hosts(&a->stun[PROTOCOL_TCP], &b->stun[PROTOCOL_TCP]) &&
	       same_hosts(&a->stun[PROTOCOL_UDP], &b->stun[PROTOCOL_UDP]);
}

/* Reads what config_print says of the text, and forgets the text. */
static struct config *
load_print(void)
{
	char print[16384] = "";
	FILE *out = fmemopen(print, sizeof(print), "w");

	CHECK(out != NULL && config_print(path, out) == 0);
	CHECK(out != NULL && fclose(out) == 0);
	return load(print);
}

/* The print means what its file means, whatever stands in it. */
static void
check_print(const char *text)
{
	struct config *config = load(text), *again;
	int i;

	CHECK(config != NULL);
	if (config == NULL)
		return;
	again = load_print();
	CHECK(again != NULL && same_globals(config, again) && config->mapping_count == again->mapping_count);
	for (i = 0; again != NULL && nth(config, i) != NULL && nth(again, i) != NULL; i++)
		CHECK(same_mapping(nth(config, i), nth(again, i)));
	config_free(config);
	config_free(again);
}

static void
test_print(void)
{
	check_print("");
	check_print(three);
	check_print(relay_options);
	check_print("status_report = { hook = \"all\"; hook_timeout = 60; hook_retry = 5; };"
		    "mappings = ( { protocol = \"tcp\"; bind = 1; }, "
		    "  { protocol = \"tcp\"; bind = 2; hook = \"own\"; hook_timeout = 7; hook_retry = 0; } );");
	check_print("status_report = { hook = \"\\\\n a\\\"b\\\\c\\n@include \\\"x\\\"\\t'\\x1b[31m'\\x7f #{\\r\\f\"; status_file = \"\\xff;\"; };"
		    "logging = { level = \"critical\"; log_file = \"l \\xc3\\xbc\\xc2\\x9b\"; };"
		    "mappings = ( { protocol = \"tcp\"; bind = \"fd00::2\"; target = \"127.0.0.1:1\"; hook = \"\"; },"
		    "  { protocol = \"tcp\"; bind = \"[::1]:7\"; keep_alive_interval = [ 3, 4 ]; stun_interval = 11; },"
		    "  { protocol = \"udp\"; target = \"[fd00::3]:1\"; udp_timeout = 7; hook = \"two\nlines\"; } );"
		    "forward_port = { tcp = [ \"127.0.0.1:2\" ]; udp = [ \"127.0.0.1:2\" ]; }; open_port = { udp = 9; };"
		    "keep_alive = [ \"a.example:81\", \"fd00::1\" ]; keep_alive_interval = 9; stun_interval = 99;"
		    "stun_server = { udp = [ \"192.0.2.1\", \"b.example:1\" ]; };"
		    "control_socket = \"c\"; pid_file = \"p\"; state_dir = \"/s\"; user = \"nobody\";");
}

/* A refused file leaves nothing behind (the sanitizers look), and says it all. */
static void
test_refused(void)
{
	CHECK(load("open_port = { tcp = [ \"1\", \"x\", \"y\" ]; udp = 1.5; }; nonsense = 1; keep_alive = [ \"a b\" ];") == NULL);
	CHECK(errors == 5);
	CHECK(load("open_port = {") == NULL);
	CHECK(errors == 1);
	CHECK(config_load("/nowhere/natter.cfg") == NULL);
	CHECK(config_print("/nowhere/natter.cfg", stdout) == -1);
	config_free(NULL);
}

static struct {
	char text[400];
	int count;
} taken;

static void
take(void *context, const char *text)
{
	CHECK(context == &taken);
	snprintf(taken.text, sizeof(taken.text), "%s", text);
	taken.count++;
}

/* The log says nothing then, and the marks, which are for people, stay out of it. */
static void
test_mistakes(void)
{
	static const char text[] = "user = \"nobody\";\n\tkeep_alive = \"\x1b[31m\"; usr = \"\x9b\x7f\"; # \r\b\n";
	char marks[2000] = "", wanted[PATH_MAX + 100];
	FILE *out = fmemopen(marks, sizeof(marks), "w");
	size_t i;

	config_mistake_send(take, &taken);
	CHECK(load(text) == NULL && taken.count == 2 && errors == 0);
	snprintf(wanted, sizeof(wanted), "%s:2: usr: unknown key; did you mean user?", path);
	CHECK(load("user = \"nobody\";\nusr = 1;") == NULL && strstr(taken.text, "usr: unknown key; did you mean user") != NULL);
	CHECK(load("\nusr = 1;") == NULL);
	CHECK_TEXT(taken.text, wanted);
	CHECK(load("hook \x1b") == NULL && text_is_printable(taken.text, sizeof(taken.text)) && taken.count == 5);
	config_mistake_mark(out);
	CHECK(load(text) == NULL);
	config_mistake_mark(NULL);
	config_mistake_send(NULL, NULL);
	CHECK(out != NULL && fclose(out) == 0);
	CHECK_TEXT(marks, "    keep_alive = \"?[31m\"; usr = \"??\"; #  ?\n    ^~~~~~~~~~\n"
			  "    keep_alive = \"?[31m\"; usr = \"??\"; #  ?\n                          ^~~\n");
	for (i = 0; marks[i] != '\0'; i++)
		CHECK(marks[i] == '\n' || (unsigned char)marks[i] >= ' ');
	CHECK(load(text) == NULL && errors == 2 && taken.count == 7);
}

int
main(void)
{
	if (mkdtemp(directory) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/natter.cfg", directory);
	log_set_sink(count_error);
	test_mappings();
	test_relay_options();
	test_same_twice();
	test_identity();
	test_places();
	test_intervals();
	test_single();
	test_hooks();
	test_print();
	test_mistakes();
	test_refused();
	unlink(path);
	rmdir(directory);
	return check_done();
}
