"""
SIP messages in the log, and lines of the log.
"""

from __future__ import annotations

import io
from typing import Any

from twisted.logger import FileLogObserver, Logger, LogPublisher, globalLogPublisher, textFileLogObserver
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from twisted_sipdialog.interfaces import IMessageObserver
from twisted_sipdialog.service.message_log import MessageLog, shown
from twisted_sipdialog.service.text_log import escaped, lineOf, textLog


class Flow:
    protocol = "UDP"
    remote = ("2001:db8::1", 5062)


class MessageLogTests(SynchronousTestCase):
    def test_events(self) -> None:
        """
        One event for each message, with direction, flow and text.
        """
        events: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        log = MessageLog()
        verifyObject(IMessageObserver, log)
        log.messageReceived(b"OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n", Flow())
        log.messageSent(b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n", Flow())
        received, sent = [e for e in events if e["log_namespace"] == "twisted_sipdialog.messages"]
        self.assertEqual(
            [received[key] for key in ("direction", "protocol", "peer", "text")],
            ["received from", "UDP", "[2001:db8::1]:5062", "OPTIONS sip:a SIP/2.0\nl: 0\n\n"],
        )
        self.assertEqual((sent["direction"], sent["text"]), ("sent to", "SIP/2.0 200 OK\nl: 0\n\n"))

    def test_secrets(self) -> None:
        """
        What proves who somebody is, or opens a media stream, is not shown, however it is spelt and folded.
        """
        for secret in (
            'Authorization: Digest username="a", response="SECRET"\r\n',
            'Proxy-Authorization: Digest response="SECRET"\r\n',
            'AUTHORIZATION \t: Digest response="SECRET"\r\n',
            'proxy-authorization:Digest\r\n username="a",\r\n\tresponse="SECRET"\r\n',
            'Authorization: Digest response="SECRET"\n',
            'Authorization: Digest response="SECRET"\r',
            "Authorization:\r\n \r\n SECRET\r\n",
            "\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET\r\n",
            "\r\nk=clear:SECRET\r\n",
        ):
            for before, after in (("A: 1\r\n", "B: 2\r\n\r\n"), ("A: 1\n", "B: 2"), ("A: 1\r", "B: 2\n\n")):
                text = shown((before + secret + after).encode())
                self.assertNotIn("SECRET", text, secret)
                self.assertIn("(not shown)\n", text, secret)
                self.assertIn("A: 1\n", text, secret)
                self.assertIn("\nB: 2", text, secret)

    def test_noSecrets(self) -> None:
        """
        Everything else is.
        """
        for text in (
            'WWW-Authenticate: Digest realm="a", nonce="b"',
            "Subject: Authorization: yes",
            "Authentication-Info: qop=auth",
            "X-Authorization: none",
            "a=rtpmap:0 PCMU/8000",
        ):
            self.assertEqual(shown(text.encode()), text)

    def test_linesOfOurs(self) -> None:
        """
        No peer can write what a terminal obeys, or what looks like a line of the log.
        """
        for data, text in (
            (b"A: \x1b[2J\r\n", "A: \\x1b[2J\n"),
            (b"A: \x00\x07\x08\x0b\x0c\x7f", "A: \\x00\\x07\\x08\\x0b\\x0c\\x7f"),
            ("A: \x85\x9b\u2028\u2029\u202e\u2066".encode(), "A: \\x85\\x9b\\u2028\\u2029\\u202e\\u2066"),
            (b"A: \xff\xfe", "A: \\xff\\xfe"),
            ("A: Zoë 電話\t1".encode(), "A: Zoë 電話\t1"),
        ):
            self.assertEqual(shown(data), text)
        event = {"log_format": "{text}", "text": shown(b"INVITE\r\n2026-01-01 [-] a lie\r\n"), "log_time": 0.0}
        line = lineOf(event)
        assert line is not None
        self.assertNotIn("\n2026", line)


class LineTests(SynchronousTestCase):
    def lines(self, namespace: str, *arguments: str, **fields: Any) -> list[str]:
        """What our observer writes of an event, and what Twisted's does."""
        files = [io.StringIO(), io.StringIO()]
        publisher = LogPublisher(FileLogObserver(files[0], lineOf), textFileLogObserver(files[1]))
        Logger(namespace=namespace, observer=publisher).info(*arguments, **fields)
        return [file.getvalue() for file in files]

    def test_asTwisted(self) -> None:
        """
        Each line is the one Twisted would write.
        """
        for namespace in ("twisted_sipdialog.calls", "twisted_sipdialog.useragent", "elsewhere"):
            ours, twisteds = self.lines(namespace, "{who}: {long:.3f} s, {{}}", who="Zoë", long=1.5)
            self.assertEqual(ours, twisteds)
            self.assertTrue(ours.endswith(f"[{namespace}#info] Zoë: 1.500 s, {{}}\n"), ours)

    def test_unprintable(self) -> None:
        """
        What a peer put into its name is escaped, and can be written: as bytes of no character could not.
        """
        for namespace in ("twisted_sipdialog.calls", "elsewhere"):
            line = self.lines(namespace, "{peer} ended", peer='"\x1b[2J\udcff" <sip:a>\nx')[0]
            self.assertTrue(line.endswith('"\\x1b[2J\\udcff" <sip:a>\n\tx ended\n'), line)
            line.encode("utf-8")

    def test_failures(self) -> None:
        """
        Tracebacks and events without a time stay readable.
        """
        file = io.StringIO()
        log = Logger(namespace="elsewhere", observer=FileLogObserver(file, lineOf))
        try:
            raise ZeroDivisionError("by zero")
        except ZeroDivisionError:
            log.failure("it broke")
        self.assertIn("it broke\n\tTraceback", file.getvalue())
        self.assertIn("ZeroDivisionError: by zero", file.getvalue())
        self.assertEqual(lineOf({"log_format": "hello"}), "- [-#-] hello\n")
        self.assertIsNone(lineOf({}))

    def test_escaped(self) -> None:
        """
        Text without anything to escape is returned as it is.
        """
        text = "plain"
        self.assertIs(escaped(text), text)

    def test_notOurs(self) -> None:
        """
        Where twistd was told of another log than a file, it has that.
        """
        told = {"logfile": None, "nodaemon": True, "logger": None, "syslog": False}
        self.assertIsNotNone(textLog(told))
        for other in ({"syslog": True}, {"logger": object()}, {"logfile": "-", "nodaemon": False}):
            self.assertIsNone(textLog({**told, **other}), other)
