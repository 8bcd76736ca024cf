"""*Mode collapse*: whether a model draws all kinds of images, in one sentence with its evidence."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.figures.families import class_shares
from explorer.services import catalogue, families
from explorer.services.catalogue import Entry
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.views.families import mode_remedies, scoring
from explorer.widgets import display, inputs, pictures
from explorer.widgets.text import plain, typeset
from models.judge.seeds import failures_of, share
from models.metrics.samples.modes import COLLAPSED, VARIED

DRAWN = 40
COLUMNS = 20
SIDE = 40
MEANINGS = {
    "collapsed": "it draws only some kinds of images",
    "narrow": "it leaves out much of what real images show",
    "varied": "it draws what real images show, as far as these scores can tell",
}
EXPLAINED = (
    "A model can draw convincing images and still leave out most kinds: a GAN’s generator is paid "
    "for fooling its judge, not for variety. In brackets: real training images in the place of "
    "drawn ones. Covered is a real image that lies among the drawn ones, as close as these lie to "
    "each other. Nearly the same are two images closer than any two real ones."
)


def show() -> None:
    """Shows the diagnosis of one model, its images, and remedies where there are any."""
    labels = {name: model_picker.label(entry) for name, entry in _offered().items()}
    if not labels:
        st.info("Mode collapse is about models that draw images from a prior: train one first.")
        return
    chosen = inputs.select("drawn-model", "Model", labels, width=420)
    entry = _offered()[chosen]
    _verdict(entry)
    model = model_picker.open_model(entry)
    if model.problem:
        st.error(f"This model cannot be used: {plain(model.problem)}. Choose another.")
        return
    _images(model)
    mode_remedies.show(model)


def _offered() -> dict[str, Entry]:
    return catalogue.offered(state.get("drawn-model"), families.can_draw)


def _verdict(entry: Entry) -> None:
    report = families.report(entry)
    found = None if report is None else report.modes
    if found is None:
        scoring.show(entry.card.config.data, [entry, *mode_remedies.unscored(entry)])
        return
    box = {COLLAPSED: st.error, VARIED: st.success}.get(found.verdict, st.warning)
    box(typeset(f"**{found.verdict.capitalize()}: {MEANINGS[found.verdict]}.** {found.evidence}."))
    st.caption(f"{report.count:,} images of each kind; ± is half a 95 % interval. {EXPLAINED}")
    if outcomes := failures_of(entry.card.config):
        failed = share(sum(outcomes.values()), len(outcomes))
        st.caption(
            "Whether a training collapses is a matter of its seed, too. With these settings and "
            f"different seeds, {failed} (exact 95 % interval) collapsed or diverged."
        )


def _images(model: LoadedModel) -> None:
    """What it draws, and into which classes that falls."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**New images**")
        seed = (state.get("draw") + 1) % 1_000_000
        inputs.button("Draw again", lambda: state.put(draw=seed))
    images = families.drawn(model, DRAWN, state.get("draw"))
    display.picture(pictures.sheet(images, COLUMNS, SIDE, 3), alt=f"{DRAWN} new images")
    shares = families.class_shares(model, state.get("draw"))
    if shares is not None:
        display.chart(class_shares(model.card.class_names, *shares), "class-shares")
