"""The jinja2 engine: `sandbox` says what a template may do, `filters` what it can call, `problems` puts an error in its
place, `engine` renders the files of a step. docs/howto/templates-jinja2.md is its page.

Runs in a worker of the renderer only, on templates and values that we did not write.
"""
