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
package desk
