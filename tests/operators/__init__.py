"""Operators, called as the engine calls them."""
