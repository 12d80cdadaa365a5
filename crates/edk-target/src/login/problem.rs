use std::fmt;

use oauth2::{
    DeviceCodeErrorResponse, DeviceCodeErrorResponseType,
    basic::{BasicErrorResponse, BasicErrorResponseType},
};

/// Why a login gave no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginProblem {
    /// Neither name nor password, or one of them is wrong.
    WrongPassword,
    /// The account wants something done in a browser first, such as a new password.
    AccountNotReady,
    /// The client's name or secret is wrong.
    WrongClient,
    /// The client may not log in this way.
    WayNotAllowed,
    /// The session has reached its end.
    Expired,
    /// The platform ended the session before its time.
    Revoked,
    /// The user refused, or took too long.
    Denied {
        /// What was said.
        reason: String,
    },
    /// There is no login of Kaapana at this address.
    NoLogin,
    /// Something else.
    Other {
        /// What was said.
        reason: String,
    },
}

impl fmt::Display for LoginProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPassword => f.write_str("the user or the password is wrong"),
            Self::AccountNotReady => {
                f.write_str("the account wants something done in a browser first")
            }
            Self::WrongClient => f.write_str("the client of the login or its secret is wrong"),
            Self::WayNotAllowed => f.write_str("the client may not log in this way"),
            Self::Expired => f.write_str("the session has expired"),
            Self::Revoked => f.write_str("the platform ended the session before its time"),
            Self::NoLogin => f.write_str("there is no login of Kaapana at this address"),
            Self::Denied { reason } | Self::Other { reason } => f.write_str(reason),
        }
    }
}

impl LoginProblem {
    /// Returns what to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::WrongPassword => "try again; ask an administrator to reset the password",
            Self::AccountNotReady => {
                "log in to the platform in a browser once and do what it asks, such as setting a new password"
            }
            Self::WrongClient => {
                "ask an administrator for the secret: `helm get values` of the platform's release has it as `oidc_client_secret`; without it log in on the platform's own page: in the app, or with `--session-file`"
            }
            Self::WayNotAllowed => {
                "ask an administrator to allow it for this client, or log in another way: `edk target login --help`"
            }
            Self::Expired => "log in again: `edk target login`",
            Self::Revoked => {
                "log in again: `edk target login`; if that is refused, ask an administrator what became of the account"
            }
            Self::Denied { .. } => "log in again, and confirm it in the browser in time",
            Self::NoLogin => "correct the address of the target: that of the platform's start page",
            Self::Other { .. } => "look at the platform's login in a browser",
        }
    }

    /// Reads the answer to a user's name and password.
    ///
    /// Keycloak answers `invalid_grant` both to a wrong password and to an account with something
    /// to do, and tells them apart in its description alone.
    pub(super) fn of_password(answer: &BasicErrorResponse) -> Self {
        let told = answer.error_description().map(String::as_str).unwrap_or_default();
        match answer.error() {
            BasicErrorResponseType::InvalidGrant if told.contains("not fully set up") => {
                Self::AccountNotReady
            }
            BasicErrorResponseType::InvalidGrant => Self::WrongPassword,
            _ => Self::of_device(answer),
        }
    }

    /// Reads the answer to a refresh token.
    ///
    /// Keycloak answers `invalid_grant` to a token that has reached its end as well as to one whose
    /// session was ended or whose user was locked out, and tells them apart in its description.
    pub(super) fn of_renewal(answer: &BasicErrorResponse) -> Self {
        let told = answer.error_description().map(String::as_str).unwrap_or_default();
        match answer.error() {
            BasicErrorResponseType::InvalidGrant if told.contains("Token is not active") => {
                Self::Expired
            }
            BasicErrorResponseType::InvalidGrant => Self::Revoked,
            _ => Self::of_device(answer),
        }
    }

    /// Reads the answer to the beginning of a login elsewhere, or to its code.
    pub(super) fn of_device(answer: &BasicErrorResponse) -> Self {
        let told = answer.error_description().cloned();
        match answer.error() {
            BasicErrorResponseType::InvalidClient => Self::WrongClient,
            BasicErrorResponseType::UnauthorizedClient
            | BasicErrorResponseType::UnsupportedGrantType => Self::WayNotAllowed,
            // How Keycloak says that a client is unknown or its secret is missing.
            BasicErrorResponseType::Extension(code) if code.contains("client") => Self::WrongClient,
            code => Self::Other { reason: told.unwrap_or_else(|| code.as_ref().to_owned()) },
        }
    }

    /// Reads the answer to the wait for another device.
    pub(super) fn of_poll(answer: &DeviceCodeErrorResponse) -> Self {
        let reason = match answer.error() {
            DeviceCodeErrorResponseType::AccessDenied => "it was refused in the browser",
            DeviceCodeErrorResponseType::ExpiredToken => "the code ran out before it was confirmed",
            DeviceCodeErrorResponseType::Basic(_) => {
                let told = answer.error_description().cloned();
                let reason = told.unwrap_or_else(|| answer.error().as_ref().to_owned());
                return Self::Other { reason };
            }
            _ => "it was not confirmed in time",
        };
        Self::Denied { reason: reason.to_owned() }
    }
}
