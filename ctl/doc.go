// Package ctl is the control protocol: how operators and scripts change and
// question the list of a running daemon. It is HTTP and JSON over a Unix
// socket. Here are its table of endpoints (Client), its types, its errors and
// its client; package server answers it.
//
// It exists so that blctl links the protocol and nothing of what answers it. To
// add an endpoint: one line of the table, its handler in package server, its
// command in blctl.
//
// A stream of JSON lines ends with a line {"end":{…}}, everything else has a
// length, so an answer that was cut off is an error and not a short list.
//
// Failures are {"error":{"code","message","hint"}}, with a status that follows
// from the kind of the error (errors.go), and come out of the client as the
// *listing.Error that went in.
package ctl
