"""Texts for people: help, explanations of errors, redaction. Imported only when needed."""
