/*
 * The world around one smtpd, for its tests: supervisor, directory and
 * queue-manager as far as smtpd can see them, each able to misbehave.
 *
 *	tests-smtp-harness PROGRAM OUT smtp|inject|lmtp [DESCRIPTORS]
 *
 * starts PROGRAM in its real sandbox with the settings in OUT/smtpd.conf,
 * prints "port N" ("socket PATH" for inject and lmtp), and obeys lines on
 *standard input, answering each with "ok":
 *
 *	commit			read OUT/smtpd.conf again
 *	close directory|queue	that sibling dies
 *	open directory|queue	and comes back
 *	hold, release		answers to ENQUEUE wait, and go out
 *	forget			messages are counted, not kept (for speed)
 *	stop			STAGE_STOP; then "exit STATUS" when it has ended
 *
 * Every message that it is given, it checks (seals, sizes, line ends) and
 * keeps: OUT/<queue id>.eml and OUT/<queue id>.env.
 *
 * The directory: users of hamburger.edu are bob, alice, j\xc3\xb6rg (in UTF-8),
 * postmaster and u0 to u99999 (and bare postmaster); "temp" fails for now; "silent" is never
 * answered; "slow" after 50 ms; every other domain is not ours.
 * The queue: a reverse-path with the local-part "full" is refused with 452,
 * "policy" with 554, "silent" is never answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/ipc/directory.h"
#include "common/ipc/queue.h"
#include "common/smtp/address.h"
#include "common/stage/fields.h"

#define HELD_MAX	4096
#define LEASE		600

struct parts {
	uint64_t	 queue_id;
	uint32_t	 n;
	char		*at;
	size_t		 len;
};

struct world {
	struct event_base *base;
	struct ipc_channel *supervisor, *directory, *queue;
	enum ipc_role	 role;
	const char	*out;
	uint64_t	 channels_made;
	pid_t		 pid;
	int		 listener;
	uint64_t	 next_id;
	unsigned	 leased;
	rlim_t		 descriptors;	/* its limit; 0: as ours */
	bool		 hold, forget;
	unsigned long	 messages;
	struct { uint64_t id, queue_id; } held[HELD_MAX];
	unsigned	 n_held;
	struct parts	 parts[64];
	char		 line[256];
	size_t		 line_len;
};

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "harness: ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, " (%s)\n", strerror(errno));
	va_end(ap);
	exit(1);
}

static void
say(const char *text)
{
	printf("%s\n", text);
	fflush(stdout);
}

/* ---- directory ---- */

static enum directory_verdict
verdict(struct slice address)
{
	struct smtp_address a;
	struct slice name, domain;
	unsigned long long n;

	if (smtp_address_parse(address, &a) != PARSE_OK)
		return DIRECTORY_UNKNOWN;
	name = smtp_address_local(&a);
	domain = smtp_address_domain(&a);
	if (a.kind != SMTP_UNQUALIFIED &&
	    !slice_equal(domain, SLICE_LITERAL("hamburger.edu")))
		return DIRECTORY_NO_RELAY;
	if (slice_equal(name, SLICE_LITERAL("temp")))
		return DIRECTORY_TEMPFAIL;
	if (slice_equal_nocase(name, SLICE_LITERAL("postmaster")) ||
	    slice_equal(name, SLICE_LITERAL("bob")) ||
	    slice_equal(name, SLICE_LITERAL("slow")) ||
	    slice_equal(name, SLICE_LITERAL("alice")) ||
	    slice_equal(name, SLICE_LITERAL("j\xc3\xb6rg")) ||
	    (name.len > 1 && name.at[0] == 'u' &&
		slice_number(slice_skip(name, 1), 99999, &n) == 0))
		return DIRECTORY_LOCAL;
	return DIRECTORY_UNKNOWN;
}

struct later {
	struct world	*w;
	uint64_t	 id;
	enum directory_verdict verdict;
	struct event	*timer;
};

static void
resolved(struct world *w, uint64_t id, enum directory_verdict v)
{
	uint8_t body[DIRECTORY_BODY_MAX];
	struct directory_resolved r = { .verdict = v,
		.canonical = v == DIRECTORY_LOCAL ? slice_str("x@y")
						  : slice_str("") };

	if (w->directory != NULL)
		ipc_send(w->directory, IPC_RESOLVED, id,
		    slice_of(body, directory_resolved_encode(&r, body)), NULL,
		    0);
}

