"""Params: layers with their origins, `${...}` templates, built-in variables, secrets."""
