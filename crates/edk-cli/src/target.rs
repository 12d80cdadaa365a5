//! Arguments of the commands of targets.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use edk_api::{
    Command, Failure, LoginWay, PullPolicy, TargetAddRequest, TargetLoginRequest, TrustChoice,
    machine,
};
use edk_model::Code;

use crate::ask;

#[derive(Debug, Subcommand)]
pub(crate) enum TargetAction {
    /// Make a target known; nothing is sent to it.
    #[command(after_help = "Examples:
  edk target add ward https://kaapana.example.org --registry registry.example.org/kaapana
  edk target add ward https://kaapana.example.org --ca hospital-ca.pem --project study
  edk target add ward https://kaapana.example.org --pin 3F:5A:… --change
  edk target login ward            then log in
  edk target doctor ward           and see whether all is well")]
    Add(Box<AddArgs>),
    /// List the targets.
    #[command(after_help = "Examples:
  edk target list
  edk target list -o json")]
    List,
    /// Use a target when a command names none.
    #[command(after_help = "Examples:
  edk target use ward
  edk target use sandbox           the platform on this machine again")]
    Use {
        /// Name of the target.
        name: String,
    },
    /// Forget a target and its login; what is on it stays there.
    #[command(after_help = "Examples:
  edk target remove ward")]
    Remove {
        /// Name of the target.
        name: String,
    },
    /// Log in to a target.
    #[command(after_help = "Examples:
  edk target login ward                          asks for user, password and client secret
  edk target login ward --user anna --client-secret-file secret.txt
  edk target login ward --browser --client edk   in a browser, with a client made for it
  edk target login ward --device --client edk    on another device
  edk target login ward --token-file token.txt   with a token of somebody else's
  edk target login ward --session-file -         with the session of a browser, pasted

A platform comes with one client, `kaapana`, whose secret its administrator has: `helm get values`
of the platform's release shows it as `oidc_client_secret`. For --browser and --device an
administrator makes a public client in the realm `kaapana`, with the device grant or the redirect
address http://127.0.0.1/* allowed, and a mapper that adds the audience `kaapana`.

Who has neither can log in to the platform in a browser and take its session over: the desktop app
does so in a window of its own; for --session-file copy the header `Cookie` of a request to the
platform out of the browser's developer tools. It goes on for as long as it is used.

Passwords are not kept. Tokens and sessions are kept in the keychain of the desktop, or, when EDK_PASSPHRASE or
EDK_PASSPHRASE_FILE is set, in a file of the data folder that is sealed with it.")]
    Login(Box<LoginArgs>),
    /// End the session of a target and forget it.
    #[command(after_help = "Examples:
  edk target logout ward")]
    Logout {
        /// Name of the target.
        name: String,
    },
    /// Look whether a target can be reached and used.
    #[command(after_help = "Examples:
  edk target doctor ward
  edk target doctor ward -o json   for a script")]
    Doctor {
        /// Name of the target.
        name: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AddArgs {
    /// What to call it.
    name: String,
    /// Address of its start page.
    url: String,
    /// Registry and path from which it pulls images, without a scheme; no call of a platform tells.
    #[arg(long, value_name = "HOST/PATH")]
    registry: Option<String>,
    /// When it pulls images: Always, as in its developer mode, or IfNotPresent; no call tells.
    #[arg(long, value_name = "POLICY", value_parser = pull_policy)]
    pull_policy: Option<PullPolicy>,
    /// Its build version, when it can't be asked.
    #[arg(long, value_name = "VERSION")]
    build_version: Option<String>,
    /// The project to work in, when there are several.
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Certificate (PEM) of the authority that signed its certificate.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Believe the certificate with this SHA-256 and no other.
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "ca")]
    pin: Option<String>,
    /// Believe every certificate: whoever stands between can read passwords.
    #[arg(long, conflicts_with_all = ["ca", "pin"])]
    insecure: bool,
    /// The client of its login [default: kaapana].
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Change the target of this name: what is not named stays as it is, and the login as well,
    /// unless it is for another address, client or project.
    #[arg(long)]
    change: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoginArgs {
    /// Name of the target.
    name: String,
    /// The user; the password is asked for, or comes from a file.
    #[arg(long, conflicts_with_all = ["browser", "device", "token_file"])]
    user: Option<String>,
    /// File with the password in its first line; `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// File with the secret of the client in its first line.
    #[arg(long, value_name = "FILE", conflicts_with = "token_file")]
    client_secret_file: Option<PathBuf>,
    /// The client of the login, instead of the target's.
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// In a browser on this machine.
    #[arg(long, conflicts_with_all = ["device", "token_file"])]
    browser: bool,
    /// In a browser on any device, with a code.
    #[arg(long, conflicts_with = "token_file")]
    device: bool,
    /// File with an access token in its first line; it is not renewed.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// File with the session of a browser in its first line: its header `Cookie`; `-` is standard
    /// input.
    #[arg(long, value_name = "FILE",
        conflicts_with_all = ["user", "browser", "device", "token_file", "client_secret_file", "client"])]
    session_file: Option<PathBuf>,
}

