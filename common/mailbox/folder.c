/* Opening and closing folders, reading their messages, keywords, POP3. */
#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hash/siphash.h"
#include "common/mailbox/crlf.h"
#include "common/mailbox/internal.h"

/* ---- opening ---- */

static int
open_dirs(struct folder *f)
{
	f->dir_fd = mailbox_folder_dir(f->mb, &f->name);
	if (f->dir_fd == -1)
		return -1;
	/* Other programs may have made it without all of these. */
	f->cur_fd = dir_make(f->dir_fd, "cur", NULL);
	f->new_fd = dir_make(f->dir_fd, "new", NULL);
	f->tmp_fd = dir_make(f->dir_fd, "tmp", NULL);
	f->live_fd = dir_open(f->dir_fd, "cur");
	return f->cur_fd == -1 || f->new_fd == -1 || f->tmp_fd == -1 ||
	    f->live_fd == -1 ? -1 : 0;
}

static void
close_fd(int fd)
{
	if (fd != -1)
		close(fd);
}

static void
folder_free(struct folder *f)
{
	close_fd(f->pop3_fd);
	close_fd(f->live_fd);
	close_fd(f->tmp_fd);
	close_fd(f->new_fd);
	close_fd(f->cur_fd);
	close_fd(f->dir_fd);
	folder_ahead_clear(f);
	free(f->entries);
	free(f->rest);
	free(f->outline);
	free(f->changes.expunged_seq);
	free(f->changes.expunged_uid);
	free(f->changes.changed_seq);
	pool_clear(&f->pool);
	uidls_clear(&f->uidls);
	folder_more_clear(f);
	free(f);
}

int
folder_open(struct mailbox *mb, const struct folder_name *name, unsigned how,
    struct folder **out)
{
	struct folder *f;
	int saved;

	if ((*out = folder_kept(mb, name, how)) != NULL)
		return 0;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return -1;
	f->mb = mb;
	f->name = *name;
	f->how = how;
	f->dir_fd = f->cur_fd = f->new_fd = f->tmp_fd = f->live_fd = -1;
	f->pop3_fd = f->watch.cur_wd = f->watch.new_wd = -1;
	if (open_dirs(f) == 0 && folder_enter(f) == 0) {
		*out = f;
		return 0;
	}
	saved = errno;
	folder_free(f);
	errno = saved;
	return -1;
}

void
folder_close(struct folder *f)
{
	if (f == NULL)
		return;
	folder_settle(f);
	if (!folder_keep(f))
		folder_close_now(f);
}

void
folder_close_now(struct folder *f)
{
	folder_unwatch(f);
	folder_leave(f);
	folder_free(f);
}

void
folder_unwatch(struct folder *f)
{
	watch_end(f);
	if (f->rest != NULL || f->saved || !f->scanned || folder_lock(f) == -1)
		return;
	if (folder_is_unchanged(f))
		folder_view_save(f);
	folder_unlock(f);
}

/* ---- reading ---- */

static int
open_entry(struct folder *f, const struct entry *e)
{
	if (e->name == UINT32_MAX) {
		errno = ENOENT;
		return -1;
	}
	return file_open(entry_dir(f, e), entry_name(f, e), O_RDONLY);
}

int
folder_message_open(struct folder *f, size_t seq)
{
	struct entry *e = folder_entry(f, seq);
	int fd = open_entry(f, e), r;

	if (fd != -1 || errno != ENOENT || e->m.gone)
		return fd;
	/* Renamed by somebody: what is it called now? */
	r = folder_refresh(f);
	if (r == -1)
		return -1;
	fd = open_entry(f, folder_entry(f, seq));
	if (fd != -1 || errno != ENOENT || r == 0)
		return fd;
	if (folder_rescan(f) == -1)
		return -1;
	return open_entry(f, folder_entry(f, seq));
}

