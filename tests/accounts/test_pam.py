"""System users, by PAM with a service of the test's own.  The user is one
that every Debian has; nothing of the host's is changed."""

import concurrent.futures
import os
import pwd
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from support.instance import BUILD, DOMAIN, PATIENCE, crypt
from support.slots import uids_in_use
from .test_login import WRONG, login

USER = pwd.getpwnam("games")

# pam_exec runs a program of the test's: it gets the password on its standard
# input and the rest in its environment.
SERVICE = """\
auth	[success=done default=ignore]	pam_exec.so expose_authtok quiet {script}
auth	requisite	pam_deny.so
account	required	{account}
"""


@pytest.fixture
def pam(new_instance):
    """Make an instance with system users, and a script in place of PAM's
    usual modules."""
    # Where the helper's uid can read.
    where = Path(tempfile.mkdtemp(prefix="bh-pam-"))

    def make(script, account="pam_permit.so", settings=""):
        program = where / "script"
        program.write_text("#!/bin/sh\nread -r password\n" + script)
        (where / "bulkhead").write_text(
            SERVICE.format(script=program, account=account))
        os.chmod(where, 0o755)
        os.chmod(program, 0o755)
        i = new_instance(
            settings="system_uid_min = 1\n",
            files={"authd.conf": f"pam_dir = {where}\nfailure_delay = 0\n"
                                 + settings})
        text = (i.conf / "bulkhead.conf").read_text()
        i.write("bulkhead.conf",
                text.replace("system_users = no", "system_users = yes"))
        return i.start()

    yield make
    shutil.rmtree(where)


def test_system_user_logs_in(pam):
    i = pam('test "$password" = "right one"')
    assert login(i, USER.pw_name, "right one")[0] is True
    assert login(i, f"{USER.pw_name.upper()}@{DOMAIN}", "right one")[0] is True
    assert login(i, USER.pw_name, "wrong")[0] == WRONG
    assert login(i, "no-such-user", "right one")[0] == WRONG
    # Its session ran as that user, in a home that was made for it.
    home = os.stat(i.mail / f"u{USER.pw_uid}")
    assert (home.st_uid, home.st_gid) == (USER.pw_uid, USER.pw_gid)
    [*sessions] = i.log(event="process-ready", process="pop3d-session")
    assert {s["uid"] for s in sessions} == {str(USER.pw_uid)}


def test_virtual_user_beside_it(pam):
    i = pam("exit 1")
    assert login(i, f"alice@{DOMAIN}", "alice-secret")[0] is True


def test_account_is_checked(pam):
    i = pam("exit 0", account="pam_deny.so")
    assert login(i, USER.pw_name, "anything")[0] == WRONG


def test_root_and_those_outside_the_range_never(pam):
    i = pam("exit 0")
    assert login(i, "root", "anything")[0] == WRONG
    assert not i.log(event="process-ready", process="authd-pam")


def test_empty_password_never_reaches_pam(pam):
    i = pam("exit 0")
    with i.imap() as c:
        with pytest.raises(c.error):
            c.login(USER.pw_name, "")
    assert not i.log(event="process-ready", process="authd-pam")


def test_as_root_only_where_the_settings_say_so(pam):
    i = pam('test "$(id -u)" != 0')
    assert login(i, USER.pw_name, "x")[0] is True
    i.stop()
    i.write("bulkhead.conf", (i.conf / "bulkhead.conf").read_text()
            + "pam_as_root = yes\n")
    i.start()
    assert login(i, USER.pw_name, "x")[0] == WRONG
    assert login(i, f"alice@{DOMAIN}", "alice-secret")[0] is True


