/*
 * A (UIDVALIDITY, UID) never denotes two messages,
 * whoever is killed, whatever is lost.
 */
#include "common/mailbox/testing.h"

#include <sys/resource.h>

static struct folder_status
status_of(struct folder *f)
{
	struct folder_status s;

	folder_status(f, &s);
	return s;
}

static void
put_numbered(struct home *h, unsigned n)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "Maildir/new/%u.m", n);
	snprintf(text, sizeof(text), "message %u\n", n);
	put_file(h, path, text);
}

/* ---- what a clean end and a kill leave ---- */

static void
session_that_dies(struct home *h)
{
	struct mailbox *mb;
	struct folder *f;
	struct folder_name inbox = { "" };

	if (mailbox_open(h->fd, &mb) == -1 ||
	    folder_open(mb, &inbox, 0, &f) == -1 ||
	    folder_sync(f, 0, NULL) == -1)
		_exit(1);
	kill(getpid(), SIGKILL);
}

static void
run_to_death(struct home *h, void (*work)(struct home *))
{
	int status;
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		work(h);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
test_clean_end_leaves_no_gap(void **state)
{
	struct home *h = *state;

	for (unsigned i = 1; i <= 3; i++) {
		struct mailbox *mb = home_mailbox(h);
		struct folder *f = open_inbox(mb);

		put_numbered(h, i);
		sync_ok(f, NULL);
		assert_int_equal(folder_message(f, i)->uid, i);
		assert_int_equal(status_of(f).uidnext, i + 1);
		folder_close(f);
		mailbox_close(mb);
	}
}

/* The highest UID is expunged, and its session killed: never again. */
static void
test_killed_session_leaves_a_gap(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f;

	mailbox_close(mb);
	put_numbered(h, 1);
	run_to_death(h, session_that_dies);
	remove_file_with(h, "Maildir/cur", "1.m");
	put_numbered(h, 2);
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 1);
	assert_true(folder_message(f, 1)->uid > 1);
	folder_close(f);
	mailbox_close(mb);
}

/* While one lives, the others' deaths cost nothing. */
static void
test_kill_beside_a_living_session(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);

	put_numbered(h, 1);
	run_to_death(h, session_that_dies);
	put_numbered(h, 2);
	sync_ok(f, NULL);
	assert_int_equal(folder_message(f, 1)->uid, 1);
	assert_int_equal(folder_message(f, 2)->uid, 2);
	folder_close(f);
	mailbox_close(mb);
}

/* ---- killed before each system call ---- */

static void
sync_and_store(struct home *h)
{
	struct mailbox *mb;
	struct folder *f;
	struct folder_name inbox = { "" };
	uint32_t seq = 1, uid;
	struct append *a;

	if (mailbox_open(h->fd, &mb) == -1 ||
	    folder_open(mb, &inbox, 0, &f) == -1 ||
	    folder_sync(f, 0, NULL) == -1 ||
	    folder_store(f, &seq, 1, STORE_ADD, FLAG_DELETED, 0) == -1 ||
	    folder_expunge(f, NULL, 0, false, NULL) == -1 ||
	    folder_append_begin(f, &a) == -1 ||
	    folder_append_next(a, 0, 0, 0) == -1 ||
	    folder_append_write(a, "appended\r\n", 10) == -1 ||
	    folder_append_commit(a, &uid) == -1)
		_exit(1);
	folder_close(f);
	mailbox_close(mb);
}

/* Which message each UID was, as the names in the directory say. */
struct seen {
	char	by_uid[8192][32];
};

static void
note_names(struct home *h, const char *dir, struct seen *seen)
{
	int fd = openat(h->fd, dir, O_RDONLY | O_DIRECTORY);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		struct maildir_name n;
		char base[32];

		if (maildir_name_parse(slice_str(e->d_name), &n) != PARSE_OK ||
		    !n.has_identity)
			continue;
		assert_true(n.uid < 8192);
		snprintf(base, sizeof(base), "%.*s", (int)n.base.len, n.base.at);
		if (seen->by_uid[n.uid][0] != '\0')
			assert_string_equal(seen->by_uid[n.uid], base);
		memcpy(seen->by_uid[n.uid], base, sizeof(base));
	}
	if (d != NULL)
		closedir(d);
}

