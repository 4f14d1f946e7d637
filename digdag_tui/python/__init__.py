"""What runs inside a `py>` task's own interpreter: standard library only, Python 3.7 and later."""
