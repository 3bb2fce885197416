"""~/.forward: addresses, programs, files, and what is wrong with it."""

import os
import socket
import time

import pytest

from support.instance import DOMAIN, PATIENCE
from support.peer import Peer
from .world import MESSAGE


def until(true, what, world):
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"{what}\n{world.i.tail(60)}"
        time.sleep(0.02)


def await_file(world, path):
    until(path.exists, f"no {path}", world)
    return path.read_text()


def deferred(world, text, name="walt"):
    """The delivery was put off, for this reason, and nothing is lost."""
    [line] = world.i.await_log(1, event="deferred", stage="queue-manager")[:1]
    assert text in line["reason"], line
    assert line["status"].startswith("4.")
    assert world.i.counters()["queued"] >= 1
    assert not world.maildir(name)
    return line


def test_without_one_mail_goes_into_the_mailbox(world):
    w = world()
    w.send("walt")
    until(lambda: w.maildir("walt"), "no mail", w)
    # For a second nobody looks again.
    w.send("walt")
    until(lambda: len(w.maildir("walt")) == 2, "no mail", w)
    assert w.i.log(event="process-ready", process="local-delivery-runner",
                   uid=w.uids["walt"])


def test_switched_off(world):
    w = world(files={"local-delivery.conf": "forward_files = no\n"})
    w.forward("walt", "/dev/null\n")
    w.send("walt")
    until(lambda: w.maildir("walt"), "no mail", w)
    assert not w.i.log(event="process-ready",
                       process="local-delivery-runner")


def test_addresses(world):
    w = world()
    w.forward("walt", "# gone fishing\n"
              f"alice@{DOMAIN}, \"Bob\" <bob@{DOMAIN}>\n"
              "  rita (a friend)\n")
    w.send("walt")
    [alice] = w.i.await_mail("alice", 1)
    w.i.await_mail("bob", 1)
    until(lambda: w.maildir("rita"), "rita has none", w)
    text = alice.read_text()
    assert "Return-Path: <a@example.net>\n" in text
    assert text.count("Received:") == 2
    assert f"Delivered-To: walt@{DOMAIN}\n" in text
    assert f"Delivered-To: alice@{DOMAIN}\n" in text
    assert text.endswith("hello\nFrom here on\n>From there\n")
    counted = w.i.await_empty_queue()
    assert not w.maildir("walt")
    assert counted["difference"] == 0
    assert counted["delivered"] == 4	# the old recipient and three new


@pytest.mark.parametrize("own", ["\\walt", "walt", f"walt@{DOMAIN}",
                                 f"WALT@{DOMAIN.upper()}",
                                 f"\\walt@{DOMAIN}"])
def test_ones_own_mailbox_is_no_loop(world, own):
    w = world()
    w.forward("walt", f"{own}, alice@{DOMAIN}\n")
    w.send("walt")
    until(lambda: w.maildir("walt"), "no mail", w)
    w.i.await_mail("alice", 1)
    counted = w.i.await_empty_queue()
    assert counted["accepted"] == 2


def test_two_that_forward_to_each_other(world):
    w = world()
    w.forward("walt", "rita\n")
    w.forward("rita", "walt\n")
    w.send("walt", sender=f"alice@{DOMAIN}")
    # The second time it comes to walt it is seen to be in a loop.
    [report] = w.i.await_mail("alice", 1)
    assert "5.4.6" in report.read_text()
    w.i.await_empty_queue()
    assert not w.maildir("walt") and not w.maildir("rita")


def test_large_message_in_parts(world):
    w = world()
    w.forward("walt", f"alice@{DOMAIN}\n")
    body = "".join(f"{n:076d}\r\n" for n in range(14000))	# over 1 MiB
    w.send("walt", "Subject: large\r\n\r\n" + body)
    [path] = w.i.await_mail("alice", 1)
    assert path.read_text().endswith("\n\n" + body.replace("\r\n", "\n"))


def test_eight_bits_go_on(world):
    w = world()
    w.forward("walt", f"alice@{DOMAIN}\n")
    with w.i.smtp() as c:
        c.sendmail("a@example.net", [f"walt@{DOMAIN}"],
                   "Subject: x\r\n\r\nKöln\r\n".encode(),
                   mail_options=["BODY=8BITMIME"])
    [path] = w.i.await_mail("alice", 1)
    assert "Köln" in path.read_text()


