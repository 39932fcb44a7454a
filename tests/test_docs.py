"""
What the documentation says of the code is so: settings, options, default answers, files, tests.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.test_examples import ANSWER, EXAMPLES, OFFER, ROOT
from twisted_sipdialog import Reason, UserAgentDelegate
from twisted_sipdialog.configuration import Configuration, FlowLimits, LoadLimits, TimerValues
from twisted_sipdialog.delegates import DialogDelegate
from twisted_sipdialog.interfaces import (
    INotifierDelegate,
    IPublishDelegate,
    ISubscriptionDelegate,
    IUserAgentDelegate,
)
from twisted_sipdialog.media.echo_stream import EchoLimits
from twisted_sipdialog.message import multipart
from twisted_sipdialog.message.parser import Limits
from twisted_sipdialog.server.limits import CompositorLimits
from twisted_sipdialog.service.options import Options
from twisted_sipdialog.service.settings import DEFAULTS
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.rst"))


def page(name: str) -> str:
    """The text of C{docs/NAME.rst}."""
    return (DOCS / f"{name}.rst").read_text(encoding="utf-8")


def tables(text: str) -> list[tuple[str, list[list[str]]]]:
    """The title of each list-table, and its rows without the header row."""
    found = []
    for title, body in re.findall(r"^\.\. list-table::(.*)\n((?:   .*\n|\n)*)", text, re.MULTILINE):
        rows = []
        for row in re.split(r"^   \* - ", body, flags=re.MULTILINE)[1:]:
            cells = re.split(r"^     -(?: |$)", row, flags=re.MULTILINE)
            rows.append([" ".join(cell.split()) for cell in cells])
        found.append((title.strip(), rows[1:] if ":header-rows: 1" in body else rows))
    return found


class FileTests(SynchronousTestCase):
    def test_everyExampleIsShown(self) -> None:
        """A literalinclude for each file of the examples, and a file and its marks for each literalinclude."""
        shown = set()
        for path in PAGES:
            text = path.read_text(encoding="utf-8")
            for name, options in re.findall(r"^\.\. literalinclude:: (.+)\n((?:   :.*\n)*)", text, re.MULTILINE):
                file = (path.parent / name).resolve()
                shown.add(file.name)
                source = file.read_text(encoding="utf-8")
                for mark in re.findall(r":(?:start|end)-\w+: (.+)", options):
                    self.assertIn(mark, source, f"{path.name}: {name}")
        there = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".toml")}
        self.assertEqual(shown, there)

    def test_readmeShowsTheReceptionist(self) -> None:
        """The example of the README is the file, and no longer than thirty lines."""
        readme = (ROOT / "README.rst").read_text(encoding="utf-8")
        block = re.findall(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", readme, re.MULTILINE)
        lines = [line.removeprefix("    ") for line in block[0].strip("\n").split("\n")]
        source = (EXAMPLES / "receptionist.py").read_text(encoding="utf-8")
        self.assertEqual("\n".join(lines), source.rstrip("\n"))
        self.assertLessEqual(len(lines), 30)

    def test_readmeLinks(self) -> None:
        """What it links to within the project is there."""
        readme = (ROOT / "README.rst").read_text(encoding="utf-8")
        links = re.findall(r"<((?:docs/|[A-Z])[^>]+\.rst)>`_", readme)
        self.assertGreater(len(links), 10)
        for link in links:
            self.assertTrue((ROOT / link).is_file(), link)

    def test_peersAreTested(self) -> None:
        """Each row of the table of peers names tests that are there."""
        readme = (ROOT / "README.rst").read_text(encoding="utf-8")
        ((_, rows),) = tables(readme[readme.index(".. peers:") :])
        self.assertTrue(rows)
        for row in rows:
            named = re.findall(r"``(test_\w+)\.(test_\w+)``", row[-1])
            self.assertTrue(named, row)
            for module, test in named:
                source = (ROOT / "tests" / "integration" / f"{module}.py").read_text(encoding="utf-8")
                self.assertIn(f"def {test}(", source)

    def test_rfcs(self) -> None:
        """Files and tests that the tables of RFCs name are there."""
        for _, rows in tables(page("rfcs")):
            for *_, files, tests in rows:
                for folder, cell in (("twisted_sipdialog", files), ("tests", tests)):
                    names = re.findall(r"``(\S+\.py)``", cell)
                    self.assertTrue(names, cell)
                    for name in names:
                        self.assertTrue((ROOT / folder / name).is_file(), name)

    def test_architecture(self) -> None:
        """The files that the architecture names are there."""
        (_, rooms), (_, files) = tables(page("architecture"))
        for cell, _ in rooms + files:
            folder = ""
            for name in re.findall(r"``(\S+?)``", cell):
                room, _, file = name.rpartition("/")
                folder = room or folder
                path = ROOT / "twisted_sipdialog" / folder / file
                self.assertTrue(path.is_dir() or path.with_suffix(".py").is_file(), name)


class SettingTests(SynchronousTestCase):
    def test_limits(self) -> None:
        """Every limit, with its default."""
        described = tables(page("howto/limits_and_security"))
        for made in (LoadLimits, FlowLimits, Limits, TimerValues, EchoLimits, CompositorLimits):
            ((title, found),) = [table for table in described if f"``{made.__name__}``" in table[0]]
            rows = {name.strip("`"): default for name, default, _ in found}
            fields = {field.name: str(field.default) for field in attrs.fields(made)}
            self.assertEqual(rows, fields, title)
            self.assertEqual(len(rows), len(found), f"{title}: one row each")

    def test_multipart(self) -> None:
        """The bounds of multipart bodies."""
        text = " ".join(page("howto/limits_and_security").split())
        self.assertIn(f"to a depth of {multipart.MAX_DEPTH} and up to {multipart.MAX_PARTS} parts", text)

    def test_options(self) -> None:
        """Every option of C{twistd sipua}, with its default."""
        _, rows = tables(page("howto/run_sipua"))[0]
        described = {name: text for names, text in rows for name in re.findall(r"``--([a-z0-9-]+)", names)}
        told = {name: text for name, _, _, text in Options.optParameters}
        told |= {name: text for name, _, text in Options.optFlags}
        for method in (Options.opt_listen, Options.opt_publish, Options.opt_watch):
            told[method.__name__.removeprefix("opt_")] = " ".join((method.__doc__ or "").split())
        self.assertEqual(set(described), set(told))
        for name, text in told.items():
            default = re.search(r"\[default: (.+)\]", text)
            if default is not None:
                plain = described[name].replace("``", "")
                self.assertTrue(plain.endswith(f"Default: {default[1]}"), f"{name}: {plain}")

    def test_sessions(self) -> None:
        """The settings of calls and their sessions, with their defaults; those without one have an empty cell."""
        self.assertSettings("sessions", "supported", "flowGrace")

    def test_refers(self) -> None:
        """The settings of REFERs, with what they are for C{twistd sipua}."""
        self.assertSettings("refers", "referPolicy", "outOfDialogReferStatus")

    def test_subscriptions(self) -> None:
        """The settings of subscriptions."""
        self.assertSettings("subscriptions", "events", "minSubscriptionExpires")

    def assertSettings(self, mark: str, first: str, last: str) -> None:
        """The table after C{mark} has the settings from C{first} to C{last}."""
        text = page("howto/run_sipua")
        _, rows = tables(text[text.index(f".. {mark}:") :])[0]
        described = [name.strip("`") for name, _, _ in rows]
        names = [field.name for field in attrs.fields(Configuration)]
        self.assertEqual(described, names[names.index(first) : names.index(last) + 1])
        configuration = Configuration(aor="sip:desk@example.com")
        for name, (_, cell, _) in zip(described, rows, strict=True):
            default = tomllib.loads(f"default = {cell.strip('`')}")["default"] if cell else None
            told = DEFAULTS.get(name, getattr(configuration, name))
            self.assertEqual(default, list(told) if isinstance(told, tuple) else told, name)


class DelegateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)

    def test_methods(self) -> None:
        """Every method of the interfaces."""
        _, rows = tables(page("howto/delegates"))[0]
        named = {name.strip("`").partition("(")[0] for name, _ in rows}
        self.assertEqual(named, set(IUserAgentDelegate.names(all=True)))

    def test_others(self) -> None:
        """Every method of the delegates of one thing."""
        text = page("howto/delegates")
        _, rows = tables(text[text.index(".. delegates:") :])[0]
        named = {base.strip("`"): set(re.findall(r"``(\w+)``", methods)) for base, _, methods in rows}
        there = (IPublishDelegate, ISubscriptionDelegate, INotifierDelegate)
        self.assertEqual(named, {each.__name__[1:]: set(each.names()) for each in there})

    def test_reasons(self) -> None:
        """Every reason for which a call ends."""
        text = page("howto/answer_calls")
        named = re.findall(r"^``([A-Z_]+)``", text[text.index(".. reasons:") :], re.MULTILINE)
        self.assertEqual(sorted(named), sorted(reason.name for reason in Reason))

    def rows(self) -> list[list[str]]:
        text = page("howto/delegates")
        return tables(text[text.index(".. default answers:") :])[0][1]

    def final(self, peer: ScriptedPeer, method: str, **how: Any) -> int:
        if method == "REFER":
            how["headers"] = {"Refer-To": "<sip:carol@c.example>"}
        request = peer.request(method, **how)
        self.network.advance(1)
        answers = [m for m in peer.received if not hasattr(m, "method") and m.cseqNumber == request.cseqNumber]
        status: int = answers[-1].statusCode
        if method == "INVITE":
            peer.ack(answers[-1])
            self.network.advance(0.1)
        return status

    def test_outside(self) -> None:
        """The default answers outside of dialogs."""
        agent = self.network.userAgent("sip:desk@b.example", UserAgentDelegate())
        peer = ScriptedPeer(self.network)
        for method, outside, _ in self.rows():
            method = method.strip("`")
            body = OFFER if method == "INVITE" else b""
            self.assertEqual(str(self.final(peer, method, to=agent, body=body)), outside, method)

    def test_inside(self) -> None:
        """The default answers in a dialog."""

        class Accepting(DialogDelegate):
            def inviteReceived(self, context: Any) -> Deferred[Any]:
                accepted: Deferred[Any] = context.accept(body=ANSWER)
                return accepted

        agent = self.network.userAgent("sip:desk@b.example", Accepting())
        peer = ScriptedPeer(self.network)
        peer.request("INVITE", agent, body=OFFER)
        ok = peer.expect("200 INVITE")
        peer.ack(ok)
        for method, _, inside in self.rows():
            method = method.strip("`")
            if method != "INVITE":
                self.assertEqual(str(self.final(peer, method, within=ok)), inside[:3], method)
                continue
            self.assertEqual(self.final(peer, method, within=ok, body=OFFER), 200)
            video = OFFER.replace(b"m=audio", b"m=video")
            self.assertEqual(self.final(peer, method, within=ok, body=video), 488)
        self.assertEqual(agent.dialogs, [])


def test_noPlans() -> None:
    """The pages say what is, not what will be."""
    for path in [*PAGES, Path(ROOT / "README.rst")]:
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"\b(?:for now|not yet|in a later|will be|planned|TODO|upcoming)\b", text)
        assert not found, f"{path.name}: {found}"
