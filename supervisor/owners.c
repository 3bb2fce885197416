/*
 * Processes that run as somebody: sessions, delivery workers, PAM helpers.
 *
 * Who asks names a ticket or a voucher and nothing else.  Whose it is, the
 * stage that issued it answers over its own channel; uid and home follow from
 * files that only root writes.  The connection of a client and what its gate
 * read ahead pass through here as two descriptors that are never read.
 */
#include "supervisor/supervisor.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ipc/start.h"
#include "supervisor/map.h"

enum { REQUESTS_MAX = 1024, PAM_HELPERS_MAX = 16 };

/* One ticket on its way to being a process. */
struct request {
	TAILQ_ENTRY(request)	 entry;
	struct process		*asker;		/* NULL: gone meanwhile */
	uint64_t		 id;		/* of the asker's message */
	enum ipc_role		 role;		/* to be started */
	int			 fds[2];	/* connection and handoff, or -1 */
};

/* What a role that asks for processes gets, from whom the answer comes. */
static const struct asker_rule {
	enum ipc_role	asker, starts, issuer;
	enum ipc_type	start, redeem, started, refused;
} asker_rules[] = {
	{ IPC_POP3D, IPC_POP3D_SESSION, IPC_AUTHD, IPC_SESSION_START,
	    IPC_TICKET_REDEEM,
	    IPC_SESSION_STARTED, IPC_SESSION_REFUSED },
	{ IPC_IMAPD, IPC_IMAPD_SESSION, IPC_AUTHD, IPC_SESSION_START,
	    IPC_TICKET_REDEEM,
	    IPC_SESSION_STARTED, IPC_SESSION_REFUSED },
	{ IPC_LOCAL_DELIVERY, IPC_DELIVERY_WORKER, IPC_DIRECTORY,
	    IPC_WORKER_START, IPC_VOUCHER_REDEEM, IPC_WORKER_STARTED,
	    IPC_WORKER_REFUSED },
	{ IPC_LOCAL_DELIVERY, IPC_RUNNER, IPC_DIRECTORY, IPC_RUNNER_START,
	    IPC_VOUCHER_REDEEM, IPC_RUNNER_STARTED, IPC_RUNNER_REFUSED },
};

static const struct asker_rule *
rule_of_start(enum ipc_role starts)
{
	for (size_t i = 0; i < sizeof(asker_rules) / sizeof(asker_rules[0]);
	    i++)
		if (asker_rules[i].starts == starts)
			return &asker_rules[i];
	return NULL;
}

static const struct asker_rule *
rule_of_asker(enum ipc_role asker, enum ipc_type start)
{
	for (size_t i = 0; i < sizeof(asker_rules) / sizeof(asker_rules[0]);
	    i++)
		if (asker_rules[i].asker == asker &&
		    asker_rules[i].start == start)
			return &asker_rules[i];
	return NULL;
}

void
owners_init(struct supervisor *sv)
{
	TAILQ_INIT(&sv->requests);
	if ((sv->pending = ipc_pending_new(REQUESTS_MAX)) == NULL) {
		log_error("cannot-start", LOG_ERRNO(errno));
		exit(71);
	}
}

static void
request_free(struct supervisor *sv, struct request *r)
{
	TAILQ_REMOVE(&sv->requests, r, entry);
	for (unsigned i = 0; i < 2; i++)
		if (r->fds[i] != -1)
			close(r->fds[i]);
	free(r);
}

static void
say_refused(struct process *asker, uint64_t id, enum ipc_type type,
    enum start_refusal why)
{
	char body[START_BODY_MAX];

	if (asker->channel != NULL)
		ipc_send(asker->channel, type, id,
		    slice_of(body, start_refusal_encode(why, body)), NULL, 0);
}

static void
request_refuse(struct supervisor *sv, struct request *r,
    enum start_refusal why)
{
	if (r->asker != NULL)
		say_refused(r->asker, r->id, rule_of_start(r->role)->refused,
		    why);
	request_free(sv, r);
}

static struct process *
running(struct supervisor *sv, enum ipc_role role)
{
	struct process *p;

	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->map->role == role && p->state == PROCESS_READY &&
		    p->channel != NULL)
			return p;
	return NULL;
}

