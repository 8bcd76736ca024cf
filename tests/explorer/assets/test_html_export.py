"""The map as one file: what the page has besides the map is in it too."""

from explorer.assets.html_export import export_page
from tests.helpers.paths import ROOT


def test_terms_explain_themselves_in_the_file_too():
    page = export_page(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors").decode()
    assert "dressPage();" in page and "#why-card" in page
