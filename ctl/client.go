package ctl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"dnsbld/listing"
)

// conn is the way to a server.
type conn struct{ http *http.Client }

// NewClient returns a Client of the daemon behind a control socket.
func NewClient(socket string) *Client {
	return newClient(socket, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	})
}

// connections are what a Client, which may be shared by many who ask at once, has open:
// fewer than the daemon lets a user have ([limits] control_per_user), since it ends one
// that seems idle, the request on its way with it, when there are more.
const connections = 48

// newClient returns a Client of a server that connections are made to by dial.
// Errors call it by name.
func newClient(name string, dial func(context.Context) (net.Conn, error)) *Client {
	return Over(&explain{name, &http.Transport{
		DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableCompression:    true,
		ExpectContinueTimeout: 5 * time.Second,
		MaxConnsPerHost:       connections,
		MaxIdleConnsPerHost:   connections,
	}})
}

// Over returns a Client that asks over a transport.
func Over(transport http.RoundTripper) *Client {
	c := &Client{}
	to := &conn{&http.Client{Transport: transport}}
	for e, route := range Routes(c) {
		e.(endpoint).bind(to, route)
	}
	return c
}

// explain turns what a connection fails with into what a person can act on.
type explain struct {
	socket string
	next   *http.Transport
}

func (e *explain) CloseIdleConnections() { e.next.CloseIdleConnections() }

func (e *explain) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := e.next.RoundTrip(r)
	op, dialing := errors.AsType[*net.OpError](err)
	switch {
	case err == nil:
		return resp, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, &listing.Error{Kind: listing.ErrPolicy, Code: "no-permission", Message: "you may not use the control socket " + e.socket,
			Hint: "become a member of the group it belongs to: ls -l " + e.socket}
	case dialing && op.Op == "dial":
		return nil, &listing.Error{Kind: listing.ErrUnavailable, Code: "no-daemon", Message: "no dnsbld answers on " + e.socket,
			Hint: "start it with `dnsbld serve`, or say with --socket where it is"}
	case r.Context().Err() != nil:
		return nil, err
	}
	return nil, lost(err)
}

func lost(err error) error {
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "lost", Message: "dnsbld went away before it answered: " + err.Error(),
		Hint: "what was asked for may have been done: look with `blctl show`, or repeat it with the same --idempotency-key"}
}

func asking(err error) error { return fmt.Errorf("asking dnsbld: %w", err) }

// do sends a request, and returns the answer if it is a success. Of a failure,
// what it says was done all the same goes into outcome, if that is not nil.
func (c *conn) do(ctx context.Context, route Route, req any, body io.Reader, outcome any) (*http.Response, error) {
	address, err := route.url(req)
	if err != nil {
		return nil, asking(err)
	}
	r, err := http.NewRequestWithContext(ctx, route.Method, address, body)
	if err != nil {
		return nil, asking(err)
	}
	if body != nil && r.ContentLength <= 0 {
		r.Header.Set("Expect", "100-continue") // a refusal needs no file
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, plain(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	done, failed := decodeError(resp.StatusCode, resp.Body)
	if outcome != nil && len(done) > 0 {
		if err := json.Unmarshal(done, outcome); err != nil {
			return nil, errors.Join(failed, err)
		}
	}
	return nil, failed
}

// plain takes off what http.Client wraps errors in: the method and a URL that
// nobody has asked for.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "timeout", Message: "dnsbld did not answer in time",
			Hint: "what was asked for may still be done: repeat it with the same --idempotency-key"}
	}
	return err
}

// call reads the answer to a request into out.
func (c *conn) call(ctx context.Context, r Route, req any, body io.Reader, out any) error {
	if r.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Wait)
		defer cancel()
	}
	resp, err := c.do(ctx, r, req, body, out)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return lost(err)
	}
	return nil
}

// download copies a file to w.
func (c *conn) download(ctx context.Context, r Route, req any, w io.Writer) (listing.Revision, error) {
	resp, err := c.do(ctx, r, req, nil, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	from := &source{Reader: resp.Body}
	if _, err := io.Copy(w, from); from.err != nil {
		return 0, cutOff(from.err)
	} else if err != nil {
		return 0, fmt.Errorf("writing what dnsbld sent: %w", err)
	}
	at := resp.Header.Get(RevisionHeader)
	if at == "" {
		return 0, nil
	}
	revision, err := strconv.ParseUint(at, 10, 64)
	return listing.Revision(revision), err
}

// RevisionHeader says of what revision a file is.
const RevisionHeader = "Dnsbld-Revision"

// source remembers what reading failed with, so that it can be told from what
// writing failed with.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// FlushEvery is how long lines of a stream may wait for others, so that who reads it
// sees the first at once, and a million cost no more.
const FlushEvery = 100 * time.Millisecond

// End is the last line of a stream, as {"end":{…}}.
type End struct {
	Count    int              `json:"count"`
	Revision listing.Revision `json:"revision"`
}

// endless is a request for a stream that only the end of the daemon ends.
type endless interface{ endless() bool }

// stream calls item with each line of a stream until it says no. One that was
// cut off is an error.
func (c *conn) stream(ctx context.Context, r Route, req any, item func([]byte) (more bool, err error)) error {
	resp, err := c.do(ctx, r, req, nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewReaderSize(resp.Body, 1<<16)
	for count := 0; ; count++ {
		line, err := readLine(lines)
		if err != nil {
			return cutOff(err)
		}
		if bytes.HasPrefix(line, []byte(`{"end":`)) {
			return ended(line, count, req)
		}
		if more, err := item(line); err != nil || !more {
			return cutOff(err)
		}
	}
}

// readLine is the next line, which is only good until the next call.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := bytes.Clone(line)
	rest, err := r.ReadBytes('\n')
	return append(long, rest...), err
}

// ended checks the last line of a stream of count others.
func ended(line []byte, count int, req any) error {
	var last struct {
		End End `json:"end"`
	}
	if err := json.Unmarshal(line, &last); err != nil || last.End.Count != count {
		return cutOff(errors.New("it does not say how long it is"))
	}
	if e, ok := req.(endless); ok && e.endless() {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "ended", Message: "dnsbld ends",
			Hint: fmt.Sprintf("when it is back, go on with --after %d", last.End.Revision)}
	}
	return nil
}

func cutOff(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "cut-off", Message: "the answer was cut off", Hint: "ask again; did dnsbld end?"}
}
