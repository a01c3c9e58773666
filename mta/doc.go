// Package mta reads what mail servers report of SMTP sessions: the requests of Postfix's policy
// delegation protocol, the logs of Postfix and Exim, NDJSON, and the sessions that other machines
// send over HTTPS. Each SMTP session becomes one [Report].
//
// It is the door through which strangers' bytes come in, so that nothing behind it has to know log
// formats. It does not decide anything about a report, and asks no DNS: package mta/resolve does,
// which only the daemon links.
//
// Invariants:
//
//   - Mail is never held up: a policy request is answered before anything else happens with it, and with DUNNO whenever it is
//     not understood.
//   - Nobody is accused by forged text. The client is the one that the mail server names in the place where it names clients;
//     a line that can be read in two ways is left alone and counted.
//   - One session is one report. Its (Receiver, ID) is the same however often a log is read.
//   - HELO is passed on octet by octet, as far as the mail server has them. Code that shows it escapes it.
//   - Memory is bounded: lines, sessions, connections, batches.
package mta
