"""
What twistd sipua may be told, and the line it answers a mistake with.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.configuration import Configuration, FlowLimits, Limits, LoadLimits, TimerValues
from twisted_sipdialog.message.uri import parseUri
from twisted_sipdialog.service.options import Options
from twisted_sipdialog.service.settings import CHECKS, DEFAULTS, Settings, WrongSetting


class FileCase(SynchronousTestCase):
    def setUp(self) -> None:
        # Not mktemp(): it leaves its folders where the tests were started.
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "sipua.toml")

    def write(self, text: str | bytes) -> str:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(self.path)


class FileTests(FileCase):
    def read(self, text: str | bytes) -> Settings:
        settings = Settings()
        settings.read(self.write(text))
        return settings

    def test_everything(self) -> None:
        """
        All of it reaches the L{Configuration}, as what it takes there.
        """
        settings = self.read(
            """
            listen = ["udp:5070", 'tcp:5070:interface=192.0.2.1', 'udp:5070:interface=\\:\\:1', "udp:5071:interface="]
            aor = "sip:desk@example.com"
            displayName = "Desk"
            advertise = "[2001:db8::1]"
            delegate = "my.module:Desk"
            answerAfter = 2
            media = "fixed"
            rtpPorts = "4000-4003"
            logMessages = true
            outboundProxy = "sip:192.0.2.9;lr"
            ownDomainOnly = true
            userAgent = "Desk/1.0"
            supported = ["answermode", "x-desk"]
            accept = ["application/sdp", "Text/Plain"]
            infoPackages = ["dtmf"]
            rel100 = "required"
            replaces = "off"
            sessionTimers = "always"
            sessionExpires = 600
            minSE = 120
            sessionRefresher = "local"
            sessionRefreshMethod = "UPDATE"
            dialogEndingStatuses = [404, 481]
            forkedAnswers = "all"
            trustIdentity = ["192.0.2.9", "192.0.2.77/24", "2001:db8::/32"]
            flowGrace = 2
            noAnswerTimeout = 30
            followRedirects = 5
            events = ["presence", "x-lamp"]
            subscribeStatus = 202
            subscriptionExpires = 600
            minSubscriptionExpires = 0
            stopTimeout = 0
            udpLimit = 1400
            udpReceiveBuffer = 100000
            timers = {T1 = 1, T2 = 8.0}
            [messageLimits]
            body = 1000
            [flowLimits]
            connections = 10
            idleTimeout = 60
            [loadLimits]
            dialogs = 100
            [[credentials]]
            username = "alice"
            password = "secret"
            realm = "example.com"
            [[credentials]]
            username = "bob"
            password = "hidden"
            """
        )
        told = settings.configuration(None)
        self.assertEqual(
            told.listen,
            (
                "udp:5070:interface=127.0.0.1",
                "tcp:5070:interface=192.0.2.1",
                "udp:5070:interface=\\:\\:1",
                "udp:5071:interface=",
            ),
        )
        for name, value in (
            ("aor", parseUri("sip:desk@example.com")),
            ("displayName", "Desk"),
            ("advertise", "2001:db8::1"),
            ("outboundProxy", parseUri("sip:192.0.2.9;lr")),
            ("ownDomainOnly", True),
            ("userAgent", "Desk/1.0"),
            ("supported", ("answermode", "x-desk")),
            ("accept", ("application/sdp", "text/plain")),
            ("infoPackages", ("dtmf",)),
            ("rel100", "required"),
            ("replaces", "off"),
            ("sessionTimers", "always"),
            ("sessionExpires", 600),
            ("minSE", 120),
            ("sessionRefresher", "local"),
            ("sessionRefreshMethod", "UPDATE"),
            ("dialogEndingStatuses", (404, 481)),
            ("forkedAnswers", "all"),
            ("trustIdentity", ("192.0.2.9", "192.0.2.77/24", "2001:db8::/32")),
            ("flowGrace", 2.0),
            ("noAnswerTimeout", 30.0),
            ("followRedirects", 5),
            ("events", ("presence", "x-lamp")),
            ("subscribeStatus", 202),
            ("subscriptionExpires", 600),
            ("minSubscriptionExpires", 0),
            ("stopTimeout", 0.0),
            ("udpLimit", 1400),
            ("udpReceiveBuffer", 100000),
            ("timers", TimerValues(T1=1.0, T2=8.0)),
            ("messageLimits", Limits(body=1000)),
            ("flowLimits", FlowLimits(connections=10, idleTimeout=60.0)),
            ("loadLimits", LoadLimits(dialogs=100)),
        ):
            self.assertEqual(getattr(told, name), value, name)
        self.assertEqual(
            [(c.username, c.password, c.realm) for c in told.credentials],
            [("alice", "secret", "example.com"), ("bob", "hidden", None)],
        )
        for name, value in (
            ("delegate", "my.module:Desk"),
            ("answerAfter", 2.0),
            ("media", "fixed"),
            ("rtpPorts", (4000, 4004)),
            ("logMessages", True),
        ):
            self.assertEqual(settings[name], value, name)

    def test_nothing(self) -> None:
        """
        What is not told is as L{Configuration} has it, but only this machine may call, and no REFER is followed.
        """
        told = self.read("").configuration(None)
        self.assertEqual(told.listen, ("udp:5060:interface=127.0.0.1", "tcp:5060:interface=127.0.0.1"))
        self.assertEqual(told, Configuration(aor="sip:sipua@127.0.0.1", listen=told.listen, referPolicy="refuse"))

    def test_names(self) -> None:
        """
        Every setting is one of L{Configuration}, or of the service.
        """
        service = {"delegate", "answerAfter", "transferTo", "rtpPorts", "logMessages"}
        service |= {"publish", "watch", "publicationStore", "publicationDomains"}
        self.assertEqual(set(CHECKS) - {field.name for field in attrs.fields(Configuration)}, service)
        self.assertLessEqual(set(DEFAULTS), set(CHECKS))

    def test_wrong(self) -> None:
        """
        Each mistake is one line, with the file, the key, the value, and the rule.
        """
        count = "must be a whole number from 0 to 2147483647"
        seconds = "must be a number of seconds, 0 or more, and no more than a year"
        for text, line in (
            ("colour = 1", "colour: there is no such setting"),
            ("answer-after = 1", "answer-after: there is no such setting; is answerAfter meant?"),
            ("settings = 'x'", "settings: there is no such setting"),
            ("aor = 'desk'", "aor 'desk': must be a SIP URI such as sip:desk@example.com"),
            ("aor = 'tel:+123'", "aor 'tel:+123': must be a SIP URI such as sip:desk@example.com"),
            ("aor = 5", "aor 5: must be a text on one line, and not empty"),
            ("displayName = ''", "displayName '': must be a text on one line, and not empty"),
            ('userAgent = "a\\r\\nb"', "userAgent 'a\\r\\nb': must be a text on one line, and not empty"),
            ("listen = []", "listen []: must be a text such as udp:5060, or a list of them"),
            ("listen = 5060", "listen 5060: must be a text such as udp:5060, or a list of them"),
            ("listen = ['udp:1', 2]", "listen 2: must be a text on one line, and not empty"),
            ("listen = 'udp:x'", "listen 'udp:x': port 'x' is not a number from 0 to 65535"),
            ("advertise = 'a:5060'", "advertise 'a:5060': must be a host name or an address, without a port"),
            ("advertise = 'u@a'", "advertise 'u@a': must be a host name or an address, without a port"),
            ("advertise = 'a;lr'", "advertise 'a;lr': must be a host name or an address, without a port"),
            ("advertise = 'a b'", "advertise 'a b': must be a host name or an address, without a port"),
            ("delegate = 'x'", "delegate 'x': must be answer, reject, transfer, presence, or package.module:Class"),
            ("media = 'tape'", "media 'tape': must be echo or fixed"),
            ("media = ['echo']", "media ['echo']: must be echo or fixed"),
            ("answerAfter = nan", f"answerAfter nan: {seconds}"),
            ("answerAfter = inf", f"answerAfter inf: {seconds}"),
            ("answerAfter = -1", f"answerAfter -1: {seconds}"),
            ("answerAfter = true", f"answerAfter True: {seconds}"),
            ("answerAfter = '1'", f"answerAfter '1': {seconds}"),
            ("noAnswerTimeout = 0", "noAnswerTimeout 0: must be more than 0 seconds"),
            ("udpLimit = 1.5", f"udpLimit 1.5: {count}"),
            ("udpLimit = true", f"udpLimit True: {count}"),
            ("udpReceiveBuffer = 2147483648", f"udpReceiveBuffer 2147483648: {count}"),
            ("followRedirects = -1", f"followRedirects -1: {count}"),
            ("logMessages = 1", "logMessages 1: must be true or false"),
            ("timers = 1", "timers 1: must be a table"),
            ("[timers]\nt1 = 1", "timers.t1: there is no such setting; is T1 meant?"),
            ("[timers]\nT1 = 0.0", "timers.T1 0.0: must be more than 0 seconds"),
            ("[timers]\ntransaction = 1", "timers.transaction: there is no such setting"),
            ("[messageLimits]\nbody = 'big'", f"messageLimits.body 'big': {count}"),
            ("[flowLimits]\nidleTimeout = 'long'", f"flowLimits.idleTimeout 'long': {seconds}"),
            ("[loadLimits]\ndialogs = -5", f"loadLimits.dialogs -5: {count}"),
        ):
            self.assertWrong(text, line)
        for ports in ("5-5", "4-4", "5-6", "9-8", "0-9", "1-65536", "1", "1-2-3", "1-٣", "+1-9", "1 - 9", "a-b"):
            rule = "must be such as 16384-32767, from 1 to 65535, with an even port and the next in it"
            self.assertWrong(f"rtpPorts = '{ports}'", f"rtpPorts '{ports}': {rule}")

    def test_wrongSessions(self) -> None:
        """
        So is each mistake in what is said of sessions and dialogs.
        """
        refresh = "must be a whole number of seconds, 1 or more, and no more than a year"
        seconds = "must be a number of seconds, 0 or more, and no more than a year"
        word = "must be a word of letters, digits and -.!%*_+`'~"
        bodyType = "must be a type of bodies such as application/sdp"
        status = "must be a whole number from 300 to 699"
        network = "must be an address or a network such as 192.0.2.0/24"
        trust = "must be true, false, or a list of addresses and networks"
        for text, line in (
            ("rel100 = 'on'", "rel100 'on': must be off, supported or required"),
            ("rel100 = true", "rel100 True: must be off, supported or required"),
            ("rel100 = ['off']", "rel100 ['off']: must be off, supported or required"),
            ("sessionTimers = 'Off'", "sessionTimers 'Off': must be off, supported or always"),
            ("sessionTimer = 'off'", "sessionTimer: there is no such setting; is sessionTimers meant?"),
            ("sessionExpires = 0", f"sessionExpires 0: {refresh}"),
            ("sessionExpires = 90.5", f"sessionExpires 90.5: {refresh}"),
            ("sessionExpires = true", f"sessionExpires True: {refresh}"),
            ("sessionExpires = '1800'", f"sessionExpires '1800': {refresh}"),
            ("sessionExpires = 2147483648", f"sessionExpires 2147483648: {refresh}"),
            ("minSE = -1", f"minSE -1: {refresh}"),
            ("minSE = inf", f"minSE inf: {refresh}"),
            ("minSe = 90", "minSe: there is no such setting; is minSE meant?"),
            ("sessionRefresher = 'uac'", "sessionRefresher 'uac': must be local or remote"),
            ("sessionRefreshMethod = 'update'", "sessionRefreshMethod 'update': must be UPDATE or INVITE"),
            ("dialogEndingStatuses = 481", "dialogEndingStatuses 481: must be a list of numbers from 300 to 699"),
            ("dialogEndingStatuses = [481, 200]", f"dialogEndingStatuses 200: {status}"),
            ("dialogEndingStatuses = [700]", f"dialogEndingStatuses 700: {status}"),
            ("dialogEndingStatuses = ['481']", f"dialogEndingStatuses '481': {status}"),
            ("dialogEndingStatuses = [481.0]", f"dialogEndingStatuses 481.0: {status}"),
            ("forkedAnswers = 'last'", "forkedAnswers 'last': must be first or all"),
            ("forkedAnswers = 1", "forkedAnswers 1: must be first or all"),
            ("trustIdentity = 'yes'", f"trustIdentity 'yes': {trust}"),
            ("trustIdentity = 1", f"trustIdentity 1: {trust}"),
            ("trustIdentity = ['proxy.example.com']", f"trustIdentity 'proxy.example.com': {network}"),
            ("trustIdentity = ['192.0.2.0/33']", f"trustIdentity '192.0.2.0/33': {network}"),
            ("trustIdentity = ['192.0.2.1', 5]", f"trustIdentity 5: {network}"),
            ("flowGrace = -1", f"flowGrace -1: {seconds}"),
            ("flowGrace = nan", f"flowGrace nan: {seconds}"),
            ("supported = 'timer'", "supported 'timer': must be a list of option tags"),
            ("supported = ['a, b']", f"supported 'a, b': {word}"),
            ("supported = ['']", f"supported '': {word}"),
            ("infoPackages = 1", "infoPackages 1: must be a list of Info-Packages"),
            ("infoPackages = ['a\\nb']", f"infoPackages 'a\\\\nb': {word}"),
            ('infoPackages = ["a\\r\\nb"]', f"infoPackages 'a\\r\\nb': {word}"),
            ("infoPackages = [5]", f"infoPackages 5: {word}"),
            ("accept = 'text/plain'", "accept 'text/plain': must be a list of types such as application/sdp"),
            ("accept = ['text']", f"accept 'text': {bodyType}"),
            ("accept = ['text/plain/x']", f"accept 'text/plain/x': {bodyType}"),
            ("accept = ['text/plain;q=1']", f"accept 'text/plain;q=1': {bodyType}"),
            ("accept = ['/sdp']", f"accept '/sdp': {bodyType}"),
        ):
            self.assertWrong(text, line)

    def test_trust(self) -> None:
        """
        Everybody, nobody, or some.
        """
        for text, value in (("true", True), ("false", False), ("[]", ()), ("['2001:db8::1']", ("2001:db8::1",))):
            told = self.read(f"trustIdentity = {text}").configuration(None)
            self.assertEqual(told.trustIdentity, value, text)

    def test_refusedInterval(self) -> None:
        """
        An interval that is asked for is not one that is refused (RFC 4028 section 7.1): the mistake is the one of
        who asks.
        """
        settings = self.read("sessionExpires = 60")
        line = f"{self.path}: sessionExpires 60: must not be less than minSE, 90 seconds"
        self.assertEqual(str(self.assertRaises(WrongSetting, settings.configuration, None)), line)
        settings.take("minSE", 60, "--min-se")
        told = settings.configuration(None)
        self.assertEqual((told.sessionExpires, told.minSE), (60, 60))
        # Who asks for nothing asks for what is taken.
        self.assertEqual(self.read("minSE = 3600").configuration(None).minSE, 3600)

    def test_events(self) -> None:
        """
        C{presence} keeps the event packages that were told, and no others; without a word every one it knows.
        """
        text = "delegate = 'presence'\n"
        every = ("presence", "message-summary", "dialog", "reg", "conference")
        self.assertEqual(self.read(text).configuration(None).events, every)
        settings = self.read(text + "events = ['message-summary']")
        self.assertEqual(settings.configuration(None).events, ("message-summary",))
        settings = self.read(text + "events = ['presence', 'refer']")
        line = f"{self.path}: events 'refer': must be one of {', '.join(every)} with the delegate presence"
        self.assertEqual(str(self.assertRaises(WrongSetting, settings.configuration, None)), line)

    def assertWrong(self, text: str | bytes, line: str) -> None:
        error = self.assertRaises(WrongSetting, self.read, text)
        self.assertEqual(str(error), f"{self.path}: {line}", text)

    def test_noPasswords(self) -> None:
        """
        A mistake in credentials is named without what is secret in them.
        """
        for text, line in (
            ("credentials = 'secret'", "credentials: must be tables: [[credentials]]"),
            ("credentials = ['secret']", "credentials: must be tables: [[credentials]]"),
            ("[[credentials]]\npassword = 'secret'", "credentials[0]: must have a username and a password"),
            ("[[credentials]]\nusername = 'a'", "credentials[0]: must have a username and a password"),
            (
                "[[credentials]]\nusername = 'a'\npassword = 4711",
                "credentials[0].password: must be a text on one line, and not empty",
            ),
            (
                "[[credentials]]\nusername = 'a'\npassword = 'b'\n[[credentials]]\nuser = 'a'\npassword = 'secret'",
                "credentials[1].user: there is no such setting; is username meant?",
            ),
        ):
            self.assertWrong(text, line)

    def test_noToml(self) -> None:
        """
        A file that is no TOML is named, with the place where it goes wrong; and so is one that cannot be read.
        """
        for text, rule in (
            ("aor = 'sip:a@b'\nlisten =\n", "is not TOML: Invalid value (at line 2, column 9)"),
            ("[a]\n[a]\n", "is not TOML: Cannot declare ('a',) twice (at line 2, column 3)"),
            (b"aor = '\xff'", "is not TOML: 'utf-8' codec can't decode byte 0xff in position 7: invalid start byte"),
        ):
            error = self.assertRaises(WrongSetting, self.read, text)
            self.assertEqual(str(error), f"--settings {str(self.path)!r}: {rule}", text)
        for path, rule in (("absent.toml", "No such file or directory"), (".", "Is a directory")):
            error = self.assertRaises(WrongSetting, Settings().read, path)
            self.assertEqual(str(error), f"--settings {path!r}: {rule}")


class OptionsTests(FileCase):
    def parse(self, *words: str) -> Settings:
        options = Options()
        options.parseOptions(list(words))
        return options.settings

    def test_options(self) -> None:
        """
        The command line takes the same.
        """
        settings = self.parse(
            *("--listen", "udp:5070", "--listen", "tcp:5071:interface=192.0.2.1", "--aor", "sip:desk@example.com"),
            *("--advertise", "example.com", "--delegate", "my.module:Desk", "--answer-after", "1.5"),
            *("--media", "fixed", "--rtp-ports", "4000-4001", "--log-messages"),
            *("--rel100", "off", "--session-timers", "always", "--session-expires", "300", "--min-se", "120"),
        )
        for name, value in (
            ("listen", ("udp:5070:interface=127.0.0.1", "tcp:5071:interface=192.0.2.1")),
            ("aor", parseUri("sip:desk@example.com")),
            ("advertise", "example.com"),
            ("delegate", "my.module:Desk"),
            ("answerAfter", 1.5),
            ("media", "fixed"),
            ("rtpPorts", (4000, 4002)),
            ("logMessages", True),
            ("rel100", "off"),
            ("sessionTimers", "always"),
            ("sessionExpires", 300),
            ("minSE", 120),
        ):
            self.assertEqual(settings[name], value, name)

    def test_precedence(self) -> None:
        """
        The command line wins over the file, wherever it names the file, and the file over the default.
        """
        path = self.write("aor = 'sip:file@example.com'\nlisten = ['udp:1', 'tcp:1']\nanswerAfter = 3\nmedia = 'fixed'")
        for words in (("--settings", path, "--aor", "sip:a@b"), ("--aor", "sip:a@b", "--settings", path)):
            settings = self.parse(*words, "--listen", "udp:2", "--answer-after", "0")
            self.assertEqual(str(settings["aor"]), "sip:a@b", words)
            self.assertEqual(settings["listen"], ("udp:2:interface=127.0.0.1",), words)
            self.assertEqual(settings["answerAfter"], 0.0, words)
            self.assertEqual(settings["media"], "fixed", words)
            self.assertEqual(settings["delegate"], "answer", words)

    def test_wrong(self) -> None:
        """
        Each mistake ends the program with one line.
        """
        seconds = "must be a number of seconds, 0 or more, and no more than a year"
        name = "must be answer, reject, transfer, presence, or package.module:Class"
        for words, line in (
            (["--colour", "red"], "option --colour not recognized"),
            (["--col\nour"], "option --col\\nour not recognized"),
            (["--aor"], "option --aor requires argument"),
            (["--log-messages=yes"], "option --log-messages must not have an argument"),
            (["start"], "'start': there are only options here"),
            (["--aor", "desk"], "--aor 'desk': must be a SIP URI such as sip:desk@example.com"),
            (["--aor", ""], "--aor '': must be a text on one line, and not empty"),
            (["--aor", "\udcff"], "--aor '\\udcff': must be a text on one line, and not empty"),
            (["--listen", "udp"], "--listen 'udp': must be udp:PORT or udp:PORT:interface=ADDRESS"),
            (
                ["--listen", "udp:5060:interface=[::1]"],
                "--listen 'udp:5060:interface=[::1]': must be udp:PORT or udp:PORT:interface=ADDRESS"
                r" (IPv6 with \: for :)",
            ),
            (["--listen", "udp:1", "--listen", ""], "--listen '': must be a text on one line, and not empty"),
            (["--listen", "5060"], "--listen '5060': must begin with a kind: udp:5060, tcp:5060"),
            (["--media", "tape"], "--media 'tape': must be echo or fixed"),
            (["--delegate", "Desk"], f"--delegate 'Desk': {name}"),
            (["--delegate", "a-b:C"], f"--delegate 'a-b:C': {name}"),
            (
                ["--delegate", "a.b:C()"],
                "--delegate 'a.b:C()': must be answer, reject, transfer, presence, or package.module:Class",
            ),
            (["--rel100", "yes"], "--rel100 'yes': must be off, supported or required"),
            (["--session-timers", ""], "--session-timers '': must be off, supported or always"),
        ):
            self.assertEqual(self.lineFor(words), f"twistd sipua: {line}", words)
        for number in ("-1", "nan", "inf", "x", "1e3", "1_0", "+1", " 1", "٣", "", "999999999"):
            shown = int(number) if number == "999999999" else number
            line = f"twistd sipua: --answer-after {shown!r}: {seconds}"
            self.assertEqual(self.lineFor(["--answer-after", number]), line, number)
        refresh = "must be a whole number of seconds, 1 or more, and no more than a year"
        for option in ("--session-expires", "--min-se"):
            for number, shown in (
                ("x", "'x'"),
                ("-1", "'-1'"),
                ("0", "0"),
                ("90.5", "90.5"),
                ("999999999", "999999999"),
            ):
                line = f"twistd sipua: {option} {shown}: {refresh}"
                self.assertEqual(self.lineFor([option, number]), line, number)

    def test_wrongInFile(self) -> None:
        """
        A mistake in the file is one although the command line says otherwise.
        """
        path = self.write("aor = 'desk'")
        line = f"twistd sipua: {path}: aor 'desk': must be a SIP URI such as sip:desk@example.com"
        self.assertEqual(self.lineFor(["--settings", path, "--aor", "sip:a@b"]), line)

    def lineFor(self, words: list[str]) -> str:
        # A SystemExit with a text prints that on stderr, and the status is 1.
        return str(self.assertRaises(SystemExit, self.parse, *words).code)
