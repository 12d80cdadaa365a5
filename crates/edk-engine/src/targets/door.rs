use std::time::SystemTime;

use edk_model::Secret;
use edk_target::{SessionCookies, Trust};

use super::book::Book;
use crate::{Engine, EngineError};

/// The front door of a target, as a window needs it in which a user logs in.
#[derive(Debug, Clone)]
pub struct FrontDoor {
    /// Name of the target.
    pub name: String,
    /// Address of its start page, from where it leads to its login.
    pub url: String,
    trust: Trust,
    now: fn() -> SystemTime,
}

impl Engine {
    /// Returns the front door of a target; sends nothing.
    ///
    /// # Errors
    /// [`EngineError::NoTarget`], also for the sandbox of this machine, which has no login.
    pub fn front_door(&self, name: &str) -> Result<FrontDoor, EngineError> {
        let mut book = Book::read(&self.setup.data)?;
        let record = book.find_mut(name)?;
        let (name, url) = (record.name.clone(), record.url.clone());
        Ok(FrontDoor { name, url, trust: record.trust.trust()?, now: self.setup.now })
    }
}

impl FrontDoor {
    /// Returns the host of an address; empty for one that is none.
    pub fn host(address: &str) -> String {
        let address = url::Url::parse(address).ok();
        address.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned()
    }

    /// Returns the host of an address if the user believes the certificates (DER, the server's own
    /// first) that it shows and this machine does not believe: none but the target's is believed so.
    pub fn believed(&self, address: &str, chain: &[Vec<u8>]) -> Option<String> {
        let host = Self::host(address);
        let is_own = host == Self::host(&self.url);
        (is_own && self.trust.believes(chain, &host, (self.now)())).then_some(host)
    }

    /// Picks the session out of a window's cookies, pairs of name and value, as a login takes it
    /// ([`crate::LoginWay::Cookies`]); `None` while nobody has logged in.
    pub fn session<'a>(
        &self,
        cookies: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Secret> {
        Some(SessionCookies::among(cookies, (self.now)())?.header())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_targets_own_host_is_believed() {
        let door = FrontDoor {
            name: "ward".to_owned(),
            url: "https://kaapana.example.org:8443".to_owned(),
            trust: Trust::Anything,
            now: SystemTime::now,
        };
        let chain = [b"a certificate".to_vec()];
        let own = "https://kaapana.example.org:8443/auth";
        assert_eq!(door.believed(own, &chain).as_deref(), Some("kaapana.example.org"));
        assert_eq!(door.believed("https://login.example.org/", &chain), None);
        assert_eq!(door.believed("no address", &chain), None);
        let system = FrontDoor { trust: Trust::System, ..door.clone() };
        assert_eq!(system.believed(own, &chain), None);
        assert!(door.session([("Project", "x")]).is_none());
        assert!(door.session([("Project", "x"), ("_oauth2_proxy", "y")]).is_some());
    }
}
