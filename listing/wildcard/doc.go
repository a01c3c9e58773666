// Package wildcard renders a list of prefixes as the names of a DNS zone, so
// that any name server answers from the zone as we answer from the list. It
// reads no zone and writes none: it says which names exist and what they own.
//
// A prefix becomes names at the next label boundary: an octet of IPv4, a nibble
// of IPv6. A whole address is a name, every other block a wildcard below its
// name. A wildcard *.P answers only names whose closest existing ancestor is P
// (RFC 4592, section 3.3.1), and a name exists if it or a name below it owns a
// record. So one host inside a listed /16 makes its /24 exist, and takes the
// other 255 addresses out of the wildcard of the /16. Rendering puts a copy of
// the wildcard at the /24, which closes the one of the /16.
//
// Invariants, with cover for what the wildcard of the name above answers:
//
//   - A name exists if a name below it does, if it is that of an address which
//     answers something other than cover, or if an address below it does that
//     is in no block with a name of its own. No other name exists.
//   - A name that exists owns what its address answers, and its wildcard what
//     the addresses below it do. If there is neither and no name below, it owns
//     a marker: a record that is neither A nor TXT.
//   - IPv4 and IPv6 share the names whose labels are digits: *.0.6.2 covers
//     2.6.0.0/24 and 2600::/12. Where the two say different things the wildcard
//     is IPv4's, and the sixteen names below say what is true of IPv6.
//   - In Exact, a /24, every listed address has a name of its own and there is
//     no wildcard, so that an address which is not listed does not exist.
package wildcard
