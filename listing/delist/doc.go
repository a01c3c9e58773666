// Package delist holds the rules of the support desk: who may be delisted and
// when (Judge), how a request is followed (Ticket), what a pasted mail shows
// (Triage), and how the answer is worded (Letters).
//
// It exists so that the web page, the command line and the mail pipe decide
// alike and say why in the same words.
//
// Invariants:
//
//   - Everything here is a function of its arguments: no store, no network, no
//     clock. Facts are gathered by the caller, and time is handed in.
//   - Every refusal has a code of Codes, names the condition, and says what
//     changes it and when.
//   - A letter that upholds a listing for a HELO reason does not render without
//     the greeting, the times, the receivers and the counts.
//   - What strangers wrote is escaped before it leaves this package, and never
//     becomes part of a template.
//   - A Ticket holds no personal data, for the audit keeps it for ever. Contacts
//     are a type of their own, so that they can be kept apart and erased.
package delist
