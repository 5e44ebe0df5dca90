/// The keys that we read; every other is passed on unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Type,
    SrcId,
    DestId,
    PrivPoliId,
    PrivPolyId,
    Payload,
    Id,
    ListenPort,
    Host,
    Token,
    TtlMs,
    Status,
    Error,
    Detail,
}

impl Key {
    /// The key of this name, in just these letters.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::SrcId => "srcid",
            Self::DestId => "destid",
            Self::PrivPoliId => "privPoliId",
            Self::PrivPolyId => "privPolyId",
            Self::Payload => "payload",
            Self::Id => "id",
            Self::ListenPort => "listenport",
            Self::Host => "host",
            Self::Token => "token",
            Self::TtlMs => "ttl_ms",
            Self::Status => "status",
            Self::Error => "error",
            Self::Detail => "detail",
        }
    }

    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    const ALL: [Self; 14] = [
        Self::Type,
        Self::SrcId,
        Self::DestId,
        Self::PrivPoliId,
        Self::PrivPolyId,
        Self::Payload,
        Self::Id,
        Self::ListenPort,
        Self::Host,
        Self::Token,
        Self::TtlMs,
        Self::Status,
        Self::Error,
        Self::Detail,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_found_by_its_name_and_has_a_place_of_its_own() {
        for (place, key) in Key::ALL.into_iter().enumerate() {
            assert_eq!(Key::named(key.name()), Some(key));
            assert_eq!(key as usize, place);
        }
        assert_eq!(Key::named("Type"), None);
    }
}
