"""Arrays → Plotly figures."""
