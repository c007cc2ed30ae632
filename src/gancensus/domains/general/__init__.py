"""Plug-ins that suit any kind of samples."""
