"""What `make install` puts where, and what it leaves alone."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from support.instance import BUILD

TREE = Path(__file__).resolve().parents[2]
COMPILER = BUILD.name.split("-")[0]
# The very variables of the build, or make would take it for out of date.
VARIANT = ["SANITIZE=" + os.environ.get("BULKHEAD_SANITIZE", ""),
           "WERROR=" + os.environ.get("BULKHEAD_WERROR", ""),
           f"CC={COMPILER if COMPILER in ('gcc', 'clang') else 'gcc'}",
           f"BUILD={BUILD}"]


def make(*words):
    return subprocess.run(["make", "-C", TREE, "-s", "--no-print-directory",
                           *VARIANT, *words], capture_output=True, text=True,
                          timeout=600,
                          env={k: v for k, v in os.environ.items()
                               if not k.startswith("MAKE")
                               and k != "MFLAGS"})


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """What is built is up to date, so that nothing is built here."""
    if not (BUILD / "bin" / "bulkhead").exists():
        pytest.skip("nothing is built")
    where = tmp_path_factory.mktemp("root")
    # -o all: install, and take the build as it is.
    done = make("-o", "all", "install", f"DESTDIR={where}")
    assert done.returncode == 0, done.stderr
    return where


def test_everything_has_its_place(root):
    for name in ("usr/local/sbin/bulkhead", "usr/local/libexec/bulkhead/smtpd",
                 "usr/local/libexec/bulkhead/supervisor",
                 "usr/local/libexec/bulkhead/sendmail",
                 "usr/local/lib/systemd/system/bulkhead.service",
                 "usr/local/lib/sysusers.d/bulkhead.conf",
                 "usr/local/lib/tmpfiles.d/bulkhead.conf",
                 "usr/local/share/man/man8/bulkhead.8",
                 "usr/local/share/man/man1/mailq.1",
                 "usr/local/share/man/man5/bulkhead.conf.5",
                 "usr/local/share/doc/bulkhead/architecture.md",
                 "usr/local/share/doc/bulkhead/decisions/README.md",
                 "etc/pam.d/bulkhead"):
        assert (root / name).is_file(), name
    # An empty configuration directory is a working host.
    assert list((root / "etc/bulkhead").iterdir()) == []


def test_every_program_is_installed(root):
    built = {p.name for p in (BUILD / "bin").iterdir()} - {
        "bulkhead", "bulkhead-sendmail"}
    tools = {n for n in built if n.startswith("tests-")}
    there = {p.name for p in (root / "usr/local/libexec/bulkhead").iterdir()}
    assert there == built - tools | {"sendmail"}


def test_no_set_id_and_nothing_others_may_write(root):
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            st = os.lstat(os.path.join(folder, name))
            if stat.S_ISLNK(st.st_mode):
                continue
            assert st.st_mode & (stat.S_ISUID | stat.S_ISGID) == 0, name
            assert st.st_mode & (stat.S_IWGRP | stat.S_IWOTH) == 0, name


def test_paths_are_filled_in(root):
    for name in ("systemd/system/bulkhead.service", "sysusers.d/bulkhead.conf",
                 "tmpfiles.d/bulkhead.conf"):
        text = (root / "usr/local/lib" / name).read_text()
        assert not re.search(r"@[A-Z]+@", text)
        assert "/bulkhead" in text


def test_every_stage_has_its_user(root):
    """The map of supervisor and the sysusers file name the same ones."""
    named = set(re.findall(r"^u\t(\S+)", (
        root / "usr/local/lib/sysusers.d/bulkhead.conf").read_text(), re.M))
    wanted = set(re.findall(r'\.user = "([^"]+)"', (
        TREE / "supervisor/map.c").read_text()))
    # No stage, but who runs what aliases name.
    assert named == wanted | {"bh-programs"}


def test_the_host_understands_its_files(root):
    tool = shutil.which("systemd-sysusers")
    if tool is None:
        pytest.skip("no systemd-sysusers here")
    done = subprocess.run(
        [tool, "--dry-run", f"--root={root}",
         root / "usr/local/lib/sysusers.d/bulkhead.conf"],
        capture_output=True, text=True)
    assert done.returncode == 0 and "not" not in done.stderr, done.stderr


def test_the_unit_confines(root, tmp_path):
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("no systemd-analyze here")
    unit = root / "usr/local/lib/systemd/system/bulkhead.service"
    done = subprocess.run([tool, "security", "--offline=yes",
                           "--threshold=30", unit], capture_output=True,
                          text=True)
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze cannot look at a file")
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


# -- sendmail

def links(root, mode="auto"):
    return subprocess.run(
        [TREE / "mk/sendmail-links", mode, root, "/usr/local/libexec/s",
         "/usr/local/sbin/sendmail", "/usr/local/bin/mailq"],
        capture_output=True, text=True)


def test_links_where_nobody_has_them(tmp_path):
    assert links(tmp_path).returncode == 0
    link = tmp_path / "usr/local/sbin/sendmail"
    assert os.readlink(link) == "/usr/local/libexec/s"
    assert links(tmp_path, "yes").returncode == 0		# ours: fine


def test_no_links_when_not_wanted(tmp_path):
    assert links(tmp_path, "no").returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert links(tmp_path, "perhaps").returncode == 64


@pytest.mark.parametrize("where", ["usr/local/sbin/sendmail",
                                   "usr/local/bin/mailq",
                                   "usr/sbin/sendmail"])
def test_another_sendmail_is_left_alone(tmp_path, where):
    other = tmp_path / where
    other.parent.mkdir(parents=True)
    other.write_text("theirs")
    before = sorted(tmp_path.rglob("*"))
    done = links(tmp_path)
    assert done.returncode == 0 and str(other) in done.stderr
    assert other.read_text() == "theirs"
    assert sorted(tmp_path.rglob("*")) == before
    done = links(tmp_path, "yes")
    assert other.read_text() == "theirs"
    assert (done.returncode != 0) == ("local" in where)


# -- examples

def test_examples_are_valid_and_say_the_standard(tmp_path):
    """Every setting of every example, no longer a comment, is accepted."""
    conf = tmp_path / "etc"
    conf.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    for p in (BUILD / "bin").iterdir():
        (programs / p.name).symlink_to(p)
    for path in (TREE / "etc").glob("*.conf"):
        text = uncommented(path)
        if path.name == "bulkhead.conf":
            assert "\nhostname = " in text
            text = re.sub(r"(?m)^uid_base = .*", "uid_base = 3300000000", text)
            text = re.sub(r"(?m)^program_dir = .*",
                          f"program_dir = {programs}", text)
        (conf / path.name).write_text(text)
    for name in ("domains", "aliases", "users"):
        shutil.copy(TREE / "etc" / name, conf / name)
    done = subprocess.run([BUILD / "bin" / "bulkhead", "-C", conf, "check"],
                          capture_output=True, text=True)
    wrong = [l for l in done.stderr.splitlines() if l.startswith("error")
             and "programs/" not in l and "another program listens" not in l]
    assert wrong == []


@pytest.mark.slow
def test_the_build_is_reproducible():
    if os.environ.get("BULKHEAD_SANITIZE"):
        pytest.skip("of the production build alone")
    done = subprocess.run([TREE / "mk/reproducible", BUILD,
                           COMPILER], cwd=TREE,
                          capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same" in done.stdout


def uncommented(path):
    """The example with its settings in force, not as comments."""
    return re.sub(r"(?m)^#(?=\w+ = |\t|listener |\})", "", path.read_text())


def test_examples_start(new_instance):
    """A suite with every example in place takes a letter to a mailbox."""
    i = new_instance(users=())
    ours = {n: (i.conf / n).read_text() for n in
            ("bulkhead.conf", "smtpd.conf", "pop3d.conf", "imapd.conf")}
    kept = dict(l.split(" = ", 1) for l in ours["bulkhead.conf"].splitlines())
    for path in (TREE / "etc").glob("*.conf"):
        text = uncommented(path)
        if path.name == "bulkhead.conf":
            for name, value in kept.items():
                text = re.sub(rf"(?m)^{name} = .*", f"{name} = {value}", text)
        elif path.name in ours:
            text = re.sub(r"(?ms)^listener .*?^\}\n", "", text) + ours[
                path.name]
        i.write(path.name, text)
    for name in ("domains", "aliases", "users"):
        i.write(name, (TREE / "etc" / name).read_text())
    i.accounts = {"alice": 1, "bob": 2}
    done = i.command("check")
    assert done.returncode == 0, done.stderr
    i.start()
    i.send("a@example.net", ["sales@example.net", "postmaster@example.org"],
           b"Subject: x\r\n\r\ntext\r\n")
    i.await_mail("alice", 2)		# of sales, and as root
    i.await_mail("bob", 1)
