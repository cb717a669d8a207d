//! `GET /v1/whoami`: who the caller is and what it may do, read from the policy that judges it.

use crate::domain::event::Act;
use crate::domain::{Id16, Timestamp};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Done, Plan};
use crate::vault::refusal::{Refusal, RuleName};
use crate::vault::subject_view::fresh;

/// What `GET /v1/whoami` shows.
pub struct Whoami {
    /// The client's name.
    pub client: String,
    /// The key's id.
    pub key: Option<Id16>,
    /// When the key ends.
    pub expires_at: Option<Timestamp>,
    /// (purpose, field, plain | masked | write | search | verify).
    pub grants: Vec<(String, String, &'static str)>,
    /// Acts.
    pub acts: Vec<String>,
}

impl Vault {
    /// Describes the caller to itself.
    pub async fn whoami(&self, caller: &Caller, call: &Call) -> Result<Done<Whoami>, Refusal> {
        let policy = caller.policy().clone();
        let draft = Draft::new(caller, call, Act::Whoami);
        if let Err(denial) = policy.judge_asker(&caller.asker()) {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, None, draft, refusal, denial.all).await);
        }
        let grants = policy.grants_of(caller.client()).into_iter().filter_map(|(purpose, field, how)| {
            Some((
                policy.purpose_name(purpose)?.to_owned(),
                policy.field_facts(field)?.full_name.clone(),
                how,
            ))
        });
        let answer = Whoami {
            client: caller.name().to_owned(),
            key: caller.key_id(),
            expires_at: caller.key_expires_at(),
            grants: grants.collect(),
            acts: policy.acts_of(caller.client()).into_iter().map(str::to_owned).collect(),
        };
        let mut answer = Some(answer);
        let concluded = self
            .run(caller, call, draft, |_| Ok(Plan::answer(answer.take().ok_or(Refusal::Overloaded)?)))
            .await?;
        fresh(concluded)
    }
}
