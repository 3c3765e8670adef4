-- Which of an environment's containers wrote a line: empty for the first one, `r2` for its second replica, `new` and `old` for
-- those that an update brings and leaves. Each is copied from where its own last line was.

ALTER TABLE log_lines
    ADD COLUMN source  text NOT NULL DEFAULT '' CHECK (source ~ '^(|new|old|r[1-9][0-9]*)$');
CREATE INDEX log_lines_by_source ON log_lines (environment_id, source, id);
