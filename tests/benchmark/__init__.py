"""`make bench`: compare the program with other ways to sign the same URL."""
