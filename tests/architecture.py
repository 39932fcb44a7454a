"""
The rules of docs/architecture.rst that can be read off the source.

L{violations} takes sources and returns sentences, so that test_architecture.py
can also show it houses that break each rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PACKAGE = "twisted_sipdialog"

#: The rooms, from the top down: a room imports only from its own line and the lines above.
STRATA = (
    ("errors", "status"),
    ("message",),
    ("configuration", "timers", "observer", "_seams", "interfaces"),
    ("transport",),
    ("transaction",),
    ("dialog",),
    ("event",),
    ("media",),
    ("ua",),
    ("useragent",),
    ("delegates",),
    ("storage",),
    ("server",),
    ("testing",),
    ("service",),
)

#: Rooms further up that a room does not see all the same: what they have to say to each other goes through _seams.
UNSEEN = {
    "transaction": {"transport"},
    "dialog": {"transport", "transaction"},
    "ua": {"transport", "transaction"},
}

#: The files of ua/, by verb, from the top down as in STRATA.
VERBS = (
    ("delegation", "identity", "call_log", "outgoing", "only_flow"),
    ("cancel", "retry", "watch"),
    ("uac",),
    ("acknowledgement",),
    ("core",),
    ("asking", "client_context", "refer", "server_context", "session", "session_timer", "redirect", "reliable"),
    ("leg",),
    ("dialog_view", "event_dialog"),
    ("opening",),
    ("dialog_requests",),
    ("request_client", "dialog"),
    ("stopping",),
    ("accepted", "prack", "replaces", "request_server", "wanted"),
    ("provisional", "info", "modification"),
    ("fork", "invite_server"),
    ("calling",),
    ("changes", "invite_client", "reinvite_client", "reinvite_server"),
    ("update", "call"),
    ("modify",),
    ("upkeep",),
    ("publishing",),
    ("notifying", "subscriber", "subscribing"),
    ("notifier", "subscription_view"),
    ("subscription_life",),
    ("subscription_heard",),
    ("subscribe_client", "subscribe_server", "publish_client", "register_client"),
    ("subscribe_received",),
    ("refer_notifier", "following"),
    ("refer_audience", "refer_subscriber", "referring"),
    ("refer_client", "refer_server"),
    ("refer_received",),
    ("uas",),
)

#: (who, whom): imports for the type checker alone that go down the strata.
TYPES_ONLY = {
    ("errors", "message"),  # an error carries the message it is about
}

#: Rooms and files that import nothing from twisted or zope.
PURE = (
    "errors",
    "status",
    "message",
    "dialog",
    "event",
    *(f"transaction.{name}" for name in ("machine", "key", "ict", "nict", "ist", "nist")),
)

#: The files that write SIP bytes, and the rooms whose bytes are not SIP: RTP, web pages.
WRITERS = (
    *(f"transport.{name}" for name in ("udp", "stream", "websocket")),
    "testing.scripted_flows",  # a scripted peer says what no transport of ours would
)
NOT_SIP = ("media", "service")


@dataclass(frozen=True)
class _Import:
    module: str
    line: int
    typesOnly: bool


def violations(sources: Mapping[str, str]) -> list[str]:
    """
    The sentences that say what breaks a rule.

    @param sources: module name within the package (C{"ua.dialog"}) -> source text; a package's own file has the
        package's name, the root package's is C{""}.
    """
    found: list[str] = []
    for module, source in sorted(sources.items()):
        tree = ast.parse(source, filename=module)
        imports = list(_imports(module, tree, sources))
        for rule in (_order, _purity, _reactor):
            found += [f"{module or PACKAGE}:{line}: {sentence}" for line, sentence in rule(module, imports)]
        for line, sentence in _words(module, tree):
            found.append(f"{module or PACKAGE}:{line}: {sentence}")
    return found


def _within(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def _imports(module: str, tree: ast.Module, sources: Mapping[str, str]) -> Iterator[_Import]:
    """Each imported module by its full name, wherever in the file the import stands."""
    forTypes = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _Import(alias.name, node.lineno, id(node) in forTypes)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node, module in sources and _isPackage(module, sources))
            for alias in node.names:
                # "from package.ua import dialog" and "from package.ua.dialog import Dialog" both name ua.dialog.
                deeper = f"{base}.{alias.name}"
                isModule = deeper.removeprefix(f"{PACKAGE}.") in sources or deeper == "twisted.internet.reactor"
                yield _Import(deeper if isModule else base, node.lineno, id(node) in forTypes)


def _isPackage(module: str, sources: Mapping[str, str]) -> bool:
    return not module or any(other.startswith(f"{module}.") for other in sources)


def _absolute(module: str, node: ast.ImportFrom, isPackage: bool) -> str:
    if not node.level:
        return node.module or ""
    here = [PACKAGE, *filter(None, module.split("."))]
    up = node.level - 1 if isPackage else node.level
    return ".".join([*here[: len(here) - up], *filter(None, [node.module])])


def _order(module: str, imports: list[_Import]) -> Iterator[tuple[int, str]]:
    if not module:
        return  # the package's own file gathers the public names from every room
    room, _, file = module.partition(".")
    depth = {name: n for n, line in enumerate(STRATA) for name in line}
    verbDepth = {name: n for n, line in enumerate(VERBS) for name in line}
    if room not in depth:
        yield 1, f"{room} is no room of the house: give it a place in STRATA"
        return
    if room == "ua" and file and file not in verbDepth:
        yield 1, f"{module} is no verb of ua: give it a place in VERBS"
        return
    for imported in imports:
        if imported.module == PACKAGE:
            yield imported.line, "imports the package's public names: name the room"
            continue
        target = imported.module.removeprefix(f"{PACKAGE}.")
        if target == imported.module:
            continue
        other, _, otherFile = target.partition(".")
        if imported.typesOnly and (room, other) in TYPES_ONLY:
            continue
        if depth.get(other, len(STRATA)) > depth[room]:
            yield imported.line, f"imports {target}, which is below"
        elif other in UNSEEN.get(room, ()):
            yield imported.line, f"imports {target}, which it meets only through _seams"
        elif room == other == "ua" and verbDepth.get(otherFile, len(VERBS)) > verbDepth.get(file, len(VERBS)):
            yield imported.line, f"imports the later verb {target}"


def _purity(module: str, imports: list[_Import]) -> Iterator[tuple[int, str]]:
    if not _within(module, PURE):
        return
    for imported in imports:
        if imported.module.split(".")[0] in ("twisted", "zope"):
            yield imported.line, f"is pure, but imports {imported.module}"


def _reactor(module: str, imports: list[_Import]) -> Iterator[tuple[int, str]]:
    if _within(module, ("service",)):
        return
    for imported in imports:
        if imported.module == "twisted.internet.reactor":
            yield imported.line, "imports the global reactor"


def _words(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The calls that only certain files may make."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        if node.attr == "callLater" and module != "timers":
            yield node.lineno, "uses callLater: timers.py does"
        if node.attr in ("write", "writeSequence") and not _within(module, (*WRITERS, *NOT_SIP)):
            holder = ast.unparse(node.value).rpartition(".")[2]
            if holder.lower().endswith(("transport", "port")):
                yield node.lineno, f"writes to {holder}: the flows of transport/ do"