def test_what_the_sender_wants_to_hear_goes_on(world):
    """NOTIFY=NEVER holds for a copy that fails, too; and what is not said is
    a report."""
    w = world()
    w.forward("walt", f"\\walt, rita\n")
    w.script("rita", "no", "exit 67\n")
    w.forward("rita", f"|{w.home('rita')}/no\n")
    for notify in ("NEVER", "FAILURE"):
        with w.i.smtp() as c:
            c.ehlo()
            c.mail(f"alice@{DOMAIN}")
            assert c.rcpt(f"walt@{DOMAIN}", [f"NOTIFY={notify}"])[0] == 250
            assert c.data(f"Subject: {notify}\r\n\r\nx\r\n")[0] == 250
        w.i.await_empty_queue()
    assert len(w.maildir("walt")) == 2
    [report] = w.i.await_mail("alice", 1)
    assert "Subject: FAILURE" in report.read_text()
    assert "Subject: NEVER" not in report.read_text()


def test_null_reverse_path_stays_null(world):
    w = world()
    w.forward("walt", f"alice@{DOMAIN}\n")
    w.send("walt", sender="")
    [path] = w.i.await_mail("alice", 1)
    assert path.read_text().startswith("Return-Path: <>\n")


# -- to other hosts

CAROL = "carol@far.example"
STRANGER = "sender@client.example.net"


def srs_world(world, outside, back, **more):
    files = {
        "domains": f"{DOMAIN}\n",
        "directory.conf": f"srs_domain = {DOMAIN}\n",
        "srs-secrets": "000102030405060708090a0b0c0d0e0f\n",
        "routes": "far.example outside\nclient.example.net back\n",
        "queue-manager.conf": "retry_min = 1s\nretry_max = 1s\n",
        "remote-relay.conf": "interface_addresses = no\n" + "".join(
            f"route {name} {{\n\tvia = [127.0.0.1]:{peer.port}\n"
            "\ttls = none\n}\n"
            for name, peer in (("outside", outside), ("back", back)))}
    return world(files=files, **more)


def path(command):
    return command[command.index("<") + 1:command.index(">")]


def is_rewritten(text):
    return text.startswith("SRS0=") and \
        text.endswith(f"=client.example.net=sender@{DOMAIN}")


def test_the_path_of_what_goes_elsewhere_is_rewritten(world):
    """The next host asks DNS whether we may send for the path's domain (RFC
    7208): it is ours, and what comes back to it finds the sender."""
    with Peer() as outside, Peer() as back:
        w = srs_world(world, outside, back)
        w.forward("walt", f"{CAROL}, alice@{DOMAIN}, \\walt\n")
        w.send("walt", sender=STRANGER)
        w.i.await_empty_queue()
        [away] = outside.messages
        assert path(away.rcpt[0]) == CAROL
        assert is_rewritten(path(away.mail))
        # What stays here keeps its path.
        for mail in (*w.i.await_mail("alice", 1), *w.maildir("walt")):
            assert f"Return-Path: <{STRANGER}>\n" in mail.read_text()
        w.i.send("", [path(away.mail)], "Subject: sorry\r\n\r\nno\r\n")
        w.i.await_empty_queue()
        [report] = back.messages
        assert path(report.rcpt[0]) == STRANGER and path(report.mail) == ""
        # A path of ours, and none.
        for sender in f"bob@{DOMAIN}", "":
            w.send("walt", sender=sender)
            w.i.await_empty_queue()
            assert path(outside.messages[-1].mail) == sender
        # A letter to there that nobody forwards.
        w.i.send(STRANGER, [f"alice@{DOMAIN}"], MESSAGE)
        w.i.await_empty_queue()
        assert len(outside.messages) == 3


def test_a_report_about_it_finds_the_sender(world):
    with Peer(rcpt="550 5.1.1 no carol here") as outside, Peer() as back:
        w = srs_world(world, outside, back)
        w.forward("walt", f"{CAROL}\n")
        w.send("walt", sender=STRANGER)
        w.i.await_empty_queue()
        [report] = back.await_messages(1)
        assert path(report.rcpt[0]) == STRANGER and path(report.mail) == ""
        assert b"no carol here" in report.content


