/* SPDX-License-Identifier: ISC */
/*
 * What a client of the control socket sends: each answer is a line of JSON, and the
 * service goes on.  Neither the NAT nor natter.cfg is looked at.
 */
#include "control.h"

#include <event2/buffer.h>
#include <sys/socket.h>

#include "checknat.h"
#include "control_client.h"
#include "control_commands.h"
#include "publish.h"
#include "reload.h"
#include "worker.h"

/* checknat.c's place: a check without end. */
struct checknat *
checknat_start(struct event_base *base, const struct config *config, const struct addr *bind, checknat_done *done,
    void *context)
{
	(void)base, (void)config, (void)bind, (void)done, (void)context;
	return (struct checknat *)&worker_fd;
}

void
checknat_free(struct checknat *check)
{
	(void)check;
}

/* reload.c's place. */
void
reload_now(struct reload_result *result)
{
	memset(result, 0, sizeof(*result));
	result->done = true;
}

void
reload_result_free(struct reload_result *result)
{
	(void)result;
}

const char *
reload_text(const struct reload_result *result, char buf[RELOAD_TEXT_SIZE])
{
	(void)result;
	strlcpy(buf, "in words", RELOAD_TEXT_SIZE);
	return buf;
}

static void
check_answer(char *line)
{
	struct json_object *answer = json_tokener_parse(line), *member;

	MUST(text_is_printable(line, strlen(line) + 1));
	MUST(json_object_object_get_ex(answer, "ok", &member) || json_object_object_get_ex(answer, "event", &member));
	json_object_put(answer);
	free(line);
}

/* Until nothing comes any more. */
static void
hear(int fd)
{
	struct evbuffer *heard = evbuffer_new();
	int idle;
	char *line;

	for (idle = 0; idle < 3; idle++) {
		event_base_loop(worker_base, EVLOOP_NONBLOCK);
		if (evbuffer_read(heard, fd, -1) > 0)
			idle = -1;
		while ((line = evbuffer_readln(heard, NULL, EVBUFFER_EOL_LF)) != NULL)
			check_answer(line);
	}
	MUST(evbuffer_get_length(heard) == 0);
	evbuffer_free(heard);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool observed;
	int pair[2];

	if (!observed)
		publish_add_observer(control_report);
	observed = true;
	worker_begin();
	control_commands_open(worker_base, worker_config, control_answer_waiting);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	MUST(control_client_new(worker_base, pair[0]));
	MUST(send(pair[1], data, size, MSG_NOSIGNAL) == (ssize_t)size);
	MUST(shutdown(pair[1], SHUT_WR) == 0);
	hear(pair[1]);
	close(pair[1]);
	control_clients_end();
	control_commands_close();
	worker_end();
	return 0;
}
