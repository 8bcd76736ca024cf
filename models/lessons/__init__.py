"""Lessons: questions about latent spaces, what measures their answers, and verdicts."""
