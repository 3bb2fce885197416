#include "common/directions/directions.h"

#include "common/idn/idn.h"

/* An address cut up, with its domain in A-labels. */
struct parts {
	char			local_text[USERNAME_UNQUOTED_SIZE];
	char			lower_text[USERNAME_UNQUOTED_SIZE];
	char			domain_text[IDN_DOMAIN_MAX];
	struct slice		local;		/* unquoted, as written */
	struct slice		domain;		/* small letters, A-labels */
	struct route_address	key;
};

/* Empty is the null reverse-path; -1: no address. */
static int
take_parts(struct slice address, struct parts *p)
{
	struct username name;
	int n;

	p->local = p->domain = slice_of(p->local_text, 0);
	p->key = (struct route_address){ p->local, p->domain };
	if (address.len == 0)
		return 0;
	if (address_parts(address, p->local_text, &name) != PARSE_OK)
		return -1;
	n = name.domain.len == 0 ? 0 : idn_domain(name.domain,
	    p->domain_text);
	if (n == -1)
		return -1;
	p->local = name.local;
	p->domain = slice_of(p->domain_text, (size_t)n);
	if ((n = idn_local(p->local, p->lower_text,
	    sizeof(p->lower_text))) == -1)
		return -1;
	p->key.local = slice_of(p->lower_text, (size_t)n);
	p->key.domain = p->domain;
	return 0;
}

/* The address with its domain as the tables have it; itself, mostly. */
static struct slice
with_alabels(struct slice address, const struct parts *p,
    char text[BOOK_ADDRESS_SIZE])
{
	const char *at = address.len == 0 ? NULL :
	    memrchr(address.at, '@', address.len);
	int n;

	if (at == NULL || slice_is_ascii(slice_skip(address,
	    (size_t)(at - address.at))))
		return address;
	n = address_join(p->local, p->domain, text, BOOK_ADDRESS_SIZE);
	return n == -1 ? address : slice_of(text, (size_t)n);
}

static void
trace(const struct directions *d, enum directions_step step,
    const struct route *r, struct slice text)
{
	if (d->trace != NULL)
		d->trace->step(d->trace->ctx, step, r, text);
}

static enum directory_verdict
verdict_of(enum book_verdict v)
{
	switch (v) {
	case BOOK_LOCAL:
		return DIRECTORY_LOCAL;
	case BOOK_RELAY:
		return DIRECTORY_RELAY_DOMAIN;
	case BOOK_UNKNOWN:
		return DIRECTORY_UNKNOWN;
	case BOOK_NO_RELAY:
		return DIRECTORY_NO_RELAY;
	case BOOK_TOO_MUCH:
	case BOOK_LATER:
		break;
	}
	return DIRECTORY_TEMPFAIL;
}

/* ---- routes ---- */

static const struct route *
find_route(const struct directions *d, const struct parts *to,
    const struct parts *from)
{
	const struct route *r = d->routes == NULL ? NULL :
	    routes_find(d->routes, &to->key, &from->key, d->book.delimiter);

	trace(d, DIRECTIONS_ROUTE, r, to->domain);
	return r;
}

static void
refuse(const struct route *r, struct directory_refusal *f)
{
	f->code = r->code;
	memcpy(f->enhanced, r->enhanced, sizeof(f->enhanced));
	f->text = r->text;
}

/* A target on another host. */
static void
relay(const struct route *r, const struct parts *to,
    struct directory_target *t)
{
	t->kind = DIRECTORY_TARGET_RELAY;
	t->domain = to->domain;
	t->route = r == NULL ? slice_of("", 0) : r->name;
	if (r != NULL && r->code != 0) {
		t->kind = DIRECTORY_TARGET_REFUSED;
		refuse(r, &t->refusal);
	}
}

/* ---- SRS ---- */

/* Is it an address in the domain of ours that rewritten paths are in? */
static bool
is_srs(const struct directions *d, const struct parts *to)
{
	return d->srs != NULL && slice_equal(to->domain, d->srs_domain) &&
	    srs_is(to->local);
}

