/* SPDX-License-Identifier: ISC */
/*
 * The way to a file through directories that others may write to.
 */
#ifndef WAY_H
#define WAY_H

/* Opens (O_PATH) the directory that path lies in, and sets *name to path's last part, the file in it.  Symbolic links
 * on the way are followed only if they are root's or our own: a link that somebody else put there would lead us
 * where he may not write himself.  Of the file itself nothing is known.  Returns the descriptor, or -1 with
 * errno: ELOOP if there is such a link, or too many. */
int way_open(const char *path, const char **name);

#endif
