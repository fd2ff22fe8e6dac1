/* SPDX-License-Identifier: ISC */
/*
 * Small files that are replaced as a whole: a reader sees the old content or
 * the new, also after a crash or a loss of power.
 */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>
#include <sys/types.h>

/* Writes data to a temporary beside path and renames it to path.  The file has
 * exactly mode, whatever the umask, and no more before.  What exists at path must be a regular
 * file: a symbolic link is not followed (ELOOP), a device or the like is not
 * replaced (EINVAL), nor is a directory (EISDIR).  Returns 0, or -1 with errno,
 * nothing of the temporary being left.  A failure after the rename means that
 * the new content is there but may not survive a loss of power. */
int files_write_atomically(const char *path, const void *data, size_t length, mode_t mode);

/* Removes the temporaries that processes left beside path which were killed while they wrote it.
 * For who is the only one to write path. */
void files_remove_leftovers(const char *path);

/* As open(2), for a file that is written where it lies: never through a symbolic link at
 * its name (ELOOP), nor a file that has another name (EMLINK), be that the doing of somebody who
 * wants that file changed. */
int files_open(const char *path, int flags, mode_t mode);

/* Makes the directory that path lies in, mode 0755, unless it is there; its own
 * parent must be.  Returns 0, or -1 with errno. */
int files_make_parent(const char *path);

/* errno of any of these, in plain words.  Each goes the way of way_open. */
const char *files_why(int error);

#endif
