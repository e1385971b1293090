"""Evaluates a repository's Rego policies over its JSON and YAML files, with the engine of Open Policy Agent.

A program of its own, like dataflow: the engine is a shared library that the toolbox installs, and a crash, a loop or a
hang of it ends this process and not hardgate. What it writes is read by scanners/opa.py.
"""
