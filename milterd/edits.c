/* What a milter wants changed: kept until its last word, then made so. */
#include <stdlib.h>

#include "common/smtp/address.h"
#include "common/smtp/command.h"
#include "milterd/milterd.h"

/* Of a verdict: what is left beside a reply, a reason and a reverse-path. */
enum { VERDICT_RECIPIENTS_MAX = MILTER_VERDICT_MAX - MILTER_PARAMS_MAX - 4000 };

void
edits_init(struct edits *e)
{
	*e = (struct edits){ .n = 0 };
	TAILQ_INIT(&e->list);
	body_init(&e->body, 0);
}

static void
list_clear(struct edit_list *list)
{
	struct edit *i;

	while ((i = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, i, order);
		free(i);
	}
}

void
edits_clear(struct edits *e)
{
	list_clear(&e->list);
	body_clear(&e->body);
	edits_init(e);
}

static struct edit *
edit_new(const struct milter_answer *a)
{
	struct edit *i = calloc(1, sizeof(*i) + a->name.len + a->value.len);

	if (i == NULL)
		return NULL;
	i->code = a->code;
	i->index = a->index;
	memcpy(i->text, a->name.at, a->name.len);
	memcpy(i->text + a->name.len, a->value.at, a->value.len);
	i->name = slice_of(i->text, a->name.len);
	i->value = slice_of(i->text + a->name.len, a->value.len);
	return i;
}

/* "<a@b>" or "a@b", as milters write it; the address without brackets. */
static int
take_address(const struct milter_answer *a, bool utf8, struct smtp_address *to)
{
	enum smtp_path_fault why;
	size_t used;
	unsigned flags =
	    SMTP_PATH_BARE | (utf8 ? SMTP_PATH_UTF8 : 0) |
	    (a->code == SMFIR_CHGFROM ? SMTP_PATH_REVERSE : SMTP_PATH_FORWARD);

	return smtp_path_parse(a->name, flags, &smtp_path_limits_default, to,
		   &used, &why) == PARSE_OK &&
		       used == a->name.len
		   ? 0
		   : -1;
}

/*
 * Parameters as the client of a MAIL or RCPT might have written them (RFC 5321
 * section 4.1.2), into out.  false: they are none.
 */
static bool
take_params(const struct milter_answer *a, bool utf8, char out[], size_t *len)
{
	struct smtp_mail_params mail;
	struct smtp_rcpt_params rcpt;
	char line[MILTER_PARAMS_MAX];
	struct slice in = slice_of(line, a->value.len + 1);

	*len = 0;
	if (a->value.len == 0)
		return true;
	if (in.len > sizeof(line) || (!utf8 && !slice_is_ascii(a->value)))
		return false;
	line[0] = ' ';
	memcpy(line + 1, a->value.at, a->value.len);
	if (a->code == SMFIR_CHGFROM
		? smtp_mail_params_parse(in, &mail) != SMTP_PARAMS_OK
		: smtp_rcpt_params_parse(in, &rcpt) != SMTP_PARAMS_OK)
		return false;
	*len = smtp_params_copy(in, out);
	return true;
}

static bool
is_envelope(char code)
{
	return code == SMFIR_ADDRCPT || code == SMFIR_ADDRCPT_PAR ||
	       code == SMFIR_DELRCPT || code == SMFIR_CHGFROM;
}

int
edits_add(struct edits *e, const struct milter_answer *a, bool utf8,
    uint64_t max_body, const char **why)
{
	struct milter_answer in = *a;
	struct smtp_address address;
	char params[MILTER_PARAMS_MAX];
	struct edit *i;

	if (a->code == SMFIR_REPLBODY) {
		e->new_body = true;
		e->body.max = max_body;
		*why = "its body is too long, or has a bare CR";
		return body_append(&e->body, a->value);
	}
	if (is_envelope(a->code)) {
		*why = "not an address";
		if (take_address(a, utf8, &address) == -1)
			return -1;
		in.name = smtp_address_slice(&address);
		*why = "not the parameters of an address";
		if (!take_params(a, utf8, params, &in.value.len))
			return -1;
		in.value.at = params;
	}
	e->octets += in.name.len + in.value.len;
	*why = "too many changes";
	if (++e->n > EDITS_MAX || e->octets > EDITS_OCTETS_MAX)
		return -1;
	*why = "no memory";
	if ((i = edit_new(&in)) == NULL)
		return -1;
	TAILQ_INSERT_TAIL(&e->list, i, order);
	return 0;
}

/* ---- the envelope ---- */

void
envelope_edits_init(struct envelope_edits *e)
{
	*e = (struct envelope_edits){ .n = 0 };
	TAILQ_INIT(&e->list);
}

void
envelope_edits_clear(struct envelope_edits *e)
{
	list_clear(&e->list);
	free(e->reverse_path);
	free(e->reverse_params);
	free(e->hold);
	envelope_edits_init(e);
}

static int
keep_text(char **to, struct slice s)
{
	char *copy = malloc(s.len + 1);

	if (copy == NULL)
		return -1;
	memcpy(copy, s.at, s.len);
	copy[s.len] = '\0';
	free(*to);
	*to = copy;
	return 0;
}

/* A reason stands in a row of the queue's list: no control, and not long. */
static int
keep_reason(struct envelope_edits *e, struct slice s, const char *name)
{
	if (s.len > MILTER_REASON_MAX)
		s.len = MILTER_REASON_MAX;
	if (keep_text(&e->hold, s) == -1)
		return -1;
	for (char *p = e->hold; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	memcpy(e->held_by, name, strlen(name) + 1);
	return 0;
}

/* Another one takes the place of the first, with its parameters. */
static int
keep_reverse_path(struct envelope_edits *e, const struct edit *i)
{
	return keep_text(&e->reverse_path, i->name) == 0
		   ? keep_text(&e->reverse_params, i->value)
		   : -1;
}

static int
keep_recipient(struct envelope_edits *e, struct edit_list *from, struct edit *i)
{
	e->octets += i->name.len + i->value.len + 12;
	if (++e->n > EDITS_MAX || e->octets > VERDICT_RECIPIENTS_MAX)
		return -1;
	TAILQ_REMOVE(from, i, order);
	TAILQ_INSERT_TAIL(&e->list, i, order);
	return 0;
}

static int
apply(struct edits *e, struct edit *i, bool whole, struct message *m,
    struct envelope_edits *env, const char *name)
{
	switch (i->code) {
	case SMFIR_ADDHEADER:
		return message_insert(m, UINT32_MAX, i->name, i->value, whole);
	case SMFIR_INSHEADER:
		return message_insert(m, i->index, i->name, i->value, whole);
	case SMFIR_CHGHEADER:
		return message_change(m, i->index, i->name, i->value, whole);
	case SMFIR_QUARANTINE:
		return keep_reason(env, i->value, name);
	case SMFIR_CHGFROM:
		return keep_reverse_path(env, i);
	default:
		return keep_recipient(env, &e->list, i);
	}
}

int
edits_apply(struct edits *e, bool whole, struct message *m,
    struct envelope_edits *env, const char *name, const char **why)
{
	struct edit *i, *next;

	*why = "too many changes, or no memory";
	TAILQ_FOREACH_SAFE(i, &e->list, order, next)
	if (apply(e, i, whole, m, env, name) == -1)
		return -1;
	*why = "its body is too long, or has a bare CR";
	return e->new_body ? body_finish(&e->body, m) : 0;
}
