/*
 * Delivery: what lands in new/, what is refused, and what is left when the
 * process is killed before each of its system calls.
 */
#include "common/mailbox/testing.h"

#include <sys/resource.h>
#include <sys/mman.h>

#include "common/mailbox/deliver.h"
#include "common/mailbox/deliver_content.h"

static int
content_fd(const char *text)
{
	int fd = memfd_create("content", MFD_CLOEXEC);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static struct delivery_item
item(const char *text, uint32_t number)
{
	return (struct delivery_item){
		.d = {
			.queue_id = 0x2a, .nonce = 0x1122334455667788,
			.number = number, .content_size = strlen(text),
			.reverse_path = SLICE_LITERAL("alice@crepes.fr"),
			.recipient = SLICE_LITERAL("bob@hamburger.edu"),
		},
		.fd = content_fd(text),
	};
}

static void
expect(const struct delivery_item *it, enum delivery_result result,
    unsigned class, unsigned subject, unsigned detail)
{
	assert_int_equal(it->result.result, result);
	assert_int_equal(it->result.enhanced[0], class);
	assert_int_equal(it->result.enhanced[1], subject);
	assert_int_equal(it->result.enhanced[2], detail);
}

static void
read_back(struct home *h, const char *dir, const char *part, char text[4096])
{
	char name[256], path[400];
	ssize_t n;
	int fd;

	find_file(h, dir, part, name);
	assert_true(name[0] != '\0');
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = openat(h->fd, path, O_RDONLY);
	n = read(fd, text, 4095);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

static void
test_batch(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct delivery_item its[3] = {
		item("Subject: 1\r\n\r\nDo you like ketchup?\r\n", 1),
		item("", 2),
		item("no line end", 3),
	};
	char text[4096], name[256];

	its[1].d.reverse_path = slice_str("");
	mailbox_deliver(mb, its, 3);
	for (int i = 0; i < 3; i++) {
		expect(&its[i], DELIVERY_DELIVERED, 2, 1, 5);
		close(its[i].fd);
	}
	assert_int_equal(count_files(h, "Maildir/new"), 3);
	assert_int_equal(count_files(h, "Maildir/tmp"), 0);
	read_back(h, "Maildir/new", ".Q00000000002aR1.1122334455667788,S=", text);
	assert_string_equal(text, "Return-Path: <alice@crepes.fr>\n"
	    "Delivered-To: bob@hamburger.edu\n"
	    "Subject: 1\n\nDo you like ketchup?\n");
	find_file(h, "Maildir/new", "R1.", name);
	assert_non_null(strstr(name, ",S=96,W=101"));
	read_back(h, "Maildir/new", "R2.", text);
	assert_string_equal(text, "Return-Path: <>\n"
	    "Delivered-To: bob@hamburger.edu\n");
	mailbox_close(mb);
}

static void
test_large(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	size_t size = 3 * 1000 * 1000, n = 0;
	char *big = malloc(size + 1), name[256], path[400];
	struct delivery_item it;
	struct stat st;

	while (n < size)
		n += (size_t)snprintf(big + n, size + 1 - n, "line %zu\r\n", n);
	big[size] = '\0';
	it = item(big, 1);
	mailbox_deliver(mb, &it, 1);
	expect(&it, DELIVERY_DELIVERED, 2, 1, 5);
	find_file(h, "Maildir/new", "R1.", name);
	snprintf(path, sizeof(path), "Maildir/new/%s", name);
	assert_int_equal(fstatat(h->fd, path, &st, 0), 0);
	assert_int_equal(strtoul(strstr(name, ",S=") + 3, NULL, 10), st.st_size);
	assert_true((size_t)st.st_size < size);
	/* Found again, octet for octet. */
	it.d.maybe_delivered = true;
	mailbox_deliver(mb, &it, 1);
	expect(&it, DELIVERY_DELIVERED, 2, 1, 5);
	assert_int_equal(count_files(h, "Maildir/new"), 1);
	close(it.fd);
	free(big);
	mailbox_close(mb);
}

static void
test_delivered_before(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f;
	struct delivery_item it = item("Subject: x\r\n\r\n", 1);
	uint32_t one = 1;
	int fd;

	mailbox_deliver(mb, &it, 1);
	expect(&it, DELIVERY_DELIVERED, 2, 1, 5);
	it.d.maybe_delivered = true;
	mailbox_deliver(mb, &it, 1);
	expect(&it, DELIVERY_DELIVERED, 2, 1, 5);
	assert_int_equal(count_files(h, "Maildir/new"), 1);
	/* The user has read and flagged it meanwhile. */
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_store(f, &one, 1, STORE_ADD, FLAG_SEEN, 0), 0);
	folder_close(f);
	mailbox_deliver(mb, &it, 1);
	expect(&it, DELIVERY_DELIVERED, 2, 1, 5);
	assert_int_equal(count_files(h, "Maildir/new"), 0);
	assert_int_equal(count_files(h, "Maildir/cur"), 1);
	/* Another recipient's is another message. */
	it.d.number = 2;
	mailbox_deliver(mb, &it, 1);
	assert_int_equal(count_files(h, "Maildir/new"), 1);
	close(it.fd);
	/* The name agrees, the content does not. */
	fd = it.fd = content_fd("Subject: y\r\n\r\n");
	it.d.number = 1;
	mailbox_deliver(mb, &it, 1);
	expect(&it, DELIVERY_DELIVERED, 2, 1, 5);
	assert_int_equal(count_files(h, "Maildir/new"), 2);
	close(fd);
	mailbox_close(mb);
}

static void
test_loop(void **state)
{
	static const struct {
		const char *header, *recipient;
		bool loop;
	} rows[] = {
		{ "Delivered-To: bob@x\n\n", "bob@x", true },
		{ "A: b\r\ndelivered-to:  BOB@X \r\n\r\n", "bob@x", true },
		{ "A: b\n\nDelivered-To: bob@x\n", "bob@x", false },
		{ "Delivered-To: bob@xx\n\n", "bob@x", false },
		{ "X-Delivered-To: bob@x\n\n", "bob@x", false },
		{ "Delivered-To: bob@x", "bob@x", false },
		{ "", "bob@x", false },
	};
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct delivery_item it =
	    item("Delivered-To: bob@hamburger.edu\r\n\r\nx\r\n", 1);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(header_names_recipient(
		    slice_str(rows[i].header), slice_str(rows[i].recipient)),
		    rows[i].loop);
	mailbox_deliver(mb, &it, 1);
	expect(&it, DELIVERY_FAILED, 5, 4, 6);
	assert_int_equal(count_files(h, "Maildir/new"), 0);
	close(it.fd);
	mailbox_close(mb);
}

static void
test_detail(void **state)
{
	static const struct {
		const char *detail, *dir;
	} rows[] = {
		{ "Lists", "Maildir/.Lists/new" },
		{ "lists", "Maildir/.Lists/new" },
		{ "nosuch", "Maildir/new" }, { "inbox", "Maildir/new" },
		{ "../../etc", "Maildir/new" }, { "", "Maildir/new" },
	};
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name lists;

	folder_name_parse(slice_str("Lists"), &lists);
	assert_int_equal(mailbox_create(mb, &lists), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct delivery_item it = item("x\r\n", (uint32_t)i);
		size_t before = count_files(h, rows[i].dir);

		it.d.detail = slice_str(rows[i].detail);
		mailbox_deliver(mb, &it, 1);
		expect(&it, DELIVERY_DELIVERED, 2, 1, 5);
		assert_int_equal(count_files(h, rows[i].dir), before + 1);
		close(it.fd);
	}
	mailbox_close(mb);
}

/* A file size limit stands for every disk that is full at any octet. */
static void
test_too_large_for_the_disk(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct rlimit before, limit;
	char text[300];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t size = 0; size < 360; size += 20) {
		struct delivery_item it = item(text, (uint32_t)size);

		limit = before;
		limit.rlim_cur = size;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		mailbox_deliver(mb, &it, 1);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		expect(&it, DELIVERY_DEFERRED, 4, 2, 2);
		assert_false(it.result.unknown);
		assert_int_equal(count_files(h, "Maildir/tmp"), 0);
		assert_int_equal(count_files(h, "Maildir/new"), 0);
		close(it.fd);
	}
	mailbox_close(mb);
}

