"""`make bench`: the program beside other ways to the same URL, in one run."""
