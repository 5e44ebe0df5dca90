//! `portreeve token list`

use std::process::ExitCode;
use std::time::Duration;

use portreeve_api::{TOKENS, TokenList, TokenState, rfc3339, show};

use crate::caller::Call;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::output;
use crate::table::{Column, Table};

pub(super) fn list(operator: &Operator, json: bool) -> Result<ExitCode, Failure> {
    let answer = operator.ask(&Call::new("GET", TOKENS))?;
    if json {
        return output::print(&answer.text());
    }
    let list: TokenList = answer.read().map_err(|error| operator.failure(&error))?;
    match list.tokens.is_empty() {
        true => output::hint(NONE),
        false => output::print(&table(&list)),
    }
}

/// What a token allows, in words.
pub(super) fn sentence(token: &TokenState) -> String {
    let holder = token.certificate.as_ref();
    let limits = [
        ("in the pools", any(token.pools.as_ref())),
        ("with the policies", any(token.policies.as_ref())),
        ("with addresses in", networks(token, "none but the sender's own")),
        ("with a weight of at most", token.weight_max.to_string()),
        ("until", until(token)),
    ];
    let lines = limits.map(|(what, limit)| format!("  {what} {limit}"));
    format!(
        "The token {} lets backends{} register\n{}",
        token.id,
        holder.map_or_else(String::new, |name| format!(" with a certificate of {name}")),
        lines.join("\n")
    )
}

fn table(list: &TokenList) -> Table {
    let mut table = Table::new(COLUMNS);
    for token in &list.tokens {
        table.push([
            token.id.clone(),
            any(token.pools.as_ref()),
            any(token.policies.as_ref()),
            networks(token, "own"),
            token.weight_max.to_string(),
            token
                .ttl_max_ms
                .map_or_else(|| "-".to_owned(), |ms| show(Duration::from_millis(ms))),
            until(token),
            token.certificate.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table
}

fn any(list: Option<&Vec<String>>) -> String {
    list.map_or_else(|| "any".to_owned(), |list| list.join(", "))
}

fn networks(token: &TokenState, none: &str) -> String {
    token
        .networks
        .as_ref()
        .map_or_else(|| none.to_owned(), |list| list.join(", "))
}

fn until(token: &TokenState) -> String {
    token
        .expires_unix_ms
        .map_or_else(|| "revoked".to_owned(), rfc3339)
}

const NONE: &str = "There are no tokens yet. Apps on this machine need none; for apps on others make one:\n  \
    portreeve token create --pool POOL --policy POLICY --network 10.0.0.0/8 --expires 24h";

const COLUMNS: &[Column] = &[
    Column::Text("TOKEN"),
    Column::Text("POOLS"),
    Column::Text("POLICIES"),
    Column::Text("NETWORKS"),
    Column::Number("WEIGHT"),
    Column::Number("TTL"),
    Column::Text("UNTIL"),
    Column::Text("CERTIFICATE"),
];