static void
resolved_later(evutil_socket_t fd, short what, void *arg)
{
	struct later *l = arg;

	(void)fd, (void)what;
	resolved(l->w, l->id, l->verdict);
	event_free(l->timer);
	free(l);
}

static int
on_resolve(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	static const struct timeval delay = { 0, 50000 };
	struct world *w = ctx;
	struct directory_ask ask;
	struct slice address;
	struct later *l;

	(void)ch;
	if (directory_ask_decode(m->body, &ask) == -1)
		return -1;
	address = ask.address;
	if (slice_starts_nocase(address, SLICE_LITERAL("silent@")))
		return 0;
	if (!slice_starts_nocase(address, SLICE_LITERAL("slow@"))) {
		resolved(w, m->id, verdict(address));
		return 0;
	}
	l = malloc(sizeof(*l));
	*l = (struct later){ w, m->id, verdict(address), NULL };
	l->timer = evtimer_new(w->base, resolved_later, l);
	evtimer_add(l->timer, &delay);
	return 0;
}

static void
directory_closed(void *ctx, struct ipc_channel *ch)
{
	struct world *w = ctx;

	if (w->directory == ch)
		w->directory = NULL;
}

static const struct ipc_handler directory_handlers[] = {
	{ IPC_RESOLVE, on_resolve },
};
static const struct ipc_events directory_events = {
	.handlers = directory_handlers, .count = 1, .closed = directory_closed,
};

/* ---- queue-manager ---- */

/* All of a sealed memfd, which has to have this size. */
static void
take_octets(int fd, size_t octets, char *to)
{
	int all = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	struct stat sb;

	if ((fcntl(fd, F_GET_SEALS) & all) != all)
		die("a descriptor that is not sealed");
	if (fstat(fd, &sb) == -1 || (size_t)sb.st_size != octets)
		die("%ld octets, not %zu", (long)sb.st_size, octets);
	if (pread(fd, to, octets, 0) != (ssize_t)octets)
		die("pread");
}

static struct parts *
parts_of(struct world *w, uint64_t queue_id)
{
	struct parts *spare = NULL;

	for (size_t i = 0; i < 64; i++) {
		if (w->parts[i].queue_id == queue_id)
			return &w->parts[i];
		if (w->parts[i].queue_id == 0)
			spare = &w->parts[i];
	}
	if (spare == NULL)
		die("too many messages in parts");
	spare->queue_id = queue_id;
	return spare;
}

static void
parts_add(struct parts *p, int fd, uint32_t part, uint32_t octets)
{
	if (part != p->n)
		die("part %u after %u parts", part, p->n);
	p->at = realloc(p->at, p->len + octets + 1);
	take_octets(fd, octets, p->at + p->len);
	p->len += octets;
	p->n++;
}

static void
parts_end(struct parts *p)
{
	free(p->at);
	*p = (struct parts){ 0 };
}

static int
on_content(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct world *w = ctx;
	struct queue_part part;
	uint8_t body[QUEUE_SMALL_BODY_MAX];

	if (queue_part_decode(m->body, &part) == -1)
		return -1;
	if (part.octets != QUEUE_PART_MAX)
		die("a part of %u octets that is not the last", part.octets);
	parts_add(parts_of(w, part.queue_id), m->fds[0], part.part,
	    part.octets);
	part.octets = 0;
	ipc_send(ch, IPC_CONTENT_KEPT, m->id,
	    slice_of(body, queue_part_encode(&part, body)), NULL, 0);
	return 0;
}

static int
on_abort(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct world *w = ctx;
	uint64_t id;

	(void)ch;
	if (queue_id_decode(m->body, &id) == -1)
		return -1;
	parts_end(parts_of(w, id));
	return 0;
}

static void
lease(struct world *w)
{
	uint8_t body[QUEUE_SMALL_BODY_MAX];
	struct queue_ids ids = { .first = w->next_id, .count = LEASE };

	w->next_id += LEASE;
	w->leased += LEASE;
	ipc_send(w->queue, IPC_QUEUE_IDS, 0,
	    slice_of(body, queue_ids_encode(&ids, body)), NULL, 0);
}

static void
check_lines(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (at[i] == '\r' && (i + 1 == len || at[i + 1] != '\n'))
			die("a bare CR at %zu", i);
		if (at[i] == '\n' && (i == 0 || at[i - 1] != '\r'))
			die("a bare LF at %zu", i);
	}
}

