// Package ctl is the control protocol: how operators and scripts change and
// question the list of a running daemon. It is HTTP and JSON over a Unix
// socket, with one server and one typed client, which also works without a
// socket on a store that the calling process has opened itself.
//
// Invariants:
//
//   - Who asks comes from the credentials of the socket's peer, never from the
//     request. A user whom this host does not know is refused.
//   - Everything that is written is written by listing.Book. A request that
//     changed something is answered when the served view has the change.
//   - No answer holds a transaction of the store while a slow reader takes it:
//     what may be long is copied inside a short View, first into memory, past a
//     mebibyte into a nameless file, and is sent from there (spool.go).
//   - A stream of JSON lines ends with a line {"end":{…}}, everything else has
//     a length, so an answer that was cut off is an error and not a short list.
//   - Bodies are bounded; the file of an import, which is not, is parsed as it
//     arrives and never held whole.
//
// Failures are {"error":{"code","message","hint"}}, with a status that follows
// from the kind of the error (errors.go), and come out of the client as the
// *listing.Error that went in.
package ctl
