"""The reference of the app's benchmarks: the same map in a page of plain Streamlit.

`python -m streamlit run tests/benchmarks/plain_app.py`: one scatter, one header, one picture,
everything rerun at every click. The model is named in the link: `?model=mnist-2d-beta-1`.
"""

from pathlib import Path

import plotly.graph_objects as go
import streamlit as st
import torch

from models.storage.checkpoint import read, restore

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"


@st.cache_resource
def load(name):
    checkpoint = read(CHECKPOINTS / f"{name}.safetensors")
    return restore(checkpoint), checkpoint.codes


model, codes = load(st.query_params["model"])
figure = go.Figure()
for label in range(10):
    members = (codes.labels == label).nonzero()[0]
    x, y = codes.mean[members, :2].T
    figure.add_scattergl(x=x, y=y, mode="markers", customdata=members[:, None], name=str(label))
figure.update_layout(height=560, dragmode="pan", clickmode="event+select")
left, right = st.columns([3, 2])
event = left.plotly_chart(figure, key="map", on_select="rerun", selection_mode="points")
for point in event.selection.points:
    number = int(point["customdata"]["0"])
    right.subheader(f"Image {number}")
    with torch.no_grad():
        image = model.decode(torch.tensor(codes.mean[number : number + 1]))
    right.image(image[0, 0].numpy(), "Decoded mean", 200)
