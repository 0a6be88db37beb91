"""Generated inputs, by hypothesis and atheris, and the invariants that hold for every run."""
