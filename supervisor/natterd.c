/* SPDX-License-Identifier: ISC */
/*
 * natterd: the supervisor.  main is a list of steps; the shut-down is the same
 * list backwards.  Everything after the ready message is events.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checknat_command.h"
#include "clockwatch.h"
#include "config.h"
#include "config_mistake.h"
#include "console.h"
#include "control.h"
#include "control_commands.h"
#include "daemon.h"
#include "files.h"
#include "hook.h"
#include "inherited.h"
#include "log.h"
#include "logger.h"
#include "metrics.h"
#include "netwatch.h"
#include "notify.h"
#include "options.h"
#include "pid_file.h"
#include "ports.h"
#include "privileges.h"
#include "publish.h"
#include "reload.h"
#include "resolve.h"
#include "service.h"
#include "single.h"
#include "spawn.h"
#include "status.h"
#include "unrest.h"

static bool was_on_terminal; /* at the start, and stays there */

static void
on_end_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	log_info("natterd: ending at signal %s", strsignal((int)number));
	event_base_loopbreak(arg);
}

/* One that has hung up is none any more. */
static bool
is_on_terminal(void)
{
	return isatty(STDIN_FILENO) || isatty(STDERR_FILENO);
}

/* From a terminal that went away it means the end, from everybody else that natter.cfg is to be read again. */
static void
on_hang_up(evutil_socket_t number, short what, void *arg)
{
	struct reload_result result;

	if (was_on_terminal && !is_on_terminal()) {
		on_end_signal(number, what, arg);
		return;
	}
	reload_now(&result);
	reload_result_free(&result);
}

static struct event *
watch_signal(struct event_base *base, int number, bool single)
{
	bool ends = number != SIGHUP || single;
	struct event *e = evsignal_new(base, number, ends ? on_end_signal : on_hang_up, base);

	if (e == NULL || event_add(e, NULL) < 0)
		fatal("natterd: cannot watch signals");
	return e;
}

static bool
is_single(const struct options *options)
{
	return addr_is_set(&options->port) && !options->check_nat;
}

/* One line, so that nobody wonders later why a port below 1024 fails. */
static void
say_what_is_missing(void)
{
	if (geteuid() != 0)
		log_warning("natterd: started without root: workers run as this user (uid %u), ports below 1024 and large "
		            "UDP buffers are not to be had",
		    geteuid());
}

static int
choose_log(const struct options *options, const struct config *config)
{
	if (options->foreground)
		return 0;
	config_mistake_mark(NULL);
	if (logger_choose(config->log_file) == 0)
		return 0;
	log_error("natterd: cannot open the log file %s: %s", config->log_file, files_why(errno));
	return -1;
}

static struct config *
load(const struct options *options)
{
	struct config *config = is_single(options) ? single_load(options) : config_load(options->config_file);

	if (config == NULL)
		exit(EXIT_FAILURE);
	if (options->verbose > 0)
		config_set_log_level(config, LOG_LEVEL_DEBUG);
	else if (is_single(options))
		config_set_log_level(config, LOG_LEVEL_WARNING); /* the console says the rest */
	log_set_level(config->log_level);
	return config;
}

/* A service is there once; one port from the command line only needs that port. */
static int
take_place(const struct options *options, struct config *config)
{
	if (is_single(options))
		return single_check_port(&TAILQ_FIRST(&config->mappings)->mapping);
	if (pid_file_take(config->pid_file) < 0 || ports_assign(config) < 0)
		return -1;
	ports_use(config);
	return 0;
}

static int
open_control(struct event_base *base, const struct config *config)
{
	if (config->control_socket == NULL)
		return 0;
	/* Natterd's own group: the workers' must not reach the socket. */
	if (control_open(base, config->control_socket, (gid_t)-1) == 0) {
		publish_add_observer(control_report);
		return 0;
	}
	log_error("natterd: cannot open the control socket %s: %s", config->control_socket, files_why(errno));
	return -1;
}

static int
open_resolver(struct event_base *base, const struct config *config)
{
	if (resolve_open(base, config, services_update_servers) == 0)
		return 0;
	log_error("natterd: cannot begin to resolve names: %s", strerror(errno));
	return -1;
}

static void
on_network_change(void)
{
	unrest_note(UNREST_NETWORK);
}

static void
on_clock_jump(int64_t seconds)
{
	services_shift_times(seconds);
	metrics_shift_start(seconds);
	status_write_soon();
	unrest_note(UNREST_CLOCK);
}

static void
look_again(enum unrest what)
{
	if (what == UNREST_CLOCK)
		log_info("natterd: the clock jumped or the machine was suspended: looking again");
	else
		log_debug("natterd: the network changed: looking again");
	resolve_again();
	services_look_again();
}

static void
watch_machine(struct event_base *base)
{
	unrest_open(base, look_again);
	if (netwatch_open(base, on_network_change) < 0)
		log_warning("natterd: cannot watch the network for changes: %s", strerror(errno));
	if (clockwatch_open(base, on_clock_jump) < 0)
		log_warning("natterd: cannot watch the clock for jumps: %s", strerror(errno));
}

