// Package resolve asks DNS what a mail client's session does not say: whether the name in HELO
// leads to the client, what the client's address is called, and who may speak for a domain. It
// stands apart from package mta so that a program that only reads logs does not carry miekg/dns.
//
// Invariants:
//
//   - A lookup that failed is [helo.TempError], and never evidence. A name without such records, and one that does not exist, are told apart.
//   - An answer counts only with our ID and our question. Each question has a random ID, and a socket, so a port, of its own.
//   - Questions under way, questions waiting, answers kept and records read are bounded.
package resolve
