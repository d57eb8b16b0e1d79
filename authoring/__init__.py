"""Authoring: from lessons and answers to everything students and instructors get.

``python -m authoring build`` makes the notebooks, the stub scripts, the public evidence and the worked
notebooks; ``python -m authoring release`` makes the student zip.
"""
