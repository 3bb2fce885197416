/*
 * The index is a cache: gone, damaged, cut short, written by a process that
 * died, or of another version, and no client notices.
 */
#include "common/mailbox/testing.h"

#include "common/mailbox/index.h"

static void
remove_tree(struct home *h, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", h->path, name);
	nftw(path, remove_each, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the index by itself ---- */

struct one {
	uint8_t	key[INDEX_KEY_LEN];
	char	value[64];
	size_t	len;
};

static int
put_one(struct index_txn *t, void *ctx)
{
	struct one *o = ctx;

	return index_put(t, o->key, slice_of(NULL, 0),
	    slice_of(o->value, o->len));
}

static int
get_one(struct index_txn *t, void *ctx)
{
	struct one *o = ctx;
	struct slice v;

	if (index_get(t, o->key, &v) == -1)
		return -1;
	o->len = v.len < sizeof(o->value) ? v.len : sizeof(o->value);
	memcpy(o->value, v.at, o->len);
	return 0;
}

static struct one
one(uint32_t uid, const char *value)
{
	struct one o = { .len = strlen(value) };

	index_key_pack(INDEX_CHUNK, 1, uid, 0, o.key);
	memcpy(o.value, value, o.len);
	return o;
}

static bool
has(struct index *ix, uint32_t uid, const char *value)
{
	struct one o = one(uid, "");

	return index_read(ix, get_one, &o) == 0 && o.len == strlen(value) &&
	    memcmp(o.value, value, o.len) == 0;
}

static void
test_put_and_get(void **state)
{
	struct home *h = *state;
	struct index *a = index_new(h->fd), *b = index_new(h->fd);
	struct one o = one(1, "first");

	assert_false(has(a, 1, "first"));
	assert_int_equal(index_write(a, put_one, &o), 0);
	assert_true(has(b, 1, "first"));
	o = one(1, "second");
	assert_int_equal(index_write(b, put_one, &o), 0);
	assert_true(has(a, 1, "second"));
	index_free(a);
	index_free(b);
	a = index_new(h->fd);
	assert_true(has(a, 1, "second"));	/* left clean */
	index_free(a);
}

/* Who rests finds all again, also what others did meanwhile. */
static void
test_rest(void **state)
{
	struct home *h = *state;
	struct index *a = index_new(h->fd), *b = index_new(h->fd);
	struct one o = one(1, "first");

	index_rest(a); /* nothing is open yet */
	assert_int_equal(index_write(a, put_one, &o), 0);
	index_rest(a);
	index_rest(a);
	assert_true(has(b, 1, "first"));
	o = one(1, "second");
	assert_int_equal(index_write(b, put_one, &o), 0);
	assert_true(has(a, 1, "second"));
	index_rest(a);
	index_rest(b);
	o = one(2, "third");
	assert_int_equal(index_write(b, put_one, &o), 0);
	assert_true(has(a, 2, "third"));
	/* Gone while both rest. */
	index_rest(a);
	index_rest(b);
	remove_tree(h, "index");
	assert_false(has(a, 1, "second"));
	assert_int_equal(index_write(a, put_one, &o), 0);
	assert_true(has(b, 2, "third"));
	/* The one that leaves last says that it is clean, rested or not. */
	index_rest(a);
	index_free(b);
	index_free(a);
	a = index_new(h->fd);
	assert_true(has(a, 2, "third"));
	index_free(a);
}

struct mix {
	uint32_t	seed, next;
};

static uint32_t
draw(struct mix *m, uint32_t below)
{
	m->seed = m->seed * 1664525 + 1013904223;
	return (m->seed >> 8) % below;
}

/* Values of many sizes, which take pages and give them back. */
static int
mix_work(struct index_txn *t, void *ctx)
{
	static char octets[24000];
	struct mix *m = ctx;
	uint8_t key[INDEX_KEY_LEN];
	uint32_t n = 1 + draw(m, 25), uid = 1 + draw(m, m->next);
	bool put = draw(m, 3) < 2;

	for (uint32_t i = 0; i < n; i++)
		for (unsigned kind = 1; kind <= 4; kind++) {
			index_key_pack(INDEX_BLOB, 7, put ? m->next + i :
			    uid + i, kind, key);
			if (!put)
				index_delete(t, key);
			else if (index_put(t, key, slice_of(NULL, 0),
			    slice_of(octets, draw(m, 10) > 0 ?
			    200 + draw(m, 1200) : 3000 + draw(m, 20000))) == -1)
				return -1;
		}
	if (put)
		m->next += n;
	return 0;
}

/* LMDB leaves its file short where the last page was given back at once: that
 * is no damage for the one that wakes up. */
static void
test_rest_loses_nothing(void **state)
{
	struct home *h = *state;
	struct index *ix = index_new(h->fd);
	struct mix m = { 1, 1 };
	struct one o = one(1, "stays");

	assert_int_equal(index_write(ix, put_one, &o), 0);
	for (unsigned i = 0; i < 400; i++) {
		assert_int_equal(index_write(ix, mix_work, &m), 0);
		index_rest(ix);
		assert_true(has(ix, 1, "stays"));
	}
	index_free(ix);
}

static void
test_deleted_under_readers(void **state)
{
	struct home *h = *state;
	struct index *a = index_new(h->fd), *b = index_new(h->fd);
	struct one o = one(1, "old"), p = one(2, "new");

	assert_int_equal(index_write(a, put_one, &o), 0);
	assert_true(has(b, 1, "old"));
	remove_tree(h, "index");
	assert_false(has(a, 1, "old"));
	assert_int_equal(index_write(a, put_one, &p), 0);
	assert_true(has(b, 2, "new"));	/* one index again */
	/* Only the data, or only the mark. */
	assert_int_equal(unlinkat(h->fd, "index/data.mdb", 0), 0);
	assert_false(has(b, 2, "new"));
	assert_int_equal(index_write(b, put_one, &p), 0);
	assert_true(has(a, 2, "new"));
	assert_int_equal(unlinkat(h->fd, "index/alive", 0), 0);
	assert_int_equal(index_write(b, put_one, &o), 0);
	assert_true(has(a, 1, "old"));
	index_free(a);
	index_free(b);
}

static void
test_process_that_died(void **state)
{
	struct home *h = *state;
	struct index *ix;
	int status;

	if (fork() == 0) {
		struct one o = one(1, "doubtful");

		ix = index_new(h->fd);
		index_write(ix, put_one, &o);
		kill(getpid(), SIGKILL);
	}
	assert_true(wait(&status) != -1 && WIFSIGNALED(status));
	ix = index_new(h->fd);
	assert_false(has(ix, 1, "doubtful"));
	index_free(ix);
}

enum { BIG = 60000 };

static int
put_big(struct index_txn *t, void *ctx)
{
	static const char big[BIG];
	struct one *o = ctx;

	return index_put(t, o->key, slice_of(o->value, o->len),
	    slice_of(big, sizeof(big)));
}

static int
get_big(struct index_txn *t, void *ctx)
{
	struct one *o = ctx;
	struct slice v;

	return index_get(t, o->key, &v) == 0 && v.len == BIG + o->len &&
	    memcmp(v.at, o->value, o->len) == 0 ? 0 : -1;
}

/* 24 MB, more than the first map holds, also for one who had only that. */
static void
test_grows(void **state)
{
	struct home *h = *state;
	struct index *a = index_new(h->fd), *b = index_new(h->fd);
	struct one o = one(1, "x");

	assert_false(has(b, 1, "x"));
	for (uint32_t uid = 1; uid <= 400; uid++) {
		o = one(uid, "value");
		assert_int_equal(index_write(a, put_big, &o), 0);
	}
	for (uint32_t uid = 1; uid <= 400; uid += 133) {
		o = one(uid, "value");
		assert_int_equal(index_read(b, get_big, &o), 0);
	}
	index_free(a);
	index_free(b);
}

static void
test_other_version(void **state)
{
	struct home *h = *state;
	struct index *ix;
	struct one o = one(1, "x");
	int fd;

	assert_int_equal(mkdirat(h->fd, "index", 0700), 0);
	put_file(h, "index/alive", "bulkhead-index 2 something else\n");
	put_file(h, "index/data.mdb", "of the future");
	ix = index_new(h->fd);
	assert_int_equal(index_write(ix, put_one, &o), -1);
	assert_int_equal(index_read(ix, get_one, &o), -1);
	index_free(ix);
	fd = openat(h->fd, "index/data.mdb", O_RDONLY);
	assert_int_equal(lseek(fd, 0, SEEK_END), 13);
	close(fd);
}

static void
test_in_the_way(void **state)
{
	struct home *h = *state;
	struct one o = one(1, "x");
	struct index *ix = index_new(h->fd);

	put_file(h, "index", "a file where the directory should be");
	assert_int_equal(index_write(ix, put_one, &o), -1);
	assert_int_equal(unlinkat(h->fd, "index", 0), 0);
	assert_int_equal(symlinkat("/tmp", h->fd, "index"), 0);
	assert_int_equal(index_write(ix, put_one, &o), -1);
	assert_int_equal(unlinkat(h->fd, "index", 0), 0);
	assert_int_equal(index_write(ix, put_one, &o), 0);
	index_free(ix);
}

/* ---- damage, as a session sees it ---- */

struct what {
	uint32_t	uid[3];
	uint8_t		flags[3];
	uint64_t	size[3], modseq;
};

static void
look(struct home *h, struct what *w)
{
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);

	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 3);
	w->modseq = 0;
	for (size_t i = 0; i < 3; i++) {
		const struct message *m = folder_message(f, i + 1);

		w->uid[i] = m->uid;
		w->flags[i] = m->flags;
		w->modseq = m->modseq > w->modseq ? m->modseq : w->modseq;
		assert_int_equal(folder_message_size(f, i + 1, &w->size[i]), 0);
	}
	folder_cache_put(f, 1, 1, "cached", 6);
	folder_close(f);
	mailbox_close(mb);
}

