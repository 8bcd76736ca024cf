"""The audit of a model as one HTML file: it asks nothing of any network and runs no script."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from explorer.figures.theme import PALETTE
from explorer.report.tables import latents, scores
from explorer.widgets.pictures import sheet, to_png
from explorer.words import GREY, words
from models.audit.audit import Audit
from models.audit.checks import Check
from models.devices import device_of
from models.latents.planes import coordinate_plane, pca_plane

TEMPLATE = Path(__file__).with_name("report.html")
STYLE = Path(__file__).with_name("report.css")
SHOWN = 10
"""Test images in a row."""
PRIOR = 20
"""Decoded draws of the prior."""
POINTS = 1500
"""Codes on the map of the page, the first ones."""
PRIOR_REACH = 3.0
"""Standard deviations of the prior that its map shows at least."""
SIDE = 420
"""Of the map, in pixels."""
_PLACE = re.compile("<!-- ([a-z]+) -->")


def report_page(audit: Audit, command: str = "") -> bytes:
    """Writes an audit as one HTML file.

    Args:
        audit: Of a model.
        command: How it was made.

    Returns:
        HTML, UTF-8; every text of the model and its data is escaped.
    """
    card, found = audit.subject.card, audit.evidence
    page = TEMPLATE.read_text(encoding="utf-8")
    parts = {
        "style": STYLE.read_text(encoding="utf-8"),
        "title": _text(f"{words(card.data_name)} · {card.title}"),
        "about": _text(_about(audit)),
        "state": "fault" if audit.faults else "good",
        "verdict": _text(audit.verdict),
        "checks": "\n".join(map(_check, audit.checks)),
        "scores": "\n".join(map(_row, scores(audit))),
        "latents": _latents(audit),
        "pictures": _pictures(audit),
        "notes": "".join(f"<li>{_text(note)}</li>" for note in _notes(audit)),
        "count": f"{found.images:,}",
        "command": _text(command),
    }
    return _PLACE.sub(lambda place: parts[place[1]], page).encode()


def _text(given: str) -> str:
    return html.escape(given)


def _about(audit: Audit) -> str:
    """What was audited, in one line."""
    config, found = audit.subject.config, audit.evidence
    family = "Custom model" if audit.subject.is_custom else words(config.model.family)
    shape = " × ".join(map(str, config.model.image_shape))
    latent = "latent" if found.latents == 1 else "latents"
    return (
        f"{family} · {found.latents} {latent} · {words(config.model.likelihood)} · "
        f"{found.images:,} test images of {shape}"
    )


def _check(check: Check) -> str:
    """A question with its answer."""
    state = "fault" if check.fault else "good" if check.is_known else "unknown"
    mark = {"fault": "Fault", "good": "No fault", "unknown": "Not known"}[state]
    change = f'<p class="change"><b>What would change this:</b> {_text(check.change)}</p>'
    return (
        f'<article class="{state}"><h3>{_text(check.question)}</h3>'
        f'<p class="answer"><span class="mark">{mark}</span> {_text(check.answer)}</p>'
        f"<p>{_text(check.because)}</p>{change if check.change else ''}</article>"
    )


def _row(cells: Iterable[str]) -> str:
    name, *others = map(_text, cells)
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{each}</td>" for each in others)}</tr>'


def _latents(audit: Audit) -> str:
    """The table of the latents; empty for a model without a posterior."""
    if not audit.evidence.use:
        return ""
    head = (
        "Latent", "", "Rate KL, nats/image", "Var of μ (prior: 1)",
        "Worth: rise of D without it, nats/image", "Response (white is 1)",
    )  # fmt: skip
    rows = []
    for name, cells, share in latents(audit):
        bar = f'<td class="bar"><i style="width:{100 * share:z.1f}%"></i></td>'
        tail = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{name}</th>{bar}{tail}</tr>')
    titles = "".join(f'<th scope="col">{title}</th>' for title in head)
    return (
        "<h2>Every latent</h2><p>± is half a 95 % interval over the images. Worth: by how much D "
        "rises if the latent is drawn from the prior instead. Response: the largest change of any "
        "pixel as the latent goes from −3 to 3, the others as they are for an image.</p>"
        f'<div class="wide"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


@torch.no_grad()
def _pictures(audit: Audit) -> str:
    """Reconstructions, decoded draws of the prior, and the codes."""
    model, images = audit.subject.model, audit.subject.images
    device = device_of(model)
    first = torch.tensor(images.images[:SHOWN])
    mean, log_variance = model.encode(first.to(device))
    rows = np.concatenate([first.numpy(), model.decode(mean).cpu().numpy()])
    shown = _figure(sheet(rows, len(first), 48, 2), "Test images, and each decoded from its mean μ")
    if log_variance is not None:
        z = torch.randn(PRIOR, model.latent_dim, generator=torch.Generator().manual_seed(0))
        drawn = sheet(model.decode(z.to(device)).cpu().numpy(), PRIOR // 2, 48, 2)
        shown += _figure(drawn, f"Decoded means of {PRIOR} draws of the prior")
    return shown + _map(audit)


def _figure(picture: np.ndarray, caption: str) -> str:
    data = base64.b64encode(to_png(picture)).decode()
    height, width, _ = picture.shape
    return (
        f'<figure><img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'alt="{caption}"><figcaption>{caption}.</figcaption></figure>'
    )


def _map(audit: Audit) -> str:
    """The means of the first test images in the plane of two latents, or of PCA."""
    model, images = audit.subject.model, audit.subject.images
    few = torch.tensor(images.images[:POINTS], device=device_of(model))
    codes = torch.cat([model.encode(part)[0] for part in few.split(256)]).cpu().numpy()
    if codes.shape[1] == 1:
        return ""
    is_flat = codes.shape[1] == 2
    plane = coordinate_plane(codes, 0, 1) if is_flat else pca_plane(codes)
    places = plane.project(codes)
    home = PRIOR_REACH if audit.evidence.rate is not None else 0.0
    low, high = np.minimum(places.min(0), -home), np.maximum(places.max(0), home)
    middle, reach = (low + high) / 2, max(float((high - low).max()) * 0.53, 1e-9)
    x, y = ((places - middle) / reach * (SIDE / 2)).T
    labels = np.zeros(len(x), int) if images.labels is None else images.labels[: len(x)]
    dots = "".join(
        f'<circle cx="{across:z.1f}" cy="{-up:z.1f}" r="2.2" '
        f'fill="{PALETTE[label % len(PALETTE)]}"/>'
        for across, up, label in zip(x, y, labels.tolist(), strict=True)
    )
    half = SIDE // 2
    axes = "latents z₁ (across) and z₂ (up)" if is_flat else "their first two principal directions"
    caption = (
        f"Means μ of the first {len(x):,} test images in {axes}; the square is "
        f"{2 * reach:z.1f} wide about ({middle[0]:z.1f}, {middle[1]:z.1f})"
    ).replace("-", "−")
    unit = " (prior standard deviations)" if audit.evidence.rate is not None else " (no unit)"
    return (
        f'<figure><svg viewBox="{-half} {-half} {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}" '
        f'role="img" aria-label="Map of the codes">{dots}</svg>'
        f"<figcaption>{caption}{unit}.{_legend(audit)}</figcaption></figure>"
    )


def _legend(audit: Audit) -> str:
    """The colours of the classes."""
    names = audit.subject.images.class_names
    if audit.subject.images.labels is None or not 1 < len(names) <= 2 * len(PALETTE):
        return ""
    parts = (
        f'<span><i style="background:{PALETTE[place % len(PALETTE)]}"></i>{_text(name)}</span>'
        for place, name in enumerate(names)
    )
    return f' <span class="legend">{" ".join(parts)}</span>'


def _notes(audit: Audit) -> list[str]:
    """What must be known to read the numbers."""
    notes = [
        f"{note[0].upper() if note[0].isascii() else note[0]}{note[1:]}."  # β stays β
        for note in audit.subject.notes
    ]
    if audit.subject.config.model.likelihood_properties.is_binary:
        notes.append(GREY)
    if audit.evidence.rate is None:
        notes.append("An autoencoder has no posterior and no rate: it has no −ELBO, no collapse.")
    return notes
