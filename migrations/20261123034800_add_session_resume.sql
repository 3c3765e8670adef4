-- A login that ended in the middle of an order: where its person goes on after logging in again, with everything typed.
-- Only the same person is led there, and only by the cookie of the login that ended.
ALTER TABLE sessions
    ADD COLUMN resume_path text CHECK (length(resume_path) <= 4000)
  , ADD COLUMN resume_since timestamptz
  , ADD CONSTRAINT sessions_resume_whole CHECK ((resume_path IS NULL) = (resume_since IS NULL));
