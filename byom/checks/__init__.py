"""Checks of exercises: challenge, probe, judge.

A notebook says ``from byom.checks.<unit> import check``. What belongs to all units is here; what one unit's
exercises must show is in the module of that name.
"""
