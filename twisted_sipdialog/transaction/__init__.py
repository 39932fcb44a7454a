"""
Transactions (RFC 3261 section 17, RFC 6026, RFC 4320): four pure machines, and the layer that gives them a clock.
"""
