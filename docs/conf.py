"""How Sphinx builds the site: sphinx-build -W docs docs/_build. Nothing is fetched while it is built or read."""

import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).parent
PACKAGE = DOCS.parent / "edgeconnect_jax"
sys.path.insert(0, str(DOCS.parent))

project = "edgeconnect_jax"
author = "The edgeconnect_jax authors"
copyright = author
(release,) = re.findall(r'__version__ = "(.+)"', (PACKAGE / "__init__.py").read_text(encoding="utf-8"))
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**.ipynb"]
nitpicky = False
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

html_theme = "furo"
html_title = "edgeconnect_jax"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False

# Docstrings use single backticks for code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_default_options = {"members": True}
# Only clusters have these.
autodoc_mock_imports = ["apache_beam"]
napoleon_numpy_docstring = False
napoleon_use_ivar = True

_CODE = re.compile(r"(`[^`]*`)")


def _write_api(app) -> None:
    """Writes docs/api: a page for each room of the package, of the docstrings of its modules."""
    folder = DOCS / "api"
    folder.mkdir(exist_ok=True)
    pages = {_name(room): _page(room) for room in _rooms()}
    toctree = "\n".join(["```{toctree}", ":maxdepth: 1", "", *pages, "```"])
    pages["index"] = f"# API reference\n\nOne page for each room of the package.\n\n{toctree}\n"
    for old in set(folder.glob("*.md")) - {folder / f"{name}.md" for name in pages}:
        old.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _rooms() -> list[pathlib.Path]:
    """The package for its commands, each shared room, and the systems."""
    shared = sorted(path.parent for path in PACKAGE.glob("*/__init__.py") if path.parent.name != "systems")
    return [
        PACKAGE,
        *shared,
        PACKAGE / "systems",
        *sorted(path.parent for path in PACKAGE.glob("systems/*/__init__.py")),
    ]


def _name(room: pathlib.Path) -> str:
    return ".".join(room.relative_to(PACKAGE).parts) or "commands"


def _page(room: pathlib.Path) -> str:
    """The page of a room: its own docstring, then each of its modules, those of folders inside included."""
    paths = room.glob("*.py") if room in (PACKAGE, PACKAGE / "systems") else room.rglob("*.py")
    modules = {_dotted(path.parent if path.stem == "__init__" else path) for path in paths if _has_docstring(path)}
    own = _dotted(room)
    sections = [f"# {_name(room)}", *([_automodule(own)] if own in modules else [])]
    for module in sorted(modules - {own}):
        sections += [f"## {module}", _automodule(module)]
    return "\n\n".join(sections) + "\n"


def _automodule(name: str) -> str:
    return f"```{{eval-rst}}\n.. automodule:: {name}\n```"


def _has_docstring(path: pathlib.Path) -> bool:
    return path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))


def _dotted(path: pathlib.Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def _escape(app, what, name, obj, options, lines: list[str]) -> None:
    """Docstrings are plain text with code in single backticks: * and | are no markup there."""
    lines[:] = [_escaped(line) for line in lines]


def _escaped(line: str) -> str:
    parts = _CODE.split(line)
    for index in range(0, len(parts), 2):
        text = re.sub(r"[*|]|(?<=\w)_(?=\W|$)", r"\\\g<0>", parts[index])
        # Code ends where a letter follows, as in a plural.
        parts[index] = f"\\ {text}" if index and text[:1].isalnum() else text
    return "".join(parts)


def _skip(app, what, name, obj, skip: bool, options) -> bool | None:
    """Leaves out fields of NamedTuples, which the docstring of their class describes."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app) -> None:
    app.connect("autodoc-skip-member", _skip)
    app.connect("builder-inited", _write_api)
    # Before napoleon reads the sections.
    app.connect("autodoc-process-docstring", _escape, priority=100)