/* Its name as it is now, taken apart; ENOENT: it is gone. */
static int
message_name(struct folder *f, size_t seq, struct maildir_name *n)
{
	struct entry *e = folder_entry(f, seq);

	if (e->name == UINT32_MAX && !e->m.gone && folder_refresh(f) == -1)
		return -1;
	e = folder_entry(f, seq);
	if (e->name != UINT32_MAX &&
	    maildir_name_parse(slice_str(entry_name(f, e)), n) == PARSE_OK)
		return 0;
	errno = ENOENT;
	return -1;
}

int
folder_message_savedate(struct folder *f, size_t seq, time_t *date)
{
	struct maildir_name n;
	unsigned long long v;
	size_t digits = 0;

	if (message_name(f, seq, &n) == -1)
		return -1;
	if (n.has_saved) {
		*date = (time_t)n.saved;
		return 0;
	}
	/* "The left part of the name" begins with seconds since 1970. */
	while (digits < n.base.len && n.base.at[digits] >= '0' &&
	       n.base.at[digits] <= '9')
		digits++;
	if (digits < n.base.len && n.base.at[digits] == '.' &&
	    slice_number(slice_of(n.base.at, digits), UINT32_MAX, &v) == 0) {
		*date = (time_t)v;
		return 0;
	}
	errno = ENOENT;
	return -1;
}

int
folder_email_id(struct folder *f, size_t seq, char to[FOLDER_EMAIL_ID_SIZE])
{
	/* Two keys, not secret: 128 bits that only an owner could make collide.
	 */
	static const struct siphash_key keys[2] = {
		{ { UINT64_C(0x42756c6b68656164),
		    UINT64_C(0x454d41494c494431) } },
		{ { UINT64_C(0x42756c6b68656164),
		    UINT64_C(0x454d41494c494432) } },
	};
	struct maildir_name n;
	struct slice base;

	if (message_name(f, seq, &n) == -1)
		return -1;
	base = n.base.len > 0 ? n.base : n.fields;
	snprintf(to, FOLDER_EMAIL_ID_SIZE, "E%016llx%016llx",
	    (unsigned long long)siphash(&keys[0], base),
	    (unsigned long long)siphash(&keys[1], base));
	return 0;
}

static int
count_crlf(int fd, uint64_t *size)
{
	struct crlf c = { 0 };
	char buffer[32768];
	ssize_t n;
	off_t at = 0;

	*size = 0;
	while ((n = pread(fd, buffer, sizeof(buffer), at)) > 0) {
		*size += crlf_expanded_len(&c, buffer, (size_t)n);
		at += n;
	}
	return n == -1 ? -1 : 0;
}

static int
find_out(struct folder *f, size_t seq, struct index_record *r)
{
	int fd = folder_message_open(f, seq), answer = -1;
	struct stat st;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && count_crlf(fd, &r->crlf_size) == 0) {
		r->date = st.st_mtim.tv_sec;
		r->has_size = r->has_date = true;
		folder_index_found(f, folder_message(f, seq)->uid, r);
		answer = 0;
	}
	close(fd);
	return answer;
}

int
folder_message_size_known(struct folder *f, size_t seq, uint64_t *size)
{
	const struct entry *e = folder_entry(f, seq);
	struct index_record r = { 0 };
	struct maildir_name n;

	if (e->name != UINT32_MAX && maildir_name_parse(
	    slice_str(entry_name(f, e)), &n) == PARSE_OK && n.has_crlf_size) {
		*size = n.crlf_size;
		return 0;
	}
	if (folder_index_facts(f, e->m.uid, &r) == -1 || !r.has_size)
		return -1;
	*size = r.crlf_size;
	return 0;
}

void
folder_message_size_found(struct folder *f, size_t seq, uint64_t size)
{
	struct index_record r = { .crlf_size = size, .has_size = true };

	folder_index_found(f, folder_message(f, seq)->uid, &r);
}

int
folder_message_size(struct folder *f, size_t seq, uint64_t *size)
{
	struct index_record r = { 0 };

	if (folder_message_size_known(f, seq, size) == 0)
		return 0;
	if (find_out(f, seq, &r) == -1)
		return -1;
	*size = r.crlf_size;
	return 0;
}

