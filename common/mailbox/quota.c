/*
 * How much an owner has: octets and messages of all folders, as the files'
 * names say (S=) or else their sizes.  Other programs add and remove files, so
 * it is counted from the directories; what each cur/ and new/ held is
 * remembered in the index, with the time at which the directory was last
 * changed, and only those that were changed since are read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/codec.h"
#include "common/checksum/crc32c.h"
#include "common/mailbox/internal.h"

enum {
	PART_VERSION = 1,
	PART_LEN = 49,
	/* A count that is not older is good enough, but not to refuse mail. */
	FRESH_MS = 1000,
	/* A directory that holds more, and changes all the time, is read again
	 * so seldom. */
	LARGE = 10000,
	LARGE_MS = 5000
};

/* What the index remembers of a directory. */
struct part {
	uint64_t ino;
	int64_t sec, nsec; /* its ctime */
	uint64_t octets, messages;
	int64_t counted; /* ms since 1970 */
	bool known;      /* as it is now */
	bool write;
};

/* ---- as octets ---- */

static void
part_pack(const struct part *p, uint8_t to[PART_LEN])
{
	struct ipc_writer w;

	ipc_writer_init(&w, to, PART_LEN);
	ipc_put_u8(&w, PART_VERSION);
	ipc_put_u64(&w, (uint64_t)p->sec);
	ipc_put_u32(&w, (uint32_t)p->nsec);
	ipc_put_u64(&w, p->ino);
	ipc_put_u64(&w, p->octets);
	ipc_put_u64(&w, p->messages);
	ipc_put_u64(&w, (uint64_t)p->counted);
	ipc_put_u32(&w, crc32c(0, to, PART_LEN - 4));
}

static bool
part_parse(struct slice in, struct part *p)
{
	struct ipc_reader r;
	uint8_t version;
	uint32_t crc;

	ipc_reader_init(&r, in);
	version = ipc_get_u8(&r);
	p->sec = (int64_t)ipc_get_u64(&r);
	p->nsec = ipc_get_u32(&r);
	p->ino = ipc_get_u64(&r);
	p->octets = ipc_get_u64(&r);
	p->messages = ipc_get_u64(&r);
	p->counted = (int64_t)ipc_get_u64(&r);
	crc = ipc_get_u32(&r);
	return ipc_reader_end(&r) == 0 && version == PART_VERSION &&
	       crc == crc32c(0, in.at, PART_LEN - 4);
}

static void
part_key(const struct part *p, uint8_t to[INDEX_KEY_LEN])
{
	index_key_pack(
	    INDEX_USAGE, (uint32_t)(p->ino >> 32), (uint32_t)p->ino, 0, to);
}

/* ---- counting ---- */

static int64_t
now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct count {
	int dir_fd;
	struct part *part;
};

static int
count_each(void *ctx, const char *name, uint64_t ino, unsigned char type)
{
	struct count *c = ctx;
	struct maildir_name n;
	struct stat st;

	(void)ino;
	(void)type;
	if (maildir_name_parse(slice_str(name), &n) != PARSE_OK)
		return 0;
	if (!n.has_size) {
		if (fstatat(c->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode))
			return 0;
		n.size = (uint64_t)st.st_size;
	}
	if (__builtin_add_overflow(c->part->octets, n.size, &c->part->octets))
		c->part->octets = UINT64_MAX;
	c->part->messages++;
	return 0;
}

static int
part_count(int dir_fd, struct part *p, int64_t now)
{
	struct count c = { dir_fd, p };

	p->octets = p->messages = 0;
	p->counted = now;
	/* So young that a change may follow within the clock's tick: counted
	 * again the next time. */
	p->write =
	    now - (p->sec * 1000 + p->nsec / 1000000) > 2000 || p->nsec != 0;
	if (now - (p->sec * 1000 + p->nsec / 1000000) < 20)
		p->write = false;
	return dir_scan(dir_fd, count_each, &c) == 0 ? 0 : -1;
}

struct parts {
	struct mailbox *mb;
	struct part *part;
	size_t count;
};

static int
get_work(struct index_txn *t, void *ctx)
{
	const struct parts *all = ctx;
	int64_t now = now_ms(CLOCK_REALTIME);

	for (size_t i = 0; i < all->count; i++) {
		struct part *p = &all->part[i], found;
		uint8_t key[INDEX_KEY_LEN];
		struct slice value;
		bool same;

		part_key(p, key);
		if (p->ino == 0 || index_get(t, key, &value) == -1 ||
		    !part_parse(value, &found) || found.ino != p->ino)
			continue;
		same = found.sec == p->sec && found.nsec == p->nsec;
		p->known = same || (found.messages > LARGE &&
				       now - found.counted >= 0 &&
				       now - found.counted < LARGE_MS);
		if (p->known) {
			p->octets = found.octets;
			p->messages = found.messages;
		}
	}
	return 0;
}

