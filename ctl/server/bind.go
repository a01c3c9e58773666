package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// binding is an endpoint of the table, by a pointer to its field, with what
// answers it.
type binding struct {
	endpoint any
	handler  func(ctl.Route) handler
}

// get binds an endpoint that takes no parameters.
func get[Resp any](e *ctl.Get[Resp], do func(context.Context, listing.Caller) (Resp, error)) binding {
	return binding{e, func(ctl.Route) handler {
		return func(w http.ResponseWriter, r *http.Request, who listing.Caller) error {
			out, err := do(r.Context(), who)
			if err != nil {
				return err
			}
			return reply(w, http.StatusOK, out)
		}
	}}
}

// call binds an endpoint that takes a JSON body or parameters and answers with
// one JSON value.
func call[Req, Resp any](e *ctl.Call[Req, Resp], do func(context.Context, listing.Caller, Req) (Resp, error)) binding {
	return binding{e, func(route ctl.Route) handler {
		return func(w http.ResponseWriter, r *http.Request, who listing.Caller) error {
			req, err := read[Req](w, r, route)
			if err != nil {
				return err
			}
			out, err := do(r.Context(), who, req)
			note(r.Context(), req, outcomeOf(out, err), err)
			if err != nil {
				return err
			}
			return reply(w, http.StatusOK, out)
		}
	}}
}

// upload binds an endpoint whose body is a file. do reads it as it arrives and
// may stop early: what is left is read all the same, else the client would lose
// the answer.
func upload[Req, Resp any](e *ctl.Upload[Req, Resp], do func(context.Context, listing.Caller, Req, io.Reader) (Resp, error)) binding {
	return binding{e, func(route ctl.Route) handler {
		return func(w http.ResponseWriter, r *http.Request, who listing.Caller) error {
			req, err := read[Req](w, r, route)
			if err != nil {
				return err
			}
			file := &patient{Reader: r.Body, control: http.NewResponseController(w)}
			out, err := do(r.Context(), who, req, file)
			note(r.Context(), req, outcomeOf(out, err), err)
			if err != nil {
				file.drain()
			}
			setDeadline(file.control, time.Time{})
			if err != nil {
				return err
			}
			return reply(w, http.StatusOK, out)
		}
	}}
}

// raw answers with something else than one JSON value.
type raw[Req any] func(w http.ResponseWriter, r *http.Request, req Req) error

// stream binds an endpoint that answers with JSON lines and an end.
func stream[Req, Item any](e *ctl.Stream[Req, Item], do raw[Req]) binding { return written(e, do) }

// download binds an endpoint that answers with a file.
func download[Req any](e *ctl.Download[Req], do raw[Req]) binding { return written(e, do) }

// written binds an endpoint that writes its answer itself.
func written[Req any](e any, do raw[Req]) binding {
	return binding{e, func(route ctl.Route) handler {
		return func(w http.ResponseWriter, r *http.Request, _ listing.Caller) error {
			req, err := read[Req](w, r, route)
			if err != nil {
				return err
			}
			return do(w, r, req)
		}
	}}
}

// read reads a request: its parameters, and the JSON object in its body.
func read[Req any](w http.ResponseWriter, r *http.Request, route ctl.Route) (req Req, err error) {
	if route.HasBody() {
		control := http.NewResponseController(w)
		setDeadline(control, time.Now().Add(patience))
		err = decode(http.MaxBytesReader(w, r.Body, route.Limit), &req)
		setDeadline(control, time.Time{}) // else it would end the request later
		if err != nil {
			return req, ctl.BadRequest(err)
		}
	}
	return req, route.ReadParams(r, &req)
}

// decode reads one JSON object and nothing more. What is not UTF-8 is refused: the
// decoder would replace it, and a note would not come back as it was written.
func decode(from io.Reader, to any) error {
	raw, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	if !utf8.Valid(raw) {
		return errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, more := d.Token(); !errors.Is(more, io.EOF) {
		return errors.New("something follows the command")
	}
	return nil
}

// setDeadline bounds how long a read of the body may take, where there is a
// connection.
func setDeadline(c *http.ResponseController, t time.Time) {
	_ = c.SetReadDeadline(t) // a test's recorder does not have it
}

// partial is an error with what was done before it.
type partial struct {
	error
	outcome any
}

func (p *partial) Unwrap() error { return p.error }

// outcomeOf is what was done, also if it failed on its way.
func outcomeOf(out any, err error) any {
	if p, ok := errors.AsType[*partial](err); ok {
		return p.outcome
	}
	return out
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	status, wire := ctl.EncodeError(err)
	f := ctl.Failure{Error: wire}
	if p, ok := errors.AsType[*partial](err); ok {
		f.Outcome, _ = json.Marshal(p.outcome) // it is made of what marshals
	}
	_ = reply(w, status, f) // the error is logged, whoever takes it
}

// reply sends a JSON value.
func reply(w http.ResponseWriter, status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)+1))
	w.WriteHeader(status)
	if _, err = w.Write(append(raw, '\n')); err != nil {
		return errGone
	}
	return nil
}

// errGone says that nobody takes the answer any more.
var errGone = errors.New("the client went away")

// patient is a body that may come slowly, but not stop.
type patient struct {
	io.Reader
	control *http.ResponseController
	begun   bool
}

// Read gives the sender another stall before it must go on.
func (p *patient) Read(b []byte) (int, error) {
	p.begun = true
	setDeadline(p.control, time.Now().Add(stall))
	return p.Reader.Read(b)
}

// drain reads what is left of a body that was begun. A client that still sends
// when the connection is closed loses the answer; one that was not asked for
// the body yet does not send it.
func (p *patient) drain() {
	if p.begun {
		setDeadline(p.control, time.Now().Add(stall))
		_, _ = io.Copy(io.Discard, p.Reader) // what is wrong with the file has been said
	}
}

// none makes a list that may be nil one that is sent as [].
func none[T any](all []T, err error) ([]T, error) {
	if all == nil {
		all = []T{}
	}
	return all, err
}
