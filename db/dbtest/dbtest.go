// Package dbtest is the contract of listing.Store as tests, which every engine
// passes. Beside what listing says, it holds:
//
//   - A request's times are kept as instants, in UTC; those of a source's
//     entries to the second.
//   - Of what a source says, the subject, the reason, except, since, until and
//     the texts are kept; its entries have the source's actor and revision. An
//     entry that gives no since keeps the one it has, else it begins with the
//     request. Said twice of one key, an exception stands before a listing,
//     then what ends later, then what began earlier, then the greater texts,
//     in whatever order they come.
//   - History has the end of a source while it had an entry at the subject;
//     Last is not set in it.
//   - An iterator over changes ends with an error: the context's when that is
//     done, ErrUnavailable when the store closes, ErrCompacted when the reader
//     is ahead of the store.
//   - Whoever asks for a dry run is told what would happen, also if the ID was
//     used.
package dbtest

import (
	"testing"

	"dnsbld/listing"
)

// Open opens the store that lives in dir, or makes one there. Opened again
// after Close it holds the same list. It fails the test when it cannot.
type Open func(t testing.TB, dir string) listing.Store

// Run runs all tests against the engine that open opens.
func Run(t *testing.T, open Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *fixture)
	}{
		{"ApplyAllOrNone", applyAllOrNone},
		{"ApplyInvalid", applyInvalid},
		{"ApplyOnce", applyOnce},
		{"ApplyNothing", applyNothing},
		{"ApplyDryRun", applyDryRun},
		{"ApplyAtOnceByMany", applyAtOnceByMany},
		{"ApplyCancelled", applyCancelled},
		{"Durable", durable},
		{"Evidence", evidence},
		{"Documents", documents},
		{"ReplaceBesideApply", replaceBesideApply},
		{"ReplaceFails", replaceFails},
		{"ReplaceRefresh", replaceRefresh},
		{"ReplaceOrder", replaceOrder},
		{"ReplaceAdd", replaceAdd},
		{"ReplacePart", replacePart},
		{"ReplaceExpired", replaceExpired},
		{"ReplaceSweep", replaceSweep},
		{"ReplaceOnce", replaceOnce},
		{"ReplaceGeneration", replaceGeneration},
		{"ReplaceAtOnceByMany", replaceAtOnceByMany},
		{"SnapshotOneMoment", snapshotOneMoment},
		{"SnapshotOrder", snapshotOrder},
		{"SnapshotStops", snapshotStops},
		{"History", history},
		{"ChangesWait", changesWait},
		{"ChangesLast", changesLast},
		{"ChangesEnd", changesEnd},
		{"ChangesAhead", changesAhead},
		{"Closed", closed},
		{"Model", model},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newFixture(t, open)) })
	}
}
