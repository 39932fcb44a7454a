"""
What twistd sipua may be told about REFERs, its own and those of others.
"""

from __future__ import annotations

from tests.service.test_settings import FileCase
from twisted_sipdialog.service import maker
from twisted_sipdialog.service.options import Options
from twisted_sipdialog.service.settings import Settings, WrongSetting


class ReferSettingsTests(FileCase):
    def read(self, text: str) -> Settings:
        settings = Settings()
        settings.read(self.write(text))
        return settings

    def parse(self, *words: str) -> Options:
        options = Options()
        options.parseOptions([*words])
        return options

    def test_everything(self) -> None:
        """
        All of it reaches the L{Configuration}, as what it takes there.
        """
        told = self.read(
            """
            delegate = "my.module:Desk"
            referPolicy = "ask"
            referDomains = ["example.net", "192.0.2.9"]
            referStatus = 200
            referExpires = 60
            allowOutOfDialogRefers = true
            outOfDialogReferStatus = 603
            """
        ).configuration(None)
        for name, value in (
            ("referPolicy", "ask"),
            ("referDomains", ("example.net", "192.0.2.9")),
            ("referStatus", 200),
            ("referExpires", 60),
            ("allowOutOfDialogRefers", True),
            ("outOfDialogReferStatus", 603),
        ):
            self.assertEqual(getattr(told, name), value, name)

    def test_wrong(self) -> None:
        """
        Each mistake is one line, with the file, the key, the value, and the rule.
        """
        policy = "must be trusted, follow, ask or refuse"
        seconds = "must be a whole number of seconds, 1 or more, and no more than a year"
        for text, line in (
            ("referPolicy = 'all'", f"referPolicy 'all': {policy}"),
            ("referPolicy = true", f"referPolicy True: {policy}"),
            ("referDomains = 'example.net'", "referDomains 'example.net': must be a list of host names"),
            ("referDomains = ['a:5060']", "referDomains 'a:5060': must be a host name or an address, without a port"),
            ("referStatus = 204", "referStatus 204: must be 202 or 200"),
            ("referStatus = 202.0", "referStatus 202.0: must be 202 or 200"),
            ("referStatus = '202'", "referStatus '202': must be 202 or 200"),
            ("referExpires = 0", f"referExpires 0: {seconds}"),
            ("allowOutOfDialogRefers = 'no'", "allowOutOfDialogRefers 'no': must be true or false"),
            ("allowOutOfDialogRefer = true", "is allowOutOfDialogRefers meant?"),
            ("outOfDialogReferStatus = 202", "outOfDialogReferStatus 202: must be a whole number from 300 to 699"),
            ("transferTo = 'sip:c@h?Replaces=x'", "must be a SIP URI without headers (?) and without method"),
            ("transferTo = 'sip:c@h;method=BYE'", "must be a SIP URI without headers (?) and without method"),
            ("transferTo = 'carol'", "transferTo 'carol': must be a SIP URI such as sip:desk@example.com"),
        ):
            error = str(self.assertRaises(WrongSetting, self.read, text))
            self.assertTrue(error.startswith(f"{self.path}: ") and error.endswith(line), error)

    def test_options(self) -> None:
        """
        The command line has two of them.
        """
        words = ("--delegate", "transfer", "--transfer-to", "sip:carol@c.example;transport=tcp")
        settings = self.parse(*words, "--refer-policy", "follow").settings
        self.assertEqual(str(settings["transferTo"]), "sip:carol@c.example;transport=tcp")
        self.assertEqual(settings.configuration(None).referPolicy, "follow")

    def test_wrongOptions(self) -> None:
        """
        A word that is none, and a URI that is none, end the program with one line.
        """
        for words, line in (
            (["--refer-policy", "all"], "--refer-policy 'all': must be trusted, follow, ask or refuse"),
            (["--transfer-to", "carol"], "--transfer-to 'carol': must be a SIP URI such as sip:desk@example.com"),
            (["--transfer-to", "tel:1"], "--transfer-to 'tel:1': must be a SIP URI such as sip:desk@example.com"),
        ):
            self.assertEqual(self.assertRaises(SystemExit, self.parse, *words).code, f"twistd sipua: {line}")

    def test_together(self) -> None:
        """
        So do settings that need each other: who is to be asked must be there, and a transfer leads somewhere.
        """
        for words, line in (
            (
                ["--delegate", "transfer"],
                "--delegate 'transfer': needs --transfer-to (transferTo), whom its callers are to call",
            ),
            (
                ["--settings", self.write("allowOutOfDialogRefers = true")],
                f"{self.path}: allowOutOfDialogRefers True: needs a delegate of your own: answer cannot be asked",
            ),
            (
                ["--transfer-to", "sip:carol@c.example"],
                "--transfer-to 'sip:carol@c.example': is for the delegate transfer alone",
            ),
            (
                ["--delegate", "my.module:Desk", "--transfer-to", "sip:carol@c.example"],
                "--transfer-to 'sip:carol@c.example': is for the delegate transfer alone",
            ),
            (["--refer-policy", "ask"], "--refer-policy 'ask': needs a delegate of your own: answer cannot be asked"),
            (
                ["--refer-policy", "ask", "--delegate", "reject"],
                "--refer-policy 'ask': needs a delegate of your own: reject cannot be asked",
            ),
        ):
            error = self.assertRaises(SystemExit, maker.makeService, self.parse(*words))
            self.assertEqual(error.code, f"twistd sipua: {line}", words)

    def test_aDelegateOfTheirsIsAsked(self) -> None:
        """
        A delegate of one's own goes with every policy.
        """
        for policy in ("trusted", "follow", "ask", "refuse"):
            settings = self.parse("--delegate", "my.module:Desk", "--refer-policy", policy).settings
            self.assertEqual(settings.configuration(None).referPolicy, policy)
