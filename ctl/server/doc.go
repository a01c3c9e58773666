// Package server answers the control protocol (package ctl) for a running
// daemon, over its control socket.
//
// Invariants:
//
//   - Who asks comes from the credentials of the socket's peer, never from the
//     request. A user whom this host does not know is refused.
//   - The table of package ctl says what role an endpoint takes; what within it
//     a caller may do is decided by listing.Book, which writes everything.
//   - A request that changed something is answered when the served view has the
//     change.
//   - No answer holds a transaction of the store while a slow reader takes it:
//     what may be long is copied inside a short View, first into memory, past a
//     mebibyte into a nameless file, and is sent from there (spool.go).
//   - Bodies are bounded; the file of an import, which is not, is parsed as it
//     arrives and never held whole.
package server
