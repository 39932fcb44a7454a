"""Sphinx configuration; no network is needed to build."""

import re
from pathlib import Path

project = "twisted_sipdialog"
author = "the twisted_sipdialog contributors"
copyright = author
_package = Path(__file__).parent.parent / "twisted_sipdialog" / "__init__.py"
_version = re.search(r'^__version__(?:: Final)? = "(.+)"$', _package.read_text(encoding="utf-8"), re.MULTILINE)
assert _version is not None, _package
release = _version.group(1)
exclude_patterns = ["_build"]
html_theme = "alabaster"