static void
say_what_begins(const struct options *options, const struct config *config)
{
	if (is_single(options))
		log_info("natterd: version " NATTER_VERSION " keeps %s open, with the %s%s",
		    TAILQ_FIRST(&config->mappings)->mapping.name,
		    options->config_file != NULL ? "servers of " : "built-in servers",
		    options->config_file != NULL ? config->file : "");
	else
		log_info("natterd: version " NATTER_VERSION " serves %zu mapping%s of %s", config->mapping_count,
		    config->mapping_count == 1 ? "" : "s", config->file);
}

/* The log is chosen last, so that whatever fails before is said on the terminal. */
static int
open_all(struct event_base *base, const struct options *options, struct config *config)
{
	if (take_place(options, config) < 0 || spawn_open(base) < 0 ||
	    open_control(base, config) < 0 || open_resolver(base, config) < 0 || choose_log(options, config) < 0)
		return -1;
	daemon_leave_terminal(); /* before the first child could have it */
	say_what_begins(options, config);
	control_commands_open(base, config, control_answer_waiting);
	watch_machine(base);
	metrics_open();
	status_set_file(base, config->status_file);
	services_start(base, config);
	status_write_now();
	return 0;
}

/* Also after an open_all that came to an end half way.  When it is the hooks' turn nothing
 * else is left that could happen in the loop. */
static void
close_all(struct event_base *base)
{
	notify_stopping();
	control_commands_close();
	services_stop();
	status_write_stopped();
	services_free();
	status_set_file(NULL, NULL);
	clockwatch_close();
	netwatch_close();
	unrest_close();
	resolve_close();
	control_close();
	hooks_end(base);
	spawn_close();
	pid_file_remove();
}

/* *config may be another one afterwards. */
static int
serve(const struct options *options, struct config **config)
{
	struct event_base *base;
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct event *watched[3];
	int result;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit of files is as a full disk */
	signal(SIGHUP, SIG_IGN); /* while it is not watched */
	signal(SIGUSR1, SIG_IGN); /* until the log is open */
	signal(SIGUSR2, SIG_IGN);
	if (privileges_reduce(!is_single(options)) < 0)
		return -1;
	notify_open(options->foreground);
	base = event_base_new(); /* after the fork: an epoll descriptor is not to be shared */
	if (base == NULL)
		fatal("natterd: cannot make an event loop");
	console_use_loop(base);
	logger_open(base);
	was_on_terminal = options->foreground && is_on_terminal();
	for (i = 0; i < 3; i++)
		watched[i] = watch_signal(base, signals[i], is_single(options));
	ports_open(base);
	result = open_all(base, options, *config);
	reload_open(base, options, config);
	if (result == 0) {
		daemon_ready();
		notify_ready();
		event_base_dispatch(base);
		result = console_has_failed() ? -1 : 0;
	}
	event_del(watched[2]); /* a hang-up: too late for what it asks for */
	close_all(base);
	ports_close();
	for (i = 0; i < 3; i++)
		event_free(watched[i]);
	logger_close();
	event_base_free(base);
	return result;
}

static void
show_on_console(const struct options *options, const struct config *config)
{
	console_open(&TAILQ_FIRST(&config->mappings)->mapping);
	publish_add_observer(console_report);
	publish_quiet_log();
	if (options->verbose > 0)
		logger_use_stderr();
}

static void
show_in_log(const struct options *options, const struct config *config)
{
	if (config->mapping_count == 0)
		log_warning("natterd: %s has no mapping: there is nothing to do", config->file);
	if (options->foreground)
		logger_use_stderr();
	else
		daemon_start();
	say_what_is_missing();
}

/* Of a file only the servers matter. */
static int
check_nat(const struct options *options)
{
	struct config *config = config_single(options->config_file, NULL);
	int status = OPTIONS_USAGE; /* 1 would say that the NAT is at fault */

	if (config == NULL)
		return status;
	config->log_level = options->verbose > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	log_set_level(config->log_level);
	if (privileges_reduce(false) == 0)
		status = checknat_command(config, &options->port, options->json);
	config_free(config);
	return status;
}

/* With -v in full, else as a table. */
static int
check(const struct options *options)
{
	struct config *config;

	if (options->verbose > 0) {
		if (config_print(options->config_file, stdout) < 0)
			return EXIT_FAILURE;
	} else {
		config = load(options);
		config_describe(config);
		config_free(config);
	}
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return EXIT_SUCCESS;
	log_error("natterd: cannot write the configuration: %s", strerror(errno));
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct options options = options_parse(argc, argv);
	struct config *config;
	int result;

	config_mistake_mark(stderr);
	inherited_replace();
	if (options.check_nat)
		return check_nat(&options);
	if (options.check_only)
		return check(&options);
	config = load(&options);
	if (is_single(&options))
		show_on_console(&options, config);
	else
		show_in_log(&options, config);
	result = serve(&options, &config);
	config_free(config);
	if (result < 0)
		return EXIT_FAILURE;
	log_info("natterd: ended");
	if (is_single(&options))
		console_close();
	return EXIT_SUCCESS;
}
