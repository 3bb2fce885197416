/*
 * local-delivery-runner: what a user's ~/.forward asks for, done as that
 * user; and one program or file that an alias names, as programs_user.  It reads the file, runs the programs and appends to the files that
 * are named there; what goes to the user's own mailbox and to other addresses
 * it hands back to local-delivery, which trusts none of it.
 *
 * It runs outside of any jail, with the rights of its user and no more, and
 * what it starts has these rights, too.  It holds no descriptor of ours but
 * its two channels, its log and the content of the messages in hand, and
 * what it starts holds none of those.
 *
 * A task is one message for this user; its steps are done in the order of the
 * file.  Tasks run side by side, as many as local-delivery hands over.
 */
#ifndef LOCAL_DELIVERY_RUNNER_RUNNER_H
#define LOCAL_DELIVERY_RUNNER_RUNNER_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "common/ipc/forward.h"
#include "common/stage/stage.h"
#include "local-delivery/runner/forward_file.h"
#include "local-delivery/settings.h"

struct event;
struct task;

/* Who we are, out of the password file. */
struct runner_user {
	char	*name, *home, *shell;
};

struct runner {
	struct stage		 stage;
	struct ipc_channel	*channel;	/* to local-delivery */
	struct settings		*settings;
	const struct local_delivery_settings *set;
	struct runner_user	 user;		/* name NULL: not known */
	/* We are programs_user: what aliases name is for us, and for nobody
	 * else. */
	bool			 for_aliases;
	char			 utmp[PATH_MAX];	/* who is logged in */
	TAILQ_HEAD(, task)	 tasks;
};

/* One program or file. */
struct step {
	enum forward_kind	 kind;
	unsigned		 line;
	uint64_t		 hash;
	char			*text;
};

enum { RESULT_TEXT_MAX = 512 };

/* A result with room for its own text. */
struct outcome {
	struct delivered	 result;
	char			 text[RESULT_TEXT_MAX];
};

struct task {
	TAILQ_ENTRY(task)	 entry;
	struct runner		*rn;
	uint64_t		 id;
	struct forward_ask	 ask;		/* points into body */
	char			*body;
	int			 fd;		/* content */
	/* What the file says. */
	struct step		 steps[FORWARD_DONE_MAX];
	unsigned		 n_steps, next;
	char			*addresses[FORWARD_ADDRESSES_MAX];
	unsigned		 n_addresses;
	bool			 keep;
	/* What has come of it. */
	struct forward_done	 done;
	struct outcome		 worst;
	uint64_t		 deadline_ms;	/* of all steps together */
	struct program		*program;	/* the step under way is one */
	struct mbox		*mbox;		/* or the other, or none */
};

uint64_t runner_now_ms(void);

/* ---- plan.c: from the file to steps ---- */

enum plan {
	PLAN_NOTHING,		/* there is no ~/.forward */
	PLAN_READY,
	PLAN_REFUSED		/* why is set, and was logged */
};

enum plan plan_make(struct task *, struct outcome *why);

/* ---- task.c ---- */

/* Takes body and fd.  False: malformed, or no memory. */
bool task_begin(struct runner *, uint64_t id, char *body, size_t len, int fd);
/* The step under way has ended so. */
void task_step_done(struct task *, const struct outcome *);
/* Gone without an answer: nobody hears it. */
void task_free(struct task *);

/* Set an outcome: class 2, 4 or 5. */
void outcome_set(struct outcome *, unsigned code, unsigned class_,
    unsigned subject, unsigned detail, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* ---- program.c ---- */

/* Start it: false, with why, where that fails.  Its end is told by
 * task_step_done(). */
bool program_start(struct task *, const struct step *, struct outcome *why);
/* Kill it with all that it has started. */
void program_abort(struct program *);

/* ---- sysexits.c ---- */

/*
 * What the end of a program means: status as of wait(2); output is what it
 * said, any octets.
 */
void program_outcome(int status, struct slice output, struct outcome *);

/* ---- terminal.c ---- */

/* Show the message on the user's terminals: on how many. */
unsigned terminal_show(const struct task *);

/* ---- environment.c ---- */

struct environment {
	char	**at;		/* for execve(2); NULL behind the last */
};

int environment_make(const struct task *, struct environment *);
void environment_clear(struct environment *);

/* ---- mbox.c ---- */

/* Append to the file; its end is told by task_step_done(), perhaps at once. */
void mbox_start(struct task *, const struct step *);
void mbox_abort(struct mbox *);

/* ---- mbox_text.c: the octets ---- */

/* "From alice@example.org Sat Nov 21 08:00:00 2026\n"; the length. */
enum { FROM_LINE_MAX = DELIVERY_ADDRESS_MAX + 64 };
size_t from_line(struct slice reverse_path, time_t, char out[FROM_LINE_MAX]);

/*
 * ">From " quoting, over any division into pieces: a line that begins with
 * "From ", or with that behind any number of ">", gets one ">" more, so that
 * it can be undone.  out has room for len + 16 + len / 5 octets.
 */
struct from_quoting {
	unsigned	matched;	/* of "From " at the line's beginning */
	bool		inside;		/* of a line that needs nothing */
};

size_t from_quote(struct from_quoting *, const char *in, size_t len,
    char *out);
/* What is still held back at the end, at most 5 octets. */
size_t from_quote_end(struct from_quoting *, char *out);

#endif
