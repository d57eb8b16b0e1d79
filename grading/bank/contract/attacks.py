"""Attacks and mishaps that live in the scripts of the contract unit."""
