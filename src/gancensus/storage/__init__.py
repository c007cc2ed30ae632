"""Every file that is opened: tables, samples, models, users' files; their schemas."""
