/*
 * What the two parts of a line, its commands (line.c) and its answers
 * (answer.c), know of each other.
 */
#ifndef MILTERD_LINE_H
#define MILTERD_LINE_H

#include "milterd/milterd.h"

/* ---- line.c ---- */

/* Where it is, for the log. */
const char *line_step_name(const struct line *);
/* Milliseconds that the milter has for its answer to this step. */
unsigned line_patience(const struct line *);
/* This step is done: which is the next? */
void line_advance(struct line *);
/* Say what the step is, and the following, up to one that is answered. */
void line_go_on(struct line *);
/* The connection ends, and with it all that was agreed upon. */
void line_close(struct line *);

/* ---- answer.c ---- */

/* One answer, at a step that is answered. */
void line_answered(struct line *, const struct milter_answer *);
/* This is decided by it, in this word for the log; r may be NULL. */
void line_verdict(struct line *, enum milter_decision, const char *word,
    const struct milter_reply *r);
/* Nothing is asked of it now. */
void line_rest(struct line *);
/* It has failed: why is for the log, and on_failure decides.  error: errno. */
void line_fail(struct line *, const char *why, int error);
/* It is not the milter's fault, or too late to go on without it: 451. */
void line_fail_message(struct line *, const char *why);
/* What stands in milterd.conf of a milter that has failed is what follows. */
void line_failure_verdict(struct line *);
/* A recipient that was refused: whatever it says of it changes nothing. */
bool line_is_told_only(const struct line *);

#endif
