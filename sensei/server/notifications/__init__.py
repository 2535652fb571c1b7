"""Notifications: what happens to a migration, told to people by e-mail and in Slack.

`queue` turns events into durable messages and keeps track of them, `wording` says what a message says, `mail` and
`slack` make one attempt each, and `courier` works the queue off.
"""
