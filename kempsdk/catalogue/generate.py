"""Write what is generated from the catalogue's YAML files.

    python -m kempsdk.catalogue.generate            write
    python -m kempsdk.catalogue.generate --check    change nothing; exit 1 if anything is stale

Generated are the compiled catalogue, the stub ``kempsdk/commands.pyi`` and, in a source
tree, the command reference below ``docs/pages/commands``.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kempsdk.catalogue.compiler import HERE, as_json, compile_catalogue, read_areas
from kempsdk.catalogue.reference_pages import pages
from kempsdk.catalogue.store import Catalogue
from kempsdk.catalogue.stub import stub

ROOT = HERE.parent.parent


def outputs(folder: Path = HERE, root: Path = ROOT) -> Mapping[Path, str]:
    """Return every generated file and the text it should have.

    Args:
        folder: where the YAML files are.
        root: the project; a project without ``docs`` gets no reference pages.
    """
    areas = read_areas(folder)
    compiled = compile_catalogue(areas)
    catalogue = Catalogue(compiled)
    texts = {
        root / "kempsdk/catalogue/catalogue.json": as_json(compiled),
        root / "kempsdk/commands.pyi": stub(catalogue),
    }
    if (root / "docs/pages").is_dir():
        for name, text in pages(catalogue, areas).items():
            texts[root / "docs/pages/commands" / name] = text
    return texts


def stale(texts: Mapping[Path, str], root: Path) -> Sequence[Path]:
    """Return the files that are missing, differ, or should not be there."""
    pages = root / "docs/pages/commands"
    extra = [path for path in sorted(pages.glob("*.md")) if path not in texts]
    differ = [
        path
        for path, text in texts.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return [*differ, *extra]


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the generator on a project; returns the exit code."""
    parser = argparse.ArgumentParser(description="Generate from the catalogue's YAML files.")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    options = parser.parse_args(arguments)
    texts = outputs(root=root)
    out_of_date = stale(texts, root)
    for path in out_of_date:
        name = path.relative_to(root)
        if options.check:
            sys.stderr.write(f"stale: {name}; run python -m kempsdk.catalogue.generate\n")
        elif path in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
            sys.stdout.write(f"written: {name}\n")
        else:
            path.unlink()
            sys.stdout.write(f"removed: {name}\n")
    return 1 if options.check and out_of_date else 0


if __name__ == "__main__":
    sys.exit(main())
