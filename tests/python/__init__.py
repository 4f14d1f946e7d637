"""What runs inside the interpreter of a `py>` task."""