def test_what_waits_keeps_its_rewritten_path(world):
    with Peer(greeting="421 4.3.2 closed") as outside, Peer() as back:
        w = srs_world(world, outside, back)
        w.forward("walt", f"{CAROL}\n")
        w.send("walt", sender=STRANGER)
        w.i.await_log(1, event="deferred", stage="remote-relay")
        w.i.restart()
        outside.behaviour["greeting"] = "220 open"
        [away] = outside.await_messages(1)
        assert is_rewritten(path(away.mail))
        w.i.await_empty_queue()


# -- programs


def test_program(world):
    w = world()
    w.script("walt", "filter", 'env > "$HOME/env"; printf "%s|" "$@" > '
             '"$HOME/args"; ls -l /proc/self/fd > "$HOME/fds"; pwd > '
             '"$HOME/cwd"; cat > "$HOME/mail.new"; '
             'mv "$HOME/mail.new" "$HOME/mail"\n')
    w.forward("walt", f'"|{w.home("walt")}/filter one \'two  words\' '
                      'th\\\\ ree \\"$\\"" , rita\n'.replace('\\"$\\"', ''))
    w.send("walt", detail="lists")
    mail = await_file(w, w.home("walt") / "mail")
    lines = mail.split("\n")
    assert lines[0].startswith("From a@example.net ")
    assert lines[1] == "Return-Path: <a@example.net>"
    assert lines[2] == f"Delivered-To: walt+lists@{DOMAIN}"
    assert mail.endswith("hello\nFrom here on\n>From there\n")
    assert "\r" not in mail
    env = dict(l.split("=", 1) for l in
               (w.home("walt") / "env").read_text().splitlines())
    assert env["SENDER"] == "a@example.net"
    assert env["RECIPIENT"] == f"walt+lists@{DOMAIN}"
    assert env["EXTENSION"] == "lists"
    assert env["HOME"] == str(w.home("walt"))
    assert env["USER"] == env["LOGNAME"] == "walt"
    assert env["SHELL"] == "/bin/sh"
    assert set(env) - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "SENDER", "RECIPIENT", "EXTENSION", "HOME", "USER", "LOGNAME",
        "SHELL", "PATH", "LANG", "QUEUE_ID", "ORIGINAL_RECIPIENT", "LOCAL",
        "DOMAIN"}
    assert (w.home("walt") / "args").read_text() == "one|two  words|th ree|"
    assert (w.home("walt") / "cwd").read_text().strip() == env["HOME"]
    # Its three, and the one with which ls reads the directory.
    fds = (w.home("walt") / "fds").read_text().splitlines()[1:]
    assert len(fds) == 4 and "memfd:message" in fds[0], fds
    assert not [f for f in fds if "socket" in f]
    until(lambda: w.maildir("rita"), "rita has none", w)
    st = (w.home("walt") / "mail").stat()
    assert st.st_uid == w.uids["walt"] and st.st_mode & 0o777 == 0o600


def test_the_envelope_is_no_code(world):
    w = world()
    w.script("walt", "filter", 'sh -c "echo $SENDER" > "$HOME/out.new" 2>&1; '
             'mv "$HOME/out.new" "$HOME/out"\n')
    w.forward("walt", f"|{w.home('walt')}/filter\n")
    w.send("walt", sender='"$(touch /tmp/bulkhead-owned)`;|&"@example.net')
    out = await_file(w, w.home("walt") / "out")
    assert out.strip() == "__touch_/tmp/bulkhead-owned_____@example.net" or \
        set(out.strip()) <= set("abcdefghijklmnopqrstuvwxyz_/-@.")
    assert not os.path.exists("/tmp/bulkhead-owned")


@pytest.mark.parametrize("status,code,bounced", [
    (0, "250", False), (75, "451", None), (67, "550", "5.1.1"),
    (77, "550", "5.7.0"), (65, "554", "5.6.0"), (1, "554", "5.3.0"),
    (71, "451", None), (127, "451", None),
])
def test_exit_status(world, status, code, bounced):
    w = world()
    w.forward("walt", f"|/bin/sh -c 'echo what it said; exit {status}'\n")
    w.send("walt", sender=f"alice@{DOMAIN}")
    [line] = w.i.await_log(1, event="program-ended", code=code)
    assert "what it said" in line["reason"]
    if bounced is None:
        assert "what it said" in w.i.await_log(
            1, event="deferred", stage="queue-manager")[0]["reason"]
        return
    if bounced:
        [report] = w.i.await_mail("alice", 1)
        assert f"Status: {bounced}" in report.read_text()
        assert "what it said" in report.read_text()
    w.i.await_empty_queue()
    assert not w.maildir("walt")


