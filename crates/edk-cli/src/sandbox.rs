//! Arguments of the commands of the sandbox.

use clap::{Args as ClapArgs, Subcommand};
use edk_api::{
    Command, DEFAULT_SANDBOX_PORT, SandboxLogRequest, SandboxResetRequest, SandboxServeRequest,
    SandboxStartRequest,
};

use crate::{args::Args, ask};

#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct ServeArgs {
    /// The port; 0 takes any that is free.
    #[arg(long, default_value_t = DEFAULT_SANDBOX_PORT)]
    port: u16,
    /// The release of Kaapana to answer as: 0.4, 0.5.0, 0.5 (0.5.1 to 0.5.3) or 0.6 [default: 0.6].
    #[arg(long, value_name = "RELEASE")]
    profile: Option<String>,
    /// Show all known faults of real platforms, to test a client against them.
    #[arg(long)]
    strict_faults: bool,
    /// Show one fault, by its name in `edk sandbox faults`; may be given several times.
    #[arg(long, value_name = "NAME")]
    fault: Vec<String>,
    /// Ask for a login, as the front door of a platform does; the users `kaapana` (who may do
    /// everything), `lead`, `guest` and `newcomer` have their names as passwords.
    #[arg(long)]
    login: bool,
}

impl ServeArgs {
    fn request(&self) -> SandboxServeRequest {
        let Self { port, profile, strict_faults, fault, login } = self.clone();
        SandboxServeRequest { port, profile, strict_faults, faults: fault, login }
    }

    /// The words which make these arguments again.
    fn words(&self) -> Vec<String> {
        let mut words = vec!["--port".to_owned(), self.port.to_string()];
        words.extend(self.profile.iter().flat_map(|it| ["--profile".to_owned(), it.clone()]));
        words.extend(self.fault.iter().flat_map(|it| ["--fault".to_owned(), it.clone()]));
        let flags = [("--strict-faults", self.strict_faults), ("--login", self.login)];
        words.extend(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| (*flag).to_owned()));
        words
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxAction {
    /// Start it in the background; it runs until it is stopped.
    #[command(after_help = "Examples:
  edk sandbox start
  edk sandbox start --profile 0.5 --login
  edk sandbox start --fault stale-list --fault blind-append")]
    Start(ServeArgs),
    /// Stop the one in the background, and all that runs in it.
    #[command(after_help = "Examples:
  edk sandbox stop")]
    Stop,
    /// Tell whether it runs, and what is in it.
    #[command(after_help = "Examples:
  edk sandbox status
  edk sandbox status --output json")]
    Status,
    /// Empty it: charts, releases, volumes, the folders of Airflow. Images stay in the store.
    #[command(after_help = "Examples:
  edk sandbox reset           tells what would go, and asks
  edk sandbox reset --yes")]
    Reset {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Print what the pods of a release have said, up to 200 lines each.
    #[command(after_help = "Examples:
  edk sandbox logs my-app")]
    Logs {
        /// Name of the release.
        release: String,
        /// Name of a pod, as in `edk sandbox status` [default: all].
        pod: Option<String>,
    },
    /// List the faults of real platforms which it can show.
    #[command(after_help = "Examples:
  edk sandbox faults")]
    Faults,
    /// Serve it on the loopback interface until stopped.
    #[command(after_help = "Examples:
  edk sandbox serve
  edk sandbox serve --strict-faults     with the known faults of real platforms")]
    Serve {
        #[command(flatten)]
        args: ServeArgs,
        /// Leave the terminal; for `edk sandbox start`.
        #[arg(long, hide = true)]
        detached: bool,
    },
}

impl SandboxAction {
    /// The name of the command, as the command line has it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "sandbox start",
            Self::Stop => "sandbox stop",
            Self::Status => "sandbox status",
            Self::Reset { .. } => "sandbox reset",
            Self::Logs { .. } => "sandbox logs",
            Self::Faults => "sandbox faults",
            Self::Serve { .. } => "sandbox serve",
        }
    }

    pub(crate) fn command(&self, args: &Args, data: &std::path::Path) -> Command {
        match self {
            Self::Start(serve) => {
                let home = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
                let first = ["sandbox", "serve", "--detached", "--home"].map(str::to_owned);
                let home = [home.display().to_string()];
                let arguments = first.into_iter().chain(home).chain(serve.words()).collect();
                Command::SandboxStart(SandboxStartRequest { serve: serve.request(), arguments })
            }
            Self::Stop => Command::SandboxStop,
            Self::Status => Command::SandboxStatus,
            Self::Reset { yes } => {
                let confirmed = *yes || ask::may_reset(args);
                Command::SandboxReset(SandboxResetRequest { confirmed })
            }
            Self::Logs { release, pod } => {
                let (release, pod) = (release.clone(), pod.clone());
                Command::SandboxLog(SandboxLogRequest { release, pod })
            }
            Self::Faults => Command::SandboxFaults,
            Self::Serve { args, detached } => {
                if *detached {
                    // Fails only for the leader of a group, which is detached already.
                    let _ = nix::unistd::setsid();
                }
                Command::SandboxServe(args.request())
            }
        }
    }
}
