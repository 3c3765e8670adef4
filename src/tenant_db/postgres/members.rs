//! Login roles of replicas: members of the role that owns everything in a database, each with a password of its own, so
//! that one container can be shut out while the others go on.

use super::{
    EVER, Postgres, QUICK, SLOW, TENANT_DEFAULTS, end_sessions_begun_before_now, is_database, is_role, quiet, run,
    within,
};
use crate::base::secret::Secret;
use crate::tenant_db::{DatabaseName, Error, Member, Result, RoleName, scram};

impl Postgres {
    /// In one transaction: a role that is there is complete.
    pub(in crate::tenant_db) async fn create_member(&self, member: &Member) -> Result<()> {
        let Member { role: member, owner, database } = member;
        within(QUICK, async {
            let mut tx = self.pool.begin().await?;
            if is_role(&mut tx, member).await? {
                return Ok(());
            }
            let rights = "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION";
            run(&mut tx, format!("CREATE ROLE {member} {rights}")).await?;
            run(&mut tx, format!("COMMENT ON ROLE {member} IS '{} role'", self.sign_prefix().trim_end())).await?;
            run(&mut tx, format!("GRANT {owner} TO {member}")).await?;
            run(&mut tx, quiet(member)).await?;
            // Each session acts as the owner from its first statement on: tables that it makes are the owner's.
            run(&mut tx, format!("ALTER ROLE {member} IN DATABASE {database} SET role = '{owner}'")).await?;
            for (name, value) in TENANT_DEFAULTS {
                run(&mut tx, format!("ALTER ROLE {member} IN DATABASE {database} SET {name} = '{value}'")).await?;
            }
            run(&mut tx, format!("GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {member}")).await?;
            tx.commit().await
        })
        .await
    }

    /// The oldest order of all: whatever was ordered of it later stays in force.
    pub(in crate::tenant_db) async fn admit_member(
        &self,
        member: &RoleName,
        password: &Secret<String>,
        connections: u32,
    ) -> Result<()> {
        let verifier = scram::verifier(password.expose());
        let mut is_there = false;
        self.order(member, 0, |exists| {
            is_there = exists;
            let open = format!("ALTER ROLE {member} LOGIN CONNECTION LIMIT {connections} PASSWORD '{verifier}'");
            if exists { vec![open] } else { Vec::new() }
        })
        .await?;
        if is_there { Ok(()) } else { Err(Error::NotFound(format!("there is no role {member}").into())) }
    }

    pub(in crate::tenant_db) async fn drop_member(&self, member: &RoleName, database: &DatabaseName) -> Result<()> {
        let is_there = within(QUICK, async { is_role(&mut *self.pool.acquire().await?, member).await }).await?;
        if !is_there {
            return Ok(());
        }
        self.fence(member, EVER).await?;
        // One that had proved the password before the door was closed may show itself only now.
        within(SLOW, async { end_sessions_begun_before_now(&mut *self.pool.acquire().await?, member).await }).await?;
        let dropped = within(QUICK, async {
            let mut tx = self.pool.begin().await?;
            if is_database(&mut tx, database).await? {
                run(&mut tx, format!("REVOKE ALL ON DATABASE {database} FROM {member}")).await?;
            }
            run(&mut tx, format!("DROP ROLE IF EXISTS {member}")).await?;
            tx.commit().await
        })
        .await;
        match dropped {
            // A tenant may have granted it something in its own database: it stays, locked out, until that database goes.
            Err(Error::Rejected(why)) => {
                tracing::debug!(%member, %why, "a replica's role stays, locked out");
                Ok(())
            }
            done => done,
        }
    }
}
