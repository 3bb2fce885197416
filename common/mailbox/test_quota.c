/* What an owner has, whoever put it there, and what no longer fits. */
#include "common/mailbox/deliver.h"
#include "common/mailbox/testing.h"

#include <sys/mman.h>

static void
check_usage(struct mailbox *mb, uint64_t octets, uint64_t messages)
{
	struct quota usage;

	assert_int_equal(mailbox_usage(mb, &usage), 0);
	assert_int_equal(usage.octets, octets);
	assert_int_equal(usage.messages, messages);
}

static void
make_folder(struct mailbox *mb, const char *name)
{
	struct folder_name n;

	assert_int_equal(folder_name_parse(slice_str(name), &n), PARSE_OK);
	assert_int_equal(mailbox_create(mb, &n), 0);
}

/* S= where a name has it, else the file's size; all folders; new and gone. */
static void
test_usage(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h), *other = home_mailbox(h);
	struct folder *f;
	uint32_t uid;

	check_usage(mb, 0, 0);
	put_file(h, "Maildir/new/1.M1,S=1000", "x\n");
	put_file(h, "Maildir/cur/2.M1:2,S", "12345\n");
	put_file(h, "Maildir/cur/.hidden", "12345\n");
	check_usage(mb, 1006, 2);
	make_folder(mb, "Other");
	f = open_folder(mb, "Other");
	append_text(f, "123456789\n", FLAG_SEEN, &uid);
	check_usage(mb, 1016, 3);
	check_usage(other, 1016, 3);
	remove_file_with(h, "Maildir/new", "1.M1");
	check_usage(mb, 16, 2);
	usleep(50000); /* beyond the clock's tick: now it is kept */
	check_usage(mb, 16, 2);
	check_usage(other, 16, 2);
	put_file(h, "Maildir/new/3.M1,S=7", "x\n");
	check_usage(other, 23, 3);
	/* the index is a cache */
	assert_int_equal(unlinkat(h->fd, "index/data.mdb", 0), 0);
	check_usage(mb, 23, 3);
	folder_close(f);
	mailbox_close(other);
	mailbox_close(mb);
}

static int
try_append(struct folder *f, size_t len)
{
	struct append *a;
	uint32_t uid;
	int r = 0;

	assert_int_equal(folder_append_begin(f, &a), 0);
	assert_int_equal(folder_append_next(a, 0, 0, 0), 0);
	for (size_t i = 0; i < len && r == 0; i++)
		r = folder_append_write(a, i % 60 == 59 ? "\n" : "x", 1);
	assert_int_equal(r, 0);
	return folder_append_commit(a, &uid);
}

static void
test_append_and_copy(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb), *g;
	uint32_t uid, seqs[] = { 1, 2 };
	struct append *a;

	make_folder(mb, "Other");
	g = open_folder(mb, "Other");
	mailbox_quota_set(mb, &(struct quota){ 3000, 3 });
	assert_int_equal(try_append(f, 1000), 0);
	assert_int_equal(try_append(f, 2001), -1);
	assert_int_equal(errno, EDQUOT);
	assert_int_equal(count_files(h, "Maildir/tmp"), 0);
	assert_int_equal(try_append(f, 1000), 0);
	sync_ok(f, NULL);
	assert_int_equal(folder_copy(f, seqs, 2, g, false, &uid), -1);
	assert_int_equal(errno, EDQUOT);
	sync_ok(g, NULL);
	assert_int_equal(folder_count(g), 0);
	/* moving adds nothing */
	assert_int_equal(folder_copy(f, seqs, 2, g, true, &uid), 0);
	sync_ok(g, NULL);
	assert_int_equal(folder_copy(g, seqs, 1, f, false, &uid), 0);
	/* three messages: not one more, whatever its size */
	assert_int_equal(try_append(f, 1), -1);
	assert_int_equal(errno, EDQUOT);
	/* room that is made is there at once, by whom ever */
	assert_int_equal(folder_expunge(g, seqs, 1, true, NULL), 0);
	assert_int_equal(try_append(f, 1000), 0);
	remove_file_with(h, "Maildir/.Other/cur", "B=");
	assert_int_equal(mailbox_quota_room(mb, 1000, 1), 0);
	assert_int_equal(mailbox_quota_room(mb, 1001, 1), -1);
	assert_false(mailbox_quota_full(mb));
	/* what has come of one command counts before it is there */
	assert_int_equal(folder_append_begin(f, &a), 0);
	assert_int_equal(folder_append_room(a, 1000), 0);
	assert_int_equal(folder_append_next(a, 0, 0, 0), 0);
	assert_int_equal(folder_append_write(a, "x\r\n", 3), 0);
	assert_int_equal(folder_append_room(a, 1), -1); /* one message too many */
	assert_int_equal(errno, EDQUOT);
	mailbox_quota_set(mb, &(struct quota){ 3000, 0 });
	assert_int_equal(folder_append_room(a, 998), 0);
	assert_int_equal(folder_append_room(a, 999), -1);
	folder_append_abort(a);
	mailbox_quota_set(mb, &(struct quota){ 2000, 0 });
	assert_int_equal(mailbox_quota_room(mb, 1, 1), -1);
	assert_true(mailbox_quota_full(mb));
	mailbox_quota_set(mb, &(struct quota){ 0, 0 });
	assert_int_equal(try_append(f, 5000), 0);
	folder_close(g);
	folder_close(f);
	mailbox_close(mb);
}

/* Of one batch only as many as fit; the others are put off, and say why. */
static void
test_delivery(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct delivery_item items[4];
	size_t delivered = 0, full = 0;

	mailbox_quota_set(mb, &(struct quota){ 0, 2 });
	for (size_t i = 0; i < 4; i++) {
		int fd = memfd_create("m", 0);

		assert_int_equal(write(fd, "A: b\r\n\r\nx\r\n", 11), 11);
		items[i] = (struct delivery_item){ .fd = fd,
			.d = { .queue_id = i + 1,
			    .nonce = 7,
			    .number = 1,
			    .content_size = 11,
			    .recipient = slice_str("a@example.org") } };
	}
	mailbox_deliver(mb, items, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct delivered *r = &items[i].result;

		delivered += r->result == DELIVERY_DELIVERED;
		if (r->result == DELIVERY_DELIVERED)
			continue;
		assert_int_equal(r->result, DELIVERY_DEFERRED);
		assert_int_equal(r->code, 452);
		assert_int_equal(r->enhanced[1], 2);
		assert_int_equal(r->enhanced[2], 2);
		full += r->full;
	}
	assert_int_equal(delivered, 2);
	assert_int_equal(full, 2);
	/* One that came in an earlier attempt is found, full or not. */
	for (size_t i = 0; i < 4; i++)
		items[i].d.maybe_delivered = true;
	mailbox_deliver(mb, items, 2);
	assert_int_equal(items[0].result.result, DELIVERY_DELIVERED);
	assert_int_equal(items[1].result.result, DELIVERY_DELIVERED);
	assert_int_equal(count_files(h, "Maildir/new"), 2);
	for (size_t i = 0; i < 4; i++)
		close(items[i].fd);
	mailbox_close(mb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_usage),
		T(test_append_and_copy),
		T(test_delivery),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
