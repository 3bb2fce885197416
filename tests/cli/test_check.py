"""bulkhead check: whatever is wrong is named with file, line and remedy, and
nothing is started as long as it is."""

import os
import socket
import time

import pytest


def errors(site):
    done = site.bulkhead("check")
    assert done.returncode == (78 if "error: " in done.stderr else 0)
    return [l for l in done.stderr.splitlines() if l.startswith("error: ")]


def warnings(site):
    return [l for l in site.bulkhead("check").stderr.splitlines()
            if l.startswith("warning: ")]


def test_a_good_one(site):
    done = site.bulkhead("check")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{site.conf}: no errors, 0 warnings\n"


# What is written, and what the one error must say.
@pytest.mark.parametrize("file, text, said", [
    ("bulkhead.conf", "hostnme = x\n", ["bulkhead.conf:{n}", "hostname"]),
    ("bulkhead.conf", "sessions_max = many\n", ["bulkhead.conf:{n}", "many"]),
    ("bulkhead.conf", "workers_max = 0\n", ["bulkhead.conf:{n}", "1"]),
    ("bulkhead.conf", "injection_wait = 10 parsecs\n",
     ["bulkhead.conf:{n}", "10s"]),
    ("bulkhead.conf", "log = printer\n", ["bulkhead.conf:{n}", "syslog"]),
    ("bulkhead.conf", "hostname = twice\n", ["bulkhead.conf:{n}", "line 1"]),
    ("bulkhead.conf", "just words\n", ["bulkhead.conf:{n}", "name = value"]),
    ("smtpd.conf", "listener smtp2 {\n", ["smtpd.conf:{n}", "}}"]),
    ("smtpd.conf", "inject_milters = dkim\n",
     ["smtpd.conf:{n}", "milterd.conf", "milter dkim {{ }}"]),
    ("milterd.conf", "milter a {\n\tsocket = nowhere\n}\n",
     ["milterd.conf:2", "127.0.0.1:11332"]),
    ("milterd.conf", "milter a {\n\tsocket = 127.0.0.1:0\n}\n",
     ["milterd.conf:2", "an address with a port"]),
    ("milterd.conf", "milter " + "a" * 33 + " {\n\tsocket = /a\n}\n",
     ["milterd.conf:2", "32 letters"]),
    ("domains", "no_domain!\n", ["domains:{n}"]),
    ("domains", "example.org\n", ["domains:{n}", "line 1"]),
    ("aliases", "bob\n", ["aliases:{n}"]),
    ("aliases", "a: b\nb: a\n", ["aliases:"]),
    ("aliases", "x: \"|sh\"\n", ["aliases:{n}"]),
    ("aliases", "a: @example.org\n", ["aliases:{n}", "NAME@DOMAIN"]),
    ("aliases", "a: :include:/etc/x\n", ["aliases:{n}", ":include:NAME"]),
    ("aliases", "a: :include:x\n", ["lists/x: ", "no such list"]),
    ("aliases", "a@far.example: b\n", ["aliases:{n}", "domains table"]),
    ("domains", "a.example alias of b.example\n",
     ["domains:{n}", "a line of its own"]),
    ("domains", "a.example relayed\n", ["domains:{n}", "relay"]),
    ("routes", "a.example nowhere\n",
     ["routes:{n}", "remote-relay.conf", "route nowhere {{ }}"]),
    ("routes", "a.example error 250 x\n", ["routes:{n}", "450 to 599"]),
    ("routes", "a.example local\n", ["routes:{n}", "domains table"]),
    ("relay-recipients", "a@far.example\n",
     ["relay-recipients:{n}", "as relay"]),
    ("relay-recipients", "@far.example\n",
     ["relay-recipients:{n}", "relay unchecked"]),
    ("clients", "192.0.2.0/24\n", ["clients:{n}", "permit, pass"]),
    ("trust-anchors", ". IN A 192.0.2.1\n",
     ["trust-anchors:{n}", "DS or DNSKEY"]),
    ("srs-secrets", "012345\n", ["srs-secrets:{n}", "openssl rand -hex 16"]),
    ("directory.conf", "srs_domain = example.org\n",
     ["srs-secrets: ", "openssl rand -hex 16"]),
    ("directory.conf", "srs_domain = a..b\n",
     ["directory.conf:{n}", "not a domain"]),
    ("users", "bob 2\n", ["users:{n}", "NAME@DOMAIN"]),
    ("users", "bob@example.org two\n", ["users:{n}"]),
    ("users", "bob@example.org 1\n", ["users:{n}", "the number 1 stands in"]),
    ("users", "bob@elsewhere.org 2\n", ["users:{n}", "not a domain of this host"]),
    ("users", "bob@example.org 2 home=../x\n", ["users:{n}", "absolute"]),
    ("users", "bob@example.org 999999\n", ["users:{n}", "999999"]),
    ("passwords", "2 plaintext -\n", ["passwords:{n}"]),
])
def test_wrong_in_a_file(site, file, text, said):
    mode = 0o600 if file in ("passwords", "srs-secrets") else 0o644
    before = ((site.conf / file).read_text()
              if (site.conf / file).exists() else "")
    site.write(file, before + text, mode)
    found = errors(site)
    assert len(found) == 1, found
    assert str(site.conf) in found[0]
    for words in said:
        assert words.format(n=before.count("\n") + 1) in found[0]
    # Nothing is half started: start says the same and does nothing.
    done = site.bulkhead("start")
    assert done.returncode == 78
    assert found[0] in done.stderr and "nothing has been changed" in done.stderr
    assert not site.run.exists() and not (site.folder / "spool").exists()


