-- Members whose settling panicked: the sweeper leaves them out. Empty as a rule.

CREATE INDEX members_parked ON members (owner_id) WHERE parked <> 0;