static void
test_content_that_lies(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct delivery_item it = item("short\r\n", 1);

	it.d.content_size += 1;
	mailbox_deliver(mb, &it, 1);
	expect(&it, DELIVERY_DEFERRED, 4, 3, 0);
	assert_int_equal(count_files(h, "Maildir/tmp"), 0);
	close(it.fd);
	mailbox_close(mb);
}

static void
test_clean_tmp(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	put_file(h, "Maildir/tmp/young", "x");
	put_file(h, "Maildir/tmp/back-dated", "x");
	assert_int_equal(utimensat(h->fd, "Maildir/tmp/back-dated", old, 0), 0);
	mailbox_clean_tmp(mb);
	/* Its status changed this moment: somebody is at work on it. */
	assert_int_equal(count_files(h, "Maildir/tmp"), 2);
	mailbox_close(mb);
}

/* ---- the owner swaps directories for links while we deliver ---- */

/* new/ becomes a symbolic link out of the Maildir, and comes back. */
static void
swap_for_ever(struct home *h)
{
	char aside[64];

	for (unsigned n = 0;; n++) {
		renameat(h->fd, "Maildir/new", h->fd, "Maildir/real");
		if (symlinkat("../outside", h->fd, "Maildir/new") == 0)
			unlinkat(h->fd, "Maildir/new", 0);
		if (renameat2(h->fd, "Maildir/real", h->fd, "Maildir/new",
		    RENAME_NOREPLACE) == 0)
			continue;
		/* The worker has made one of its own in between.  It may not
		 * stay where the next round wants to put the real one. */
		snprintf(aside, sizeof(aside), "Maildir/aside%u", n);
		renameat2(h->fd, "Maildir/real", h->fd, "Maildir/new",
		    RENAME_EXCHANGE);
		renameat(h->fd, "Maildir/real", h->fd, aside);
	}
}

