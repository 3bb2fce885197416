/*
 * The commands of the protocol.  Each but the barest is preceded by a packet
 * of macros, which are what sendmail and Postfix send at that stage, or what
 * the milter has asked for.
 */
#include <stdio.h>

#include "milterd/milterd.h"

static const char *const usual_macros[MILTER_STAGES] = {
	[MILTER_STAGE_CONNECT] =
	    ("j _ {daemon_name} {daemon_addr} "
	     "{daemon_port} {if_name} {if_addr} v {client_addr} {client_name} "
	     "{client_port} {client_ptr}"),
	[MILTER_STAGE_HELO] = "{tls_version} {cipher} {cipher_bits}",
	[MILTER_STAGE_MAIL] = ("i {auth_type} {auth_authen} {auth_author} "
			       "{mail_addr} {mail_host} {mail_mailer}"),
	[MILTER_STAGE_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[MILTER_STAGE_DATA] = "i",
	[MILTER_STAGE_EOM] = "i",
	[MILTER_STAGE_EOH] = "i",
};

/* What a macro is made of; text is scratch, and large enough. */
struct source {
	const struct session *s;
	char *text;
	size_t size;
};

static struct slice
print_number(struct source *f, unsigned long n)
{
	int len = snprintf(f->text, f->size, "%lu", n);

	return slice_of(f->text, (size_t)len);
}

static struct slice
client_name(struct source *f)
{
	const struct milter_mail *m = &f->s->mail;
	int len;

	if (m->name.len > 0)
		return m->name;
	if (m->family == MILTER_FAMILY_LOCAL)
		return SLICE_LITERAL("localhost");
	len = snprintf(
	    f->text, f->size, "[%.*s]", (int)m->address.len, m->address.at);
	return slice_of(f->text, (size_t)len);
}

static struct slice
get_host(struct source *f)
{
	return slice_str(f->s->peer->d->stage.hostname);
}

static struct slice
get_client(struct source *f)
{
	const struct milter_mail *m = &f->s->mail;
	struct slice name = client_name(f);
	int len;

	if (m->name.len == 0)
		return name;
	len = snprintf(f->text, f->size, "%.*s [%.*s]", (int)name.len, name.at,
	    (int)m->address.len, m->address.at);
	return slice_of(f->text, (size_t)len);
}

static struct slice
get_listener(struct source *f)
{
	return f->s->mail.listener;
}

static struct slice
get_own_address(struct source *f)
{
	return f->s->mail.own_address;
}

static struct slice
get_own_port(struct source *f)
{
	return print_number(f, f->s->mail.own_port);
}

static struct slice
get_version(struct source *f)
{
	(void)f;
	return SLICE_LITERAL("Bulkhead");
}

static struct slice
get_address(struct source *f)
{
	return f->s->mail.family == MILTER_FAMILY_LOCAL
		   ? SLICE_LITERAL("127.0.0.1")
		   : f->s->mail.address;
}

static struct slice
get_port(struct source *f)
{
	return print_number(f, f->s->mail.port);
}

static struct slice
get_name(struct source *f)
{
	return f->s->mail.name;
}

static struct slice
get_tls_version(struct source *f)
{
	return f->s->mail.tls_version;
}

static struct slice
get_cipher(struct source *f)
{
	return f->s->mail.tls_cipher;
}

static struct slice
get_bits(struct source *f)
{
	return f->s->mail.tls_bits == 0 ? slice_of("", 0)
					: print_number(f, f->s->mail.tls_bits);
}

static struct slice
get_mechanism(struct source *f)
{
	return f->s->mail.mechanism;
}

static struct slice
get_login(struct source *f)
{
	return f->s->mail.login;
}

static struct slice
get_queue_id(struct source *f)
{
	if (f->s->queue_id == 0)
		return slice_of("", 0);
	return slice_of(f->text, (size_t)snprintf(f->text, f->size, "%012llx",
				     (unsigned long long)f->s->queue_id));
}

static struct slice
get_sender(struct source *f)
{
	return f->s->mail.reverse_path;
}

static struct slice
domain_of(struct slice address)
{
	const char *at =
	    address.len == 0 ? NULL : memrchr(address.at, '@', address.len);

	return at == NULL ? slice_of("", 0)
			  : slice_skip(address, (size_t)(at + 1 - address.at));
}

static struct slice
get_sender_host(struct source *f)
{
	return domain_of(f->s->mail.reverse_path);
}

static struct slice
get_recipient(struct source *f)
{
	const struct milter_rcpt *r = &f->s->rcpt;

	return r->code != 0 ? r->text : r->forward_path;
}

static struct slice
get_recipient_host(struct source *f)
{
	const struct milter_rcpt *r = &f->s->rcpt;
	int len;

	if (r->code == 0)
		return domain_of(r->forward_path);
	len = snprintf(f->text, f->size, "%u.%u.%u", r->enhanced[0],
	    r->enhanced[1], r->enhanced[2]);
	return slice_of(f->text, (size_t)len);
}

static struct slice
get_mailer(struct source *f)
{
	(void)f;
	return SLICE_LITERAL("smtp");
}

/*
 * The way there, of which no milter that we know wants to know more; of one
 * that was refused these three say why (SMFIP_RCPT_REJ).
 */
static struct slice
get_recipient_mailer(struct source *f)
{
	return f->s->rcpt.code != 0 ? SLICE_LITERAL("error") : get_mailer(f);
}

static const struct macro {
	const char *name;
	struct slice (*get)(struct source *);
} macros[] = {
	{ "j", get_host },
	{ "_", get_client },
	{ "v", get_version },
	{ "i", get_queue_id },
	{ "{if_name}", get_host },
	{ "{if_addr}", get_own_address },
	{ "{daemon_name}", get_listener },
	{ "{daemon_addr}", get_own_address },
	{ "{daemon_port}", get_own_port },
	{ "{client_addr}", get_address },
	{ "{client_name}", client_name },
	{ "{client_ptr}", get_name },
	{ "{client_port}", get_port },
	{ "{tls_version}", get_tls_version },
	{ "{cipher}", get_cipher },
	{ "{cipher_bits}", get_bits },
	{ "{auth_type}", get_mechanism },
	{ "{auth_authen}", get_login },
	{ "{auth_author}", get_login },
	{ "{mail_addr}", get_sender },
	{ "{mail_host}", get_sender_host },
	{ "{mail_mailer}", get_mailer },
	{ "{rcpt_addr}", get_recipient },
	{ "{rcpt_host}", get_recipient_host },
	{ "{rcpt_mailer}", get_recipient_mailer },
};

/* A name of more than one letter may come without its braces. */
static bool
is_named(const struct macro *m, struct slice name)
{
	struct slice known = slice_str(m->name);

	if (slice_equal(known, name))
		return true;
	return known.len > 2 && name.len == known.len - 2 &&
	       slice_equal(slice_of(known.at + 1, name.len), name);
}

static void
put_macro(struct milter_writer *w, const struct session *s, struct slice name)
{
	char text[1200];
	struct source f = { s, text, sizeof(text) };

	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		struct slice value;

		if (!is_named(&macros[i], name))
			continue;
		value = macros[i].get(&f);
		if (value.len == 0)
			return;
		milter_put_string(w, slice_str(macros[i].name));
		milter_put_string(w, value);
		return;
	}
}