/* Ask the issuer whose ticket it is; takes m's descriptors. */
static int
redeem(struct process *asker, struct ipc_message *m, const struct ticket *t)
{
	const struct asker_rule *rule = rule_of_asker(asker->map->role,
	    m->rule->type);
	struct supervisor *sv = asker->sv;
	struct process *issuer = running(sv, rule->issuer);
	char body[START_BODY_MAX];
	struct request *r;
	uint64_t id;

	if (issuer == NULL || sv->stopping ||
	    (r = malloc(sizeof(*r))) == NULL) {
		say_refused(asker, m->id, rule->refused, START_FAILED);
		return 0;
	}
	*r = (struct request){ .asker = asker, .id = m->id,
		.role = rule->starts, .fds = { ipc_message_take_fd(m, 0),
		ipc_message_take_fd(m, 1) } };
	TAILQ_INSERT_TAIL(&sv->requests, r, entry);
	if ((id = ipc_pending_add(sv->pending, issuer->channel, r)) == 0) {
		request_refuse(sv, r, START_BUSY);
		return 0;
	}
	ipc_send(issuer->channel, rule->redeem, id, slice_of(body,
	    start_redeem_encode(t, (uint8_t)asker->map->role, body)), NULL, 0);
	return 0;
}

/* SESSION_START, WORKER_START and RUNNER_START. */
static int
on_start(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct process *asker = arg;
	struct ticket ticket;

	(void)ch;
	if (start_ticket_decode(m->body, &ticket) == -1)
		return -1;
	return redeem(asker, m, &ticket);
}

static bool
over_limit(struct supervisor *sv, const struct request *r, struct account a)
{
	struct process *p;
	uint64_t n = 0;

	if (r->role == IPC_DELIVERY_WORKER)
		return sv->workers >= sv->instance->workers_max;
	if (r->role == IPC_RUNNER)
		return sv->runners >= sv->instance->runners_max;
	if (sv->sessions >= sv->instance->sessions_max)
		return true;
	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->map->start == START_DEMAND &&
		    p->map->jail == JAIL_HOME &&
		    p->map->role != IPC_DELIVERY_WORKER &&
		    p->account.kind == a.kind &&
		    p->account.number == a.number)
			n++;
	return n >= sv->instance->sessions_per_account;
}

/* Of programs_user nothing but a runner can be started. */
static int
locate(const struct supervisor *sv, enum ipc_role role, struct account a,
    struct account_place *place)
{
	if (a.kind != ACCOUNT_PROGRAMS)
		return account_locate(&sv->rules, sv->users, sv->system_users,
		    a, place);
	*place = (struct account_place){ .home = "/" };
	errno = EPERM;
	return role != IPC_RUNNER ? -1 : instance_programs_user(sv->instance,
	    &place->uid, &place->gid);
}

/*
 * The home, where the process is jailed.  The runner is not, and only a
 * system user has one: no virtual account has anything outside of its home.
 */
static int
jail_of_owner(struct supervisor *sv, enum ipc_role role, struct account a,
    const struct account_place *place, int *fd)
{
	*fd = -1;
	if (map_process(role)->jail == JAIL_NONE) {
		errno = EPERM;
		return a.kind == ACCOUNT_VIRTUAL ? -1 : 0;
	}
	*fd = home_open(sv, place);
	return *fd == -1 ? -1 : 0;
}

static void
give_quota(struct process *p, const struct account_place *place)
{
	struct start_quota q = { place->quota_octets, place->quota_messages };
	char body[START_BODY_MAX];

	ipc_send(p->channel, IPC_OWNER_QUOTA, 0,
	    slice_of(body, start_quota_encode(&q, body)), NULL, 0);
}

/* The new process, jailed where it has to be; NULL with the reason. */
static struct process *
start_owner(struct supervisor *sv, const struct request *r, struct account a,
    enum start_refusal *why)
{
	struct identity id = { .jail_fd = -1 };
	struct account_place place;
	char text[ACCOUNT_TEXT];
	struct process *p;

	*why = START_NO_ACCOUNT;
	if (locate(sv, r->role, a, &place) == -1 || place.uid == 0 || place.gid == 0) {
		log_error("account-refused",
		    LOG_CSTR("account", account_text(a, text)),
		    LOG_ERRNO(errno));
		return NULL;
	}
	if (jail_of_owner(sv, r->role, a, &place, &id.jail_fd) == -1) {
		log_error("home-refused",
		    LOG_CSTR("account", account_text(a, text)),
		    LOG_CSTR("home", place.home), LOG_ERRNO(errno));
		return NULL;
	}
	id.uid = place.uid;
	id.gid = place.gid;
	*why = START_FAILED;
	if ((p = process_start_for(sv, r->role, a, &id)) == NULL)
		log_error("cannot-start-process",
		    LOG_CSTR("process", map_process(r->role)->program),
		    LOG_ERRNO(errno));
	else if (r->role != IPC_RUNNER && p->channel != NULL)
		give_quota(p, &place);
	if (id.jail_fd != -1)
		close(id.jail_fd);
	return p;
}

