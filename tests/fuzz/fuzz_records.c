/* SPDX-License-Identifier: ISC */
/*
 * What comes up from a worker that a stranger has taken over.  The input is its packets,
 * each after two bytes, the high one first, that tell its length; 0x8000 more: with a
 * descriptor.
 */
#include <sys/socket.h>

#include "broker.h"
#include "checknat_verdict.h"
#include "record.h"
#include "resolve.h"
#include "worker.h"

#define WITH_DESCRIPTOR 0x8000
/* More only take longer. */
#define PACKETS_MAX 100

/* broker.c's place: a socket, but not on a port. */
int
broker_make_socket(const struct mapping *mapping, enum socket_use use)
{
	(void)mapping, (void)use;
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int
broker_make_unbound(const struct mapping *mapping, enum socket_use use)
{
	return broker_make_socket(mapping, use);
}

int
broker_try_port(const struct mapping *mapping, bool reuse)
{
	(void)mapping, (void)reuse;
	return 0;
}

void
broker_change_congestion_control(int fd, const struct mapping *mapping)
{
	(void)fd, (void)mapping;
}

/* resolve.c's place. */
void
resolve_servers(const struct config_mapping *mapping, struct servers *out)
{
	(void)mapping;
	memset(out, 0, sizeof(*out));
	out->stun_count = out->keep_alive_count = 1;
	addr_parse("192.0.2.1:3478", 0, &out->stun[0].addr);
	addr_parse("192.0.2.2:80", 0, &out->keep_alive[0].addr);
}

static void
check_json(struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);

	MUST(text_is_printable(text, strlen(text) + 1));
	json_object_put(json);
}

/* The one packet of a NAT check's worker. */
static void
take_nat_report(const struct message *m)
{
	struct checknat_result result = {.parts[0] = {.reported = true}, .parts[1] = {.reported = true}};

	if (m->kind != MESSAGE_NAT || m->length != sizeof(m->nat) || !nat_report_is_valid(&m->nat))
		return;
	result.parts[PROTOCOL_TCP].report = result.parts[PROTOCOL_UDP].report = m->nat;
	check_json(checknat_verdict(&result));
}

static void
take_packet(const uint8_t *packet, size_t size, bool with_descriptor)
{
	const struct service *s = service_find("web");
	struct message m = {.kind = MESSAGE_NAT};

	if (size >= sizeof(m.kind)) {
		memcpy(&m.kind, packet, sizeof(m.kind));
		m.length = size - sizeof(m.kind);
		memcpy(&m.nat, packet + sizeof(m.kind), m.length < sizeof(m.nat) ? m.length : sizeof(m.nat));
		take_nat_report(&m);
		/* Nobody hears one that has been shown out. */
		(void)message_send(worker_fd, (enum message_kind)m.kind, packet + sizeof(m.kind), m.length,
		    with_descriptor ? STDERR_FILENO : -1);
	}
	event_base_loop(worker_base, EVLOOP_NONBLOCK);
	MUST(report_is_valid(&s->report));
	check_json(record_to_json(s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length, head;
	int packets;

	worker_begin();
	for (packets = 0; size >= 2 && packets < PACKETS_MAX; packets++, data += length, size -= length) {
		head = (size_t)(data[0] << 8 | data[1]);
		data += 2;
		size -= 2;
		length = head % WITH_DESCRIPTOR < size ? head % WITH_DESCRIPTOR : size;
		take_packet(data, length, head >= WITH_DESCRIPTOR);
	}
	spawn_reap(); /* it is gone, and the next one comes */
	event_base_loop(worker_base, EVLOOP_NONBLOCK);
	MUST(report_is_valid(&service_find("web")->report));
	worker_end();
	return 0;
}
