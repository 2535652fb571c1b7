"""Webhooks: which events an endpoint wants, what is sent to it, and a durable queue that keeps trying.

`outbox` notes events with the change they tell about, `patterns` decides who wants one, `signing` what a delivery
looks like on the wire, `addresses` where one may go, `sender` makes one attempt, `queue` is the durable part and
`dispatcher` works it off.
"""
