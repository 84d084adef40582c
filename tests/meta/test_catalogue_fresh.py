"""What is generated from the catalogue is what is checked in."""

from kempsdk.catalogue.generate import ROOT, outputs, stale


def test_generated_files_are_fresh() -> None:
    texts = outputs()

    out_of_date = [str(path.relative_to(ROOT)) for path in stale(texts, ROOT)]

    assert out_of_date == [], "run python -m kempsdk.catalogue.generate"
    assert {path.name for path in texts} >= {"catalogue.json", "commands.pyi"}
