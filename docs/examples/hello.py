"""Take every call."""

from twisted_sipdialog import UserAgentDelegate


class Hello(UserAgentDelegate):
    def __init__(self, reactor):
        pass

    def inviteReceived(self, invitation):
        invitation.accept()
