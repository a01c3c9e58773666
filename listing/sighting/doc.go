// Package sighting makes few listings of many SMTP sessions. It counts what
// every address does, clean sessions too, holds the counts against thresholds,
// and ends listings whose cause is gone.
//
// It exists so that one bogus greeting need not list anybody and a busy sender
// is judged by his share, and so that an operator, a letter and the thresholds
// look at the same figures.
//
// Invariants:
//
//   - Only verdicts that are medium or strong list, and only through
//     thresholds; shadow reasons are found and shown, and list nothing unless a
//     zone names them.
//   - What is decided follows from the counters, not from the order in which
//     sessions arrived. A session counts once however often it is reported.
//   - A session older than the end of a listing never brings it back.
//   - Nothing here reads a clock, a file or the network: time comes from
//     Options.Now, counters are kept through an [Archive].
//   - Memory is bounded whatever is fed in. Counters are losable: what is lost
//     is counted, and never a reason to list.
//   - No local parts are kept; a recipient domain only where it is the greeting
//     itself, else as a keyed hash. Greetings are escaped on the way in.
//
// Sessions are kept in cells by second, code, strength, receiver, host and
// target; cells lie in days, and a day is what is stored as one value. What is
// more than three days old is known to the hour only. All that is kept of a
// place, which is an IPv4 address or an IPv6 /64, is its record; the addresses
// of a /64 are counted together, host by host.
package sighting
