/* bulkhead reload. */
#include "bulkhead/check.h"
#include "bulkhead/control.h"
#include "bulkhead/own_certificate.h"
#include "bulkhead/state.h"

#include <sysexits.h>

/*
 * A stage keeps its old settings when the new ones do not do, and says so in
 * the log; the operator hears of it here, before anything is sent.
 */
int
do_reload(struct bulkhead *b, int argc, char *argv[])
{
	int role = argc == 0 ? OPERATOR_ALL : control_stage(argv[0]), status;

	if (role == -1)
		return EX_USAGE;
	if ((status = check_quietly(b, CHECK_RUNNING)) != 0 ||
	    (status = own_certificate_ensure(b)) != 0 ||
	    (status = state_secret_ensure(b)) != 0)
		return status;
	return control_command(b, OPERATOR_RELOAD, (unsigned)role,
	    argc == 0 ? b->conf_dir : argv[0]);
}