static int
put_work(struct index_txn *t, void *ctx)
{
	const struct parts *all = ctx;

	for (size_t i = 0; i < all->count; i++) {
		uint8_t key[INDEX_KEY_LEN], value[PART_LEN];

		if (!all->part[i].write)
			continue;
		part_key(&all->part[i], key);
		part_pack(&all->part[i], value);
		if (index_put(t, key, slice_of(value, sizeof(value)),
			slice_of(NULL, 0)) == -1)
			return -1;
	}
	return 0;
}

static const char *const subs[] = { "cur", "new" };

/* A directory of a folder, or -1: it is not there. */
static int
part_open(struct mailbox *mb, const struct folder_name *name, size_t sub)
{
	char path[FOLDER_NAME_MAX + 8];

	snprintf(path, sizeof(path), "%s%s%s", name->disk,
	    name->disk[0] != '\0' ? "/" : "", subs[sub]);
	return dir_open(mb->maildir_fd, path);
}

static void
look_at(struct parts *all, const struct folder_list *list)
{
	for (size_t i = 0; i < all->count; i++) {
		struct part *p = &all->part[i];
		struct stat st;
		int fd = part_open(all->mb, &list->names[i / 2], i % 2);

		if (fd == -1)
			continue;
		if (fstat(fd, &st) == 0) {
			p->ino = st.st_ino;
			p->sec = st.st_ctim.tv_sec;
			p->nsec = st.st_ctim.tv_nsec;
		}
		close(fd);
	}
}

static int
count_changed(struct parts *all, const struct folder_list *list)
{
	bool any = false;

	for (size_t i = 0; i < all->count; i++) {
		struct part *p = &all->part[i];
		int fd, r;

		if (p->ino == 0 || p->known)
			continue;
		fd = part_open(all->mb, &list->names[i / 2], i % 2);
		if (fd == -1)
			continue;
		r = part_count(fd, p, now_ms(CLOCK_REALTIME));
		close(fd);
		if (r == -1)
			return -1;
		any |= p->write;
	}
	if (any)
		index_write(all->mb->index, put_work, all);
	return 0;
}

static int
count_all(struct mailbox *mb, struct quota *usage)
{
	struct parts all = { .mb = mb };
	struct folder_list list;
	int r = -1, saved;

	if (mailbox_list(mb, &list) == -1)
		return -1;
	all.count = 2 * list.count;
	all.part = calloc(all.count, sizeof(*all.part));
	if (all.part != NULL) {
		look_at(&all, &list);
		index_read(mb->index, get_work, &all);
		r = count_changed(&all, &list);
	}
	*usage = (struct quota){ 0 };
	for (size_t i = 0; r == 0 && i < all.count; i++) {
		if (__builtin_add_overflow(
			usage->octets, all.part[i].octets, &usage->octets))
			usage->octets = UINT64_MAX;
		usage->messages += all.part[i].messages;
	}
	saved = errno;
	free(all.part);
	folder_list_clear(&list);
	errno = saved;
	return r;
}

/* ---- asking ---- */

void
mailbox_quota_set(struct mailbox *mb, const struct quota *limit)
{
	mb->limit = *limit;
}

const struct quota *
mailbox_quota(const struct mailbox *mb)
{
	return &mb->limit;
}

int
mailbox_usage(struct mailbox *mb, struct quota *usage)
{
	if (count_all(mb, &mb->usage) == -1)
		return -1;
	mb->counted = now_ms(CLOCK_MONOTONIC);
	*usage = mb->usage;
	return 0;
}

static bool
fits(uint64_t limit, uint64_t used, uint64_t more)
{
	return limit == 0 || (used <= limit && more <= limit - used);
}

static bool
all_fits(const struct mailbox *mb, uint64_t octets, uint64_t messages)
{
	return fits(mb->limit.octets, mb->usage.octets,
		   mb->pending.octets + octets) &&
	       fits(mb->limit.messages, mb->usage.messages,
		   mb->pending.messages + messages);
}

int
mailbox_quota_room(struct mailbox *mb, uint64_t octets, uint64_t messages)
{
	struct quota now;

	if (mb->limit.octets == 0 && mb->limit.messages == 0)
		return 0;
	if (mb->counted != 0 && all_fits(mb, octets, messages) &&
	    now_ms(CLOCK_MONOTONIC) - mb->counted < FRESH_MS)
		return 0;
	/* It must not be refused by a count that is out of date. */
	if (mailbox_usage(mb, &now) == -1)
		return -1;
	if (all_fits(mb, octets, messages))
		return 0;
	errno = EDQUOT;
	return -1;
}

bool
mailbox_quota_full(const struct mailbox *mb)
{
	return mb->counted != 0 && !all_fits(mb, 1, 1);
}

void
mailbox_quota_reserve(struct mailbox *mb, uint64_t octets, uint64_t messages)
{
	mb->pending.octets += octets;
	mb->pending.messages += messages;
}

void
mailbox_quota_settle(struct mailbox *mb)
{
	mailbox_quota_took(mb, mb->pending.octets, mb->pending.messages);
	mb->pending = (struct quota){ 0 };
}

void
mailbox_quota_took(struct mailbox *mb, uint64_t octets, uint64_t messages)
{
	mb->usage.octets += octets;
	mb->usage.messages += messages;
}
