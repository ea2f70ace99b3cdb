"""The command line: main.py lists the verbs, a noun is a file. Heavy imports happen inside the verbs."""
