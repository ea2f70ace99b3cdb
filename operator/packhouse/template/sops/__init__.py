"""The step `sops`: files that sops encrypted for age keys become plain files for the steps after it.

`engine` is the step: which files, and what they are called afterwards. `keys` opens the data key with the private
keys of a Secret, `metadata` reads what sops wrote beside the content, `opening` decrypts values and keeps the sum over
all of them; `yaml_file`, `json_file` and `dotenv_file` know the forms. Ciphers are those of libraries.

Promise: no message holds a value, a key or a foreign library's words; a file whose sum is wrong gives nothing.
"""
