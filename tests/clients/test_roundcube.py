"""Roundcube, with SQLite and PHP's own web server, in a Chromium without a
screen: a person logs in, reads, moves, writes."""

import base64
import re
import shutil
import sqlite3
import urllib.request

import pytest

from support.instance import DOMAIN

from .world import (ALICE, BOB, UNPACKED, eventually, letter, number_of, ok,
                    program)

ROOT = UNPACKED / "root"
SITE = ROOT / "usr/share/roundcube"
EXTENSIONS = ["ctype", "dom", "exif", "fileinfo", "iconv", "intl", "mbstring",
              "pdo", "pdo_sqlite", "simplexml", "sockets", "tokenizer", "xml",
              "xmlreader", "xmlwriter"]
PAGE_PATIENCE = 240


class Roundcube:
    """The web mail at self.url, until the desk is closed."""

    def __init__(self, desk, doors):
        self.desk, self.doors = desk, doors
        if not (SITE / "index.php").exists():
            pytest.skip("Roundcube is not unpacked: `make check-clients` "
                        "could not get it from Debian")
        self.php = program("php8.2")
        self.config()
        self.start()

    def config(self):
        desk, doors = self.desk, self.doors
        for name in "temp", "logs", "sessions":
            (desk.home / name).mkdir()
        with sqlite3.connect(desk.home / "roundcube.db") as db:
            db.executescript((SITE / "SQL/sqlite.initial.sql").read_text())
        tls = (f"['ssl' => ['cafile' => '{desk.ca}', 'verify_peer' => true, "
               "'peer_name' => 'localhost']]")
        desk.write("config/config.inc.php", f"""<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///{desk.home}/roundcube.db?mode=0600';
$config['imap_host'] = 'ssl://localhost:{doors.imaps_port}';
$config['imap_conn_options'] = {tls};
$config['smtp_host'] = 'ssl://localhost:{doors.submissions_port}';
$config['smtp_conn_options'] = {tls};
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['des_key'] = '0123456789abcdefghijklmn';
$config['product_name'] = 'Web mail of a test';
$config['log_dir'] = '{desk.home}/logs/';
$config['temp_dir'] = '{desk.home}/temp/';
$config['create_default_folders'] = true;
$config['plugins'] = [];
$config['language'] = 'en_US';
$config['refresh_interval'] = 60;
$config['enable_spellcheck'] = false;
""")
        for name in "defaults.inc.php", "mimetypes.php":
            shutil.copy(ROOT / "etc/roundcube" / name, desk.home / "config")
        desk.write("paths.php",
                   f"<?php define('INSTALL_PATH', '{SITE}/');\n")

    def start(self):
        modules = next((ROOT / "usr/lib/php").glob("*/pdo_sqlite.so")).parent
        settings = {
            "include_path": f".:{ROOT}/usr/share/php",
            "extension_dir": modules,
            "auto_prepend_file": self.desk.home / "paths.php",
            "session.save_path": self.desk.home / "sessions",
            "error_log": self.desk.home / "logs/php",
            "open_basedir": "", "date.timezone": "UTC", "display_errors": 0,
            "log_errors": 1, "memory_limit": "256M",
            "upload_tmp_dir": self.desk.home / "temp",
        }
        self.options = ["-n", *(w for e in EXTENSIONS for w in (
            "-d", f"extension={e}")), *(w for k, v in settings.items()
                                        for w in ("-d", f"{k}={v}"))]
        child = self.desk.begin(
            self.php, *self.options, "-S", "127.0.0.1:0", "-t", SITE,
            ROUNDCUBE_CONFIG_DIR=str(self.desk.home / "config"),
            **self.desk.libraries)
        # The port is the kernel's choice.
        found = eventually(
            lambda: re.search(r"\(http://127\.0\.0\.1:(\d+)\) started",
                              child.log.read_text()),
            lambda: child.log.read_text())
        self.child = child
        self.url = f"http://127.0.0.1:{found[1]}/"
        with urllib.request.urlopen(self.url, timeout=PAGE_PATIENCE) as page:
            assert b"rcmloginuser" in page.read(), self.said()

    def said(self):
        return "\n".join(
            f"--- {p.name}\n{p.read_text(errors='replace')[-4000:]}"
            for p in sorted((self.desk.home / "logs").iterdir())
            if p.is_file()) + self.child.log.read_text()[-4000:]


