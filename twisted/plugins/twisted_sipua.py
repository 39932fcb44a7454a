"""
C{twistd sipua}.

Only names stand here: twistd imports this file whenever it lists its
plugins, and L{twisted_sipdialog.service.maker} when C{sipua} is asked for.
"""

from twisted.application.service import ServiceMaker

sipua = ServiceMaker(
    "sipua",
    "twisted_sipdialog.service.maker",
    "A SIP user agent that answers, echoes or rejects calls, or hands them to your delegate.",
    "sipua",
)
