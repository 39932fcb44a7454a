"""
What twistd asks for when it is told C{sipua}: the options, and the service they describe.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from functools import lru_cache
from importlib import import_module
from operator import attrgetter
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import FileLogObserver, ILogObserver, Logger
from twisted.python.failure import Failure

from twisted_sipdialog.errors import ConfigurationError, StoreError
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.media.fixed import FixedDescription
from twisted_sipdialog.message.grammar import formatHost
from twisted_sipdialog.server.state_agent import StateAgent
from twisted_sipdialog.service.delegates import Answer, Reject, Transfer
from twisted_sipdialog.service.message_log import MessageLog
from twisted_sipdialog.service.options import Options, lineOf
from twisted_sipdialog.service.settings import Settings, WrongSetting
from twisted_sipdialog.service.standing import Publisher, Watcher
from twisted_sipdialog.service.text_log import textLog
from twisted_sipdialog.storage.sqlite import SqliteStore
from twisted_sipdialog.timers import TimerSet
from twisted_sipdialog.useragent import UserAgent

_log = Logger()


def makeService(options: Options) -> SipuaService:
    """
    The service, its ports open: now there is still a terminal to say why one cannot be, and root's right to open it.

    @raise SystemExit: with the line that says what is wrong.
    """
    from twisted.internet import reactor

    try:
        service = SipuaService(reactor, options.settings)
    except WrongSetting as e:
        raise SystemExit(lineOf(e)) from None
    if options.parent is not None:
        service.log = textLog(options.parent)
    return service


class SipuaService(MultiService):
    """
    @ivar userAgent: the L{UserAgent}, and the only service in it.
    @ivar log: the observer that the application gets with this service, or None for twistd's own.
    """

    log: FileLogObserver | None = None

    def __init__(self, reactor: Any, settings: Settings) -> None:
        """
        @raise WrongSetting: a setting that cannot be used, or a port that cannot be opened.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._reactor = reactor
        self._settings = settings
        echo = settings["media"] == "echo"
        media = EchoMedia(reactor, TimerSet(reactor), settings["rtpPorts"]) if echo else _fixed
        observer = MessageLog() if settings["logMessages"] else None
        configuration = settings.configuration(media)
        self._store = _store(reactor, settings)
        try:
            delegate = _delegate(reactor, settings, self._store)
            self.userAgent = UserAgent(reactor, configuration, delegate, observer=observer)
        except ConfigurationError as e:
            raise settings.wrong(e.name, e.value, e.rule) from None
        self._standing = _standing(reactor, self.userAgent, settings)
        self._open()
        self.userAgent.setServiceParent(self)  # type: ignore[no-untyped-call]

    def _open(self) -> None:
        userAgent = self.userAgent
        userAgent.startService()
        outcome: list[Any] = []
        userAgent.whenListening().addBoth(outcome.append)
        if outcome and isinstance(outcome[0], Failure):
            raise self._wrongPort(outcome[0])
        userAgent.whenListening().addCallbacks(self._opened, self._refused)

    def _wrongPort(self, failure: Failure) -> WrongSetting:
        error: Any = failure.value
        reason = str(error).removeprefix(f"listen: {error.description!r}: ")
        return self._settings.wrong("listen", error.description, reason)

    def _opened(self, addresses: list[tuple[str, str, int]]) -> None:
        _log.info(
            "{aor} listens on {addresses}; delegate {delegate}, media {media}",
            aor=self.userAgent.configuration.aor,
            addresses=", ".join(f"{protocol.lower()} {formatHost(host, port)}" for protocol, host, port in addresses),
            delegate=self._settings["delegate"],
            media=self._settings["media"],
        )

    def _refused(self, failure: Failure) -> None:
        """An endpoint took its time to find out.  twistd is running, and by itself would end with status 0."""
        print(lineOf(self._wrongPort(failure)), file=sys.__stderr__)
        self._reactor.stop()
        atexit.register(os._exit, 1)

    def setServiceParent(self, parent: Any) -> None:
        """twistd takes the log of its application, before it starts it."""
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]
        if self.log is not None:
            parent.setComponent(ILogObserver, self.log)

    def privilegedStartService(self) -> None:
        """The process has forked, if it is to be a daemon, and has root's rights still."""
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        if self._store is not None:
            self._store.open()

    def startService(self) -> None:
        """The process is its final self now, daemon or not."""
        super().startService()  # type: ignore[no-untyped-call]
        _restCollector()
        if self._standing:
            self.userAgent.whenListening().addCallbacks(self._stand, lambda _: None)

    def _stand(self, _: Any) -> None:
        for standing in self._standing:
            standing.start()

    def stopService(self) -> Deferred[None]:
        """
        What stands is withdrawn, calls are ended, ports are closed; the store is last.

        @return: fires when all is over.
        """
        for standing in self._standing:
            standing.stop()
        stopped: Deferred[Any] = super().stopService()  # type: ignore[no-untyped-call]
        delegate = self.userAgent.delegate
        if isinstance(delegate, StateAgent):
            stopped.addBoth(lambda _: delegate.stop())
        return stopped


def _standing(reactor: Any, userAgent: UserAgent, settings: Settings) -> list[Any]:
    """What is published and watched."""
    entity = str(userAgent.configuration.aor)
    published = [
        Publisher(reactor, userAgent, state.event, state.body(entity), state.contentType)
        for state in settings["publish"]
    ]
    return [*published, *[Watcher(reactor, userAgent, event, target) for event, target in settings["watch"]]]


def _restCollector() -> None:
    """
    What is loaded by now stays, so the garbage collector need not look at it; and calls end without reference
    cycles, so it need not look often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _delegate(reactor: Any, settings: Settings, store: Any) -> Any:
    name: str = settings["delegate"]
    if name == "answer":
        return Answer(reactor, settings["answerAfter"])
    if name == "reject":
        return Reject(reactor)
    if name == "transfer":
        return Transfer(reactor, str(settings["transferTo"]))
    if name == "presence":
        return StateAgent(reactor, settings.events, store, settings["publicationDomains"])
    module, _, path = name.partition(":")
    # As python -m does: the module may lie where we were started.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return attrgetter(path)(import_module(module))(reactor)
    except Exception as e:
        raise settings.wrong("delegate", name, f"{type(e).__name__}: {e}") from None


def _store(reactor: Any, settings: Settings) -> Any:
    """Where publications are kept."""
    path = settings["publicationStore"]
    if path is None:
        return None
    try:
        # Opened later, and by then twistd may be elsewhere (--rundir).
        whole = os.path.abspath(path)
        return SqliteStore(whole, lambda *call: deferToThreadPool(reactor, reactor.getThreadPool(), *call))
    except StoreError as e:
        raise settings.wrong("publicationStore", path, str(e)) from None


def _fixed(localHost: str) -> FixedDescription:
    """As there is no RTP, it names no port for it, and asks for none (port 9 discards)."""
    return FixedDescription(_inactive(localHost))


@lru_cache(64)
def _inactive(host: str) -> bytes:
    address = f"IN IP{6 if ':' in host else 4} {host}"
    return (
        f"v=0\r\no=- 1 1 {address}\r\ns=-\r\nc={address}\r\nt=0 0\r\n"
        "m=audio 9 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=inactive\r\n"
    ).encode("ascii")
