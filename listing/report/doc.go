// Package report answers questions about the list: how a prefix stands, how it
// stood at an instant, what has changed there, what a change would touch, and
// whether the list keeps to RFC 6471. Its types are what `blctl --json` prints.
//
// It exists so that whoever asks (the control socket, the support desk, a test)
// gets one answer.
//
// Invariants:
//
//   - It reads snapshots and the log of changes, and writes nothing.
//   - Whether an entry lists is for listing.Held to say.
//   - The names of its JSON are promises (the operators' scripts go by them).
//   - It knows neither HTTP nor the served view nor the support desk, so that
//     blctl, which links its types, links none of them.
package report
