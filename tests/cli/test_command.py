"""bulkhead(8) without a running suite: usage, users, settings."""

import re
import subprocess

import pytest

from support.instance import BUILD, crypt
from .site import on_terminal

PROGRAM = BUILD / "bin" / "bulkhead"


# -- usage

@pytest.mark.parametrize("args, said", [
    ([], "usage: bulkhead"),
    (["frobnicate"], 'there is no command "frobnicate"'),
    (["user"], 'there is no command "user"'),
    (["restart"], "usage: bulkhead restart stage"),
    (["stop", "now"], "usage: bulkhead stop"),
    (["user", "add"], "usage: bulkhead user add name [home=path]"),
    (["start", "-x"], "usage: bulkhead start [-f]"),
    (["config", "-x"], "usage: bulkhead config"),
])
def test_wrong_usage(site, args, said):
    done = site.bulkhead(*args)
    assert done.returncode == 64
    assert said in done.stderr


def test_no_such_directory():
    done = subprocess.run([PROGRAM, "-C", "/nonexistent", "check"],
                          capture_output=True, text=True)
    assert done.returncode == 78
    assert "/nonexistent" in done.stderr and "name another with -C" in done.stderr


def test_help_names_every_command(site):
    done = site.bulkhead("-h")
    assert done.returncode == 0
    for command in ("start", "stop", "status", "reload", "restart", "check",
                    "config", "user add", "user passwd", "user list",
                    "user remove", "user restored"):
        assert f"  {command} " in done.stdout


# -- an instance that is not running

def test_not_running(site):
    assert site.bulkhead("status").returncode == 3
    done = site.bulkhead("reload")
    assert (done.returncode, "is not running" in done.stderr) == (3, True)
    done = site.bulkhead("restart", "smtpd")
    assert (done.returncode, "is not running" in done.stderr) == (3, True)
    done = site.bulkhead("stop")
    assert (done.returncode, "is not running" in done.stdout) == (0, True)


def test_restart_knows_what_was_meant(site):
    done = site.bulkhead("restart", "smptd")
    assert done.returncode == 64
    assert "did you mean smtpd?" in done.stderr


# -- users

def test_user_add(site):
    done = site.add_user("bob", "t0p secret")
    assert done.stdout == "bob@example.org is user number 2\n"
    assert "bob@example.org 2\n" in (site.conf / "users").read_text()
    path = site.conf / "passwords"
    assert path.stat().st_mode & 0o7777 == 0o600
    number, hashed, scram = path.read_text().splitlines()[-1].split()
    assert number == "2"
    assert hashed.startswith("$y$") and crypt("t0p secret", hashed) == hashed
    assert scram.startswith("SCRAM-SHA-256$")
    assert "t0p secret" not in path.read_text()


def test_scram_verifier_is_the_one_of_rfc_5802(site):
    import base64
    import hashlib
    import hmac
    site.add_user("bob", "t0p secret")
    scram = (site.conf / "passwords").read_text().split()[-1]
    count, salt, stored, server = re.fullmatch(
        r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)", scram).groups()
    salted = hashlib.pbkdf2_hmac("sha256", b"t0p secret",
                                 base64.b64decode(salt), int(count))
    client = hmac.digest(salted, b"Client Key", "sha256")
    assert base64.b64decode(stored) == hashlib.sha256(client).digest()
    assert base64.b64decode(server) == hmac.digest(
        salted, b"Server Key", "sha256")


@pytest.mark.parametrize("name, password, said", [
    ("alice", "x", "alice@example.org"),		# exists
    ("bob@elsewhere.org", "x", "not a domain of this host"),
    ("../bob", "x", "cannot be a user's name"),
    ("-bob", "x", "cannot be a user's name"),
    ("b b", "x", "cannot be a user's name"),
    ("bob", "", "password"),
    ("bob", "x" * 256, "password"),
    ("bob", "a\x01b", "password"),
])
def test_user_add_refuses(site, name, password, said):
    before = (site.conf / "users").read_text()
    done = site.bulkhead("user", "add", name, input=password + "\n")
    assert done.returncode not in (0, 1) and done.returncode > 0
    assert said in done.stderr
    assert (site.conf / "users").read_text() == before


def test_user_passwd(site):
    done = site.bulkhead("user", "passwd", "Alice@Example.ORG",
                         input="another one\r\n")
    assert done.returncode == 0, done.stderr
    hashed = (site.conf / "passwords").read_text().split()[-2]
    assert crypt("another one", hashed) == hashed
    assert site.bulkhead("user", "passwd", "nobody",
                         input="x\n").returncode == 67


def test_user_list(site):
    site.add_user("bob")
    done = site.bulkhead("user", "list")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0][:2] == ["name", "number"]
    assert [r[:2] for r in rows[1:]] == [["alice@example.org", "1"],
                                         ["bob@example.org", "2"]]
    assert int(rows[2][2]) - int(rows[1][2]) == 1	# a uid each
    assert rows[1][3] == f"{site.folder}/mail/1"


def test_a_number_is_never_given_again(site):
    site.add_user("bob")
    done = site.bulkhead("user", "remove", "bob")
    assert done.returncode == 0 and "the mailbox" in done.stdout
    assert "bob" not in site.bulkhead("user", "list").stdout
    assert "number 3" in site.add_user("carol").stdout
    assert "number 4" in site.add_user("bob").stdout
    assert site.bulkhead("user", "remove", "nobody").returncode == 67


def test_home_of_its_own(site):
    done = site.bulkhead("user", "add", "dave", "home=/srv/dave", input="x\n")
    assert done.returncode == 0
    assert "/srv/dave" in site.bulkhead("user", "list").stdout
    done = site.bulkhead("user", "add", "eve", "/srv/eve", input="x\n")
    assert done.returncode == 64
    done = site.bulkhead("user", "add", "eve", "home=srv/eve", input="x\n")
    assert done.returncode == 65


def test_comments_of_a_person_stay(site):
    site.add("users", "# the boss\n")
    site.add_user("bob")
    site.bulkhead("user", "remove", "alice")
    assert "# the boss\n" in (site.conf / "users").read_text()


def test_password_on_a_terminal_is_not_shown(site):
    command = [PROGRAM, "-C", site.conf, "user", "add", "bob"]
    status, shown = on_terminal(command, ["one thing", "another"])
    assert status == 65 and "differ" in shown
    status, shown = on_terminal(command, ["hid den", "hid den"])
    assert status == 0, shown
    assert "hid den" not in shown
    hashed = (site.conf / "passwords").read_text().split()[-2]
    assert crypt("hid den", hashed) == hashed


# -- settings

def test_config_lists_what_is_in_force(site):
    done = site.bulkhead("config", "bulkhead")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any(l.startswith("hostname = mx.example.org") for l in lines)
    assert any(l.startswith("workers_max = ") for l in lines)


def test_config_of_a_stage_that_does_not_exist(site):
    done = site.bulkhead("config", "bulkhaed")
    assert done.returncode == 64
    assert "did you mean bulkhead.conf?" in done.stderr


def test_examples_and_manuals_say_what_the_tables_say():
    from pathlib import Path
    tree = Path(__file__).resolve().parents[2]
    done = subprocess.run([tree / "mk" / "settings-text", "--check", PROGRAM,
                           tree], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