static void
test_killed_anywhere(void **state)
{
	unsigned points = 0;

	home_teardown(state);
	for (bool killed = true; killed; points++) {
		struct seen *seen = calloc(1, sizeof(*seen));
		struct home *h;

		h = home_renew(state);
		assert_int_equal(mkdirat(h->fd, "Maildir", 0700), 0);
		assert_int_equal(mkdirat(h->fd, "Maildir/new", 0700), 0);
		assert_int_equal(mkdirat(h->fd, "Maildir/cur", 0700), 0);
		put_numbered(h, 1);
		put_numbered(h, 2);
		killed = killed_at(h, sync_and_store, points + 1);
		note_names(h, "Maildir/cur", seen);
		note_names(h, "Maildir/new", seen);
		put_numbered(h, 3);
		sync_and_store(h);
		note_names(h, "Maildir/cur", seen);
		note_names(h, "Maildir/new", seen);
		sync_and_store(h);
		note_names(h, "Maildir/cur", seen);
		note_names(h, "Maildir/new", seen);
		/* At most the two runs' first messages were expunged. */
		assert_true(count_files(h, "Maildir/cur") +
		    count_files(h, "Maildir/new") >= 2);
		free(seen);
		home_teardown(state);
	}
	assert_true(points > 80);
	assert_int_equal(home_setup(state), 0);
}

/* ---- MOVE: the source, or both, or the destination; never none ---- */

static void
move_one(struct home *h)
{
	struct folder_name inbox = { "" }, dest;
	struct folder *f, *to;
	struct mailbox *mb;
	uint32_t seq = 1, uid;

	folder_name_parse(slice_str("Dest"), &dest);
	if (mailbox_open(h->fd, &mb) == -1 ||
	    folder_open(mb, &inbox, 0, &f) == -1 ||
	    folder_open(mb, &dest, 0, &to) == -1 ||
	    folder_sync(f, 0, NULL) == -1)
		_exit(1);
	if (folder_count(f) > 0 &&
	    folder_copy(f, &seq, 1, to, true, &uid) == -1)
		_exit(2);
	folder_close(to);
	folder_close(f);
	mailbox_close(mb);
}

static size_t
count_messages(struct mailbox *mb, const char *name)
{
	struct folder *f = open_folder(mb, name);
	size_t n;

	sync_ok(f, NULL);
	n = folder_count(f);
	folder_close(f);
	return n;
}

static void
test_move_killed_anywhere(void **state)
{
	unsigned points = 0, both = 0;

	home_teardown(state);
	for (bool killed = true; killed; points++) {
		struct folder_name dest;
		struct mailbox *mb;
		struct home *h;
		size_t source, moved;

		h = home_renew(state);
		mb = home_mailbox(h);
		folder_name_parse(slice_str("Dest"), &dest);
		assert_int_equal(mailbox_create(mb, &dest), 0);
		mailbox_close(mb);
		put_numbered(h, 1);
		killed = killed_at(h, move_one, points + 1);
		mb = home_mailbox(h);
		source = count_messages(mb, "INBOX");
		moved = count_messages(mb, "Dest");
		assert_true(source + moved >= 1);
		both += source + moved == 2;
		if (!killed)
			assert_true(source == 0 && moved == 1);
		mailbox_close(mb);
		home_teardown(state);
	}
	assert_true(points > 60);
	assert_true(both > 0);	/* so the kills did hit in between */
	assert_int_equal(home_setup(state), 0);
}

/* ---- several at once ---- */

enum { WRITERS = 3, EACH = 40 };

static void
busy_session(struct home *h, unsigned seed)
{
	struct folder_name inbox = { "" };
	struct mailbox *mb;
	struct folder *f;
	uint32_t last = 0;

	if (mailbox_open(h->fd, &mb) == -1 ||
	    folder_open(mb, &inbox, 0, &f) == -1)
		_exit(1);
	for (unsigned i = 0; i < EACH; i++) {
		uint32_t uid, seq;
		struct append *a;

		if (folder_append_begin(f, &a) == -1 ||
		    folder_append_next(a, 0, 0, 0) == -1 ||
		    folder_append_write(a, "x\r\n", 3) == -1 ||
		    folder_append_commit(a, &uid) == -1)
			_exit(2);
		if (uid <= last)
			_exit(3);
		last = uid;
		if (folder_sync(f, 0, NULL) == -1)
			_exit(4);
		if (folder_seq_of(f, uid) == 0)
			_exit(5);
		for (size_t s = 2; s <= folder_count(f); s++)
			if (folder_message(f, s)->uid <=
			    folder_message(f, s - 1)->uid)
				_exit(6);
		seq = (uint32_t)(1 + (i * 7 + seed) % folder_count(f));
		if (folder_store(f, &seq, 1, i % 2 ? STORE_ADD : STORE_REMOVE,
		    FLAG_FLAGGED, 0) == -1)
			_exit(7);
	}
	folder_close(f);
	mailbox_close(mb);
	_exit(0);
}

