"""Hooks for the configuration file of Gunicorn: every worker has telemetry, every request is a sample.

``globals().update(hooks("telemetry"))`` in ``gunicorn.conf.py``, or import the four functions by name: then
the directory is that in the environment variable ``STEM_TELEMETRY_DIRECTORY``, or ``telemetry``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from stem_device import telemetry
from stem_device.telemetry.middleware import Label, request_label

DIRECTORY_VARIABLE = "STEM_TELEMETRY_DIRECTORY"
DEFAULT_DIRECTORY = "telemetry"

_SAMPLE = "duration_sample_id"


def hooks(
    monitoring_dir: str | os.PathLike[str] | None = None,
    *,
    label: Label = request_label,
    with_runtime: bool = True,
    **settings: Any,
) -> dict[str, Callable[..., None]]:
    """The four hooks by name, with settings as :func:`stem_device.telemetry.start` takes them."""

    def post_worker_init(worker: Any) -> None:  # noqa: ARG001 - Gunicorn counts them
        directory = monitoring_dir or os.environ.get(DIRECTORY_VARIABLE) or DEFAULT_DIRECTORY
        telemetry.start(directory, with_runtime=with_runtime, **settings)

    def pre_request(worker: Any, req: Any) -> None:  # noqa: ARG001
        setattr(req, _SAMPLE, telemetry.start_duration_sample())

    def post_request(worker: Any, req: Any, environ: Any, resp: Any) -> None:  # noqa: ARG001
        telemetry.stop_duration_sample(label(req.path, req.method), getattr(req, _SAMPLE, ""))

    def worker_exit(server: Any, worker: Any) -> None:  # noqa: ARG001
        telemetry.stop()

    made = (post_worker_init, pre_request, post_request, worker_exit)
    return {hook.__name__: hook for hook in made}


_default = hooks()
post_worker_init = _default["post_worker_init"]
pre_request = _default["pre_request"]
post_request = _default["post_request"]
worker_exit = _default["worker_exit"]
