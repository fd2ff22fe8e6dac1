/* SPDX-License-Identifier: ISC */
/*
 * What natter.cfg says of a mapping's hook: what runs, as whom, how long, and
 * how often again.
 */
#ifndef HOOK_SETTINGS_H
#define HOOK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOOK_TIMEOUT_DEFAULT 30
#define HOOK_TIMEOUT_MAX 3600
#define HOOK_RETRY_MAX 1000
/* While natter.cfg is read: the mapping leaves it to the global setting. */
#define HOOK_RETRY_UNSET UINT32_MAX

struct hook_settings {
	char *command;    /* for /bin/sh; NULL: there is no hook */
	char *user;       /* the account that it runs as; NULL: natterd's own, as natterd is */
	uid_t uid;        /* this and the next three are the account's */
	gid_t gid;
	char *home;
	char *shell;
	uint32_t timeout; /* seconds that a run may take, 1 to HOOK_TIMEOUT_MAX */
	uint32_t retry;   /* so often a run that failed is repeated, 0 to HOOK_RETRY_MAX */
};

/* *to becomes a copy of its own; what was in it is not freed. */
void hook_settings_copy(const struct hook_settings *from, struct hook_settings *to);
/* The account alone: what to had is freed. */
void hook_settings_copy_account(const struct hook_settings *from, struct hook_settings *to);
bool hook_settings_equal(const struct hook_settings *a, const struct hook_settings *b);
/* Leaves it empty. */
void hook_settings_free(struct hook_settings *settings);

#endif