static void
test_concurrent_sessions(void **state)
{
	struct home *h = *state;
	struct mailbox *mb;
	struct folder *f;
	int status;

	for (unsigned i = 0; i < WRITERS; i++)
		if (fork() == 0)
			busy_session(h, i);
	for (unsigned i = 0; i < WRITERS; i++) {
		assert_true(wait(&status) != -1);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), WRITERS * EACH);
	/* No gap, so none was given twice or lost. */
	assert_int_equal(folder_message(f, WRITERS * EACH)->uid, WRITERS * EACH);
	folder_close(f);
	mailbox_close(mb);
}

/* ---- lost and damaged files ---- */

static void
test_state_lost(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_status before, after;

	put_numbered(h, 1);
	sync_ok(f, NULL);
	before = status_of(f);
	assert_int_equal(unlinkat(h->fd, "Maildir/bulkhead-folder", 0), 0);
	put_numbered(h, 2);
	assert_int_equal(folder_sync(f, 0, NULL), -1);
	assert_int_equal(errno, ESTALE);
	folder_close(f);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	after = status_of(f);
	assert_true(after.uidvalidity > before.uidvalidity);
	assert_int_equal(folder_count(f), 2);
	folder_close(f);
	mailbox_close(mb);
}

static void
overwrite(struct home *h, const char *path, const char *text)
{
	int fd = openat(h->fd, path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
test_state_damaged_or_newer(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name inbox = { "" };
	struct folder *f = open_inbox(mb);
	struct folder_status before;
	struct stat st;

	put_numbered(h, 1);
	sync_ok(f, NULL);
	before = status_of(f);
	folder_close(f);
	overwrite(h, "Maildir/bulkhead-folder", "bulkhead-folder 1\nuidval");
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_true(status_of(f).uidvalidity > before.uidvalidity);
	assert_int_equal(fstatat(h->fd, "Maildir/bulkhead-folder.damaged", &st,
	    0), 0);
	folder_close(f);
	overwrite(
	    h, "Maildir/bulkhead-folder", "bulkhead-folder 9\nnew things\n");
	assert_int_equal(folder_open(mb, &inbox, 0, &f), -1);
	assert_int_equal(errno, ENOTSUP);
	assert_int_equal(fstatat(h->fd, "Maildir/bulkhead-folder", &st, 0), 0);
	assert_int_equal(st.st_size, 29);
	mailbox_close(mb);
}

static void
test_next_lost_or_lying(void **state)
{
	static const char *const lies[] = { NULL, "", "bulkhead-next 1\n",
		"bulkhead-next 1\nuidvalidity 1\nuid 0000000001\n"
		"modseq 00000000000000000001\ncrc32c 00000000\n" };
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	uint32_t last = 0;
	uint64_t modseq = 0;

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		put_numbered(h, i + 1);
		sync_ok(f, NULL);
		assert_int_equal(folder_count(f), i + 1);
		assert_true(folder_message(f, i + 1)->uid > last);
		assert_true(folder_message(f, i + 1)->modseq > modseq);
		last = folder_message(f, i + 1)->uid;
		modseq = folder_message(f, i + 1)->modseq;
		if (lies[i] == NULL)
			unlinkat(h->fd, "Maildir/bulkhead-next", 0);
		else
			overwrite(h, "Maildir/bulkhead-next", lies[i]);
	}
	folder_close(f);
	mailbox_close(mb);
}

/* A file size limit of 0 stands for a disk that takes nothing more. */
static void
test_full_disk(void **state)
{
	struct home *h = *state;
	struct rlimit before, none;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	struct folder_changes c;
	uint32_t one = 1;
	size_t removed;

	put_numbered(h, 1);
	put_numbered(h, 2);
	sync_ok(f, NULL);
	folder_close(f);
	mailbox_close(mb);
	put_numbered(h, 3);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, &c);
	/* The new one waits; what was there can be read and removed. */
	assert_int_equal(c.withheld, 1);
	assert_int_equal(folder_count(f), 2);
	assert_int_equal(folder_store(f, &one, 1, STORE_ADD, FLAG_DELETED, 0), 0);
	assert_int_equal(folder_expunge(f, NULL, 0, false, &removed), 0);
	assert_int_equal(removed, 1);
	sync_ok(f, &c);
	assert_int_equal(folder_count(f), 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	sync_ok(f, &c);
	assert_int_equal(c.arrived, 1);
	assert_int_equal(c.withheld, 0);
	assert_true(folder_message(f, 2)->uid > 2);
	assert_true(folder_message(f, 2)->modseq > 0);
	folder_close(f);
	mailbox_close(mb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_clean_end_leaves_no_gap),
		T(test_killed_session_leaves_a_gap),
		T(test_kill_beside_a_living_session),
		T(test_killed_anywhere),
		T(test_move_killed_anywhere),
		T(test_concurrent_sessions),
		T(test_state_lost),
		T(test_state_damaged_or_newer),
		T(test_next_lost_or_lying),
		T(test_full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