@pytest.fixture
def shadow(new_instance):
    """Make an instance with the service file that is installed, and a line of
    the test's own for USER in an /etc/shadow that only the instance sees."""
    where = Path(tempfile.mkdtemp(prefix="bh-pam-"))
    os.chmod(where, 0o755)

    def make(line):
        lines = [l for l in open("/etc/shadow")
                 if not l.startswith(USER.pw_name + ":")]
        mine = where / "shadow"
        mine.write_text("".join(lines) + line + "\n")
        shutil.chown(mine, "root", "shadow")
        os.chmod(mine, 0o640)
        shutil.copy(Path(__file__).parents[2] / "etc/pam.d/bulkhead", where)
        programs = where / "bin"
        shutil.copytree(BUILD / "bin", programs)
        os.rename(programs / "supervisor", where / "supervisor")
        (programs / "supervisor").write_text(
            "#!/bin/sh\nexec unshare --mount --propagation private sh -c '"
            f'mount --bind {mine} /etc/shadow && exec {where}/supervisor "$@"'
            "' sh \"$@\"\n")
        os.chmod(programs / "supervisor", 0o755)
        i = new_instance(settings="system_uid_min = 1\n",
                         program_dir=programs,
                         files={"authd.conf": f"pam_dir = {where}\n"
                                              "failure_delay = 0\n"})
        text = (i.conf / "bulkhead.conf").read_text()
        i.write("bulkhead.conf",
                text.replace("system_users = no", "system_users = yes"))
        return i.start()

    yield make
    shutil.rmtree(where)


HASH = crypt("right one", "$6$rounds=1000$saltsalt$")


def test_pam_unix_with_nothing_but_the_group(shadow):
    i = shadow(f"{USER.pw_name}:{HASH}:20000:0:99999:7:::")
    assert login(i, USER.pw_name, "right one")[0] is True
    assert login(i, USER.pw_name, "wrong one")[0] == WRONG
    assert login(i, "daemon", "right one")[0] == WRONG


@pytest.mark.parametrize("fields", [
    "!{hash}:20000:0:99999:7:::",		# locked
    "*:20000:0:99999:7:::",
    ":20000:0:99999:7:::",			# no password at all
    "{hash}:20000:0:99999:7::10000:",		# expired
    "{hash}:0:0:99999:7:::",			# must be changed first
])
def test_account_that_pam_unix_refuses(shadow, fields):
    i = shadow(f"{USER.pw_name}:" + fields.format(hash=HASH))
    assert login(i, USER.pw_name, "right one")[0] == WRONG


def test_slow_pam_holds_up_nobody(pam):
    i = pam("sleep 4", settings="pam_parallel = 2\n")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        start = time.monotonic()
        slow = [pool.submit(login, i, USER.pw_name, "x") for _ in range(4)]
        i.await_log(event="process-ready", process="authd-pam", n=2)
        assert login(i, f"alice@{DOMAIN}", "alice-secret")[0] is True
        assert not any(s.done() for s in slow)
        assert len(i.pids("authd-pam")) == 2
        # All are who they say; only one may have the maildrop at a time.
        for s in slow:
            result, _ = s.result()
            assert result is True or b"[IN-USE]" in result
        assert time.monotonic() - start > 7.9	# two at a time
    none_left(i)


def test_helper_that_dies(pam):
    i = pam("sleep 300")
    i.expect_failures = True
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(login, i, USER.pw_name, "x")
        i.await_log(event="process-ready", process="authd-pam")
        time.sleep(0.2)
        assert i.kill("authd-pam")
        result, _ = waiting.result()
    assert b"[SYS/TEMP]" in result
    none_left(i)


def none_left(i):
    """Neither the helper nor what its modules started."""
    uids = range(i.slot.uid_base, i.slot.uid_base + 100)
    deadline = time.monotonic() + PATIENCE
    while any(name in ("authd-pam", "script", "sleep")
              for _, name in uids_in_use(uids)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_helper_is_killed_at_its_deadline(pam):
    i = pam("sleep 300")
    i.expect_failures = True
    result, took = login(i, USER.pw_name, "x", timeout=60)
    assert b"[SYS/TEMP]" in result and 25 < took
    none_left(i)