impl TargetAction {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "target add",
            Self::List => "target list",
            Self::Use { .. } => "target use",
            Self::Remove { .. } => "target remove",
            Self::Login(_) => "target login",
            Self::Logout { .. } => "target logout",
            Self::Doctor { .. } => "target doctor",
        }
    }

    /// Returns the command; `interactive` says whether somebody can be asked.
    pub(crate) fn command(&self, interactive: bool) -> Result<Command, Failure> {
        Ok(match self {
            Self::Add(args) => Command::TargetAdd(args.request()),
            Self::List => Command::TargetList,
            Self::Use { name } => Command::TargetUse(name.clone()),
            Self::Remove { name } => Command::TargetRemove(name.clone()),
            Self::Login(args) => Command::TargetLogin(args.request(interactive)?),
            Self::Logout { name } => Command::TargetLogout(name.clone()),
            Self::Doctor { name } => Command::TargetDoctor(name.clone()),
        })
    }
}

impl AddArgs {
    fn request(&self) -> TargetAddRequest {
        TargetAddRequest {
            name: self.name.clone(),
            url: self.url.clone(),
            registry: self.registry.clone(),
            pull_policy: self.pull_policy,
            build_version: self.build_version.clone(),
            project: self.project.clone(),
            trust: match (&self.ca, &self.pin) {
                (Some(path), _) => TrustChoice::Authority(path.clone()),
                (_, Some(text)) => TrustChoice::Pinned(text.clone()),
                _ if self.insecure => TrustChoice::Anything,
                _ => TrustChoice::System,
            },
            client: self.client.clone(),
            change: self.change,
        }
    }
}

fn pull_policy(text: &str) -> Result<PullPolicy, String> {
    let all = [PullPolicy::Always, PullPolicy::IfNotPresent];
    let found = all.into_iter().find(|policy| policy.word().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "it is Always or IfNotPresent".to_owned())
}

impl LoginArgs {
    fn request(&self, interactive: bool) -> Result<TargetLoginRequest, Failure> {
        let client_secret =
            self.client_secret_file.as_deref().map(machine::secret_in).transpose()?;
        let mut request = TargetLoginRequest {
            name: self.name.clone(),
            way: LoginWay::Device,
            client_secret,
            client: self.client.clone(),
        };
        request.way = if let Some(path) = &self.token_file {
            LoginWay::Token(machine::secret_in(path)?)
        } else if let Some(path) = &self.session_file {
            LoginWay::Cookies(machine::secret_in(path)?)
        } else if self.browser {
            LoginWay::Browser
        } else if self.device {
            LoginWay::Device
        } else {
            if interactive && request.client_secret.is_none() && self.client.is_none() {
                let words = "Secret of the client `kaapana` (empty if it has none)";
                request.client_secret =
                    Some(ask::secret(words)?).filter(|it| !it.reveal().is_empty());
            }
            self.password(interactive)?
        };
        Ok(request)
    }

    fn password(&self, interactive: bool) -> Result<LoginWay, Failure> {
        let user = match &self.user {
            Some(user) => user.clone(),
            None if interactive => ask::line("User")?,
            None => {
                return Err(Failure::new(Code::InvalidInput, "there is nobody to ask for a user")
                    .hint("name one: `--user NAME --password-file FILE`, or use `--token-file`"));
            }
        };
        let password = match &self.password_file {
            Some(path) => machine::secret_in(path)?,
            None if interactive => ask::secret("Password")?,
            None => {
                return Err(Failure::new(
                    Code::InvalidInput,
                    "there is nobody to ask for a password",
                )
                .hint("name a file that holds it: `--password-file FILE`"));
            }
        };
        Ok(LoginWay::Password { user, password })
    }
}
