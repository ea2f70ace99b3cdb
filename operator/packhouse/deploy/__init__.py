"""Stage 3: look at what is live, and carry out a plan. Called by reconcile/ with the install's own identity.

Nothing is decided here: what to do and why stands in the plan (domain/plan.py). Never writes status.
"""
