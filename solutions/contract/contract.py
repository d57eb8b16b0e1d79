"""Answers to the notebook's exercises of the contract unit."""