static void
write_file(struct world *w, uint64_t id, const char *ext, const char *at,
    size_t len)
{
	char path[512], tmp[520];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%012" PRIx64 ".%s", w->out, id, ext);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	f = fopen(tmp, "w");
	if (f == NULL || fwrite(at, 1, len, f) != len || fclose(f) != 0 ||
	    rename(tmp, path) == -1)
		die("%s", path);
}

static void
keep_envelope(struct world *w, uint64_t id, struct envelope *e)
{
	struct envelope_recipient r;
	size_t size = 4096 + (size_t)e->n_recipients * 3000, n = 0;
	char *text = malloc(size);

#define S(s) (int)(s).len, (s).at
	n += (size_t)snprintf(text, size, "from=%.*s\nflags=%u\nclient=%.*s\n"
	    "helo=%.*s\nlistener=%.*s\nprotocol=%.*s\nenvid=%.*s\nret=%d\n",
	    S(e->reverse_path), e->flags, S(e->client), S(e->helo),
	    S(e->listener), S(e->protocol), S(e->envid), (int)e->ret);
	while (envelope_next(e, &r))
		n += (size_t)snprintf(text + n, size - n,
		    "to=%.*s\nnotify=%u\norcpt=%.*s\n", S(r.given),
		    r.notify, S(r.original));
#undef S
	write_file(w, id, "env", text, n);
	free(text);
}

static void
enqueued(struct world *w, uint64_t id, uint64_t queue_id)
{
	uint8_t body[QUEUE_SMALL_BODY_MAX];

	ipc_send(w->queue, IPC_ENQUEUED, id,
	    slice_of(body, queue_id_encode(queue_id, body)), NULL, 0);
}

static void
refused(struct world *w, uint64_t id, uint64_t queue_id, uint16_t code,
    uint8_t class)
{
	uint8_t body[QUEUE_REFUSED_MAX];
	struct queue_refused r = { .queue_id = queue_id, .code = code,
		.enhanced = { class, 3, 1 }, .text = slice_str("As told") };

	ipc_send(w->queue, IPC_ENQUEUE_REFUSED, id,
	    slice_of(body, queue_refused_encode(&r, body)), NULL, 0);
}

static void
answer(struct world *w, uint64_t id, uint64_t queue_id, struct slice from)
{
	if (slice_starts_nocase(from, SLICE_LITERAL("silent@")))
		return;
	if (slice_starts_nocase(from, SLICE_LITERAL("full@")))
		refused(w, id, queue_id, 452, 4);
	else if (slice_starts_nocase(from, SLICE_LITERAL("policy@")))
		refused(w, id, queue_id, 554, 5);
	else if (w->hold && w->n_held < HELD_MAX) {
		w->held[w->n_held].id = id;
		w->held[w->n_held++].queue_id = queue_id;
	} else
		enqueued(w, id, queue_id);
}

static int
on_enqueue(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct world *w = ctx;
	struct queue_enqueue q;
	struct envelope e;
	struct parts *p;
	char *big = NULL;

	(void)ch;
	if (queue_enqueue_decode(m->body, &q) == -1)
		return -1;
	if (m->nfds == 2) {
		big = malloc(q.envelope_octets);
		take_octets(m->fds[1], q.envelope_octets, big);
		q.envelope = slice_of(big, q.envelope_octets);
	}
	if (envelope_decode(q.envelope, &e) == -1)
		die("a malformed envelope");
	w->messages++;
	if (--w->leased < LEASE)
		lease(w);
	if (!w->forget) {
		p = parts_of(w, q.queue_id);
		parts_add(p, m->fds[0], q.last_part, q.last_octets);
		if (p->len != q.content_octets)
			die("%zu octets, not %" PRIu64, p->len,
			    q.content_octets);
		if (!(e.flags & ENVELOPE_BINARYMIME))
			check_lines(p->at, p->len);
		write_file(w, q.queue_id, "eml", p->at, p->len);
		keep_envelope(w, q.queue_id, &e);
		parts_end(p);
	}
	answer(w, m->id, q.queue_id, e.reverse_path);
	free(big);
	return 0;
}

static void
queue_closed(void *ctx, struct ipc_channel *ch)
{
	struct world *w = ctx;

	if (w->queue == ch)
		w->queue = NULL;
}

static const struct ipc_handler queue_handlers[] = {
	{ IPC_CONTENT, on_content },
	{ IPC_ENQUEUE, on_enqueue },
	{ IPC_ENQUEUE_ABORT, on_abort },
};
static const struct ipc_events queue_events = {
	.handlers = queue_handlers, .count = 3, .closed = queue_closed,
};