static void
expect_same(const struct what *a, const struct what *b)
{
	assert_memory_equal(a->uid, b->uid, sizeof(a->uid));
	assert_memory_equal(a->flags, b->flags, sizeof(a->flags));
	assert_memory_equal(a->size, b->size, sizeof(a->size));
	assert_true(b->modseq >= a->modseq);
}

static off_t
data_size(struct home *h)
{
	struct stat st;

	assert_int_equal(fstatat(h->fd, "index/data.mdb", &st, 0), 0);
	return st.st_size;
}

static void
put_three(struct home *h)
{
	struct mailbox *mb = home_mailbox(h);

	mailbox_close(mb);
	put_file(h, "Maildir/new/1.a", "a\n");
	put_file(h, "Maildir/cur/2.b:2,S", "bb\n\n");
	put_file(h, "Maildir/cur/3.c:2,FT", "ccc\n");
}

static void
test_cut_short(void **state)
{
	struct home *h = *state;
	struct what before, now;
	off_t size;

	put_three(h);
	look(h, &before);
	size = data_size(h);
	for (off_t cut = 0; cut <= size; cut += 1024) {
		char path[128];

		snprintf(path, sizeof(path), "%s/index/data.mdb", h->path);
		assert_int_equal(truncate(path, cut), 0);
		look(h, &now);
		expect_same(&before, &now);
		before = now;
	}
}

