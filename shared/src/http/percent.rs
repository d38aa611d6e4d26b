//! Percent-encoding: what a value becomes inside of an address.

/// Every byte but RFC 3986's unreserved characters as `%` and two hex digits: a value stays one value, wherever in a path or query
/// it is put.
pub fn encode(value: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).map_or('0', |hex| char::from(*hex));
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// The same as a text of its own.
pub fn encoded(value: &str) -> String {
    let mut out = String::new();
    encode(value, &mut out);
    out
}
