"""What nobody would write on purpose: inputs made up by hypothesis and by atheris, and what is true of every one."""