/* The worker's channel has its other end with the one who asked. */
static int
hand_over_worker(struct request *r, struct process *p)
{
	char body[START_BODY_MAX];
	struct start_account a = { (uint8_t)p->account.kind,
		p->account.number };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	broker_give(p, IPC_LOCAL_DELIVERY, 0, pair[0]);
	supply_commit(p);
	ipc_send(r->asker->channel, rule_of_start(r->role)->started, r->id, slice_of(body,
	    start_account_encode(1, &a, body)), &pair[1], 1);
	return 0;
}

static int
hand_over_session(struct request *r, struct process *p)
{
	supply_commit(p);
	ipc_send(p->channel, IPC_SESSION_GIVE, 0, slice_of("", 0), r->fds, 2);
	r->fds[0] = r->fds[1] = -1;
	ipc_send(r->asker->channel, IPC_SESSION_STARTED, r->id,
	    slice_of("", 0), NULL, 0);
	return 0;
}

static void
request_granted(struct supervisor *sv, struct request *r, struct account a)
{
	enum start_refusal why = START_BUSY;
	struct process *p;

	if (over_limit(sv, r, a) ||
	    (p = start_owner(sv, r, a, &why)) == NULL) {
		request_refuse(sv, r, why);
		return;
	}
	if (p->channel == NULL || (r->asker->map->role == IPC_LOCAL_DELIVERY ?
	    hand_over_worker(r, p) : hand_over_session(r, p)) == -1) {
		process_kill(p);
		request_refuse(sv, r, START_FAILED);
		return;
	}
	request_free(sv, r);
}

/* TICKET_ACCOUNT and VOUCHER_ACCOUNT. */
static int
on_account(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct process *issuer = arg;
	struct supervisor *sv = issuer->sv;
	struct start_account sa;
	struct account a;
	struct request *r;
	int good;

	if (start_account_decode(m->body, &good, &sa) == -1)
		return -1;
	if ((r = ipc_pending_take(sv->pending, ch, m->id)) == NULL)
		return -1;
	a = (struct account){ (enum account_kind)sa.kind, sa.number };
	if (!good || r->asker == NULL || r->asker->channel == NULL)
		request_refuse(sv, r, START_BAD_TICKET);
	else if (!account_valid(a)) {
		request_refuse(sv, r, START_NO_ACCOUNT);
		return -1;
	} else
		request_granted(sv, r, a);
	return 0;
}

static unsigned
count_pam_helpers(const struct supervisor *sv)
{
	const struct process *p;
	unsigned n = 0;

	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->map->role == IPC_AUTHD_PAM)
			n++;
	return n;
}

static struct process *
start_pam(struct supervisor *sv, int fd)
{
	struct identity id;
	struct process *p;

	if (uids_of(sv, map_process(IPC_AUTHD_PAM), &id) == -1 ||
	    (p = process_start_for(sv, IPC_AUTHD_PAM, (struct account){ 0 },
	    &id)) == NULL) {
		close(fd);
		return NULL;
	}
	broker_give(p, IPC_AUTHD, 0, fd);
	supply_commit(p);
	return p;
}

static int
on_pam_start(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct process *authd = arg;
	struct supervisor *sv = authd->sv;
	int pair[2];

	if (m->body.len != 0)
		return -1;
	if (count_pam_helpers(sv) >= PAM_HELPERS_MAX || sv->stopping) {
		say_refused(authd, m->id, IPC_PAM_REFUSED, START_BUSY);
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ==
	    -1) {
		say_refused(authd, m->id, IPC_PAM_REFUSED, START_FAILED);
		return 0;
	}
	if (start_pam(sv, pair[0]) == NULL) {
		log_error("cannot-start-process",
		    LOG_CSTR("process", "authd-pam"), LOG_ERRNO(errno));
		close(pair[1]);
		say_refused(authd, m->id, IPC_PAM_REFUSED, START_FAILED);
		return 0;
	}
	return ipc_send(ch, IPC_PAM_STARTED, m->id, slice_of("", 0), &pair[1],
	    1);
}

void
owners_channel_lost(struct supervisor *sv, struct ipc_channel *ch)
{
	struct request *r;

	TAILQ_FOREACH(r, &sv->requests, entry)
		if (r->asker != NULL && r->asker->channel == ch)
			r->asker = NULL;
	while ((r = ipc_pending_take_any(sv->pending, ch)) != NULL)
		request_refuse(sv, r, START_FAILED);
}

const struct ipc_handler owner_handlers[] = {
	{ IPC_SESSION_START, on_start },
	{ IPC_WORKER_START, on_start },
	{ IPC_RUNNER_START, on_start },
	{ IPC_TICKET_ACCOUNT, on_account },
	{ IPC_VOUCHER_ACCOUNT, on_account },
	{ IPC_PAM_START, on_pam_start },
};
const unsigned owner_handler_count =
    sizeof(owner_handlers) / sizeof(owner_handlers[0]);
