-- What was wanted when the subject was last looked at: when it differs now, the subject is due at once.
ALTER TABLE turns ADD COLUMN marker text NOT NULL DEFAULT '';
