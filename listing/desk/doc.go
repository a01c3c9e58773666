// Package desk is the support desk at work. It gathers what is known of an
// address, has package delist judge it, follows each request with a ticket,
// ends listings where the rules allow it, and writes the letter.
//
// It exists so that the command line, the mail pipe and the web page are three
// ways to one desk: the same facts, the same count of requests, one ticket.
//
// Invariants:
//
//   - Whether an address is listed is for listing.Held to say, in any zone.
//   - Whatever changes the list goes through listing.Book, tickets too, which
//     are documents there. They hold no personal data.
//   - Who asked, and what was answered, is kept in People, apart from the list,
//     and can be erased: tickets and the audit stay whole.
//   - A request is heard once: the same key gets the same answer.
//   - A listing without evidence is never upheld. It is ended as our error, or
//     left to a person.
//   - An entry that rests on a feed's or an operator's word is ended for a sender
//     only when control of the address was shown. A cap a day and source bounds it.
//   - Requests are counted by who asks, under pseudonyms that take our key. The audit
//     keeps these documents for ever, so no address of a client is in them.
//   - An appeal is decided by a person who neither filed nor decided before.
//
// The documents are of three kinds: a ticket each (removal.TicketKind); a file for
// each address, or for each contact who was asked for one (FileKind); and a count
// for each source (SourceKind). What is about persons is in People alone.
package desk