def test_program_that_dies_by_a_signal(world):
    w = world()
    w.forward("walt", "|/bin/sh -c 'kill -9 $$'\n")
    w.send("walt")
    deferred(w, "signal 9")


def test_program_that_does_not_end(world):
    w = world(files={"local-delivery.conf": "program_timeout = 1s\n"})
    w.forward("walt", "|/bin/sh -c 'sleep 600 & sleep 600'\n")
    before = time.monotonic()
    w.send("walt")
    deferred(w, "did not end in time")
    assert time.monotonic() - before < 10
    # With all that it had started.
    from support.slots import uids_in_use
    until(lambda: not [n for _, n in uids_in_use([w.uids["walt"]])
                       if n in ("sleep", "sh")], "left behind", w)


def test_what_stays_behind_is_killed(world):
    w = world()
    w.forward("walt", "|/bin/sh -c 'sleep 600 & exit 0'\n")
    w.send("walt")
    w.i.await_log(1, event="program-ended", code="250")
    from support.slots import uids_in_use
    until(lambda: not [n for _, n in uids_in_use([w.uids["walt"]])
                       if n == "sleep"], "left behind", w)


def test_program_that_reads_nothing_and_one_that_never_stops_talking(world):
    w = world()
    w.forward("walt", "|/bin/true\n\"|/bin/sh -c 'head -c 3000000 "
                      "/dev/zero'\"\n")
    body = "".join(f"{n:076d}\r\n" for n in range(14000))
    w.send("walt", "Subject: large\r\n\r\n" + body)
    w.i.await_log(2, event="program-ended", code="250")
    w.i.await_empty_queue()


def test_program_cannot_reach_our_processes(world):
    w = world()
    w.script("walt", "attack", 'cd /proc; for p in [0-9]*; do '
             'if [ "$(cat $p/comm 2>/dev/null)" = local-delivery- ]; then '
             'cat $p/environ $p/mem $p/maps; ls $p/fd; kill -9 $p; fi; done '
             '> "$HOME/out" 2>&1; ls -l "/proc/$PPID/fd" >> "$HOME/out" 2>&1; '
             'kill -9 $PPID; exit 0\n')
    w.forward("walt", f"|{w.home('walt')}/attack\n")
    w.send("walt")
    # Whatever it did, the delivery has an end, and the suite lives.
    until(lambda: w.i.log(event="program-ended") or
          w.i.log(event="worker-lost"), "no end", w)
    out = (w.home("walt") / "out").read_text()
    assert "Permission denied" in out or "Operation not permitted" in out
    assert "socket:" not in out


def test_no_program_without_a_shell(world):
    w = world(shell="/usr/sbin/nologin")
    w.forward("walt", f"|{w.home('walt')}/filter\n")
    w.forward("rita", f"alice@{DOMAIN}\n")
    w.send("walt")
    deferred(w, "only for users whose shell is in /etc/shells")
    w.send("rita")		# addresses are for all
    w.i.await_mail("alice", 1)


def test_a_failed_program_does_not_hold_up_the_rest_and_repeats_nothing(
        world):
    w = world(files={"queue-manager.conf": "retry_min = 1s\n"
                                           "retry_max = 1s\n"})
    w.script("walt", "counter", 'echo x >> "$HOME/count"\n')
    w.script("walt", "flaky", 'test -e "$HOME/ready" || exit 75\n')
    w.forward("walt", f"\\walt, rita\n|{w.home('walt')}/counter\n"
                      f"|{w.home('walt')}/flaky\n")
    w.send("walt")
    until(lambda: w.maildir("walt") and w.maildir("rita"), "nothing", w)
    w.i.await_log(3, event="deferred", stage="queue-manager")
    (w.home("walt") / "ready").touch()
    w.i.await_empty_queue()
    assert (w.home("walt") / "count").read_text() == "x\n"
    assert len(w.maildir("walt")) == 1
    assert len(w.maildir("rita")) == 1


# -- files


