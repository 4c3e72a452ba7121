//! Changes of one member while calls run. They are changes of the policy in force: the next
//! [`Registry::reconfigure`] replaces them.

use std::sync::{Arc, PoisonError};

use crate::policy::{Member, Policy};

use super::Registry;

/// Why a change was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Nobody has that name.
    #[error("there is no application of that name")]
    UnknownApplication,
    /// Somebody has that name.
    #[error("there is an application of that name")]
    NameTaken,
    /// There is no such pool.
    #[error("there is no pool of that name")]
    UnknownPool,
    /// It is no canary.
    #[error("the application is no canary")]
    NoCanary,
    /// More than all.
    #[error("a percentage is at most 100")]
    NotAPercentage,
}

impl Registry {
    /// Adds an application to `pool`, whatever `member` says about that.
    ///
    /// # Errors
    /// The policy has one of that name, or no such pool.
    pub fn add(&self, pool: &str, member: Member) -> Result<(), ChangeError> {
        self.edit(|policy| {
            if policy.applications.iter().any(|m| m.name == member.name) {
                return Err(ChangeError::NameTaken);
            }
            let pool = policy.pools.iter().position(|known| *known.name == *pool);
            let pool = pool.ok_or(ChangeError::UnknownPool)?;
            policy.applications.push(Member { pool, ..member });
            Ok(())
        })
    }

    /// Removes an application: it gets no new questions on the connections that it has, and is not
    /// dialled any more.
    ///
    /// # Errors
    /// Nobody has that name.
    pub fn remove(&self, name: &str) -> Result<(), ChangeError> {
        let connections: Vec<_> = {
            let members = self.read();
            let member = members.named(name).ok_or(ChangeError::UnknownApplication)?;
            let entries = members.connections(member);
            entries.map(|e| Arc::clone(&e.application)).collect()
        };
        for application in connections {
            application.drain();
        }
        self.edit(|policy| {
            policy.applications.retain(|member| *member.name != *name);
            Ok(())
        })
    }

    /// No new questions for an application; those in flight are waited for.
    ///
    /// # Errors
    /// Nobody has that name.
    pub fn drain(&self, name: &str) -> Result<(), ChangeError> {
        self.edit_member(name, |member| {
            member.draining = true;
            Ok(())
        })
    }

    /// The end of [`Registry::drain`].
    ///
    /// # Errors
    /// Nobody has that name.
    pub fn resume(&self, name: &str) -> Result<(), ChangeError> {
        self.edit_member(name, |member| {
            member.draining = false;
            Ok(())
        })
    }

    /// Gives an application another share of the work.
    ///
    /// # Errors
    /// Nobody has that name.
    pub fn reweight(&self, name: &str, weight: u32) -> Result<(), ChangeError> {
        self.edit_member(name, |member| {
            member.weight = weight;
            Ok(())
        })
    }

    /// Gives an application just this percentage of the calls, or its share of the work again. A
    /// shadow that is given some is none any more.
    ///
    /// # Errors
    /// Nobody has that name, or it is more than 100.
    pub fn set_canary(&self, name: &str, percentage: Option<u8>) -> Result<(), ChangeError> {
        if percentage.is_some_and(|percentage| percentage > 100) {
            return Err(ChangeError::NotAPercentage);
        }
        self.edit_member(name, |member| {
            member.shadow = member.shadow.filter(|_| percentage.is_none());
            member.canary = percentage;
            Ok(())
        })
    }

    /// Lets an application only look on, at this percentage of the questions, or decide again.
    ///
    /// # Errors
    /// Nobody has that name, or it is more than 100.
    pub fn set_shadow(&self, name: &str, percentage: Option<u8>) -> Result<(), ChangeError> {
        if percentage.is_some_and(|percentage| percentage > 100) {
            return Err(ChangeError::NotAPercentage);
        }
        self.edit_member(name, |member| {
            member.canary = member.canary.filter(|_| percentage.is_none());
            member.shadow = percentage;
            Ok(())
        })
    }

    /// Makes a canary a full member.
    ///
    /// # Errors
    /// Nobody has that name, or it is no canary.
    pub fn promote(&self, name: &str) -> Result<(), ChangeError> {
        self.edit_member(name, |member| {
            member.canary.take().ok_or(ChangeError::NoCanary)?;
            Ok(())
        })
    }

    fn edit_member(
        &self,
        name: &str,
        edit: impl FnOnce(&mut Member) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        self.edit(|policy| {
            let known = policy.applications.iter().position(|m| *m.name == *name);
            let at = match known {
                Some(at) => at,
                None => {
                    policy.applications.push(self.connected(name, policy)?);
                    policy.applications.len() - 1
                }
            };
            let member = policy.applications.get_mut(at);
            edit(member.ok_or(ChangeError::UnknownApplication)?)
        })
    }

    /// One that dialled in under a name of its own, as the policy would name it.
    fn connected(&self, name: &str, policy: &Policy) -> Result<Member, ChangeError> {
        let members = self.read();
        let member = members.named(name).ok_or(ChangeError::UnknownApplication)?;
        let settings = member.settings();
        let pool = policy.pools.iter().position(|p| p.name == settings.pool);
        Ok(Member {
            name: Arc::clone(&member.name),
            pool: pool.ok_or(ChangeError::UnknownPool)?,
            weight: settings.weight,
            canary: settings.canary,
            shadow: settings.shadow,
            max_in_flight: None,
            draining: settings.draining,
            dial: None,
        })
    }

    fn edit(
        &self,
        edit: impl FnOnce(&mut Policy) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut policy = Policy::clone(&self.read().policy);
        edit(&mut policy)?;
        self.exchange(Arc::new(policy));
        Ok(())
    }
}