static void
put_macros(struct milter_writer *w, const struct line *l,
    enum milter_stage stage, char code)
{
	const char *p = l->agreed.macros[stage] != NULL
			    ? l->agreed.macros[stage]
			    : usual_macros[stage];

	milter_begin(w, SMFIC_MACRO);
	milter_put(w, slice_of(&code, 1));
	while (*p != '\0') {
		size_t n = strcspn(p, " ,\t");

		put_macro(w, l->s, slice_of(p, n));
		p += n;
		p += strspn(p, " ,\t");
	}
	milter_end(w);
}

static void
writer_init(struct milter_writer *w, struct line *l)
{
	struct milterd *d = l->s->peer->d;

	milter_writer_init(w, d->write, sizeof(d->write));
}

static void
send_off(struct milter_writer *w, struct line *l)
{
	milter_end(w);
	/* Every piece is bounded, and the buffer has room for all of them. */
	if (!w->failed)
		stream_write(l->stream, w->at, w->len);
}

/* The packet of macros, and the beginning of the command. */
static void
begin(
    struct milter_writer *w, struct line *l, enum milter_stage stage, char code)
{
	writer_init(w, l);
	put_macros(w, l, stage, code);
	milter_begin(w, code);
}

void
say_bare(struct line *l, char code)
{
	struct milter_writer w;

	writer_init(&w, l);
	milter_begin(&w, code);
	send_off(&w, l);
}

enum {
	OFFERED_STEPS = SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL |
			SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOHDRS |
			SMFIP_NOEOH | SMFIP_NR_HDR | SMFIP_NOUNKNOWN |
			SMFIP_NODATA | SMFIP_SKIP | SMFIP_RCPT_REJ |
			SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL |
			SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_UNKN |
			SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_HDR_LEADSPC
};

/* It may choose a smaller one than the largest. */
static const uint32_t packet_steps[PACKET_SIZES] = {
	[PACKET_256K] = SMFIP_MDS_256K,
	[PACKET_1M] = SMFIP_MDS_256K | SMFIP_MDS_1M,
};

void
say_options(struct line *l)
{
	struct milter_writer w;

	l->agreed = (struct agreed){ .actions = SMFIF_ALL,
		.steps =
		    OFFERED_STEPS | packet_steps[line_settings(l)->packet_size],
		.data_max = SMFI_DATA_MAX };
	writer_init(&w, l);
	milter_begin(&w, SMFIC_OPTNEG);
	milter_put_u32(&w, SMFI_VERSION);
	milter_put_u32(&w, l->agreed.actions);
	milter_put_u32(&w, l->agreed.steps);
	send_off(&w, l);
}

