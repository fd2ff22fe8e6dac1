/* SPDX-License-Identifier: ISC */
/*
 * The import of a v0.9 configuration; see natterctl_import.h.  Here are its keys
 * in the order of our natter.cfg, and what is told about each.
 */
#include "natterctl_import.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "config_hosts.h"
#include "log.h"
#include "natterctl_ask.h"
#include "natterctl_cfg.h"
#include "natterctl_import_ports.h"
#include "natterctl_import_value.h"
#include "natterctl_json.h"

/* Servers of v0.9's template that did not answer when all were last checked. */
static const char *const dead_servers[] = {"stun.stunprotocol.org", "stun.isp.net.au", "stun.qq.com"};

static void
write_level(struct natterctl_import *im, const char *path, struct json_object *value)
{
	const char *level = natterctl_import_text(im, path, value);

	if (level == NULL)
		return;
	if (log_level_find(level) < 0)
		natterctl_import_mistake(im, path,
		    "\"%.100s\" is no level; choose \"debug\", \"info\", \"warning\", \"error\" or \"critical\"", level);
	if (strcmp(level, "critical") == 0)
		natterctl_cfg_comment(im->out, 1, "The same as error now.");
	natterctl_cfg_setting(im->out, 1, natterctl_import_key(path), level);
}

static void
write_path(struct natterctl_import *im, const char *path, const char *text)
{
	if (text[0] != '\0' && text[0] != '/')
		natterctl_cfg_comment(im->out, 1,
		    "This begins in the folder of natter.cfg; in v0.9 it began in the working directory.");
	natterctl_cfg_setting(im->out, 1, natterctl_import_key(path), text);
}

static void
write_log_file(struct natterctl_import *im, const char *path, struct json_object *value)
{
	const char *text = natterctl_import_text(im, path, value);

	if (text == NULL)
		return;
	if (text[0] == '\0')
		natterctl_cfg_comment(im->out, 1, "Empty means syslog.");
	write_path(im, path, text);
}

static const struct natterctl_import_key logging_keys[] = {
    {"level", write_level},
    {"log_file", write_log_file},
    {NULL, NULL},
};

static void
write_logging(struct natterctl_import *im, const char *path, struct json_object *value)
{
	fputc('\n', im->out);
	natterctl_import_group(im, path, value, logging_keys);
}

static void
write_hook(struct natterctl_import *im, const char *path, struct json_object *value)
{
	const char *text = natterctl_import_text(im, path, value);

	if (text == NULL)
		return;
	if (text[0] != '\0')
		natterctl_cfg_comment(im->out, 1,
		    "It runs in the folder of natter.cfg, in v0.9 in the working directory; one at a time for each "
		    "mapping, for at most 30 seconds. v0.9's words in braces are replaced as before, in quotes or not; so "
		    "are the other fields that \"natterctl show\" prints.");
	natterctl_cfg_setting(im->out, 1, natterctl_import_key(path), text);
}

static void
write_status_file(struct natterctl_import *im, const char *path, struct json_object *value)
{
	const char *text = natterctl_import_text(im, path, value);

	if (text == NULL)
		return;
	if (text[0] != '\0')
		natterctl_cfg_comment(im->out, 1,
		    "v0.9's lists \"tcp\" and \"udp\" are in it as before, and more besides; after a clean end it names "
		    "no address.");
	write_path(im, path, text);
}

static const struct natterctl_import_key status_report_keys[] = {
    {"hook", write_hook},
    {"status_file", write_status_file},
    {NULL, NULL},
};

static void
write_status_report(struct natterctl_import *im, const char *path, struct json_object *value)
{
	fputc('\n', im->out);
	natterctl_import_group(im, path, value, status_report_keys);
}

/* A host with or without a port, as it goes into natter.cfg.  Returns -1 after
 * logging the mistake. */
static int
read_server(struct natterctl_import *im, const char *path, const char *text, uint16_t default_port,
    char host[ADDR_HOST_SIZE])
{
	uint16_t port;

	if (addr_split(text, default_port, host, &port) == 0)
		return 0;
	natterctl_import_mistake(im, path, "\"%.100s\" is no server; write it as \"example.com\" or \"example.com:%u\"",
	    text, default_port);
	return -1;
}

static void
read_stun_server(struct natterctl_import *im, const char *path, struct json_object *value,
    struct natterctl_cfg_item *item)
{
	char host[ADDR_HOST_SIZE];
	size_t i;

	item->text = natterctl_import_text(im, path, value);
	if (item->text == NULL || read_server(im, path, item->text, CONFIG_HOSTS_STUN_PORT, host) < 0)
		return;
	for (i = 0; i < sizeof(dead_servers) / sizeof(dead_servers[0]); i++)
		if (strcasecmp(host, dead_servers[i]) == 0)
			snprintf(item->comment, sizeof(item->comment),
			    "was dead when last checked, in August 2026; better take it away.");
}

