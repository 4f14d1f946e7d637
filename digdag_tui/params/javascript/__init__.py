"""The JavaScript of templates: ECMAScript 5 as Digdag's engine runs it, on QuickJS (core 6.5)."""