/* Where a rewritten path came from; -1: it was not ours, or is too old. */
static int
srs_back(const struct directions *d, const struct parts *to,
    char out[SRS_ADDRESS_MAX])
{
	int n = srs_reverse(d->srs, d->day, to->local, out);

	trace(d, n == -1 ? DIRECTIONS_SRS_BAD : DIRECTIONS_SRS_BACK, NULL,
	    n == -1 ? to->local : slice_of(out, (size_t)n));
	return n;
}

/*
 * The reverse-path of what is forwarded: one of ours stays, and so does the
 * null one.  Empty: as it was.
 */
static struct slice
srs_path(const struct directions *d, const struct parts *from,
    char out[SRS_ADDRESS_MAX])
{
	int n;

	if (d->srs == NULL || from->domain.len == 0 ||
	    slice_equal(from->domain, d->srs_domain) ||
	    domains_find(d->book.domains, from->domain) != NULL)
		return slice_of(out, 0);
	n = srs_forward(d->srs, d->day, from->local, from->domain,
	    d->srs_domain, out);
	if (n == -1)
		return slice_of(out, 0);
	trace(d, DIRECTIONS_SRS, NULL, slice_of(out, (size_t)n));
	return slice_of(out, (size_t)n);
}

/* ---- RESOLVE ---- */

static void
resolve_route(const struct directions *d, const struct parts *to,
    const struct parts *from, struct directory_resolved *out)
{
	const struct route *r = find_route(d, to, from);

	if (r == NULL || r->code == 0)
		return;
	refuse(r, &out->refusal);
	if (out->verdict == DIRECTORY_RELAY_DOMAIN) {
		out->verdict = DIRECTORY_REFUSED;
		out->canonical.len = 0;
	}
}

/* A path that we had rewritten: as a recipient of a relay domain. */
static void
resolve_srs(const struct directions *d, const struct parts *to,
    struct slice address, char canonical[BOOK_ADDRESS_SIZE],
    struct directory_resolved *out)
{
	char back[SRS_ADDRESS_MAX];

	out->verdict = DIRECTORY_UNKNOWN;
	if (srs_back(d, to, back) == -1 ||
	    slice_copy_str(address, canonical, BOOK_ADDRESS_SIZE) == -1)
		return;
	out->verdict = DIRECTORY_RELAY_DOMAIN;
	out->canonical = slice_str(canonical);
}

void
directions_resolve(const struct directions *d,
    const struct directory_ask *ask, char canonical[BOOK_ADDRESS_SIZE],
    struct directory_resolved *out)
{
	char text[BOOK_ADDRESS_SIZE];
	struct parts to, from;
	struct slice address;

	*out = (struct directory_resolved){ .verdict = DIRECTORY_UNKNOWN,
		.canonical = slice_of("", 0), .refusal.text = slice_of("", 0)
	};
	if (take_parts(ask->address, &to) == -1)
		return;
	if (take_parts(ask->reverse_path, &from) == -1)
		take_parts(slice_of("", 0), &from);
	address = with_alabels(ask->address, &to, text);
	if (is_srs(d, &to)) {
		resolve_srs(d, &to, address, canonical, out);
		return;
	}
	out->verdict = verdict_of(book_resolve(&d->book, address, canonical));
	if (out->verdict == DIRECTORY_LOCAL ||
	    out->verdict == DIRECTORY_RELAY_DOMAIN)
		out->canonical = slice_str(canonical);
	if (out->verdict == DIRECTORY_NO_RELAY ||
	    out->verdict == DIRECTORY_RELAY_DOMAIN)
		resolve_route(d, &to, &from, out);
}

/* ---- EXPAND ---- */

/* To one address elsewhere, which is all that there is; forwarded: because a
 * user of ours wants it there. */
