"""Exceptions, as pure functions: waivers, VEX, baselines, inline suppressions, and what weakens a policy.

A file is read by `waivers`, `vex` or `baseline` into records of one shape (allowances.Waiver); `applying` says which
findings they cover; `inline` finds the comments that silence tools; `weakening` compares two pipelines.
"""
