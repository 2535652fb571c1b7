"""Validations of migrations, and the certificates made from them.

`runs` makes, runs and ends them, `worker` does so in the background, `progress` says how far one is,
`serialization` is how one is stored and shown, and `certificates` issues, serves and revokes.
"""
