"""The other end of docs_session.PythonSession: runs blocks of code in one namespace.

Each line of standard input is JSON ``[file name, code]``, each line of standard output JSON
``[what was printed, error]``. What Tango's own threads print goes to the block that runs at that moment; what
processes print that a block has started goes to standard error.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import sys
import traceback


def main() -> None:
    # What is defined in a block is in no module that a process of another kind (Python 3.14) could import.
    multiprocessing.set_start_method("fork")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for line in sys.stdin:
        name, code = json.loads(line)
        printed = sys.stdout = io.StringIO()
        error = ""
        try:
            exec(compile(code, name, "exec"), namespace)
        except BaseException:  # noqa: BLE001 - told to the test, which fails by it
            error = traceback.format_exc()
        answers.write(json.dumps([printed.getvalue(), error]) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