def test_mbox(world):
    w = world()
    box = w.home("walt") / "box"
    w.forward("walt", f"{box}\n~/second\n/dev/null\n")
    w.send("walt")
    w.send("walt", sender="")
    until(lambda: box.exists() and box.read_text().count("\nFrom ") == 1 and
          w.i.counters()["queued"] == 0, "not two", w)
    text = box.read_text()
    parts = text.split("\n\nFrom ")
    assert len(parts) == 2
    assert parts[0].startswith("From a@example.net ")
    assert parts[1].startswith("MAILER-DAEMON ")
    assert text.count("\n>From here on\n>>From there\n\n") == 2
    assert text == (w.home("walt") / "second").read_text()
    st = box.stat()
    assert st.st_uid == w.uids["walt"] and st.st_mode & 0o777 == 0o600
    until(lambda: not (w.home("walt") / "box.lock").exists(), "locked", w)
    import mailbox
    assert len(mailbox.mbox(box)) == 2


def test_mbox_locked_in_either_way(world):
    import fcntl
    w = world(files={"local-delivery.conf": "mbox_lock_patience = 1s\n",
                     "queue-manager.conf": "retry_min = 1s\nretry_max = 1s\n"})
    box = w.put("walt", "box", "")
    w.forward("walt", f"{box}\n")
    lock = w.put("walt", "box.lock", "")
    w.send("walt")
    w.i.await_log(1, event="file-delivery", code="451")
    assert box.read_text() == ""
    with open(box, "r+") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        lock.unlink()
        n = len(w.i.log(event="file-delivery"))
        w.i.await_log(n + 1, event="file-delivery", code="451")
        assert box.read_text() == ""
    until(lambda: box.read_text().startswith("From "), "not delivered", w)
    w.i.await_empty_queue()


def test_mbox_lock_left_behind(world):
    w = world(files={"local-delivery.conf": "mbox_stale_lock = 1m\n"})
    box = w.put("walt", "box", "")
    w.forward("walt", f"{box}\n")
    lock = w.put("walt", "box.lock", "")
    os.utime(lock, (1, 1))
    w.send("walt")
    until(lambda: box.read_text().startswith("From "), "not delivered", w)
    until(lambda: not lock.exists(), "the lock stays", w)


def test_mbox_that_another_program_left_without_its_end(world):
    w = world()
    box = w.put("walt", "box", "From x Sat Nov 21 08:00:00 2026\n\nhalf")
    w.forward("walt", f"{box}\n")
    w.send("walt")
    until(lambda: "hello" in box.read_text(), "not delivered", w)
    assert "half\n\nFrom a@example.net" in box.read_text()


def test_mbox_on_a_full_disk_is_cut_back(world):
    import subprocess
    w = world()
    disk = w.where / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk],
                   check=True)
    try:
        os.chmod(disk, 0o777)
        box = disk / "box"
        old = "From x Sat Nov 21 08:00:00 2026\n\nold\n\n"
        box.write_text(old)
        os.chown(box, w.uids["walt"], w.uids["walt"])
        w.forward("walt", f"{box}\n")
        # The mount is the test's; the instance began its namespace before.
        w.i.stop()
        w.i.start()
        body = "".join(f"{n:076d}\r\n" for n in range(2000))
        w.send("walt", "Subject: large\r\n\r\n" + body)
        [line] = w.i.await_log(1, event="file-delivery")
        assert line["code"] == "452"
        assert box.read_text() == old
    finally:
        w.i.stop()
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("what", ["directory", "fifo", "program", "device"])
def test_file_that_is_none(world, what):
    w = world()
    path = w.home("walt") / "thing"
    if what == "directory":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "program":
        w.script("walt", "thing", "exit 0\n")
    else:
        path = "/dev/zero"
    if what != "device":
        os.chown(path, w.uids["walt"], w.uids["walt"])
    w.forward("walt", f"{path}\n")
    w.send("walt")
    [line] = w.i.await_log(1, event="file-delivery")
    assert line["code"] != "250"


# -- what is wrong with it


@pytest.mark.parametrize("text,line,reason", [
    ("alice@example.org\n\"|unfinished\n", 2, "quote that is not closed"),
    ("\n\n<<>>\n", 3, "not an address"),
    ("a b c\n", 1, "not an address"),
    ("|/bin/cat >/tmp/x\n", 1, "only a shell"),
    ("|IFS=' ' && exec /usr/bin/procmail\n", 1, "only a shell"),
    (":include:friends\n", 1, "must begin with"),
    ("rita\x01\n", 1, "control character"),
    ("".join(f"a{n}@example.net\n" for n in range(101)), 101, "too many"),
])
def test_bad_syntax_puts_off(world, text, line, reason):
    w = world()
    w.forward("walt", text)
    w.send("walt")
    deferred(w, f"line {line}: ")
    [said] = w.i.await_log(1, event="forward-refused")
    assert reason in said["reason"] and said["line"] == str(line)
    assert said["user"] == "walt"


