"""Every file that is opened: tables, samples, models, what users bring; their schemas."""
