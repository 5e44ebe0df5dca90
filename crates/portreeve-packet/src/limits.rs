/// How large a packet may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a packet as it stands on the wire, with white space before it.
    pub packet_bytes_max: usize,
    /// Bytes of a payload, as UTF-8, once its escapes are resolved.
    pub payload_bytes_max: usize,
    /// Objects and arrays within each other, the packet itself counted.
    pub depth_max: usize,
    /// Members of the packet itself; those of objects within it are not counted.
    pub fields_max: usize,
}

impl Default for Limits {
    /// 64 KiB, a payload of 1024 bytes, 32 levels, 64 fields.
    fn default() -> Self {
        Self {
            packet_bytes_max: 64 * 1024,
            payload_bytes_max: 1024,
            depth_max: 32,
            fields_max: 64,
        }
    }
}
