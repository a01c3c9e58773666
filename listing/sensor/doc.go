// Package sensor turns what mail servers tell into entries of the list. It
// takes reports of SMTP sessions, has DNS asked about each, judges it by helo,
// counts it by sighting, and writes what follows through the Book.
//
// Its invariants:
//
//   - A failure here ends neither DNS nor mail: it is logged, at most once a
//     minute for each kind, and tried again.
//   - Nothing is listed before the engine knows every entry of the list.
//   - One damaged value costs the counters, nothing else: their file is set
//     aside and counting starts again.
//   - It knows no socket and no file format. Callers bring the reports, the
//     archive and the questions to DNS.
package sensor
