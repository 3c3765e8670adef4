//! The pages, used as people and strangers use them.

mod accounts;
mod forms;
mod home;
mod login;
mod mails;
mod roles;
mod signup;
mod slow;
mod strangers;
mod traffic;
