"""The map as one file: what the page has besides the map is in it too."""

import base64
import gzip
import json

from safetensors.numpy import load

from explorer.assets.html_export import export_page
from tests.helpers.paths import ROOT


def test_terms_explain_themselves_in_the_file_too():
    page = export_page(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors").decode()
    assert "dressPage();" in page and "#why-card" in page


def settings_of(page):
    text = page.partition('type="application/json" id="settings">')[2].partition("</script>")[0]
    return json.loads(text)


def test_a_model_of_every_beta_brings_its_codes_at_every_beta():
    page = export_page(ROOT / "checkpoints" / "digits-2d-multirate.safetensors").decode()
    betas = settings_of(page)["betas"]
    assert betas["url"] == "betas" and 3 < betas["threshold"]["beta"] < 4
    packed = page.partition('id="betas">')[2].partition("</script>")[0]
    codes = load(gzip.decompress(base64.b64decode(packed)))
    assert codes["mean"].shape == codes["log_variance"].shape == (len(codes["betas"]), 500, 2)
    plain = export_page(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors").decode()
    assert settings_of(plain)["betas"] is None and 'id="betas"' not in plain
