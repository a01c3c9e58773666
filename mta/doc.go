// Package mta hears what mail servers tell: the requests of Postfix's policy delegation protocol, and the logs of Postfix, Exim
// and whoever writes NDJSON. Each SMTP session becomes one [Report], and a [Checker] asks DNS for what the report lacks.
//
// It is the door through which strangers' bytes come in, so that nothing behind it has to know log formats. What is done with a
// report is decided elsewhere.
//
// Invariants:
//
//   - Mail is never held up: a policy request is answered before anything else happens with it, and with DUNNO whenever it is
//     not understood.
//   - Nobody is accused by forged text. The client is the one that the mail server names in the place where it names clients;
//     a line that can be read in two ways is left alone and counted.
//   - One session is one report. Its (Receiver, ID) is the same however often a log is read.
//   - HELO is passed on octet by octet, as far as the mail server has them. Escaping is up to who shows it.
//   - Memory is bounded: lines, sessions, connections, cached answers.
//   - A DNS lookup that failed is [helo.TempError], and never evidence.
package mta
