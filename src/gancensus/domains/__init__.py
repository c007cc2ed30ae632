"""Kinds of data and of questions: a package each, with its plug-ins, its science and its figures."""