/* Cut short while it is mapped: seen before it is read, and begun anew. */
static void
test_cut_while_open(void **state)
{
	struct home *h = *state;
	struct index *a = index_new(h->fd), *b = index_new(h->fd);
	char path[128];

	snprintf(path, sizeof(path), "%s/index/data.mdb", h->path);
	for (off_t len = 0; len <= 8192; len += 1024) {
		struct one o = one(1, "here");

		assert_int_equal(index_write(a, put_one, &o), 0);
		assert_true(has(b, 1, "here"));
		assert_int_equal(truncate(path, len), 0);
		assert_false(has(b, 1, "here"));
		assert_false(has(a, 1, "here"));
	}
	index_free(a);
	index_free(b);
}

/* Run look() apart: damage may end the process, but only once. */
static void
survive(struct home *h, struct what *w)
{
	for (int tries = 0; tries < 2; tries++) {
		int status, fds[2];
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid != -1);
		if (pid == 0) {
			/* LMDB's own complaint is not for the test's output,
			 * and cmocka is not to catch what ends us. */
			dup2(open("/dev/null", O_WRONLY), 2);
			for (int sig = 1; sig < 32; sig++)
				signal(sig, SIG_DFL);
			look(h, w);
			_exit(write(fds[1], w, sizeof(*w)) != sizeof(*w));
		}
		close(fds[1]);
		if (read(fds[0], w, sizeof(*w)) == (ssize_t)sizeof(*w))
			tries = 2;
		close(fds[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (tries == 2)
			return;
	}
	fail_msg("died twice at the same index");
}

static void
test_flipped_octets(void **state)
{
	struct home *h = *state;
	struct what before, now;
	unsigned seed = 1;

	put_three(h);
	look(h, &before);
	for (int round = 0; round < 60; round++) {
		off_t size = data_size(h);
		int fd = openat(h->fd, "index/data.mdb", O_RDWR);

		for (int i = 0; i < 1 << round % 8; i++) {
			off_t at = (off_t)((unsigned)rand_r(&seed) %
			    (unsigned)size);
			unsigned char c;

			assert_int_equal(pread(fd, &c, 1, at), 1);
			c ^= (unsigned char)(1 + rand_r(&seed) % 255);
			assert_int_equal(pwrite(fd, &c, 1, at), 1);
		}
		close(fd);
		survive(h, &now);
		expect_same(&before, &now);
		before = now;
	}
}

static void
test_deleted_under_a_session(void **state)
{
	struct home *h = *state;
	struct mailbox *mb, *other;
	struct folder *f, *g;
	struct folder_changes c;
	uint32_t one = 1;
	uint64_t modseq;
	void *blob;
	size_t len;

	put_three(h);
	mb = home_mailbox(h);
	other = home_mailbox(h);
	f = open_inbox(mb);
	g = open_inbox(other);
	sync_ok(f, NULL);
	sync_ok(g, NULL);
	modseq = folder_message(f, 1)->modseq;
	remove_tree(h, "index");
	sync_ok(f, &c);
	assert_int_equal(c.changed + c.expunged + c.arrived, 0);
	assert_int_equal(folder_cache_get(f, 1, 1, &blob, &len), -1);
	assert_int_equal(folder_store(f, &one, 1, STORE_ADD, FLAG_SEEN, 0), 0);
	assert_true(folder_message(f, 1)->modseq > modseq);
	sync_ok(g, &c);
	assert_int_equal(c.changed, 1);
	assert_int_equal(c.changed_seq[0], 1);
	assert_int_equal(folder_message(g, 1)->modseq,
	    folder_message(f, 1)->modseq);
	assert_int_equal(folder_message(g, 1)->uid, 1);
	folder_close(f);
	folder_close(g);
	mailbox_close(mb);
	mailbox_close(other);
}

/* ---- a folder that is no more ---- */

struct count {
	uint8_t	from[INDEX_KEY_LEN];
	uint32_t identity;
	size_t	 n;
};

static int
count_key(void *ctx, struct slice key, struct slice value)
{
	struct count *c = ctx;
	uint32_t uid;

	(void)value;
	for (int table = INDEX_BLOB; table <= INDEX_CHUNK; table++)
		c->n += index_key_parse(key, (enum index_table)table,
		    c->identity, &uid);
	return 0;
}

static int
count_work(struct index_txn *t, void *ctx)
{
	struct count *c = ctx;

	c->n = 0;
	return index_walk(t, c->from, count_key, c);
}

static size_t
keys_of(struct home *h, uint32_t identity)
{
	struct count c = { .identity = identity };
	struct index *ix = index_new(h->fd);

	(void)index_read(ix, count_work, &c);
	index_free(ix);
	return c.n;
}

static uint32_t
fill_folder(struct mailbox *mb, const char *name, uint32_t messages)
{
	struct folder_status st;
	struct folder_name n;
	struct folder *f;
	uint32_t uid;

	assert_int_equal(folder_name_parse(slice_str(name), &n), PARSE_OK);
	assert_int_equal(mailbox_create(mb, &n), 0);
	f = open_folder(mb, name);
	for (uint32_t i = 0; i < messages; i++)
		append_text(f, "Subject: x\n\n", 0, &uid);
	sync_ok(f, NULL);
	for (uint32_t i = 1; i <= messages; i++)
		for (unsigned kind = 1; kind < 16; kind++)
			folder_cache_put(f, i, kind, "blob", 4);
	folder_status(f, &st);
	folder_close(f);
	return st.uidvalidity;
}

/* What the index knows of a folder goes with it, and nothing of another. */
static void
test_folder_deleted(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	uint32_t a = fill_folder(mb, "a", 3), b = fill_folder(mb, "b", 130);
	size_t before = keys_of(h, a), folders;
	struct folder_name n;

	assert_true(before >= 3 * 15);
	assert_true(keys_of(h, b) > 1024);	/* more than go at once */
	assert_int_equal(folder_name_parse(slice_str("b"), &n), PARSE_OK);
	assert_int_equal(mailbox_delete(mb, &n), 0);
	assert_int_equal(keys_of(h, b), 0);
	assert_int_equal(keys_of(h, a), before);
	/* what has a new number leaves nothing under the former one */
	assert_int_equal(mailbox_restored(mb, &folders), 0);
	assert_int_equal(keys_of(h, a), 0);
	mailbox_close(mb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_cut_while_open),
		T(test_put_and_get),
		T(test_rest),
		T(test_rest_loses_nothing),
		T(test_deleted_under_readers),
		T(test_process_that_died),
		T(test_grows),
		T(test_other_version),
		T(test_in_the_way),
		T(test_cut_short),
		T(test_flipped_octets),
		T(test_deleted_under_a_session),
		T(test_folder_deleted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
