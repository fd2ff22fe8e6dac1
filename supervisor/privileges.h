/* SPDX-License-Identifier: ISC */
/*
 * What natterd keeps of root's rights.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>

/* Drops every capability that natterd does not use, before there is any child.  The bounding set keeps besides
 * those what the children take for themselves at exec: workers, and, if it runs_hooks, hooks that run as
 * root.  Without hooks nothing that is executed can gain more (no_new_privs).  With no_new_privs, also a
 * service manager's, exec gives nothing back: then what children take stays permitted, but not
 * effective.  Without root the same of what there is.  Returns 0, or -1 with the error logged, also
 * if root does not have what no worker can do without. */
int privileges_reduce(bool runs_hooks);

#endif
