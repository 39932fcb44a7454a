"""
The service that twistd gets.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from twisted.application.service import Application, IService
from twisted.internet.defer import Deferred
from twisted.logger import FileLogObserver, ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from twisted_sipdialog.errors import ListenError
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.message.sdp import SessionDescription
from twisted_sipdialog.service import maker
from twisted_sipdialog.service.delegates import Answer, Reject
from twisted_sipdialog.service.maker import SipuaService
from twisted_sipdialog.service.message_log import MessageLog
from twisted_sipdialog.service.options import Options
from twisted_sipdialog.service.settings import WrongSetting
from twisted_sipdialog.service.text_log import lineOf
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer
from twisted_sipdialog.useragent import UserAgent

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


class Desk:
    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor


class Broken:
    def __init__(self, reactor: Any) -> None:
        raise RuntimeError("no desk\nhere")


class MakerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.host = self.network.host("desk.example")
        self.patch(maker, "_restCollector", lambda: None)
        module = ModuleType("sipua_test_desks")
        module.__dict__.update(Desk=Desk, Broken=Broken, number=5)
        self.patch(sys, "path", [*sys.path])
        sys.modules[module.__name__] = module
        self.addCleanup(sys.modules.pop, module.__name__)
        self.interface = f"interface={self.host.ipv4}"

    def service(self, *words: str, port: int = 5060) -> SipuaService:
        options = Options()
        options.parseOptions(["--listen", f"udp:{port}:{self.interface}", *words])
        service = SipuaService(self.host, options.settings)
        self.addCleanup(service.stopService)
        service.startService()
        return service

    def test_isAService(self) -> None:
        """
        It is a service whose only child is the user agent, listening already.
        """
        service = self.service()
        verifyObject(IService, service)
        self.assertEqual(list(service), [service.userAgent])
        self.assertEqual(self.successResultOf(service.userAgent.whenListening()), [("UDP", self.host.ipv4, 5060)])

    def test_choices(self) -> None:
        """
        Delegate, media and observer are those that were named.
        """
        self.assertIsInstance(self.service().userAgent.delegate, Answer)
        self.assertIsInstance(self.service("--delegate", "reject", port=5062).userAgent.delegate, Reject)

    def test_delegateOfTheirs(self) -> None:
        """
        It is called with the reactor.
        """
        delegate = self.service("--delegate", "sipua_test_desks:Desk").userAgent.delegate
        self.assertIsInstance(delegate, Desk)
        self.assertIs(delegate.reactor, self.host)

    def test_noDelegate(self) -> None:
        """
        One that cannot be had is named, with the reason.
        """
        for name, reason in (
            ("sipua_no_such_module:Desk", "ModuleNotFoundError: No module named 'sipua_no_such_module'"),
            ("sipua_test_desks:Chair", "AttributeError: module 'sipua_test_desks' has no attribute 'Chair'"),
            ("sipua_test_desks:number", "TypeError: 'int' object is not callable"),
            ("sipua_test_desks:Broken", "RuntimeError: no desk\nhere"),
        ):
            error = self.assertRaises(WrongSetting, self.service, "--delegate", name)
            self.assertEqual(str(error), f"--delegate {name!r}: {reason}")
        self.assertEqual(self.host.ports, [])

    def test_portInUse(self) -> None:
        """
        A port in use is named, by option or file; nothing stays open.
        """
        self.service(port=5062)
        before = list(self.host.ports)
        line = f"'udp:5062:{self.interface}': port in use"
        error = self.assertRaises(WrongSetting, self.service, "--listen", f"udp:5062:{self.interface}")
        self.assertEqual(str(error), f"--listen {line}")
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "sipua.toml")
        path.write_text(f"listen = 'udp:5062:{self.interface}'")
        options = Options()
        options.parseOptions(["--settings", str(path)])
        error = self.assertRaises(WrongSetting, SipuaService, self.host, options.settings)
        self.assertEqual(str(error), f"{path}: listen {line}")
        self.network.advance(0)
        self.assertEqual(self.host.ports, before)

    def test_portRefusedLate(self) -> None:
        """
        An endpoint that only refuses once all runs stops the reactor, with the line and status 1.
        """
        listening: list[Deferred[Any]] = []
        self.patch(UserAgent, "whenListening", lambda _: listening.append(Deferred()) or listening[-1])
        self.host.stop = lambda: stopped.append("stop")
        stopped: list[object] = []
        self.patch(maker.atexit, "register", lambda *last: stopped.append(last))
        self.patch(sys, "__stderr__", io.StringIO())
        self.service()
        listening[-1].errback(ListenError("onion:1", "no network"))
        self.assertEqual(stopped, ["stop", (os._exit, 1)])
        self.assertEqual(sys.__stderr__.getvalue(), "twistd sipua: --listen 'onion:1': no network\n")

    def test_refusedInterval(self) -> None:
        """
        What only is wrong together ends the program with one line, too.
        """
        options = Options()
        options.parseOptions(["--session-expires", "60"])
        line = "twistd sipua: --session-expires 60: must not be less than minSE, 90 seconds"
        self.assertEqual(self.assertRaises(SystemExit, maker.makeService, options).code, line)

    def test_noEndpoint(self) -> None:
        """
        A description that no endpoint understands is named.
        """
        error = self.assertRaises(WrongSetting, self.service, "--listen", "nonsense:1")
        self.assertIn("--listen 'nonsense:1': ", str(error))

    def test_startLine(self) -> None:
        """
        One line tells where, who and how.
        """
        lines: list[str] = []

        def observe(event: dict[str, Any]) -> None:
            if event["log_namespace"] == "twisted_sipdialog.service.maker":
                lines.append(str(lineOf(event)))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.service("--aor", "sip:desk@example.com", "--delegate", "reject", "--listen", "tcp:5060:" + self.interface)
        host = self.host.ipv4
        expected = f"sip:desk@example.com listens on udp {host}:5060, tcp {host}:5060; delegate reject, media echo\n"
        self.assertEqual([line.partition("] ")[2] for line in lines], [expected])

    def test_fixedMedia(self) -> None:
        """
        C{--media fixed} answers with our address and inactive audio at the port that discards; no RTP port opens.
        """
        service = self.service("--media", "fixed")
        peer = ScriptedPeer(self.network)
        peer.request("INVITE", (self.host.ipv4, 5060), body=OFFER)
        peer.expect("180 INVITE")
        answer = SessionDescription.parse(peer.expect("200 INVITE").body)
        (audio,) = answer.media
        connection = audio.connection
        assert connection is not None
        self.assertEqual((audio.port, audio.direction, connection.address), (9, "inactive", self.host.ipv4))
        self.assertEqual(len(self.host.ports), 1)
        self.assertNotIsInstance(service.userAgent.configuration.media, EchoMedia)

    def test_echoMedia(self) -> None:
        """
        C{--media echo} opens RTP ports in the range it was told.
        """
        media = self.service("--rtp-ports", "20000-20003").userAgent.configuration.media
        self.assertIsInstance(media, EchoMedia)
        description = media(self.host.ipv4)
        self.addCleanup(description.close)
        (audio,) = SessionDescription.parse(description.offer()).media
        self.assertIn(audio.port, (20000, 20002))

    def test_messages(self) -> None:
        """
        Messages are observed when asked for, and only then.
        """
        self.assertIsNone(self.service().userAgent._transport.observer)
        told = self.service("--log-messages", port=5062)
        self.assertIsInstance(told.userAgent._transport.observer, MessageLog)

    def test_log(self) -> None:
        """
        The application gets our log with the service; without one, it keeps twistd's.
        """
        for log in (FileLogObserver(sys.stdout, lineOf), None):
            service = SipuaService.__new__(SipuaService)
            super(SipuaService, service).__init__()
            service.log = log
            application = Application("sipua")
            service.setServiceParent(application)
            self.assertIs(application.getComponent(ILogObserver), log)
