"""Parts of networks that more than one plug-in uses."""
