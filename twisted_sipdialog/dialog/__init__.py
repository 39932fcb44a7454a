"""
Dialogs as bookkeeping (RFC 3261 sections 12 and 13, RFC 5057): pure, nothing here sends.
"""