/* ---- supervisor ---- */

static int
on_ready(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ctx, (void)ch;
	say(m->rule->type == IPC_STAGE_READY ? "ready" : "refused");
	return 0;
}

/* The world decides by itself when there is a new channel. */
static int
on_lost(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ctx, (void)ch, (void)m;
	return 0;
}

static void
supervisor_closed(void *ctx, struct ipc_channel *ch)
{
	struct world *w = ctx;
	int status;

	(void)ch;
	w->supervisor = NULL;
	waitpid(w->pid, &status, 0);
	printf("exit %d\n", WIFEXITED(status) ? WEXITSTATUS(status)
					      : 1000 + WTERMSIG(status));
	fflush(stdout);
	exit(0);
}

static const struct ipc_handler supervisor_handlers[] = {
	{ IPC_STAGE_READY, on_ready },
	{ IPC_STAGE_REFUSED, on_ready },
	{ IPC_STAGE_CHANNEL_LOST, on_lost },
};
static const struct ipc_events supervisor_events = {
	.handlers = supervisor_handlers, .count = 3,
	.closed = supervisor_closed,
};

static void
caps(uint32_t permitted, uint32_t inheritable)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ permitted, permitted, inheritable }, { 0, 0, 0 } };

	if (syscall(SYS_capset, &head, data) == -1)
		die("capset");
}

/* As supervisor/spawn.c does it. */
static void
become(uid_t uid)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint32_t bit = 1U << CAP_SYS_CHROOT;

	if (syscall(SYS_capget, &head, data) == -1)
		die("capget");
	data[0].inheritable |= bit;
	if (syscall(SYS_capset, &head, data) == -1)
		die("capset");
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			break;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    setgroups(0, NULL) == -1 || setresgid(uid, uid, uid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		die("uid");
	caps(bit, bit);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0) ==
		-1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		die("ambient");
}

static void
start(struct world *w, const char *program, int channel)
{
	char *argv[] = { (char *)(uintptr_t)ipc_role_name(w->role),
		(char[]){ "0" }, NULL };
	char *envp[] = { NULL };
	char path[512];
	int fd[3], prog = open(program, O_RDONLY | O_CLOEXEC);

	snprintf(path, sizeof(path), "%s/jail", w->out);
	if (prog == -1 || (mkdir(path, 0755) == -1 && errno != EEXIST))
		die("%s, %s", program, path);
	fd[0] = channel;
	fd[2] = open(path, O_PATH | O_DIRECTORY);
	snprintf(path, sizeof(path), "%s/log", w->out);
	fd[1] = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0600);
	w->pid = fork();
	if (w->pid != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prog = fcntl(prog, F_DUPFD_CLOEXEC, 64);
	for (int i = 0; i < 3; i++)
		if ((fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 64)) == -1)
			die("dup");
	for (int i = 0; i < 3; i++)
		dup2(fd[i], 3 + i);
	if (w->descriptors != 0 &&
	    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ w->descriptors,
		w->descriptors }) == -1)
		die("setrlimit");
	become((uid_t)(1900000000U + (unsigned)getpid() % 1000000));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fexecve(prog, argv, envp);
	die("exec %s", program);
}

static void
give_settings(struct world *w)
{
	char path[512];
	int fds[2];

	snprintf(path, sizeof(path), "%s/bulkhead.conf", w->out);
	fds[0] = open(path, O_RDONLY | O_CLOEXEC);
	if (fds[0] == -1)
		fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/smtpd.conf", w->out);
	fds[1] = open(path, O_RDONLY | O_CLOEXEC);
	if (fds[1] == -1)
		fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ipc_send(w->supervisor, IPC_STAGE_SETTINGS, 0,
	    slice_str("mail.hamburger.edu"), fds, 2);
}

static void
commit(struct world *w)
{
	ipc_send(w->supervisor, IPC_STAGE_COMMIT, 0, slice_of("", 0), NULL, 0);
}

static struct ipc_channel *
broker(struct world *w, enum ipc_role peer, const struct ipc_events *events)
{
	char body[STAGE_BODY_MAX];
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		die("socketpair");
	ipc_send(w->supervisor, IPC_STAGE_CHANNEL, 0,
	    slice_of(body, stage_channel_encode(&(struct stage_peer){
	    .role = peer, .serial = ++w->channels_made }, body)), &sv[1], 1);
	return ipc_channel_new(w->base, sv[0], peer, w->role, events, w);
}

static void
open_directory(struct world *w)
{
	w->directory = broker(w, IPC_DIRECTORY, &directory_events);
}

