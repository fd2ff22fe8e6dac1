/* SPDX-License-Identifier: ISC */
/*
 * v0.9's mappings; see natterctl_import_ports.h.
 */
#include "natterctl_import_ports.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "natterctl_cfg.h"

/* Reads one element of a list into m, and decides about the item. */
typedef void item_reader(struct natterctl_import *im, struct natterctl_import_mapping *m,
    struct natterctl_cfg_item *item);

static const struct natterctl_import_mapping *
find_collision(const struct natterctl_import *im, const struct mapping *mapping)
{
	const struct natterctl_import_mapping *other;

	STAILQ_FOREACH(other, &im->mappings, entry)
		if (mapping_binds_collide(mapping, &other->mapping))
			return other;
	return NULL;
}

static bool
is_taken(const struct natterctl_import *im, const char *name)
{
	const struct natterctl_import_mapping *other;

	STAILQ_FOREACH(other, &im->mappings, entry)
		if (strcmp(name, other->mapping.name) == 0)
			return true;
	return false;
}

static void
read_open(struct natterctl_import *im, struct natterctl_import_mapping *m, struct natterctl_cfg_item *item)
{
	const struct natterctl_import_mapping *other;

	other = find_collision(im, &m->mapping);
	mapping_derive_name(&m->mapping);
	if (other == NULL)
		return;
	item->left_out = true;
	item->lead = NATTERCTL_CFG_NOT_TAKEN;
	snprintf(item->comment, sizeof(item->comment),
	    "because %s port %u already belongs to \"%.*s\".", protocol_name(m->mapping.protocol),
	    addr_port(&m->mapping.bind), ADDR_TEXT_SIZE, other->text);
}

/* The name that natterd would give it, or that with a number behind it. */
static void
read_forward(struct natterctl_import *im, struct natterctl_import_mapping *m, struct natterctl_cfg_item *item)
{
	struct mapping *mapping = &m->mapping;
	unsigned int number = 1;
	size_t length;

	mapping->target = mapping->bind;
	addr_parse("0.0.0.0", 0, &mapping->bind);
	mapping_derive_name(mapping);
	length = strlen(mapping->name);
	while (is_taken(im, mapping->name))
		snprintf(mapping->name + length, sizeof(mapping->name) - length, "-%u", ++number);
	if (number == 1)
		return;
	m->is_renamed = true;
	item->left_out = true;
	snprintf(item->comment, sizeof(item->comment), "stands above already; this one is below, in mappings.");
}

/* One address of a list.  Returns 0, or -1 after logging the mistake. */
static int
read_address(struct natterctl_import *im, const char *path, struct json_object *value, struct addr *out,
    const char **text)
{
	*text = natterctl_import_text(im, path, value);
	if (*text == NULL)
		return -1;
	if (addr_parse(*text, 0, out) == 0 && addr_port(out) != 0)
		return 0;
	natterctl_import_mistake(im, path,
	    "\"%.100s\" is no address; write it as \"192.168.1.2:80\", an IP with a port from 1 to 65535", *text);
	return -1;
}

static void
read_element(struct natterctl_import *im, const char *path, struct json_object *value, item_reader *read,
    struct natterctl_cfg_item *item)
{
	struct natterctl_import_mapping *m = alloc_zero(sizeof(*m));

	m->mapping.protocol = PROTOCOL_TCP;
	if (strcmp(natterctl_import_key(path), protocol_name(PROTOCOL_UDP)) == 0)
		m->mapping.protocol = PROTOCOL_UDP;
	if (read_address(im, path, value, &m->mapping.bind, &m->text) == 0) {
		item->text = m->text;
		read(im, m, item);
		if (!item->left_out || m->is_renamed) {
			STAILQ_INSERT_TAIL(&im->mappings, m, entry);
			return;
		}
	}
	free(m);
}

static void
write_list(struct natterctl_import *im, const char *path, struct json_object *value, item_reader *read)
{
	struct natterctl_cfg_item *items;
	size_t i, count;

	if (!natterctl_import_is_list(im, path, value))
		return;
	count = json_object_array_length(value);
	items = alloc_zero((count + 1) * sizeof(*items));
	for (i = 0; i < count; i++)
		read_element(im, path, json_object_array_get_idx(value, i), read, &items[i]);
	if (im->mistakes == 0)
		natterctl_cfg_list(im->out, natterctl_import_depth(path), natterctl_import_key(path), items, count);
	free(items);
}

static void
write_open(struct natterctl_import *im, const char *path, struct json_object *value)
{
	write_list(im, path, value, read_open);
}

static void
write_forward(struct natterctl_import *im, const char *path, struct json_object *value)
{
	write_list(im, path, value, read_forward);
}

static const struct natterctl_import_key open_keys[] = {
    {"tcp", write_open},
    {"udp", write_open},
    {NULL, NULL},
};

static const struct natterctl_import_key forward_keys[] = {
    {"tcp", write_forward},
    {"udp", write_forward},
    {NULL, NULL},
};

void
natterctl_import_open_port(struct natterctl_import *im, const char *path, struct json_object *value)
{
	fputc('\n', im->out);
	natterctl_cfg_comment(im->out, 0,
	    "Ports that a program on this machine has itself: they are opened, and nothing is relayed. As in v0.9 an "
	    "address is the one that is bound.");
	natterctl_import_group(im, path, value, open_keys);
}

void
natterctl_import_forward_port(struct natterctl_import *im, const char *path, struct json_object *value)
{
	fputc('\n', im->out);
	natterctl_cfg_comment(im->out, 0,
	    "Services to forward to, here or on another machine. natterd listens on a port that it chooses: v0.9 took "
	    "another one at each start, natterd remembers it.");
	natterctl_import_group(im, path, value, forward_keys);
}

static void
write_renamed(FILE *out, const struct natterctl_import_mapping *m, bool is_first)
{
	fputs(is_first ? "\n" : ",\n", out);
	natterctl_cfg_indent(out, 1);
	/* The three have been checked: none has a character to escape. */
	fprintf(out, "{ name = \"%s\"; protocol = \"%s\"; target = \"%s\"; }", m->mapping.name,
	    protocol_name(m->mapping.protocol), m->text);
}

void
natterctl_import_renamed(struct natterctl_import *im)
{
	const struct natterctl_import_mapping *m;
	bool is_first = true;

	STAILQ_FOREACH(m, &im->mappings, entry) {
		if (!m->is_renamed)
			continue;
		if (is_first) {
			fputc('\n', im->out);
			natterctl_cfg_comment(im->out, 0,
			    "Addresses that stood twice above. v0.9 opened a port for each, and so does this; here they "
			    "have the names that natterd asks for. Take away what is too much.");
			fputs("mappings = (", im->out);
		}
		write_renamed(im->out, m, is_first);
		is_first = false;
	}
	if (!is_first)
		fputs("\n);\n", im->out);
}

void
natterctl_import_free_mappings(struct natterctl_import *im)
{
	struct natterctl_import_mapping *m;

	while ((m = STAILQ_FIRST(&im->mappings)) != NULL) {
		STAILQ_REMOVE_HEAD(&im->mappings, entry);
		free(m);
	}
}
