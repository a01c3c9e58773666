// Package listing holds the nouns of a DNS blocklist and the rules that do
// not depend on where the list is stored or who asks: Entry, Reason, Policy,
// Request, Change, the Store contract, and Book, the only writer.
//
// Invariants:
//
//   - Nothing changes without a Change, and a Change is never altered.
//   - What a Request does is decided by Decide alone, from the state and the
//     request: no clock, no configuration, no network. Every node that decides
//     the same requests in the same order holds the same list.
//   - Every entry ends: Until is always set, to a whole second.
//   - Revisions rise and are never used twice.
package listing
