"""The step `sops`: files that sops encrypted for age keys become plain files for the steps after it."""
