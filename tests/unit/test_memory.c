/* SPDX-License-Identifier: ISC */
/*
 * natterd without memory: each of the allocations that something takes fails once, by itself and with all that follow
 * it.  Then it ends with its error, or natterd with "out of memory"; or it was done, and rightly.  Nothing that was
 * there before is lost.
 * NEEDS: supervisor/config supervisor/config_file supervisor/config_global supervisor/config_hook supervisor/config_hosts supervisor/config_include supervisor/config_mapping supervisor/config_relay supervisor/config_mistake supervisor/config_ports supervisor/config_scan supervisor/config_syntax supervisor/config_value supervisor/config_write supervisor/hook_settings supervisor/status supervisor/files supervisor/way supervisor/ports supervisor/record supervisor/record_environment supervisor/counts supervisor/outer_event supervisor/hook_command supervisor/hook_guard supervisor/inherited supervisor/child
 */
#include "failing_memory.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <libconfig.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "broker.h"
#include "config.h"
#include "hook_command.h"
#include "ports.h"
#include "record.h"
#include "status.h"
#include "supervisor.h"

/* More than any of these takes. */
#define ALLOCATIONS_MAX 20000
#define LINKER_STATUS 127
/* Looking for leaks takes its time in each of so many children. */
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 5
#else
#define STRIDE 1
#endif

enum outcome { DONE, ENDED = EXIT_FAILURE, REFUSED, WRONG };

static char directory[] = "/tmp/natter-memory-XXXXXX";
static struct service web, game;
static bool *reached; /* the child's allocation that fails */

/* broker.c's place: every port is free. */
int
broker_try_port(const struct mapping *mapping, bool reuse)
{
	(void)mapping, (void)reuse;
	return 0;
}

/* The library's own memory is not to be had from a natterd: some versions of it never look. */
#define WITHOUT_FAILURE(call)                                                                                         \
	do {                                                                                                          \
		struct memory own = memory;                                                                           \
		memory.before = -1;                                                                                   \
		call;                                                                                                 \
		memory = own;                                                                                         \
	} while (0)

/* libjson-c does not free the name of a member that it has no room for, nor can the member be seen to. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libjson-c\n";
}

static void *
of_library(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

void
config_init(config_t *config)
{
	WITHOUT_FAILURE(((void (*)(config_t *))(uintptr_t)of_library("config_init"))(config));
}

int
config_read(config_t *config, FILE *stream)
{
	int result;

	WITHOUT_FAILURE(result = ((int (*)(config_t *, FILE *))(uintptr_t)of_library("config_read"))(config, stream));
	return result;
}

void
config_set_include_dir(config_t *config, const char *of)
{
	WITHOUT_FAILURE(((void (*)(config_t *, const char *))(uintptr_t)of_library("config_set_include_dir"))(config, of));
}

static const char *
content(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static void
put(const char *path, const char *text)
{
	int fd;

	unlink(path); /* an emptied one would be on the disk before it is closed */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static enum outcome
load(void)
{
	struct config *config = config_load("natter.cfg");
	bool right;

	memory.before = -1;
	if (config == NULL)
		return REFUSED;
	right = config->mapping_count == 2 && config->stun[PROTOCOL_TCP].count == 2 &&
		strcmp(TAILQ_FIRST(&config->mappings)->mapping.name, "web") == 0 &&
		strcmp(TAILQ_FIRST(&config->mappings)->hook.command, "echo {outer}") == 0 &&
		strcmp(config->status_file + strlen(config->directory), "/status.json") == 0;
	config_free(config);
	return right ? DONE : WRONG;
}

/* "updated" apart, which is a time. */
static bool
status_is_right(void)
{
	struct json_object *all = json_tokener_parse(content("status.json")), *list = NULL, *first;
	struct json_object *wanted = record_to_json(&web);
	bool right;

	json_object_object_get_ex(all, "mappings", &list);
	first = list != NULL && json_object_array_length(list) == 2 ? json_object_array_get_idx(list, 0) : NULL;
	right = first != NULL && json_object_equal(first, wanted) && json_object_object_length(all) == 6;
	json_object_put(all);
	json_object_put(wanted);
	return right;
}

static enum outcome
write_status(void)
{
	bool failed, old;

	log_clear();
	status_write_now();
	memory.before = -1;
	failed = log_has("cannot be written: Cannot allocate memory");
	old = strcmp(content("status.json"), "old\n") == 0;
	status_set_file(NULL, NULL);
	if (failed)
		return old ? REFUSED : WRONG;
	return status_is_right() ? DONE : WRONG;
}

static enum outcome
choose_ports(void)
{
	long before = memory.before;
	struct config *config;
	char wanted[64];
	bool assigned;

	memory.before = -1;
	config = config_load("natter.cfg");
	ports_open(base);
	log_clear();
	memory.before = before;
	assigned = ports_assign(config) == 0;
	memory.before = -1;
	snprintf(wanted, sizeof(wanted), "tcp web %u\nudp other 4711\n",
	    addr_port(&TAILQ_FIRST(&config->mappings)->mapping.bind));
	config_free(config);
	ports_close();
	if (!assigned || log_has("cannot remember the chosen ports"))
		return strcmp(content("state/ports"), "udp other 4711\n") == 0 ? REFUSED : WRONG;
	return strcmp(content("state/ports"), wanted) == 0 ? DONE : WRONG;
}

