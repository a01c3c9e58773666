// Package feed knows what lists of addresses look like in files: plain, CSV,
// NDJSON and the data files of rbldnsd, both ways; and, outwards only, what
// Postfix, nftables, a DNS server and a response policy zone read. It streams:
// neither a reader nor a writer holds the list.
//
// Invariants:
//
//   - Memory does not depend on what a stranger sends: a line is at most
//     MaxLine octets, a longer one is a bad line and skipped unread.
//   - Every entry that a Reader yields is valid: a masked subject in its
//     canonical family, a reason, printable texts, an end to the second.
//   - A line that cannot be read is told with its number and a reason that a
//     person understands. It is never guessed at.
//   - A file that is cut short or not text at all ends in an error, so that an
//     import of it changes nothing.
//   - What is hidden in this list is not listed by what is written: exceptions
//     and allow entries are carried over, or the listing they cut is cut.
package feed