static enum directory_verdict
expand_elsewhere(const struct directions *d, enum directory_verdict verdict,
    struct slice address, const struct parts *to, const struct parts *from,
    bool forwarded, directions_target *emit, void *ctx)
{
	struct directory_target t = { .address = address };
	char rewritten[SRS_ADDRESS_MAX];

	if (to->domain.len == 0)
		return DIRECTORY_UNKNOWN;
	relay(find_route(d, to, from), to, &t);
	if (forwarded)
		t.reverse_path = srs_path(d, from, rewritten);
	emit(ctx, verdict, &t);
	return verdict;
}

static enum directory_verdict
expand_srs(const struct directions *d, const struct parts *to,
    const struct parts *from, directions_target *emit, void *ctx)
{
	char back[SRS_ADDRESS_MAX];
	struct parts there;
	int n = srs_back(d, to, back);

	if (n == -1 || take_parts(slice_of(back, (size_t)n), &there) == -1)
		return DIRECTORY_UNKNOWN;
	return expand_elsewhere(d, DIRECTORY_RELAY_DOMAIN,
	    slice_of(back, (size_t)n), &there, from, false, emit, ctx);
}

/* More than an envelope holds: told to the one who wrote. */
static enum directory_verdict
expand_too_much(struct slice address, directions_target *emit, void *ctx)
{
	static const struct directory_refusal too_many = { 550, { 5, 4, 6 },
		{ "The address stands for too many others", 38 } };
	struct directory_target t = { .kind = DIRECTORY_TARGET_REFUSED,
		.address = address, .refusal = too_many };

	emit(ctx, DIRECTORY_LOCAL, &t);
	return DIRECTORY_LOCAL;
}

/* One of the targets that stand behind an address. */
static int
emit_target(const struct directions *d, enum directory_verdict verdict,
    const struct book_expansion *x, size_t i, const struct parts *from,
    directions_target *emit, void *ctx)
{
	const char *owner = book_target_owner(x, i);
	enum book_target_kind kind = x->targets[i].kind;
	char rewritten[SRS_ADDRESS_MAX];
	struct parts to;
	struct directory_target t = { .kind = DIRECTORY_TARGET_LOCAL,
		.address = slice_str(book_target_address(x, i)) };

	if (kind == BOOK_TARGET_RELAY || kind == BOOK_TARGET_FOREIGN) {
		if (take_parts(t.address, &to) == -1)
			return 0;
		relay(find_route(d, &to, from), &to, &t);
	}
	if (from->domain.len > 0 && owner != NULL)
		t.reverse_path = slice_str(owner);
	else if (kind == BOOK_TARGET_FOREIGN)
		t.reverse_path = srs_path(d, from, rewritten);
	return emit(ctx, verdict, &t);
}

static void
emit_all(const struct directions *d, enum directory_verdict verdict,
    const struct book_expansion *x, const struct parts *from,
    directions_target *emit, void *ctx)
{
	for (size_t i = 0; i < x->count; i++)
		if (emit_target(d, verdict, x, i, from, emit, ctx) == -1)
			return;
}

enum directory_verdict
directions_expand(const struct directions *d, const struct directory_ask *ask,
    directions_target *emit, void *ctx)
{
	enum directory_verdict verdict;
	struct book_expansion x;
	char text[BOOK_ADDRESS_SIZE];
	struct parts to, from;
	enum book_verdict v;

	if (take_parts(ask->address, &to) == -1)
		return DIRECTORY_UNKNOWN;
	if (take_parts(ask->reverse_path, &from) == -1)
		take_parts(slice_of("", 0), &from);
	if (is_srs(d, &to))
		return expand_srs(d, &to, &from, emit, ctx);
	v = book_expand(&d->book, with_alabels(ask->address, &to, text), &x);
	verdict = verdict_of(v);
	if (v == BOOK_TOO_MUCH)
		return expand_too_much(ask->address, emit, ctx);
	if (v == BOOK_NO_RELAY)
		return expand_elsewhere(d, verdict,
		    with_alabels(ask->address, &to, text), &to, &from,
		    ask->forwarded, emit, ctx);
	if (v == BOOK_LOCAL || v == BOOK_RELAY)
		emit_all(d, verdict, &x, &from, emit, ctx);
	book_expansion_clear(&x);
	return verdict;
}
