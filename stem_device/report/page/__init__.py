"""The report of a recording as one HTML page: computed (arrays), then drawn (plotly), then written (HTML)."""
