# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration."""

import svr3d

project = "svr3d"
author = "the svr3d developers"
copyright = author
version = release = svr3d.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.apidoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 4
# Links that leave docs/ (to configs/, tools/) are meant for readers on a code host.
suppress_warnings = ["myst.xref_missing"]
apidoc_modules = [
    {
        "path": "../svr3d",
        "destination": "api",
        "separate_modules": True,
        "module_first": True,
        "max_depth": 2,
        "automodule_options": {"members"},
    }
]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_use_ivar = True
templates_path = ["_templates"]
exclude_patterns = ["_build", "api/modules.rst"]
html_theme = "furo"
html_title = f"svr3d {release}"
html_static_path = []


def skip_reexports(app, what, name, obj, skip, options):
    """Document a name on the page of the module that defines it, and nowhere else."""
    page = app.env.current_document.autodoc_module
    home = getattr(obj, "__module__", None)
    if what == "module" and home and page and home != page:
        return True
    return None


def setup(app):
    """Connect the events."""
    app.connect("autodoc-skip-member", skip_reexports)
