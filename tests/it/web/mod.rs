//! The pages, used as people and strangers use them.

mod accounts;
mod forms;
mod full_disk;
mod home;
mod letters;
mod login;
mod mails;
mod old_links;
mod pricing;
mod production;
mod roles;
mod signup;
mod slow;
mod strangers;
mod traffic;
