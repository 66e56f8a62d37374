"""The other end of docs_session.PythonSession: runs blocks of code in one namespace.

Each line of standard input is JSON ``[file name, code]``, each line of standard output JSON
``[what was printed, error]``. What Tango's own threads print goes to the block that runs at that moment.
"""

from __future__ import annotations

import io
import json
import sys
import traceback


def main() -> None:
    answers = sys.stdout
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