static void
open_queue(struct world *w)
{
	w->queue = broker(w, IPC_QUEUE_MANAGER, &queue_events);
	w->leased = 0;
	lease(w);
	lease(w);
}

static void
give_listener(struct world *w)
{
	char body[STAGE_BODY_MAX];
	int fd = fcntl(w->listener, F_DUPFD_CLOEXEC, 0);

	ipc_send(w->supervisor, IPC_STAGE_LISTENER, 0,
	    slice_of(
		body, stage_listener_encode(w->role == IPC_SUBMIT ? "inject"
					    : w->role == IPC_LMTP ? "lmtp"
								  : "smtp",
			  body)),
	    &fd, 1);
}

static void
listen_tcp(struct world *w)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 4096) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		die("listen");
	w->listener = fd;
	printf("port %u\n", ntohs(sin.sin_port));
}

static void
listen_unix(struct world *w)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", w->out,
	    w->role == IPC_LMTP ? "lmtp" : "inject");
	unlink(sun.sun_path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, 128) == -1)
		die("listen %s", sun.sun_path);
	w->listener = fd;
	printf("socket %s\n", sun.sun_path);
}

/* ---- orders ---- */

static void
close_channel(struct ipc_channel **ch)
{
	ipc_channel_free(*ch);
	*ch = NULL;
}

static void
obey(struct world *w, const char *line)
{
	if (strcmp(line, "commit") == 0) {
		give_settings(w);
		commit(w);
		return;			/* its answer is "ready" */
	} else if (strcmp(line, "close directory") == 0)
		close_channel(&w->directory);
	else if (strcmp(line, "close queue") == 0)
		close_channel(&w->queue);
	else if (strcmp(line, "open directory") == 0)
		open_directory(w);
	else if (strcmp(line, "open queue") == 0)
		open_queue(w);
	else if (strcmp(line, "hold") == 0)
		w->hold = true;
	else if (strcmp(line, "release") == 0) {
		w->hold = false;
		for (unsigned i = 0; i < w->n_held && w->queue != NULL; i++)
			enqueued(w, w->held[i].id, w->held[i].queue_id);
		w->n_held = 0;
	} else if (strcmp(line, "forget") == 0)
		w->forget = true;
	else if (strcmp(line, "stop") == 0)
		ipc_send(w->supervisor, IPC_STAGE_STOP, 0, slice_of("", 0),
		    NULL, 0);
	else
		die("what is %s?", line);
	say("ok");
}

static void
on_order(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;
	ssize_t n = read((int)fd, w->line + w->line_len,
	    sizeof(w->line) - w->line_len);
	char *lf;

	(void)what;
	if (n <= 0)
		exit(0);	/* the test has gone; smtpd dies with us */
	w->line_len += (size_t)n;
	while ((lf = memchr(w->line, '\n', w->line_len)) != NULL) {
		*lf = '\0';
		obey(w, w->line);
		w->line_len -= (size_t)(lf + 1 - w->line);
		memmove(w->line, lf + 1, w->line_len);
	}
}

int
main(int argc, char *argv[])
{
	static struct world w = { .next_id = 0x1000 };
	int sv[2];

	if (argc < 4)
		die("usage: harness PROGRAM OUT smtp|inject|lmtp "
		    "[DESCRIPTORS [late]]");
	signal(SIGPIPE, SIG_IGN);
	w.out = argv[2];
	w.role = strcmp(argv[3], "inject") == 0 ? IPC_SUBMIT
		 : strcmp(argv[3], "lmtp") == 0 ? IPC_LMTP
						: IPC_SMTPD;
	if (argc > 4)
		w.descriptors = strtoul(argv[4], NULL, 10);
	w.base = event_base_new();
	if (w.role != IPC_SMTPD)
		listen_unix(&w);
	else
		listen_tcp(&w);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		die("socketpair");
	start(&w, argv[1], sv[1]);
	close(sv[1]);
	printf("pid %d\n", (int)w.pid);
	w.supervisor = ipc_channel_new(w.base, sv[0], IPC_SUPERVISOR, w.role,
	    &supervisor_events, &w);
	give_settings(&w);
	give_listener(&w);
	open_directory(&w);
	if (argc <= 5)
		open_queue(&w);
	commit(&w);
	event_add(event_new(w.base, STDIN_FILENO, EV_READ | EV_PERSIST,
	    on_order, &w), NULL);
	event_base_dispatch(w.base);
	return 0;
}
