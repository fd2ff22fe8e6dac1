/* SPDX-License-Identifier: ISC */
/*
 * What natterd was started with and changes for itself alone: the umask and the limit of
 * open descriptors, which hooks get as they were; and standard descriptors that it was not given.
 */
#ifndef INHERITED_H
#define INHERITED_H

/* From now on files get the modes that they are made with, and nobody else may write what is made with none; as many
 * descriptors may be open as the hard limit has it.  A standard descriptor that was closed is /dev/null.  Before anything
 * is opened. */
void inherited_replace(void);

/* In a child. */
void inherited_restore(void);

#endif