static void
write_stun_list(struct natterctl_import *im, const char *path, struct json_object *value)
{
	struct natterctl_cfg_item *items;
	size_t i, count;
	int depth = natterctl_import_depth(path);

	if (!natterctl_import_is_list(im, path, value))
		return;
	count = json_object_array_length(value);
	if (count == 0)
		natterctl_cfg_comment(im->out, depth, "Empty: natterd takes its own list.");
	items = alloc_zero((count + 1) * sizeof(*items));
	for (i = 0; i < count; i++) {
		read_stun_server(im, path, json_object_array_get_idx(value, i), &items[i]);
		items[i].left_out = i >= SERVERS_MAX;
		if (!items[i].left_out)
			continue;
		items[i].lead = NATTERCTL_CFG_NOT_TAKEN;
		snprintf(items[i].comment, sizeof(items[i].comment), "because a list has at most %d servers.",
		    SERVERS_MAX);
	}
	if (im->mistakes == 0)
		natterctl_cfg_list(im->out, depth, natterctl_import_key(path), items, count);
	free(items);
}

static const struct natterctl_import_key stun_server_keys[] = {
    {"tcp", write_stun_list},
    {"udp", write_stun_list},
    {NULL, NULL},
};

static void
write_stun_server(struct natterctl_import *im, const char *path, struct json_object *value)
{
	fputc('\n', im->out);
	natterctl_cfg_comment(im->out, 0, "\"HOST\" or, with another port than 3478, \"HOST:PORT\".");
	natterctl_import_group(im, path, value, stun_server_keys);
}

static void
write_keep_alive(struct natterctl_import *im, const char *path, struct json_object *value)
{
	const char *text = natterctl_import_text(im, path, value), *second;
	struct natterctl_cfg_item item = {.text = text};
	char host[ADDR_HOST_SIZE];

	fputc('\n', im->out);
	if (text == NULL)
		return;
	if (text[0] == '\0') {
		natterctl_cfg_comment(im->out, 0,
		    NATTERCTL_CFG_NOT_TAKEN "keep_alive, because it is empty. natterd takes its own list.");
		return;
	}
	if (read_server(im, path, text, CONFIG_HOSTS_KEEP_ALIVE_PORT, host) < 0)
		return;
	second = strcasecmp(host, "www.baidu.com") == 0 ? "www.qq.com" : "www.baidu.com";
	natterctl_cfg_comment(im->out, 0,
	    "Web servers, for TCP only. v0.9 had one, for TCP at port 80 and for UDP at port 30003; now a UDP mapping is "
	    "kept alive by its STUN servers. Better name two, so that one may fail:");
	natterctl_cfg_comment(im->out, 0, "keep_alive = [ \"%s\", \"%s\" ];", text, second);
	natterctl_cfg_list(im->out, 0, path, &item, 1);
}

static const struct natterctl_import_key keys[] = {
    {"logging", write_logging},
    {"status_report", write_status_report},
    {"open_port", natterctl_import_open_port},
    {"forward_port", natterctl_import_forward_port},
    {"stun_server", write_stun_server},
    {"keep_alive", write_keep_alive},
    {NULL, NULL},
};

static void
write_file(struct natterctl_import *im, struct json_object *v09)
{
	natterctl_cfg_comment(im->out, 0, "natter.cfg, made by \"natterctl import\" of %s.", im->name);
	fputs("#\n", im->out);
	natterctl_cfg_comment(im->out, 0,
	    "\"natterd -n -c FILE\" checks it and prints what would run; natter.cfg(5) tells everything. What is missing "
	    "here stands behind the words \"Not taken over\".");
	natterctl_import_members(im, "", v09, keys);
	natterctl_import_renamed(im);
}

static void
to_stderr(enum log_level level, const char *text)
{
	(void)level;
	fprintf(stderr, "natterctl: %s\n", text);
}

int
natterctl_import(const char *file)
{
	struct natterctl_import im = {.name = natterctl_json_name(file)};
	struct json_object *v09;
	char *text = NULL;
	size_t size = 0;

	log_set_sink(to_stderr);
	v09 = natterctl_json_read(file);
	if (v09 == NULL)
		return NATTERCTL_REFUSED;
	im.out = open_memstream(&text, &size);
	if (im.out == NULL)
		fatal("out of memory");
	STAILQ_INIT(&im.mappings);
	write_file(&im, v09);
	alloc_text_end(im.out, &text);
	if (im.mistakes == 0)
		fwrite(text, 1, size, stdout);
	natterctl_import_free_mappings(&im);
	free(text);
	json_object_put(v09);
	return im.mistakes == 0 ? NATTERCTL_OK : NATTERCTL_REFUSED;
}
