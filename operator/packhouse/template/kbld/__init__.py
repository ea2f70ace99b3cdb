"""The step `kbld`: image references of what was rendered become those that the bundle was locked to."""