static enum outcome
tell_hook(void)
{
	char **environment = record_environment(&web), *command = hook_command_expand("echo {outer} {name}", &web);
	bool right = strcmp(command, "echo 203.0.113.7:40123 web") == 0;
	size_t n = 0;

	memory.before = -1;
	while (environment[n] != NULL)
		right = right && strchr(environment[n++], '=') != NULL;
	record_environment_free(environment);
	free(command);
	return right && n > 20 ? DONE : WRONG;
}

/* Never returns: the child's part. */
static void __attribute__((noreturn))
run_child(enum outcome (*scenario)(void), long before, bool for_good)
{
	enum outcome outcome;
	int fd;

	put("stderr", "");
	fd = open("stderr", O_WRONLY);
	dup2(fd, STDERR_FILENO);
	close(fd);
	memory.before = before;
	memory.for_good = for_good;
	outcome = scenario();
	*reached = memory.failed;
	exit(outcome);
}

static void
put_old_files(void)
{
	put("status.json", "old\n");
	put("state/ports", "udp other 4711\n");
}

static bool
ended_for_want_of_memory(void)
{
	const char *said = content("stderr");

	return strstr(said, "out of memory") != NULL || strstr(said, "cannot allocate memory") != NULL;
}

/* WRONG for a death, and for an end without the word for it.  The linker ends a program that has no memory for a
 * library's variables with a status of its own. */
static enum outcome
wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return WRONG;
	if (WEXITSTATUS(status) == ENDED || WEXITSTATUS(status) == LINKER_STATUS)
		return ended_for_want_of_memory() ? ENDED : WRONG;
	return WEXITSTATUS(status) < WRONG ? (enum outcome)WEXITSTATUS(status) : WRONG;
}

/* Returns how many allocations it takes. */
static long
try_all(const char *name, enum outcome (*scenario)(void), bool for_good)
{
	long before, counts[WRONG + 1] = {0};
	enum outcome outcome;
	pid_t pid;

	for (before = 0; before < ALLOCATIONS_MAX; before += STRIDE) {
		put_old_files();
		*reached = true; /* unless it gets to say otherwise */
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			run_child(scenario, before, for_good);
		outcome = wait_for(pid);
		CHECK(outcome != WRONG);
		if (outcome == WRONG) {
			printf("%s: allocation %ld%s fails: %s\n", name, before + 1, for_good ? ", and all later ones," : "",
			    content("stderr"));
			break;
		}
		counts[outcome]++;
		if (!*reached)
			break;
	}
	printf("%s%s: %ld allocations: done %ld, error %ld, end %ld\n", name, for_good ? ", for good" : "", before,
	    counts[DONE], counts[REFUSED], counts[ENDED]);
	return before;
}

static void
to_stderr(enum log_level level, const char *text)
{
	keep_line(level, text);
	if (write(STDERR_FILENO, text, strlen(text)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
		return;
}

int
main(void)
{
	static const struct {
		const char *name;
		enum outcome (*run)(void);
	} all[] = {{"configuration", load}, {"status file", write_status}, {"ports", choose_ports}, {"hook", tell_hook}};
	size_t i;

	reached = mmap(NULL, sizeof(*reached), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reached == MAP_FAILED || mkdtemp(directory) == NULL || chdir(directory) < 0 || mkdir("state", 0700) < 0)
		return 1;
	loop_open();
	log_set_sink(to_stderr);
	CHECK(getpwnam("nobody") != NULL); /* the C library does not survive its first one without memory */
	fill_service(&web, "web", PROTOCOL_TCP, "10.0.0.5:80", "203.0.113.7:40123");
	fill_service(&game, "game", PROTOCOL_UDP, "", "203.0.113.7:40999");
	TAILQ_INSERT_TAIL(&table, &web, entry);
	TAILQ_INSERT_TAIL(&table, &game, entry);
	put("natter.cfg", "stun_server = { tcp = [ \"203.0.113.10\", \"stun.example.net:3479\" ]; udp = \"203.0.113.20\"; };\n"
			  "keep_alive = [ \"www.example.net\" ]; state_dir = \"state\";\n"
			  "status_report = { status_file = \"status.json\"; hook = \"echo {outer}\"; };\n"
			  "mappings = ( { name = \"web\"; protocol = \"tcp\"; target = \"192.0.2.1:80\"; },\n"
			  "             { name = \"game\"; protocol = \"udp\"; bind = \"8082\"; } );\n");
	status_set_file(base, "status.json");
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		CHECK(try_all(all[i].name, all[i].run, false) > 0);
		CHECK(try_all(all[i].name, all[i].run, true) > 0);
	}
	status_set_file(NULL, NULL);
	CHECK(unlink("status.json") == 0 && unlink("state/ports") == 0 && rmdir("state") == 0);
	CHECK(unlink("natter.cfg") == 0 && unlink("stderr") == 0 && chdir("/") == 0 && rmdir(directory) == 0);
	return check_done();
}
