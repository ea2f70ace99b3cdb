"""kapp's own words, for packages that are written in them: annotations, Config, versions, options of `kapp deploy`.

Promise: pure, as all of domain/; nothing here runs kapp or needs it. docs/spec/kapp.md says which words are honoured.
"""
