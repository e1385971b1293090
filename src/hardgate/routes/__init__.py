"""The route table of a tree: which function answers a request, read from the source of Flask, FastAPI and Django.

Syntax trees are read; nothing of the tree is imported or run. What cannot be read is told, and never guessed: an
endpoint then has no handler here.

    templates.py    path templates, and whether a path fits one
    modules.py      files as syntax trees, and the names that they bind
    sources.py      what these names mean
    containers.py   applications, blueprints, routers, and the prefixes they are mounted under
    decorated.py    routes of Flask and FastAPI
    django.py       routes of Django
    matching.py     an endpoint to its route
"""

from hardgate.routes.matching import about, match
from hardgate.routes.reading import read

__all__ = ["about", "match", "read"]
