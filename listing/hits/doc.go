// Package hits counts how often, and when last, each listing was asked for over DNS.
//
// A worker of DNS must not wait: it has a Sampler of its own, and does no more for
// most answers than to count down. Of every so many answers about what is
// listed it puts one into a ring that nobody else writes, with the number of answers
// that it stands for. Counter empties the rings into a table.
//
// How many answers a sample stands for follows from the load: up to perSecond a
// second and worker each is one, so that on a quiet server counts are exact; above
// that the numbers are right together and about right for each listing. The answers
// between two samples are a random number, or clients that ask in turns would hide
// from it.
//
// Invariants:
//
//   - A Sampler has one producer. It takes no lock, allocates nothing, and never
//     waits: where its ring is full, the next sample stands for what was left out.
//   - The table has a bound. Who was asked for longest ago is forgotten first, and
//     up to when is told, so that nobody takes "forgotten" for "never asked".
//   - What is counted can be lost without harm: nothing is decided by it.
package hits