def test_a_list_is_told_by_its_own_line(site):
    site.add("aliases", "club: :include:club\n")
    (site.conf / "lists").mkdir()
    (site.conf / "lists/club").write_text("alice\n\n|/bin/sh\n")
    [found] = errors(site)
    assert f"{site.conf}/lists/club:3: " in found
    (site.conf / "lists/club").write_text("alice\n")
    assert errors(site) == []
    os.chmod(site.conf / "lists", 0o777)
    [found] = errors(site)
    assert "chown root and chmod go-w" in found


def test_names_of_routes_are_looked_up(site):
    site.write("routes", "* smart\na.example default\nb.example direct\n")
    [found] = errors(site)
    assert "routes:1" in found
    site.write("remote-relay.conf", "route smart {\n\tvia = [mx.example]\n}\n")
    assert errors(site) == []


def test_keys_are_roots_alone(site):
    site.write("srs-secrets", "0" * 32 + "\n", 0o644)
    [found] = errors(site)
    assert "srs-secrets" in found and "chmod 600" in found


def test_a_secret_is_not_quoted(site):
    site.write("passwords", "1 hunter2 -\n", 0o600)
    assert "hunter2" not in site.bulkhead("check").stderr


def test_all_errors_at_once(site):
    site.add("bulkhead.conf", "one = 1\ntwo = 2\n")
    site.add("domains", "!\n")
    assert len(errors(site)) >= 2


def test_others_may_write(site):
    os.chmod(site.conf / "users", 0o664)
    assert "chmod go-w it" in errors(site)[0]
    os.chmod(site.conf / "users", 0o644)
    os.chmod(site.conf, 0o777)
    assert "chmod go-w it" in errors(site)[0]
    os.chmod(site.conf, 0o755)
    os.chown(site.conf / "bulkhead.conf", 1234, 1234)
    assert "chown root it" in errors(site)[0]


def test_others_may_read_the_passwords(site):
    os.chmod(site.conf / "passwords", 0o644)
    found = errors(site)
    assert "passwords" in found[0] and "chmod 600 it" in found[0]


def test_not_a_file(site):
    (site.conf / "aliases").unlink()
    os.mkfifo(site.conf / "aliases")
    assert any("aliases" in e and "regular file" in e for e in errors(site))


@pytest.mark.parametrize("base, said", [
    ("1", "65536"), ("4294900000", "4000000000"),
])
def test_uid_base_out_of_range(site, base, said):
    path = site.conf / "bulkhead.conf"
    site.write("bulkhead.conf",
               path.read_text().replace("3200000000", base))
    assert any(said in e for e in errors(site))


def test_uids_of_somebody_else(site):
    """Another process has one of them (which no other test asks for)."""
    path = site.conf / "bulkhead.conf"
    site.write("bulkhead.conf", path.read_text().replace(
        "uid_base = 3200000000", "uid_base = 3300000000"))
    ready, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setuid(3300000007)
        os.write(say, b".")
        time.sleep(600)
        os._exit(0)
    try:
        assert os.read(ready, 1) == b"."
        found = errors(site)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(say)
    assert len(found) == 1 and f"process {pid}" in found[0]
    assert "choose another uid_base" in found[0]


def test_named_users_are_missing(site):
    path = site.conf / "bulkhead.conf"
    text = path.read_text().replace("uid_base = 3200000000",
                                    "uid_base = 0")
    site.write("bulkhead.conf", text)
    if "bh-smtpd:" in open("/etc/passwd").read():
        pytest.skip("this host has the named users")
    found = errors(site)
    assert any("no user bh-smtpd" in e and "systemd-sysusers" in e
               for e in found)


def test_programs_are_missing(site):
    path = site.conf / "bulkhead.conf"
    lines = [f"program_dir = {site.folder}" if l.startswith("program_dir")
             else l for l in path.read_text().splitlines()]
    site.write("bulkhead.conf", "\n".join(lines) + "\n")
    found = errors(site)
    assert any("supervisor" in e and "program_dir" in e for e in found)


def test_run_dir_too_long_for_a_socket(site):
    path = site.conf / "bulkhead.conf"
    site.write("bulkhead.conf", path.read_text().replace(
        f"run_dir = {site.run}\n", f"run_dir = /{'x' * 100}\n"))
    found = errors(site)
    assert len(found) == 1 and "at most 99 octets" in found[0]


def test_port_taken_by_another_program(site):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        site.write("imapd.conf", "listener imap {\n"
                   f"\taddress = 127.0.0.1:{port}\n}}\n")
        found = errors(site)
    assert len(found) == 1
    assert "imapd.conf:1" in found[0] and "choose another port" in found[0]


def test_port_taken_twice(site):
    site.write("pop3d.conf", "listener pop3 {\n\taddress = *:19143\n}\n")
    found = errors(site)
    assert len(found) == 1 and "is taken by" in found[0]


def test_address_of_another_host(site):
    site.write("smtpd.conf",
               "listener smtp {\n\taddress = 192.0.2.1:19025\n}\n")
    found = errors(site)
    assert len(found) == 1 and "no such address" in found[0]


# -- warnings do not keep it from starting

def test_nobody_reads_root(site):
    (site.conf / "aliases").unlink()
    found = warnings(site)
    assert len(found) == 1 and "root and postmaster" in found[0]
    assert "root: you@example.org" in found[0]


def test_a_misspelt_file(site):
    site.write("alises", "root: alice\n")
    found = warnings(site)
    assert len(found) == 1 and "did you mean aliases?" in found[0]


def test_a_user_without_a_password(site):
    site.add("users", "bob@example.org 2\n")
    found = warnings(site)
    assert len(found) == 1 and "cannot log in" in found[0]
