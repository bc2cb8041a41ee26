"""Prints, as JSON, the classes of a module and the arguments of their methods; for any interpreter.

`tell_signatures.py MODULE`: {class: {method: [[name, default or null], ...]}}.
"""

import importlib
import inspect
import json
import sys


def told(method):
    parameters = inspect.signature(method).parameters.values()
    return [
        [one.name, None if one.default is one.empty else repr(one.default)]
        for one in parameters
        if one.name != "self"
    ]


def main(module):
    found = {}
    for name, kind in vars(importlib.import_module(module)).items():
        if inspect.isclass(kind) and not issubclass(kind, Exception):
            members = inspect.getmembers(kind, inspect.isfunction)
            found[name] = {key: told(one) for key, one in members if key[0] != "_"}
            plain = not inspect.isfunction(kind.__init__)  # that of `object`
            found[name]["__init__"] = [] if plain else told(kind.__init__)
    print(json.dumps(found))


main(sys.argv[1])