def chromium(desk):
    """A browser that reaches nothing but this host."""
    try:
        from selenium import webdriver
    except ImportError:
        pytest.skip("python3-selenium is not installed: `make check-clients` "
                    "could not get it from Debian")
    binary = program("chromium", "usr/lib/chromium")
    fonts = desk.write("fonts.conf", f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>/usr/share/fonts</dir><dir>{ROOT}/usr/share/fonts</dir>
<cachedir>{desk.home}/fonts</cachedir>
</fontconfig>
""")
    child = desk.begin(program("chromedriver"), "--port=0",
                       FONTCONFIG_FILE=str(fonts), **desk.libraries)
    port = eventually(
        lambda: re.search(r"successfully on port (\d+)",
                          child.log.read_text()),
        lambda: child.log.read_text())[1]
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu",
                 "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-sync",
                 "--disable-component-update", "--disable-default-apps",
                 "--disable-extensions", "--no-proxy-server",
                 "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                 f"--user-data-dir={desk.home}/chromium",
                 "--window-size=1400,1000"):
        options.add_argument(word)
    browser = webdriver.Remote(f"http://127.0.0.1:{port}", options=options)
    browser.set_page_load_timeout(PAGE_PATIENCE)
    browser.set_script_timeout(PAGE_PATIENCE)
    return browser


class Person:
    """Who sits before the browser."""

    def __init__(self, browser, roundcube):
        from selenium.common import exceptions
        self.browser, self.roundcube = browser, roundcube
        # A page that is being replaced answers so.
        self.not_yet = (exceptions.NoSuchElementException,
                        exceptions.StaleElementReferenceException,
                        exceptions.ElementNotInteractableException,
                        exceptions.ElementClickInterceptedException,
                        exceptions.NoSuchFrameException,
                        exceptions.JavascriptException)

    def wait(self, what, name):
        def tried():
            try:
                return what()
            except self.not_yet:
                return None

        return eventually(tried, lambda: (
            f"not so: {name}\n{self.browser.current_url}\n"
            f"{self.browser.find_element('css selector', 'body').text[:2000]}"
            f"\n{self.roundcube.said()}"), PAGE_PATIENCE)

    def find(self, selector):
        def seen():
            e = self.browser.find_element("css selector", selector)
            return e if e.is_displayed() else None

        return self.wait(seen, selector)

    def click(self, selector):
        def clicked():
            self.browser.find_element("css selector", selector).click()
            return True

        self.wait(clicked, f"click {selector}")

    def type(self, selector, text):
        def typed():
            e = self.browser.find_element("css selector", selector)
            e.clear()
            e.send_keys(text)
            return True

        self.wait(typed, f"type into {selector}")

    def run(self, script):
        return self.browser.execute_script(script)

    def idle(self):
        """The page is there, and nothing that it asked for is on its way."""
        self.wait(lambda: self.run(
            "return document.readyState == 'complete' && window.rcmail && "
            "!rcmail.busy && rcmail.gui_objects && "
            "(!window.jQuery || jQuery.active == 0)"), "the page is idle")

    def command(self, name, argument=""):
        """What a button does, once that may be pressed: the look whether it
        may and the command are one step of the page."""
        self.wait(lambda: self.run(f"""
            if (document.readyState != 'complete' || !window.rcmail ||
                rcmail.busy || !rcmail.commands['{name}'])
                    return false;
            rcmail.command('{name}', '{argument}');
            return true;"""), f"the command {name}")

    def log_in(self, user, password):
        self.browser.get(self.roundcube.url)
        self.type("#rcmloginuser", user)
        self.type("#rcmloginpwd", password)
        self.click("#rcmloginsubmit")
        self.find("#messagelist")
        self.idle()

    def subjects(self):
        return self.run("""return Array.from(document.querySelectorAll(
            '#messagelist tbody tr.message:not([style*="none"]) .subject a'))
            .map(e => e.textContent.trim())""")

    def see(self, subject):
        self.wait(lambda: any(subject in s for s in self.subjects()),
                  f"{subject} in the list")

    def open_folder(self, name):
        self.idle()
        self.command("list", name)
        self.wait(lambda: self.run("return rcmail.env.mailbox") == name,
                  f"the folder {name}")
        self.idle()

    def row(self, subject):
        for row in self.browser.find_elements(
                "css selector", "#messagelist tbody tr.message"):
            if subject in row.text:
                return row
        return None

    def select(self, subject):
        """One click on it, until it is what the preview shows."""
        self.idle()

        def selected():
            row = self.row(subject)
            if row is None:
                return False
            if "selected" not in row.get_attribute("class").split():
                row.find_element("css selector", "td.subject").click()
            return self.run("""
                var page = document.getElementById('messagecontframe')
                    .contentWindow;
                return page.document.readyState == 'complete' && page.rcmail &&
                    page.rcmail.env.uid ==
                    rcmail.message_list.get_single_selection()""") and (
                "selected" in row.get_attribute("class").split())

        self.wait(selected, f"{subject} is selected and shown")

    def read(self, subject, text):
        self.select(subject)

        def shown():
            self.browser.switch_to.default_content()
            self.browser.switch_to.frame("messagecontframe")
            try:
                return text in self.browser.find_element(
                    "css selector", "#messagebody").text
            finally:
                self.browser.switch_to.default_content()

        self.wait(shown, f"the text of {subject}")


@pytest.fixture
def person(desk, doors):
    """Alice before the list of her messages."""
    web = Roundcube(desk, doors)
    browser = chromium(desk)
    try:
        yield Person(browser, web)
    finally:
        try:
            browser.quit()
        except Exception:		# desk.close() ends it in any case
            pass


def test_log_in_read_move_and_send(person, doors):
    """She logs in, reads a letter (its text is on the page, and the server
    has it as seen), moves another to a folder, flags a third, and writes to
    bob, who has it; what was sent is in her Sent."""
    with doors.phone() as c:
        ok(c.create("Projects"))
    doors.put([1], body="The word is heliotrope: gr\u00fcn.")
    doors.put([2, 3])
    person.log_in(ALICE, "alice-secret")
    for n in 1, 2, 3:
        person.see(f"letter {n}")
    assert {"Sent", "Drafts", "Trash"} <= doors.folders()

    person.read("letter 1", "The word is heliotrope: gr\u00fcn.")
    eventually(lambda: "\\Seen" in doors.letters()[1], "it is not seen")

    person.select("letter 2")
    person.idle()
    person.command("move", "Projects")
    eventually(lambda: set(doors.letters("Projects")) == {2},
               person.roundcube.said)
    assert set(doors.letters()) == {1, 3}
    person.wait(lambda: not any("letter 2" in s for s in person.subjects()),
                "it goes from the list")

    person.select("letter 3")
    person.idle()
    person.command("mark", "flagged")
    eventually(lambda: "\\Flagged" in doors.letters()[3],
               person.roundcube.said)

    person.idle()
    person.command("compose")
    person.find("#composebody")
    person.idle()
    person.run(f"document.getElementById('_to').value = '{BOB}'")
    person.type("#compose-subject", "Written in a browser")
    person.type("#composebody", "Dear B\u00f6b,\n.\nall is well.\n")
    person.command("send")
    doors.await_mail("bob", 1)
    [got] = doors.messages("bob")
    assert b"Subject: Written in a browser" in got
    assert b"with ESMTPSA id" in got
    text = got.replace(b"\r\n", b"\n")
    assert b"all is well." in text
    with doors.phone() as c:
        def sent():
            ok(c.select("Sent", readonly=True))
            return ok(c.search(None, "SUBJECT", '"Written in a browser"')
                      )[0] == b"1"
        eventually(sent, person.roundcube.said)
        [(head, copy), *_] = ok(c.fetch("1", "(FLAGS BODY.PEEK[])"))
    assert b"all is well." in copy
    assert re.search(rb"^From: .*" + ALICE.encode(), copy, re.M)


def test_search_delete_and_new_mail(person, doors):
    """A search of the texts is the server's; what is deleted goes to Trash,
    and is gone when that is emptied; a letter that arrives is in the list
    after the next look."""
    doors.put(range(1, 12))
    doors.put([20], body="Somewhere a needle lies.")
    person.log_in(ALICE, "alice-secret")
    person.see("letter 20")
    person.run("rcmail.set_searchscope && rcmail.set_searchscope('base');"
               "rcmail.set_searchmods && rcmail.set_searchmods({text: 1});")
    person.run("document.getElementById('mailsearchform').value = 'needle'")
    person.command("search")
    person.wait(lambda: len(person.subjects()) == 1 and
                "letter 20" in person.subjects()[0], "one is found")
    person.idle()
    person.command("reset-search")
    person.wait(lambda: len(person.subjects()) == 12, "all are back")

    person.select("letter 5")
    person.idle()
    person.command("delete")
    eventually(lambda: set(doors.letters("Trash")) == {5},
               person.roundcube.said)
    assert 5 not in doors.letters()
    person.open_folder("Trash")
    person.see("letter 5")
    person.idle()
    person.run("rcmail.purge_mailbox('Trash')")
    person.click(".ui-dialog button.mainaction, .ui-dialog button.delete")
    eventually(lambda: doors.letters("Trash") == {}, person.roundcube.said)

    person.open_folder("INBOX")
    doors.send("s@example.net", [ALICE], letter(30))
    doors.await_mail("alice", 12)
    person.idle()
    person.command("checkmail")
    person.see("letter 30")


def test_a_wrong_password(person, doors):
    """It is said on the page, and the right one is taken after it."""
    person.browser.get(person.roundcube.url)
    person.type("#rcmloginuser", ALICE)
    person.type("#rcmloginpwd", "wrong")
    person.click("#rcmloginsubmit")
    person.wait(lambda: "Login failed" in person.browser.find_element(
        "css selector", "body").text, "it says that login failed")
    person.log_in(ALICE, "alice-secret")
