"""
The transaction user (RFC 3261 sections 8, 9, 12 to 15): one file per verb.
"""
