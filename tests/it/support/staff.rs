//! The hosting company's own people at the portal.

use sayoo::base::ids::StaffId;
use sayoo::base::secret::{new_token, token_hash};
use sayoo::staff::Stage;

use super::browser::{Browser, Page};
use super::portal::World;

impl World {
    /// One of the hosting company's own people, logged in with both factors.
    pub async fn staff(&self) -> StaffPerson {
        self.staff_at(Stage::Complete).await
    }

    /// The same, as far as this stage of the login.
    pub async fn staff_at(&self, stage: Stage) -> StaffPerson {
        let (id, token, now) = (StaffId::new(self.portal.clock.now()), new_token(), self.portal.clock.now());
        let enrolled_at = (stage != Stage::MustEnrol).then_some(now);
        sqlx::query!(
            "INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, totp_confirmed_at, created_at)
             VALUES ($1, $2, $2, 'Sam', '', 'en', '', $4, $3)",
            id.uuid(),
            format!("{id}@example.com"),
            now,
            enrolled_at
        )
        .execute(&self.db)
        .await
        .unwrap();
        sqlx::query!(
            "INSERT INTO staff_sessions (id, token_hash, staff_id, is_complete, created_at, seen_at, expires_at, user_agent, address)
             VALUES ($1, $2, $1, $4, $3::timestamptz, $3::timestamptz, $3::timestamptz + interval '12 hours', 'test', '192.0.2.2')",
            id.uuid(),
            token_hash(token.expose()),
            now,
            stage == Stage::Complete
        )
        .execute(&self.db)
        .await
        .unwrap();
        StaffPerson { browser: Browser::with_cookie(&self.url, &format!("sayoo-staff={}", token.expose())) }
    }
}

/// One of the hosting company's own people with a browser.
pub struct StaffPerson {
    pub browser: Browser,
}

impl StaffPerson {
    /// Asks for a page.
    pub async fn get(&self, path: &str) -> Page {
        self.browser.get(path).await
    }

    /// Sends a form, with the token of one of the staff's pages.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.get("/staff").await.attribute("input[name=csrf]", "value");
        self.browser.post_raw(path, &[&[("csrf", token.as_str())], fields].concat()).await
    }
}
