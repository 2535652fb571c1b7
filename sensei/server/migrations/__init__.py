"""The life of a migration, from its creation to its rollback.

`state_machine` is the table of what may happen, `lifecycle` carries every change of status out. `supervisor` finds work
and takes its `lease`; `worker` does it: `planning`, phases with the engine (`engine_jobs` in, `journal` and `control`
while it runs), `record_retries`, `rollbacks`. `scheduler` starts and pauses by the clock. `answers`, `progress`,
`event_log` and `event_streams` show what became of it.
"""
