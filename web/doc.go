// Package web is the door to which people come with a browser: the page of an
// address, the request to delist it, the criteria, the same as JSON, and what
// a monitoring system asks.
//
// It exists so that a sender finds out by himself why he is listed, what he
// has to mend, and how the listing ends.
//
// Invariants:
//
//   - Whether an address is listed is what the served view says, the one that
//     answers DNS. An end is shown as done only when that view has it.
//   - Nothing is stored here. What is known of an address, and what is done
//     about a request, comes from a desk.Desk.
//   - Where a request comes from is proof, so it is taken from the connection,
//     and from a header only when a proxy that the configuration names sent it.
//   - Everything that strangers wrote is escaped by html/template; what is not
//     made by a template is made of numbers and dates alone.
//   - Pages work without JavaScript and there is none. They set no cookie and
//     load nothing from elsewhere; the Content-Security-Policy forbids both.
//   - Memory is bounded whatever comes in: bodies, headers, connections and the
//     table of clients have limits.
package web
