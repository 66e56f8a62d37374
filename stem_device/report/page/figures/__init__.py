"""The figures of the page, one a file: each makes a plotly figure of findings, or says why there is none."""
