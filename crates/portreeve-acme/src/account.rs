//! The account at the authority: opened once, kept, opened again.

use instant_acme::{Account, AccountBuilder, AccountCredentials, ExternalAccountKey, Key, NewAccount};
use portreeve_model::plan::AcmePlan;
use rcgen::KeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;

use crate::AcmeFault;
use crate::client::Asker;
use crate::storage::{Folder, KeptAccount};

/// The one that was kept, else a new one, which is kept before it is used.
pub(crate) async fn open(plan: &AcmePlan, folder: &Folder) -> Result<Account, AcmeFault> {
    let asker = Asker::trusting(plan.authorities.as_deref())?;
    let builder = Account::builder_with_http(Box::new(asker));
    match folder.account() {
        Some(kept) => {
            // An end may have left it behind.
            folder.forget_account_key();
            reopen(plan, folder, builder, kept).await
        }
        None => create(plan, folder, builder).await,
    }
}

async fn create(plan: &AcmePlan, folder: &Folder, builder: AccountBuilder) -> Result<Account, AcmeFault> {
    let external = external_account(plan)?;
    // First of all: no account is opened that could not be kept.
    let key = folder.account_key()?;
    let (account, credentials) = match (plan.contacts.is_empty(), external) {
        (true, None) => create_plain(plan, &key, builder).await?,
        (_, external) => create_telling(plan, builder, external.as_ref()).await?,
    };
    folder.keep_account(&KeptAccount {
        contacts: plan.contacts.clone(),
        credentials,
    })?;
    folder.forget_account_key();
    tracing::info!(
        directory = plan.directory,
        account = account.id(),
        "a new account at the certificate authority"
    );
    Ok(account)
}

/// By a key that is kept before the authority knows it. Whoever asks again with the same key is given the same account (RFC
/// 8555 section 7.3.1), so that an end between its answer and our keeping it makes no second one.
async fn create_plain(
    plan: &AcmePlan,
    key: &KeyPair,
    builder: AccountBuilder,
) -> Result<(Account, AccountCredentials), AcmeFault> {
    let fault = |error| AcmeFault::of(&plan.directory, &error);
    let der = PrivatePkcs8KeyDer::from(key.serialize_der());
    let key = Key::from_pkcs8_der(der.clone_key()).map_err(fault)?;
    let created = builder.create_from_key((key, der.into()), plan.directory.clone());
    created.await.map_err(fault)
}

/// The protocol's crate takes a key of ours only where nothing else is told; so here such an end can make a second account.
async fn create_telling(
    plan: &AcmePlan,
    builder: AccountBuilder,
    external: Option<&ExternalAccountKey>,
) -> Result<(Account, AccountCredentials), AcmeFault> {
    let contacts: Vec<&str> = plan.contacts.iter().map(String::as_str).collect();
    let wanted = NewAccount {
        contact: &contacts,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let created = builder.create(&wanted, plan.directory.clone(), external);
    created
        .await
        .map_err(|error| AcmeFault::of(&plan.directory, &error))
}

async fn reopen(
    plan: &AcmePlan,
    folder: &Folder,
    builder: AccountBuilder,
    kept: KeptAccount,
) -> Result<Account, AcmeFault> {
    let fault = |error| AcmeFault::of(&plan.directory, &error);
    let has_moved = kept.contacts != plan.contacts;
    // Reading it again is the only way to have it twice.
    let again = has_moved.then(|| folder.account()).flatten();
    let account = builder.from_credentials(kept.credentials).await.map_err(fault)?;
    if let Some(mut kept) = again {
        let contacts: Vec<&str> = plan.contacts.iter().map(String::as_str).collect();
        account.update_contacts(&contacts).await.map_err(fault)?;
        kept.contacts.clone_from(&plan.contacts);
        folder.keep_account(&kept)?;
    }
    Ok(account)
}

/// What is wrong with the files that are named for the authority, without asking it.
pub(crate) fn look(plan: &AcmePlan) -> Vec<AcmeFault> {
    let authorities = Asker::trusting(plan.authorities.as_deref());
    let external = external_account(plan);
    authorities.err().into_iter().chain(external.err()).collect()
}

/// RFC 8555 section 7.3.4.
fn external_account(plan: &AcmePlan) -> Result<Option<ExternalAccountKey>, AcmeFault> {
    let Some((id, path)) = &plan.external_account else {
        return Ok(None);
    };
    let fault = |reason: String| AcmeFault::Setting {
        path: path.clone(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let key = decoded(&text)
        .ok_or_else(|| fault("it has no key in base64url, as authorities give it out".to_owned()))?;
    Ok(Some(ExternalAccountKey::new(id.clone(), &key)))
}

/// RFC 4648 section 5; padding may be there. `None` if there is anything else, or nothing.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim().trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in digits.bytes() {
        bits = (bits << 6) | digit(byte)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap_or_default());
        }
    }
    // Six bits left over are half a byte and more: something was cut off.
    (count < 6 && !bytes.is_empty()).then_some(bytes)
}

fn digit(byte: u8) -> Option<u32> {
    let place = DIGITS.iter().position(|one| *one == byte)?;
    u32::try_from(place).ok()
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_read_as_the_rfc_has_it() {
        for (text, bytes) in [("Zg==", "f"), ("Zm8", "fo"), (" Zm9vYmFy\n", "foobar")] {
            assert_eq!(decoded(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decoded("-_8").as_deref(), Some(&[0xfb, 0xff][..]));
    }

    #[test]
    fn what_is_no_base64url_is_no_key() {
        for text in ["", "Z", "Zm9vY", "Zm9+", "Zm 9v", "Zm9v\nZm9v"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
