/*
 * A view at rest: what a session keeps of a folder while nobody asks for
 * anything.  40 octets a message become about eight; neighbours differ in
 * little.  Names of a small folder are not kept at all, for it is read again
 * faster than anybody notices; those of a large one are.
 *
 * What always holds:
 * R1  At rest f->rest is there and f->entries is NULL; otherwise it is the
 *     other way round, but for an outline (O1).  f->count is right in all.
 * R2  The octets are of this process's memory alone, never of a file, so they
 *     are believed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/internal.h"

enum {
	NAMES_FORGOTTEN = 4096, /* of a folder of so many at most */
	VARINT_MAX = 10,
	ENTRY_MAX = 3 + 5 * VARINT_MAX
};

enum {
	HAS_RECENT = 1,
	HAS_GONE = 2,
	HAS_IN_NEW = 4,
	HAS_CHANGED = 8,
	HAS_FRESH = 16,
	HAS_RECORDED = 32,
	HAS_MISSES = 64,
	HAS_KEYWORDS = 128
};

/* Seven bits an octet, the lowest first; the last one is below 128. */
static uint8_t *
put_number(uint8_t *to, uint64_t v)
{
	for (; v > 127; v >>= 7)
		*to++ = (uint8_t)(v | 128);
	*to++ = (uint8_t)v;
	return to;
}

static const uint8_t *
get_number(const uint8_t *at, uint64_t *v)
{
	unsigned shift = 0;

	for (*v = 0; *at > 127; shift += 7)
		*v |= (uint64_t)(*at++ & 127) << shift;
	*v |= (uint64_t)*at << shift;
	return at + 1;
}

/* Small steps up or down become small numbers. */
static uint8_t *
put_step(uint8_t *to, uint64_t v, uint64_t before)
{
	uint64_t step = v - before;

	return put_number(to, step << 1 ^ (0 - (step >> 63)));
}

static const uint8_t *
get_step(const uint8_t *at, uint64_t before, uint64_t *v)
{
	uint64_t step;

	at = get_number(at, &step);
	*v = before + (step >> 1 ^ (0 - (step & 1)));
	return at;
}

static uint8_t
bits_of(const struct entry *e)
{
	return (uint8_t)((e->m.recent ? HAS_RECENT : 0) |
			 (e->m.gone ? HAS_GONE : 0) |
			 (e->in_new ? HAS_IN_NEW : 0) |
			 (e->changed ? HAS_CHANGED : 0) |
			 (e->fresh ? HAS_FRESH : 0) |
			 (e->recorded ? HAS_RECORDED : 0) |
			 (e->misses ? HAS_MISSES : 0) |
			 (e->m.keywords ? HAS_KEYWORDS : 0));
}

static uint8_t *
put_entry(uint8_t *to, const struct entry *e, const struct entry *before)
{
	uint8_t bits = bits_of(e);

	*to++ = bits;
	*to++ = e->m.flags;
	if (bits & HAS_MISSES)
		*to++ = e->misses;
	if (bits & HAS_KEYWORDS)
		to = put_number(to, e->m.keywords);
	to = put_step(to, e->m.uid, before->m.uid);
	to = put_step(to, e->m.modseq, before->m.modseq);
	to = put_step(to, e->ino, before->ino);
	return put_step(to, e->name, before->name);
}

static const uint8_t *
get_entry(const uint8_t *at, struct entry *e, const struct entry *before)
{
	uint64_t uid, name;
	uint8_t bits = *at++;

	*e = (struct entry){ .m.flags = *at++,
		.m.recent = (bits & HAS_RECENT) != 0,
		.m.gone = (bits & HAS_GONE) != 0,
		.in_new = (bits & HAS_IN_NEW) != 0,
		.changed = (bits & HAS_CHANGED) != 0,
		.fresh = (bits & HAS_FRESH) != 0,
		.recorded = (bits & HAS_RECORDED) != 0 };
	if (bits & HAS_MISSES)
		e->misses = *at++;
	if (bits & HAS_KEYWORDS)
		at = get_number(at, &e->m.keywords);
	at = get_step(at, before->m.uid, &uid);
	at = get_step(at, before->m.modseq, &e->m.modseq);
	at = get_step(at, before->ino, &e->ino);
	at = get_step(at, before->name, &name);
	e->m.uid = (uint32_t)uid;
	e->name = (uint32_t)name;
	return at;
}

static void
forget_names(struct folder *f)
{
	for (size_t i = 0; i < f->count; i++)
		f->entries[i].name = UINT32_MAX;
	pool_clear(&f->pool);
	f->named = false;
}

static size_t
packed_len(const struct folder *f)
{
	struct entry none = { 0 };
	const struct entry *before = &none;
	uint8_t scratch[ENTRY_MAX];
	size_t len = 0;

	for (size_t i = 0; i < f->count; before = &f->entries[i++])
		len += (size_t)(put_entry(scratch, &f->entries[i], before) -
				scratch);
	return len;
}

void
folder_rest(struct folder *f)
{
	struct entry none = { 0 };
	const struct entry *before = &none;
	uint8_t *to;
	size_t len;

	if (f->count == 0 || f->rest != NULL || f->outline != NULL)
		return;
	if (f->count <= NAMES_FORGOTTEN)
		forget_names(f);
	len = packed_len(f);
	assert(len > 0);
	if ((to = f->rest = malloc(len)) == NULL)
		return; /* it stays as it is */
	for (size_t i = 0; i < f->count; before = &f->entries[i++])
		to = put_entry(to, &f->entries[i], before);
	free(f->entries);
	f->entries = NULL;
	f->size = 0;
}

int
folder_wake(struct folder *f)
{
	struct entry none = { 0 };
	const struct entry *before = &none;
	const uint8_t *at = f->rest;
	struct entry *entries;

	if (at == NULL)
		return 0;
	assert(f->entries == NULL && f->count > 0);
	entries = reallocarray(NULL, f->count, sizeof(*entries));
	if (entries == NULL)
		return -1;
	for (size_t i = 0; i < f->count; before = &entries[i++])
		at = get_entry(at, &entries[i], before);
	f->entries = entries;
	f->size = f->count;
	free(f->rest);
	f->rest = NULL;
	return 0;
}
