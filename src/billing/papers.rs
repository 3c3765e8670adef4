//! The job that makes a final document's papers and sends them.

use serde::{Deserialize, Serialize};

use crate::base::ids::DocumentId;
use crate::queue::Job;

/// Makes the papers of a final document and mails them. Done again, it changes nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MakePapers {
    /// Which document.
    pub document: DocumentId,
}

impl Job for MakePapers {
    const KIND: &'static str = "make_papers";
}
