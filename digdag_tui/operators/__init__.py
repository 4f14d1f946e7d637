"""Operators: one module an operator; `base` is all an operator knows of the engine."""
