/* bulkhead stop: asked for, and waited for. */
#include "bulkhead/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

int
do_stop(struct bulkhead *b, int argc, char *argv[])
{
	struct control_answer answer;
	char octet;
	int fd, status;

	(void)argc, (void)argv;
	if ((fd = control_connect(b)) == -1) {
		printf("%s is not running\n", b->conf_dir);
		return 0;
	}
	if (fd < 0)
		return EX_NOPERM;
	status = control_ask(fd, OPERATOR_STOP, OPERATOR_ALL, NULL, NULL,
	    &answer);
	/* The connection ends when supervisor does, after all the others. */
	if (status == 0 && recv(fd, &octet, 1, 0) == -1 && errno != ECONNRESET)
		status = fail(EX_TEMPFAIL, "still stopping after %d seconds",
		    CONTROL_PATIENCE_S);
	close(fd);
	if (status == 0)
		printf("%s has stopped\n", b->conf_dir);
	return status;
}
