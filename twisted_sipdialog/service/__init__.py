"""
C{twistd sipua}: options, settings, built-in delegates, logs.
"""
