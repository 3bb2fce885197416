#include "queue-manager/spool/worker.h"

#include <sys/eventfd.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

TAILQ_HEAD(jobs, job);

struct worker {
	pthread_t	thread;
	pthread_mutex_t	mutex;
	pthread_cond_t	wanted, ready;
	struct jobs	todo, finished;
	bool		stop;
	int		fd;
	unsigned	under_way;	/* the event loop's own count */
};

static void
worker_tell(struct worker *w)
{
	uint64_t one = 1;

	while (write(w->fd, &one, sizeof(one)) == -1 && errno == EINTR)
		continue;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct job *j;

	pthread_mutex_lock(&w->mutex);
	while (!w->stop) {
		if ((j = TAILQ_FIRST(&w->todo)) == NULL) {
			pthread_cond_wait(&w->wanted, &w->mutex);
			continue;
		}
		TAILQ_REMOVE(&w->todo, j, entry);
		pthread_mutex_unlock(&w->mutex);
		j->run(j);
		pthread_mutex_lock(&w->mutex);
		TAILQ_INSERT_TAIL(&w->finished, j, entry);
		pthread_cond_signal(&w->ready);
		worker_tell(w);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* Signals are the event loop's: the thread takes none but its own faults, of
 * which a damaged index is one.  The kernel would not ask index_guard's handler
 * when they are blocked. */
static int
worker_start(struct worker *w)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

struct worker *
worker_new(void)
{
	struct worker *w = calloc(1, sizeof(*w));
	int error;

	if (w == NULL)
		return NULL;
	TAILQ_INIT(&w->todo);
	TAILQ_INIT(&w->finished);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->wanted, NULL);
	pthread_cond_init(&w->ready, NULL);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	error = w->fd == -1 ? errno : worker_start(w);
	if (error == 0)
		return w;
	if (w->fd != -1)
		close(w->fd);
	free(w);
	errno = error;
	return NULL;
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->mutex);
	w->stop = true;
	pthread_cond_signal(&w->wanted);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->mutex);
	pthread_cond_destroy(&w->wanted);
	pthread_cond_destroy(&w->ready);
	close(w->fd);
	free(w);
}

int
worker_fd(const struct worker *w)
{
	return w->fd;
}

void
worker_submit(struct worker *w, struct job *j)
{
	w->under_way++;
	pthread_mutex_lock(&w->mutex);
	TAILQ_INSERT_TAIL(&w->todo, j, entry);
	pthread_cond_signal(&w->wanted);
	pthread_mutex_unlock(&w->mutex);
}

void
worker_reap(struct worker *w)
{
	struct jobs finished = TAILQ_HEAD_INITIALIZER(finished);
	struct job *j;
	uint64_t n;

	if (read(w->fd, &n, sizeof(n)) == -1)
		assert(errno == EAGAIN || errno == EINTR);
	pthread_mutex_lock(&w->mutex);
	TAILQ_CONCAT(&finished, &w->finished, entry);
	pthread_mutex_unlock(&w->mutex);
	while ((j = TAILQ_FIRST(&finished)) != NULL) {
		TAILQ_REMOVE(&finished, j, entry);
		assert(w->under_way > 0);
		w->under_way--;
		j->done(j);
	}
}

bool
worker_wait(struct worker *w)
{
	if (w->under_way == 0)
		return false;
	pthread_mutex_lock(&w->mutex);
	while (TAILQ_EMPTY(&w->finished))
		pthread_cond_wait(&w->ready, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
	worker_reap(w);
	return true;
}