void
say_connect(struct line *l)
{
	const struct milter_mail *m = &l->s->mail;
	char text[1200], family = (char)m->family;
	struct source f = { l->s, text, sizeof(text) };
	struct milter_writer w;

	/* A program of this host: its milters know it by the loopback. */
	if (m->family == MILTER_FAMILY_LOCAL)
		family = MILTER_FAMILY_IPV4;
	begin(&w, l, MILTER_STAGE_CONNECT, SMFIC_CONNECT);
	milter_put_string(&w, client_name(&f));
	milter_put(&w, slice_of(&family, 1));
	if (m->family != MILTER_FAMILY_UNKNOWN) {
		milter_put_u16(&w, m->port);
		milter_put_string(&w, get_address(&f));
	}
	send_off(&w, l);
}

void
say_helo(struct line *l)
{
	struct milter_writer w;

	begin(&w, l, MILTER_STAGE_HELO, SMFIC_HELO);
	milter_put_string(&w, l->s->mail.helo);
	send_off(&w, l);
}

static void
put_path(struct milter_writer *w, struct slice address)
{
	milter_put(w, SLICE_LITERAL("<"));
	milter_put(w, address);
	milter_put_string(w, SLICE_LITERAL(">"));
}

/* Each of them a string of its own. */
static void
put_params(struct milter_writer *w, struct slice params)
{
	while (params.len > 0) {
		const char *space;
		struct slice one = slice_skip(params, 1);

		space = one.len > 0 ? memchr(one.at, ' ', one.len) : NULL;
		if (space != NULL)
			one.len = (size_t)(space - one.at);
		if (one.len > 0)
			milter_put_string(w, one);
		params = slice_skip(params, 1 + one.len);
	}
}

void
say_mail(struct line *l)
{
	const struct milter_mail *m = &l->s->mail;
	struct milter_writer w;

	begin(&w, l, MILTER_STAGE_MAIL, SMFIC_MAIL);
	put_path(&w, m->reverse_path);
	put_params(&w, m->params);
	send_off(&w, l);
}

void
say_rcpt(struct line *l)
{
	const struct milter_rcpt *r = &l->s->rcpt;
	struct milter_writer w;

	begin(&w, l, MILTER_STAGE_RCPT, SMFIC_RCPT);
	put_path(&w, r->forward_path);
	put_params(&w, r->params);
	send_off(&w, l);
}

/* No macros go before it: libmilter has no place for them. */
void
say_unknown(struct line *l)
{
	struct milter_writer w;

	writer_init(&w, l);
	milter_begin(&w, SMFIC_UNKNOWN);
	milter_put_string(&w, l->s->unknown);
	send_off(&w, l);
}

void
say_data(struct line *l)
{
	struct milter_writer w;

	begin(&w, l, MILTER_STAGE_DATA, SMFIC_DATA);
	send_off(&w, l);
}

bool
say_header(struct line *l)
{
	struct milterd *d = l->s->peer->d;
	const struct field *f = &l->s->message.fields[l->field];
	struct slice name = field_name(f), value;
	size_t max = l->agreed.data_max;
	struct milter_writer w;

	if (f->own || f->len > sizeof(d->value) || name.len > max / 2)
		return false;
	value = field_value(
	    f, (l->agreed.steps & SMFIP_HDR_LEADSPC) != 0, d->value);
	if (value.len > max - name.len - 2)
		value.len = max - name.len - 2;
	writer_init(&w, l);
	milter_begin(&w, SMFIC_HEADER);
	milter_put_string(&w, name);
	milter_put_string(&w, value);
	send_off(&w, l);
	return true;
}

void
say_eoh(struct line *l)
{
	struct milter_writer w;

	begin(&w, l, MILTER_STAGE_EOH, SMFIC_EOH);
	send_off(&w, l);
}

bool
say_body(struct line *l, int *error)
{
	struct milterd *d = l->s->peer->d;
	char head[MILTER_PACKET_HEAD];
	ssize_t n = message_body(
	    &l->s->message, l->body_at, d->write, l->agreed.data_max);
	struct iovec iov[2] = { { head, sizeof(head) }, { d->write, 0 } };

	*error = n == -1;
	if (n <= 0)
		return false;
	milter_head(head, SMFIC_BODY, (size_t)n);
	iov[1].iov_len = (size_t)n;
	stream_writev(l->stream, iov, 2);
	l->body_at += (uint64_t)n;
	return true;
}

void
say_end(struct line *l)
{
	struct milter_writer w;

	begin(&w, l, MILTER_STAGE_EOM, SMFIC_BODYEOB);
	send_off(&w, l);
}
