package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dnsbld/listing"
)

// Exit statuses, as the documentation promises them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitInvalid     = 2
	exitNotFound    = 3
	exitPolicy      = 4
	exitConflict    = 5
	exitPartly      = 6
	exitUnavailable = 75
)

// statuses is the one mapping from kinds of failure to exit statuses.
var statuses = []struct {
	kind   error
	status int
}{
	{listing.ErrInvalid, exitInvalid},
	{listing.ErrNotFound, exitNotFound},
	{listing.ErrPolicy, exitPolicy},
	{listing.ErrConflict, exitConflict},
	{listing.ErrUnavailable, exitUnavailable}, // a list that fails under a daemon too: what was asked for may be done
	{listing.ErrCompacted, exitFailed},
	{listing.ErrCorrupt, exitFailed}, // damage that was found, and is there the next time: an audit, a file that is not opened
}

// How a failure travels: the daemon names its kind and code, ctl makes a
// listing.Error of them again, and a command returns that as it is. What a
// command knows beside it wraps the error: partly, said, answered.

// answered is an exit status for which everything has been printed already, on
// stdout and, with --json, as JSON.
type answered int

func (a answered) Error() string { return fmt.Sprintf("exit status %d", int(a)) }

// partly is the failure of a bulk operation that had done a part by then: what it
// did is printed, and the exit status is 6 whatever it failed with.
type partly struct{ error }

func (p partly) Unwrap() error { return p.error }

// said is a failure that what was printed has said already, such as that an
// address is not listed.
type said struct{ error }

func (s said) Unwrap() error { return s.error }

// isSaid reports whether people have read of a failure already.
func isSaid(err error) bool {
	_, is := errors.AsType[said](err)
	return is
}

// notFound is the failure when a question was answered with no.
func notFound(code, message, hint string) error {
	return said{&listing.Error{Kind: listing.ErrNotFound, Code: code, Message: message, Hint: hint}}
}

// exitStatus is the one place that knows with which status a failure ends.
func exitStatus(err error) int {
	if err == nil {
		return exitDone
	}
	if status, ok := errors.AsType[answered](err); ok {
		return int(status)
	}
	if _, ok := errors.AsType[partly](err); ok {
		return exitPartly
	}
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return s.status
		}
	}
	return exitFailed
}

// wireError is a failure as --json shows it. The hint is there also when it is
// empty: scripts need not ask.
type wireError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// asWire is a failure with its hint, in the form of --json.
func asWire(err error) *wireError {
	if e, ok := errors.AsType[*listing.Error](err); ok {
		return &wireError{Code: e.Code, Message: oneLine(err), Hint: hintOf(e)}
	}
	return &wireError{Code: "failed", Message: oneLine(err)}
}

// oneLine is an error in one line, joined ones one after the other.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// finish says what a run failed with, unless that has been said, and gives its
// exit status. Interrupted by a signal, it says so and not what broke off
// because of it.
func (p *program) finish(ctx context.Context, err error) int {
	status := exitStatus(err)
	if _, said := errors.AsType[answered](err); err == nil || said || isSaid(err) {
		return status
	}
	if ctx.Err() != nil {
		err = &listing.Error{Code: "interrupted", Message: "interrupted", Hint: "what was asked for may have been done: look before you repeat it"}
		status = exitFailed
	}
	p.say(err)
	if p.json {
		if out := p.writeObject(head{Schema: schema, Error: asWire(err)}, nil); out != nil {
			fmt.Fprintln(p.stderr, "error:", out)
		}
	}
	return status
}

// say prints an error and its hint for people.
func (p *program) say(err error) {
	w := asWire(err)
	fmt.Fprintf(p.stderr, "error: %s\n", clean(w.Message))
	if w.Hint != "" {
		fmt.Fprintf(p.stderr, "hint: %s\n", clean(w.Hint))
	}
}
