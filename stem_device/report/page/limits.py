"""How much the page shows. What is beyond is summed up or left out, and the page says so."""

TIME_BINS = 240
"""Steps of every time axis, at most."""
LOSSY_SUBSCRIPTIONS = 40
"""Rows of the figure of losses."""
LAGGING_SUBSCRIPTIONS = 8
"""Lines of the figure of lags: more are not told apart."""
PROCESS_LABELS = 6
"""Labels of telemetry with a line of their own, and as many kinds of pauses and lags."""
SERVERS = 60
"""Rows of the heat map."""
GRAPH_SERVERS = 30
"""Publishers, and as many subscribers, in the graph."""
PHASE_LANES = 12
"""Runs side by side in the figure of losses."""
PHASES = 600
"""Stages of runs drawn in the figure of losses."""
RUNS_A_PAGE = 20
RUNS = 2000
"""Runs whose stages are drawn."""
STAGE_KINDS = 15
"""Kinds of stages that are told apart."""
NOT_COVERED = 200
"""Sentences about what is not covered."""
TABLE_ROWS = 1000
"""Rows of each table."""
CAUSES = 20
"""Sentences about causes under the headline."""
