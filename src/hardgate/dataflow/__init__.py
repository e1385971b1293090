"""Follows request data through Python source code: a scanner of our own, started as a process of its own.

It reads the syntax trees of all files, never imports them, and runs each function on abstract values: what may come
from a request, which constants a variable may hold, which function or class a name means. Calls of functions of the
project are followed, also through classes, containers, closures and other modules; checks and conversions on the way
count where they really help.

    values.py       what is known of a value
    project.py      files, modules, classes, functions
    frame.py        one function being run
    statements.py, expressions.py, calls.py, guards.py, texts.py   what Python's syntax means for values
    externals.py    what functions from outside the project give back
    web.py          who answers requests, and what in them comes from outside
    families/       what may not be done with such data: one module for each family of weaknesses
    report.py       findings, and the JSON that is written
"""
