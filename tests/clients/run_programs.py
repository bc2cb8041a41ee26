"""Runs programs in one process of a client's own interpreter: `run_programs.py FOLDER [MODULE]`.

MODULE replaces `clarifai.rest` in their imports, which is the line that a user changes. Written
for old and new interpreters alike; it is no part of the test session.
"""

import sys
import traceback
from pathlib import Path


def main(folder: str, module: str = "clarifai.rest") -> int:
    failed = 0
    for program in sorted(Path(folder).glob("*.py")):
        text = program.read_text(encoding="utf-8").replace("from clarifai.rest ", f"from {module} ")
        try:
            exec(compile(text, str(program), "exec"), {"MENDED": module != "clarifai.rest"})
        except Exception:  # noqa: BLE001 - each program is told of, and the next one runs
            failed += 1
            print(f"--- {program.name}")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok {program.name}")
    return failed


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
