"""What a run takes before anything runs: jobs, bytes, time and memory, rule by rule."""
