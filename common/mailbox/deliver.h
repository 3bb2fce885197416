/*
 * Delivery into an owner's mail: many messages at once, durable on return.
 *
 * The order that no power cut breaks: write each to tmp/, start writing all of
 * them to disk, sync the files, rename each into new/, fsync new/ once.  Few
 * files are synced by fsync(2), more of them by one syncfs(2): a batch waits for
 * the disk twice, however many messages it holds.
 *
 * A file's name holds queue id, recipient number and the spool's nonce:
 *	<seconds>.Q<queue id>R<number>.<nonce>,S=<size>,W=<size with CRLF>
 * so that an attempt whose outcome nobody knows is found again.
 */
#ifndef COMMON_MAILBOX_DELIVER_H
#define COMMON_MAILBOX_DELIVER_H

#include "common/ipc/delivery.h"
#include "common/mailbox/mailbox.h"

enum { DELIVER_BATCH_MAX = 128 };	/* its descriptors are open at once */

struct delivery_item {
	struct delivery	 d;		/* with the detail */
	int		 fd;		/* content; read with pread only */
	struct delivered result;	/* set; its text is a constant */
	/* private */
	struct delivery_file *file;
};

/*
 * Deliver up to DELIVER_BATCH_MAX messages; each item's result is set.  What
 * is not delivered leaves nothing behind in tmp/.  The process must ignore
 * SIGXFSZ.  "delivered" is answered only after everything is on disk.
 *
 * d.detail names a folder: one that exists, compared without case, takes the
 * message, else INBOX does.  A Delivered-To field with the recipient's address
 * means a loop: failed, 5.4.6.
 */
void mailbox_deliver(struct mailbox *, struct delivery_item *items, size_t n);

/* Remove from the tmp/ of all folders what was left there 36 hours ago. */
void mailbox_clean_tmp(struct mailbox *);

#endif
