"""Call somebody, ring for at most thirty seconds, report how it ended."""

import sys

from twisted.internet.defer import TimeoutError
from twisted.internet.task import react

from twisted_sipdialog import Configuration, DialogDelegate, UserAgent
from twisted_sipdialog.errors import RemoteError, ResponseError

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0\r\n"


class Progress(DialogDelegate):
    def progressReceived(self, context, response):
        print("..", response.statusCode, response.reasonPhrase, "early dialog" if context.dialog else "")

    async def infoReceived(self, context):
        print("INFO", context.body)  # returning unanswered means 200 OK


async def main(reactor, target="sip:bob@example.com"):
    ua = UserAgent(reactor, Configuration(aor="sip:alice@example.com", listen="udp:0"))
    ua.startService()
    try:
        calling = ua.invite(target, body=OFFER, delegate=Progress())
        dialog = await calling.addTimeout(30, reactor)  # cancelling the Deferred sends CANCEL
        print("answered with", dialog.remote.sdp)
        ended = await dialog.whenTerminated()
        print(f"ended: {ended.reason.text}, after {dialog.times.end - dialog.times.connect:.1f} s")
    except ResponseError as error:
        print("refused:", error.response.statusCode, error.response.reasonPhrase)
    except TimeoutError:
        print("no answer")
    except RemoteError as error:
        print("not reached:", error)
    finally:
        await ua.stopService()  # BYE what is left, close the ports


if __name__ == "__main__":
    react(main, sys.argv[1:])
