//! `policy` of `[route.NAME]`: where the policies come from that its requests demand.

use portreeve_model::plan::{DemandPlan, PolicySource, SanPattern};
use portreeve_model::{Policies, Policy};

use crate::item::Item;
use crate::matching::{self, is_token};
use crate::quantity::count;
use crate::section::Section;
use crate::word::Complaint;
use crate::{list, policy, san};

/// Reads texts, which are demanded of each request, and tables, which say where a request names more. All texts
/// together come first, then the tables in the order of the file.
pub(crate) fn read(item: &Item<'_>) -> Vec<DemandPlan> {
    let (tables, texts): (Vec<_>, Vec<_>) = list::filled(item).into_iter().partition(Item::is_table);
    let always: Policies = list::each_once(&texts, always).into_iter().collect();
    let fixed = (!always.is_empty()).then(|| fixed(always));
    let mut demands: Vec<DemandPlan> = fixed.into_iter().collect();
    for item in &tables {
        match table(item) {
            Some(demand) if demands.iter().any(|known| known.from == demand.from) => {
                item.refuse(Complaint::new(ONCE));
            }
            demand => demands.extend(demand),
        }
    }
    bounded(item, &demands);
    demands
}

/// These, whatever the request says.
fn fixed(policies: Policies) -> DemandPlan {
    DemandPlan {
        from: PolicySource::Fixed(policies),
        accepts: Policies::none(),
        otherwise: Policies::none(),
        is_optional: false,
    }
}

fn always(item: &Item<'_>) -> Option<Policy> {
    match item.as_text() {
        Some(_) => item.word(policy::policy),
        None => {
            item.refuse(Complaint::new(DEMAND));
            None
        }
    }
}

fn table(item: &Item<'_>) -> Option<DemandPlan> {
    let mut section = item.section(Complaint::new(DEMAND));
    let from = source(&mut section);
    let accepts = policy::named(&mut section, "accept");
    let otherwise = policy::named(&mut section, "default");
    let mut is_optional = false;
    section.switch("optional", &mut is_optional);
    if !accepts.is_empty() && !accepts.uphold(&otherwise) {
        let found = format!("{otherwise}");
        let complaint = Complaint::new(format!("policies that accept lists: {accepts}"));
        section
            .findings
            .add(&section.place_of("default"), found, complaint);
    }
    if is_optional && !otherwise.is_empty() {
        let complaint = Complaint::new("false, or no such key: default stands in for what is not named");
        section
            .findings
            .add(&section.place_of("optional"), "true", complaint);
    }
    section.finish(&[]);
    Some(DemandPlan {
        from: from?,
        accepts,
        otherwise,
        is_optional,
    })
}

/// The one place where this table looks.
fn source(section: &mut Section<'_>) -> Option<PolicySource> {
    let from = [
        section
            .word("header", matching::header_name)
            .map(PolicySource::Header),
        section.word("cookie", cookie_name).map(PolicySource::Cookie),
        section.word("query", query_name).map(PolicySource::Query),
        place(section, "host_label", HOST_LABELS_MAX).map(PolicySource::HostLabel),
        place(section, "path_segment", u8::MAX).map(PolicySource::PathSegment),
        section
            .get("certificate")
            .and_then(|item| certificates(&item))
            .map(PolicySource::Certificate),
    ];
    section.exactly_one(&SOURCES, "source", "several sources are a list of tables");
    from.into_iter().flatten().next()
}

/// The names of certificates, each with the policies that it stands for.
fn certificates(item: &Item<'_>) -> Option<Vec<(SanPattern, Policies)>> {
    let entries = item.entries().filter(|entries| !entries.is_empty());
    let Some(entries) = entries else {
        item.refuse(Complaint::new(CERTIFICATE));
        return None;
    };
    let pairs = entries.iter().filter_map(|(name, entry)| {
        let named = list::distinct(entry, |policy| policy.word(policy::policy));
        Some((san::of_key(name, entry)?, named.into_iter().collect()))
    });
    Some(pairs.collect())
}

fn place(section: &mut Section<'_>, key: &'static str, most: u8) -> Option<u8> {
    count(1..=most).read(&section.get(key)?)
}

/// A cookie's name (RFC 6265 section 4.1.1), which case counts in.
pub(crate) fn cookie_name(text: &str) -> Result<String, Complaint> {
    let allowed = "a cookie's name such as \"policy\": letters, digits and !#$%&'*+-.^_`|~";
    named(text, is_token(text), allowed)
}

/// The name of a field of the query, as it is when percent-decoded.
fn query_name(text: &str) -> Result<String, Complaint> {
    let is_good = !text.is_empty() && !text.contains(char::is_control);
    named(text, is_good, "the name of a query field such as \"policy\"")
}

fn named(text: &str, is_good: bool, allowed: &str) -> Result<String, Complaint> {
    is_good
        .then(|| text.to_owned())
        .ok_or_else(|| Complaint::new(allowed))
}

/// What is demanded of a request that names nothing must not be more than a request may demand.
fn bounded(item: &Item<'_>, demands: &[DemandPlan]) {
    let all = demands
        .iter()
        .map(by_itself)
        .fold(Policies::none(), |all, more| policy::union(&all, more));
    if all.len() > Policies::DEMANDED_MAX {
        let complaint = Complaint::new(format!(
            "at most {} at once, those under default included",
            Policies::DEMANDED_MAX
        ));
        item.findings
            .add(&item.place, format!("{} policies", all.len()), complaint);
    }
}

fn by_itself(demand: &DemandPlan) -> &Policies {
    match &demand.from {
        PolicySource::Fixed(always) => always,
        _ => &demand.otherwise,
    }
}

const DEMAND: &str =
    "a policy such as \"eu\", a table such as { header = \"Privacy-Policy\" }, or a list of both";
const ONCE: &str = "each source once";
const SOURCES: [&str; 6] = [
    "header",
    "cookie",
    "query",
    "host_label",
    "path_segment",
    "certificate",
];
const CERTIFICATE: &str = "a table such as { \"URI:spiffe://example.com/api\" = \"eu\" }";
/// A host's name has at most 253 bytes, and each label one and a dot.
const HOST_LABELS_MAX: u8 = 127;
