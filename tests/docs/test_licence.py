"""The licence, and how to cite: no invented name, address, DOI or URL."""

import re

import yaml

from tests.docs.pages import ROOT


def test_the_licence_is_apache_everywhere():
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in licence
    assert set(re.findall(r"https?://[^\s/]+", licence)) == {"http://www.apache.org"}
    assert 'license="Apache-2.0"' in (ROOT / "setup.py").read_text(encoding="utf-8")
    assert "Apache-2.0, see [LICENSE](LICENSE)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_citation_names_the_four_papers_and_no_one_else_as_author():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    citation = yaml.safe_load(text)
    assert citation["authors"] == [{"name": "The edgeconnect_jax authors"}]
    assert citation["license"] == "Apache-2.0"
    first = [reference["authors"][0]["family-names"] for reference in citation["references"]]
    assert first == ["Nazeri", "Wang", "Wang", "Zhang"]
    assert not re.search(r"https?:|doi:|url:|email:|orcid:", text, re.IGNORECASE)
