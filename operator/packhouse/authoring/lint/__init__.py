"""What is wrong with a package, or may be soon: rules, each with a level, and findings with their places.

`findings.RULES` lists the rules; `judge.CHECKS` the rooms that look for them. A check is a function from a Subject to
findings; it says only what is surely so, and what it cannot know it leaves alone.
"""
