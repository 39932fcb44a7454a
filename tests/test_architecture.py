"""
The house stands as docs/architecture.rst draws it, and the check that says so sees when it does not.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import twisted_sipdialog
from tests.architecture import violations


def sourcesOf(folder: Path) -> dict[str, str]:
    sources = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return sources


class ArchitectureTests(SynchronousTestCase):
    def test_house(self) -> None:
        """
        No import of the package runs down the strata, and nothing is used outside the files it belongs to.
        """
        sources = sourcesOf(Path(twisted_sipdialog.__file__).parent)
        self.assertIn("errors", sources)
        self.assertEqual(violations(sources), [])


#: A house in which all that is named by the samples below exists.
HOUSE = dict.fromkeys(
    (
        *("", "errors", "status", "message", "message.uri", "timers", "_seams", "transport", "transport.layer"),
        *("transaction", "transaction.layer", "transaction.ict", "dialog", "dialog.state", "ua", "ua.dialog"),
        *("ua.uac", "ua.uas", "ua.refer_client", "useragent", "media", "service", "service.maker"),
    ),
    "",
)


class CheckerTests(SynchronousTestCase):
    def assertFound(self, module: str, source: str, expected: list[str]) -> None:
        self.assertEqual(violations({**HOUSE, module: source}), expected, f"{module}: {source!r}")

    def test_orderOfRooms(self) -> None:
        """
        A room imports only rooms above it, however the import is spelt and wherever it stands.
        """
        below = "message.uri:1: imports transport.layer, which is below"
        for module, source, expected in (
            ("message.uri", "import twisted_sipdialog.transport.layer", [below]),
            ("message.uri", "from twisted_sipdialog.transport.layer import Layer", [below]),
            ("message.uri", "from twisted_sipdialog.transport import layer", [below]),
            ("message.uri", "from ..transport.layer import Layer", [below]),
            ("message", "from ..transport import layer", ["message:1: imports transport.layer, which is below"]),
            (
                "message.uri",
                "def late():\n    import twisted_sipdialog.ua",
                ["message.uri:2: imports ua, which is below"],
            ),
            ("message.uri", "from . import parser; from ..errors import ParseError", []),
            ("server", "from twisted_sipdialog.useragent import UserAgent", []),
            (
                "ua.uac",
                "from twisted_sipdialog import UserAgent",
                ["ua.uac:1: imports the package's public names: name the room"],
            ),
            ("", "from twisted_sipdialog.useragent import UserAgent", []),
            ("attic", "", ["attic:1: attic is no room of the house: give it a place in STRATA"]),
        ):
            self.assertFound(module, source, expected)

    def test_importsForTypes(self) -> None:
        """
        An import for the type checker is an import, but for those that are listed.
        """
        guard = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from twisted_sipdialog.{} import X\n"
        self.assertFound("errors", guard.format("message"), [])
        self.assertFound("errors", guard.format("ua"), ["errors:3: imports ua, which is below"])
        self.assertFound(
            "errors",
            guard.format("message") + "else:\n    from twisted_sipdialog.message import Y\n",
            ["errors:5: imports message, which is below"],
        )

    def test_siblings(self) -> None:
        """
        transport, transaction and dialog do not see each other, and ua meets the first two only through _seams.
        """
        for module, target in (
            ("transaction.layer", "transport.layer"),
            ("dialog.state", "transport.layer"),
            ("dialog.state", "transaction.layer"),
            ("ua.uac", "transport.layer"),
            ("ua.uac", "transaction.layer"),
        ):
            source = f"import twisted_sipdialog.{target}"
            self.assertFound(module, source, [f"{module}:1: imports {target}, which it meets only through _seams"])
        self.assertFound("ua.uac", "from twisted_sipdialog._seams import ITransactions", [])
        self.assertFound("useragent", "import twisted_sipdialog.transport.layer", [])

    def test_orderOfVerbs(self) -> None:
        """
        A verb imports only earlier verbs; ua/dialog.py none at all.
        """
        imports = "from twisted_sipdialog.ua.{} import X"
        self.assertFound("ua.refer_client", imports.format("dialog"), [])
        self.assertFound("ua.dialog", imports.format("uac"), [])
        for later in ("refer_client", "uas"):
            self.assertFound("ua.dialog", imports.format(later), [f"ua.dialog:1: imports the later verb ua.{later}"])
        self.assertFound("ua.sing", "", ["ua.sing:1: ua.sing is no verb of ua: give it a place in VERBS"])

    def test_purity(self) -> None:
        """
        The pure rooms and files import nothing from twisted or zope.
        """
        for module in ("errors", "status", "message.uri", "message", "dialog.state", "transaction.ict"):
            self.assertFound(module, "import twisted", [f"{module}:1: is pure, but imports twisted"])
            self.assertFound(
                module, "from zope.interface import Interface", [f"{module}:1: is pure, but imports zope.interface"]
            )
        self.assertFound("transaction.layer", "from twisted.logger import Logger", [])

    def test_globalReactor(self) -> None:
        """
        Only service/ imports the global reactor.
        """
        for source in (
            "from twisted.internet import reactor",
            "import twisted.internet.reactor",
            "from twisted.internet.reactor import callInThread",
        ):
            self.assertFound("useragent", source, ["useragent:1: imports the global reactor"])
            self.assertFound("service.maker", source, [])

    def test_callLater(self) -> None:
        """
        callLater is used in timers.py alone; to name it in a docstring is no use.
        """
        source = "def later(clock):\n    'As callLater does.'\n    clock.callLater(1, print)"
        self.assertFound("ua.uac", source, ["ua.uac:3: uses callLater: timers.py does"])
        self.assertFound("timers", source, [])

    def test_sipBytes(self) -> None:
        """
        SIP bytes are written in transport/'s flows alone; RTP is no SIP.
        """
        source = "def send(self, data):\n    self.transport.write(data)"
        for module in ("transport.layer", "ua.uac"):
            self.assertFound(module, source, [f"{module}:2: writes to transport: the flows of transport/ do"])
        for module in ("transport.udp", "transport.stream", "media"):
            self.assertFound(module, source, [])