def test_not_the_users_own_file(world):
    w = world()
    w.forward("walt", f"alice@{DOMAIN}\n", owner=w.uids["rita"], mode=0o644)
    w.send("walt")
    deferred(w, "it belongs to somebody else")


@pytest.mark.parametrize("mode", [0o622, 0o666, 0o620])
def test_others_may_write_it(world, mode):
    w = world()
    w.forward("walt", f"alice@{DOMAIN}\n", mode=mode)
    w.send("walt")
    deferred(w, "others may write it")


def test_symlink_to_somebody_elses(world):
    w = world()
    w.put("rita", "hers", f"alice@{DOMAIN}\n", mode=0o644)
    os.symlink(w.home("rita") / "hers", w.home("walt") / ".forward")
    w.send("walt")
    deferred(w, "it belongs to somebody else")


def test_symlink_to_ones_own(world):
    w = world()
    w.put("walt", "dotfiles", f"alice@{DOMAIN}\n")
    os.symlink("dotfiles", w.home("walt") / ".forward")
    w.send("walt")
    w.i.await_mail("alice", 1)


def test_fifo_device_directory(world):
    w = world()
    os.mkfifo(w.home("walt") / ".forward")
    os.chown(w.home("walt") / ".forward", w.uids["walt"], w.uids["walt"])
    w.send("walt")
    deferred(w, "not a regular file")


def test_unreadable(world):
    w = world()
    w.forward("walt", f"alice@{DOMAIN}\n", mode=0)
    w.send("walt")
    deferred(w, "cannot be opened")


def test_too_long(world):
    w = world()
    w.forward("walt", "# " + "x" * 70000 + "\n")
    w.send("walt")
    deferred(w, "too long")


def test_everybody_may_write_the_home(world):
    w = world()
    w.forward("walt", f"alice@{DOMAIN}\n")
    os.chmod(w.home("walt"), 0o777)
    w.send("walt")
    deferred(w, "everybody may write the home")


def test_mended_file_lets_the_mail_go_on(world):
    w = world(files={"queue-manager.conf": "retry_min = 1s\n"
                                           "retry_max = 1s\n"})
    w.forward("walt", "<<>>\n")
    w.send("walt")
    deferred(w, "not an address")
    w.forward("walt", f"alice@{DOMAIN}\n")
    w.i.await_mail("alice", 1)
    w.i.await_empty_queue()


def test_no_home_and_empty_file(world):
    w = world()
    os.rmdir(w.home("walt"))
    w.send("walt")
    until(lambda: w.maildir("walt"), "no mail", w)
    w.forward("rita", "# nothing\n\n")
    w.send("rita")
    until(lambda: w.maildir("rita"), "no mail", w)


def test_include(world):
    w = world()
    w.put("walt", "friends", f"alice@{DOMAIN}\nbob@{DOMAIN}\n")
    w.forward("walt", f":include:{w.home('walt')}/friends\nrita\n")
    w.send("walt")
    w.i.await_mail("alice", 1)
    w.i.await_mail("bob", 1)
    until(lambda: w.maildir("rita"), "rita has none", w)


def test_include_of_an_include_or_of_anothers(world):
    w = world()
    w.put("walt", "friends", ":include:~/more\n")
    w.forward("walt", ":include:~/friends\n")
    w.send("walt")
    deferred(w, "may not include another")
    w.put("rita", "hers", f"alice@{DOMAIN}\n", mode=0o644)
    w.forward("rita", f":include:{w.put('walt', 'open', 'x', mode=0o644)}\n")
    w.send("rita")
    w.i.await_log(1, event="forward-refused", user="rita",
                  reason="it belongs to somebody else")


def test_forward_of_a_detail(world):
    w = world()
    w.forward("walt", f"alice@{DOMAIN}\n")
    w.put("walt", ".forward+lists", f"bob@{DOMAIN}\n")
    w.send("walt", detail="lists")
    w.i.await_mail("bob", 1)
    w.send("walt", detail="other")
    w.i.await_mail("alice", 1)
    assert len(w.i.maildir("bob")) == 1