static void
test_racing_renamer(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	unsigned delivered = 0, deferred = 0;
	uint32_t tries = 0;
	pid_t pid;

	assert_int_equal(mkdirat(h->fd, "outside", 0700), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0)
		swap_for_ever(h);
	/* On a busy machine the two meet late. */
	while (tries < 3000 ||
	    (tries < 100000 && (delivered == 0 || deferred == 0))) {
		struct delivery_item it = item("x\r\n", tries++);

		mailbox_deliver(mb, &it, 1);
		delivered += it.result.result == DELIVERY_DELIVERED;
		deferred += it.result.result == DELIVERY_DEFERRED;
		close(it.fd);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(delivered + deferred, tries);
	assert_true(delivered > 0);
	assert_true(deferred > 0);	/* so the links did get in the way */
	assert_int_equal(count_files(h, "outside"), 0);
	mailbox_close(mb);
}

/* ---- killed before each system call ---- */

#define KILL_TEXT "Subject: kill\r\n\r\nbody\r\n"
#define KILL_STORED "Return-Path: <alice@crepes.fr>\n" \
	"Delivered-To: bob@hamburger.edu\nSubject: kill\n\nbody\n"

static void
deliver_two(struct home *h)
{
	struct mailbox *mb;
	struct delivery_item its[2] = { item(KILL_TEXT, 1), item(KILL_TEXT, 2) };

	if (mailbox_open(h->fd, &mb) == -1)
		_exit(98);
	its[0].d.maybe_delivered = its[1].d.maybe_delivered = true;
	mailbox_deliver(mb, its, 2);
	if (its[0].result.result != DELIVERY_DELIVERED ||
	    its[1].result.result != DELIVERY_DELIVERED)
		_exit(97);
	mailbox_close(mb);
	close(its[0].fd);
	close(its[1].fd);
}

static void
check_whole(struct home *h, const char *part)
{
	char name[256], text[4096];

	find_file(h, "Maildir/new", part, name);
	if (name[0] == '\0')
		return;
	read_back(h, "Maildir/new", part, text);
	assert_string_equal(text, KILL_STORED);
}

static void
test_killed_anywhere(void **state)
{
	unsigned points = 0, halves = 0;

	home_teardown(state);
	for (bool killed = true; killed; points++) {
		struct home *h;
		size_t n;

		h = home_renew(state);
		killed = killed_at(h, deliver_two, points + 1);
		if (faccessat(h->fd, "Maildir/new", F_OK, 0) == 0) {
			n = count_files(h, "Maildir/new");
			halves += n == 1;
			check_whole(h, "R1.");
			check_whole(h, "R2.");
			if (!killed)
				assert_int_equal(n, 2);
		}
		/* The retry ends with each of them exactly once. */
		deliver_two(h);
		assert_int_equal(count_files(h, "Maildir/new"), 2);
		home_teardown(state);
	}
	assert_true(points > 30);
	assert_true(halves > 0);	/* so the kills did hit in between */
	assert_int_equal(home_setup(state), 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_batch),
		T(test_large),
		T(test_delivered_before),
		T(test_loop),
		T(test_detail),
		T(test_too_large_for_the_disk),
		T(test_content_that_lies),
		T(test_clean_tmp),
		T(test_racing_renamer),
		T(test_killed_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
