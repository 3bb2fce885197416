"""Programs and files that the aliases table names: run and written by a user
without rights, with what their end means; refused where they are not in
order; and never for who is not in the table."""

import os
import stat

import pytest

from support.instance import DOMAIN
from .test_forward import until
from .world import MESSAGE, World

QUICK = {"queue-manager.conf": "retry_min = 1s\nretry_max = 1s\n"}


class Host(World):
    """drop: a directory that programs_user can write to."""

    def __init__(self, folder, aliases, files=None, settings="", **more):
        super().__init__(folder, files={**QUICK, **(files or {})},
                         settings=settings, **more)
        self.drop = self.where / "drop"
        self.drop.mkdir()
        self.programs_uid = self.i.slot.uid_base + 900
        os.chmod(self.drop, 0o777)
        self.aliases(aliases)

    def aliases(self, text):
        self.i.write("aliases", text.replace("DROP", str(self.drop)))

    def program(self, name, text):
        path = self.where / name
        path.write_text("#!/bin/sh\n" + text.replace("DROP",
                                                     str(self.drop)))
        path.chmod(0o755)
        return path

    def to(self, name, message=MESSAGE, sender="a@example.net"):
        return self.i.send(sender, [f"{name}@{DOMAIN}"], message)


@pytest.fixture
def host(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("supervisor must be started by root")
    made = []

    def make(aliases, start=True, **options):
        made.append(Host(tmp_path / f"h{len(made)}", aliases, **options))
        if start:
            made[-1].i.start()
        return made[-1]

    yield make
    for w in made:
        w.close()


SHOW = """{ id -u; id -G; env; echo; printf '%s.' "$@"; echo; cat; } \
    > DROP/out.new; mv DROP/out.new DROP/out
"""


def test_a_program(host):
    w = host("", start=False)
    show = w.program("show", SHOW)
    w.aliases(f'robot: "|{show} one \'two, three\'", alice\n')
    w.i.start()
    assert w.to("robot") == {}
    until((w.drop / "out").exists, "not run", w)
    head, args, text = (w.drop / "out").read_text().split("\n\n", 1)[0], \
        *(w.drop / "out").read_text().split("\n\n", 1)[1].split("\n", 1)
    uid, groups, *env = head.split("\n")
    # Never root, and no group but its own.
    assert uid == groups == str(w.programs_uid)
    assert args == "one.two, three."
    env = dict(e.split("=", 1) for e in env)
    assert env["RECIPIENT"] == f"robot@{DOMAIN}"
    assert env["LOCAL"] == "robot" and env["SENDER"] == "a@example.net"
    assert env["USER"] == "bh-programs"
    assert text.startswith("From a@example.net ") and "\n\nhello\n" in text
    w.i.await_mail("alice", 1)
    w.i.await_empty_queue()


def test_a_file(host):
    w = host("archive: DROP/box, alice\n")
    for _ in range(3):
        w.to("archive")
    w.i.await_mail("alice", 3)
    box = w.drop / "box"
    until(lambda: box.exists() and
          box.read_text().count("From a@example.net ") == 3, "not all", w)
    st = box.stat()
    assert st.st_uid == w.programs_uid
    assert stat.S_IMODE(st.st_mode) == 0o600


def test_what_its_end_means(host):
    w = host("", start=False)
    end = w.program("end", 'echo "said $1"; exit $1\n')
    w.aliases(f'nouser: "|{end} 67"\nlater: "|{end} 75"\n')
    w.i.start()
    w.to("nouser", sender=f"bob@{DOMAIN}")
    w.i.await_mail("bob", 1)
    [report] = w.i.messages("bob")
    assert b"Status: 5.1.1" in report and b"said 67" in report
    # What it is that an alias runs is nobody's to know.
    assert f"Final-Recipient: rfc822; nouser@{DOMAIN}".encode() in report
    assert str(end).encode() not in report
    w.to("later")
    w.i.await_log(2, event="program-ended", code="451")
    assert w.i.counters()["queued"] == 1


def test_no_rights_to_speak_of(host):
    """It reads no spool, no table and no mailbox, and has no descriptor."""
    w = host("", start=False)
    probe = w.program("probe", "\n".join(
        f"ls {d} >/dev/null 2>&1 && echo {d} >> DROP/got" for d in (
            w.i.spool, w.i.mail / "1", w.i.conf / "passwords",
            "/proc/self/fd/3")) + "\ncat /etc/shadow >> DROP/got 2>/dev/null"
        "\ncat " + str(w.i.conf / "passwords") + " >> DROP/got 2>/dev/null"
        "\n: > DROP/done\n")
    w.aliases(f"robot: |{probe}\n")
    w.i.start()
    os.chmod(w.i.conf, 0o755)
    w.to("alice")
    w.i.await_mail("alice", 1)
    w.to("robot")
    until((w.drop / "done").exists, "not run", w)
    got = (w.drop / "got").read_text() if (w.drop / "got").exists() else ""
    # ls may name the file of passwords, whose name is no secret.
    assert got in ("", f"{w.i.conf / 'passwords'}\n"), got


@pytest.mark.parametrize("address", [
    '"|/bin/touch DROP/evil"', "|DROPtouch", '"|DROPtouch"',
    "robot+|DROPtouch", '"|/bin/true"'])
def test_nobody_names_a_program_from_outside(host, address):
    """Not even one that the table names: its address is no recipient."""
    w = host("robot: |/bin/true\n")
    w.program("touch", ": > DROP/evil\n")
    address = address.replace("DROPtouch", str(w.where / "touch"))
    with w.i.smtp() as c:
        c.ehlo()
        c.docmd("MAIL FROM:<a@example.net>")
        code, _ = c.docmd("RCPT TO:<%s@%s>" % (
            address.replace("DROP", str(w.drop)), DOMAIN))
        assert code == 550
    assert not (w.drop / "evil").exists()


def test_a_table_that_changed_meanwhile(host):
    """What is not in the table any more is not run: the mail comes back."""
    w = host("", start=False)
    gate = w.program("gate", "[ -e DROP/open ] || exit 75\n: > DROP/ran\n")
    w.aliases(f"robot: |{gate}\n")
    w.i.start()
    w.to("robot", sender=f"bob@{DOMAIN}")
    w.i.await_log(1, event="program-ended", code="451")
    w.aliases("other: alice\n")
    w.i.await_log(2, event="tables-in-use")
    (w.drop / "open").touch()
    w.i.await_mail("bob", 1)
    assert b"5.1.1" in w.i.messages("bob")[0]
    assert not (w.drop / "ran").exists()


def check(w):
    r = w.i.command("check")
    return r.returncode, r.stdout + r.stderr


def test_check(host):
    w = host("a: |/bin/true\nb: |true\n", start=False)
    code, said = check(w)
    assert code != 0 and "aliases:2" in said and "whole path" in said
    w.aliases("a: |/no/such/program\n")
    code, said = check(w)
    assert code == 0 and "aliases:1: /no/such/program" in said
    for user in "root", "bh-queue", "nobody-of-that-name":
        conf = (w.i.conf / "bulkhead.conf").read_text()
        w.i.write("bulkhead.conf", conf + f"programs_user = {user}\n")
        code, said = check(w)
        w.i.write("bulkhead.conf", conf)
        assert code != 0 and "aliases:1" in said and user in said
        assert "name one without rights" in said
    w.i.write("directory.conf", "alias_programs = none\n")
    code, said = check(w)
    assert code != 0 and "aliases:1" in said and "alias_programs" in said


def test_explain(host):
    w = host("robot: |/bin/true, alice\nfile: DROP/box\n")
    said = w.i.command("explain", "a@b.example", f"robot@{DOMAIN}").stdout
    assert "-> |/bin/true" in said
    assert "the program runs, as bh-programs" in said
    said = w.i.command("explain", "a@b.example", f"file@{DOMAIN}").stdout
    assert "appended to the file, as bh-programs" in said


@pytest.mark.parametrize("user", ["root", "bh-queue", "no-such-user"])
def test_refused_where_there_is_no_such_user(host, user):
    """Started without the check: the mail waits, and the log says why."""
    w = host("", start=False, settings=f"programs_user = {user}\n")
    w.program("touch", ": > DROP/evil\n")
    w.aliases(f"robot: |{w.where}/touch\n")
    w.i.start()
    w.to("robot")
    w.i.await_log(1, event="account-refused", account="programs:0")
    w.i.await_log(1, event="worker-refused")
    assert w.i.counters()["queued"] == 1
    assert not (w.drop / "evil").exists()


def test_as_a_user_of_the_host(host):
    """programs_user may be one who has a name, and is not asked for a shell."""
    w = host("", start=False, shell="/usr/sbin/nologin",
             settings="programs_user = walt\n")
    w.program("show", SHOW)
    w.aliases(f"robot: |{w.where}/show\n")
    w.i.start()
    w.to("robot")
    until((w.drop / "out").exists, "not run", w)
    assert (w.drop / "out").read_text().split("\n")[0] == str(w.uids["walt"])
    # The user's own mail goes its own way.
    w.send("walt")
    until(lambda: w.maildir("walt"), "no mail", w)


@pytest.mark.parametrize("allowed", [False, True])
def test_in_a_list(host, allowed):
    w = host("club: :include:club\n", start=False, files={
        "directory.conf": "alias_programs = lists\n" if allowed else ""})
    show = w.program("show", SHOW)
    (w.i.conf / "lists").mkdir()
    (w.i.conf / "lists" / "club").write_text(f"alice\n|{show}\n")
    w.i.start()
    if allowed:
        w.to("club")
        until((w.drop / "out").exists, "not run", w)
        w.i.await_mail("alice", 1)
        return
    # Nobody gets it before all do, and the list's writer is told.
    code, said = check(w)
    assert "lists/club:2" in said and "alias_programs" in said
    with w.i.smtp() as c:
        c.ehlo()
        c.mail("a@example.net")
        assert c.rcpt(f"club@{DOMAIN}")[0] == 451


def test_clients_are_not_told(host):
    w = host("robot: |/bin/true, alice\n", files={
        "smtpd.conf": "expn = yes\n"})
    with w.i.smtp() as c:
        c.ehlo()
        code, text = c.docmd("EXPN robot")
        assert code == 250 and b"alice" in text and b"/bin/true" not in text


def test_many_at_once(host):
    """As many as the setting says, and each once."""
    w = host("", start=False, files={
        "local-delivery.conf": "alias_programs_at_once = 3\n"})
    w.program("count", "cat > DROP/m.$QUEUE_ID; /bin/sleep 0.05\n")
    w.aliases(f"robot: |{w.where}/count\n")
    w.i.start()
    for _ in range(20):
        w.to("robot")
    w.i.await_empty_queue()
    assert len(list(w.drop.glob("m.*"))) == 20
    assert len(w.i.log(event="program-ended", code="250")) == 20
    assert w.i.counters()["difference"] == 0