int
folder_message_date(struct folder *f, size_t seq, time_t *date)
{
	const struct entry *e = folder_entry(f, seq);
	struct index_record r = { 0 };
	struct stat st;

	if (folder_index_facts(f, e->m.uid, &r) == 0 && r.has_date) {
		*date = r.date;
		return 0;
	}
	if (e->name == UINT32_MAX || fstatat(entry_dir(f, e), entry_name(f, e),
	    &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (find_out(f, seq, &r) == -1)
			return -1;
		*date = r.date;
		return 0;
	}
	*date = st.st_mtim.tv_sec;
	r = (struct index_record){ .date = *date, .has_date = true };
	folder_index_found(f, folder_message(f, seq)->uid, &r);
	return 0;
}

/* ---- keywords ---- */

/* Where the name stands; NULL: there are none of these. */
static char *
keyword_place(struct folder *f, unsigned n, bool make)
{
	return n < FOLDER_LETTERS ? f->state.keywords[n]
				  : folder_more_name(f, n, make);
}

const char *
folder_keyword(const struct folder *f, unsigned n)
{
	const char *name =
	    n >= FOLDER_KEYWORDS_MAX
		? NULL
		: keyword_place((struct folder *)(uintptr_t)f, n, false);

	return name != NULL && name[0] != '\0' ? name : NULL;
}

static int
keyword_find(const struct folder *f, struct slice name)
{
	for (unsigned n = 0; n < FOLDER_KEYWORDS_MAX; n++) {
		const char *at = folder_keyword(f, n);

		if (at != NULL && slice_equal_nocase(slice_str(at), name))
			return (int)n;
	}
	errno = ENOENT;
	return -1;
}

static int
keyword_add(struct folder *f, struct slice name)
{
	int n = keyword_find(f, name);
	char *at;

	if (n != -1)	/* somebody else was quicker */
		return n;
	for (n = 0; n < FOLDER_KEYWORDS_MAX; n++)
		if (folder_keyword(f, (unsigned)n) == NULL)
			break;
	if (n == FOLDER_KEYWORDS_MAX) {
		errno = ENOSPC;
		return -1;
	}
	at = keyword_place(f, (unsigned)n, true);
	if (at == NULL)
		return -1;
	slice_copy_str(name, at, FOLDER_KEYWORD_LEN_MAX + 1);
	if ((n < FOLDER_LETTERS ? folder_state_write(f)
				: folder_more_write(f)) == 0)
		return n;
	at[0] = '\0';
	return -1;
}

int
folder_keyword_number(struct folder *f, struct slice name, bool create)
{
	int n;

	if (!keyword_is_good(name) ||
	    slice_equal_nocase(name, slice_str("$Forwarded"))) {
		errno = EINVAL;
		return -1;
	}
	n = keyword_find(f, name);
	if (n != -1 || !create)
		return n;
	if (f->how & FOLDER_READ_ONLY) {
		errno = EROFS;
		return -1;
	}
	if (folder_lock(f) == -1)
		return -1;
	n = keyword_add(f, name);
	folder_unlock(f);
	return n;
}

/* ---- POP3 ---- */

int
folder_maildrop_lock(struct folder *f)
{
	int saved;

	if (f->pop3_fd != -1)
		return 0;
	f->pop3_fd = dir_open(f->dir_fd, "new");
	if (f->pop3_fd == -1)
		return -1;
	if (lock_fd(f->pop3_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	saved = errno == EWOULDBLOCK ? EBUSY : errno;
	close(f->pop3_fd);
	f->pop3_fd = -1;
	errno = saved;
	return -1;
}

void
folder_uidl(struct folder *f, size_t seq, char to[FOLDER_UIDL_SIZE])
{
	uint32_t uid = folder_message(f, seq)->uid;

	if (!f->uidls_read)
		uidls_read(f->dir_fd, f->state.identity, &f->uidls);
	f->uidls_read = true;
	if (!uidls_get(&f->uidls, uid, to))
		snprintf(to, FOLDER_UIDL_SIZE, "%08x%08x",
		    (unsigned)f->state.uidvalidity, (unsigned)uid);
}
