"""What a plug-in is, what samples and columns are; errors and seeds."""
