package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"

	"dnsbld/listing"
)

// kinds are those of failure that the control socket tells of: damage, too.
func kinds() listing.Failures {
	return listing.FailuresAnd(listing.Failure{Kind: listing.ErrCompacted, Status: http.StatusGone, Code: "compacted"},
		listing.Failure{Kind: listing.ErrCorrupt, Status: http.StatusInsufficientStorage, Code: "corrupt"})
}

// WireError is an error as it is sent.
type WireError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`

	Names map[string]string `json:"names,omitempty"` // what the words for Code may need
}

// Failure is the body of every answer that is not a success. Outcome is what
// was done all the same: the first parts of a bulk operation, the bad lines of
// an import.
type Failure struct {
	Error   *WireError      `json:"error"`
	Outcome json.RawMessage `json:"outcome,omitempty"`
}

// EncodeError gives the status and the form in which an error is sent.
func EncodeError(err error) (int, *WireError) {
	message := err.Error()
	if TimedOut(err) && !errors.Is(err, listing.ErrUnavailable) {
		err = errors.Join(err, listing.ErrUnavailable)
	}
	k := kinds().Of(err)
	wire := &WireError{Code: k.Code, Message: message}
	if e, ok := errors.AsType[*listing.Error](err); ok {
		wire.Code, wire.Hint, wire.Names = e.Code, e.Hint, e.Names
	}
	return k.Status, wire
}

// TimedOut reports whether an error is that something took too long, or was
// given up.
func TimedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded)
}

// decodeError is the error that the server sent, with its kind, and what was
// done all the same.
func decodeError(status int, body io.Reader) (outcome json.RawMessage, err error) {
	const most = 1 << 20
	var f Failure
	if err := json.NewDecoder(io.LimitReader(body, most)).Decode(&f); err != nil || f.Error == nil {
		return nil, &listing.Error{Code: "failed", Message: "the answer was " + http.StatusText(status),
			Hint: "is this the control socket of a dnsbld?"}
	}
	return f.Outcome, f.Error.decode(status)
}

func (w *WireError) decode(status int) *listing.Error {
	return &listing.Error{Kind: kinds().Kind(status), Code: w.Code, Message: w.Message, Hint: w.Hint, Names: w.Names}
}

func invalid(code, message, hint string) error {
	return &listing.Error{Kind: listing.ErrInvalid, Code: code, Message: message, Hint: hint}
}

// BadRequest is the error of a request that does not read as this version has
// it.
func BadRequest(err error) error {
	return invalid("bad-request", "the request cannot be read: "+err.Error(),
		"blctl and dnsbld are perhaps of different versions: compare `blctl version` and `blctl status`")
}
