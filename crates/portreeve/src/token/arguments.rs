//! What may be typed behind `portreeve token`.

use std::time::Duration;

use clap::{Args, Subcommand};
use portreeve_api::TokenWish;

use crate::operator::OperatorArguments;
use crate::time::time;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    pub(super) act: Option<TokenAct>,
    #[command(flatten)]
    pub(super) operator: OperatorArguments,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenAct {
    /// Make a token and print it, which is never shown again; of one for a certificate, its public name.
    Create(CreateArguments),
    /// List tokens, without their secrets (the default).
    List,
    /// End a token, and every registration by it, at once.
    Revoke {
        /// Its public name, as `token list` shows it.
        id: String,
    },
}

/// What the token allows; what is left out is not limited, but for networks.
#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// For apps that show a certificate of this name over TLS, such as URI:spiffe://example.com/eu/*, DNS:*.example.com,
    /// email:ops@example.com or IP:10.0.0.7. It has no secret then.
    #[arg(long, value_name = "NAME")]
    certificate: Option<String>,
    /// In this pool; may be given several times.
    #[arg(long, value_name = "POOL", value_delimiter = ',')]
    pool: Vec<String>,
    /// With this policy; may be given several times.
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    policy: Vec<String>,
    /// With addresses of this network, such as 10.0.0.0/8; may be given several times. Left out: only with the address
    /// that the registration comes from. 0.0.0.0/0 and ::/0 allow any address.
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    network: Vec<String>,
    /// With at most this weight.
    #[arg(long, value_name = "N")]
    weight_max: Option<u16>,
    /// With at most this time between heartbeats, such as 10s.
    #[arg(long, value_name = "TIME", value_parser = time)]
    ttl_max: Option<Duration>,
    /// For so long from now, such as 24h.
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<Duration>,
}

impl From<CreateArguments> for TokenWish {
    fn from(typed: CreateArguments) -> Self {
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        Self {
            certificate: typed.certificate,
            pools: some(typed.pool),
            policies: some(typed.policy),
            networks: some(typed.network),
            weight_max: typed.weight_max,
            ttl_max: typed.ttl_max,
            expires: typed.expires,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  portreeve token create --pool api --policy eu --network 10.0.0.0/8 --expires 24h
  portreeve token create --pool api --certificate 'URI:spiffe://example.com/eu/*'
  portreeve token list
  portreeve token revoke ID";
