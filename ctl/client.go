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
	"iter"
	"net"
	"net/http"
	"net/url"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// Client asks a Server, one method an endpoint. Failures are *listing.Error of
// the kind that the server meant; a server that cannot be reached is
// listing.ErrUnavailable.
type Client struct {
	http *http.Client
}

// answerTime is how long a command may take that has little to do.
const answerTime = 60 * time.Second

// NewClient returns a Client of the daemon behind a control socket.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &Client{http: &http.Client{Transport: &explain{socket, &http.Transport{
		DialContext:           dial,
		DisableCompression:    true,
		ExpectContinueTimeout: 5 * time.Second,
		MaxIdleConnsPerHost:   64, // a client may be shared by many who add at once
	}}}}
}

// Local returns a Client of a Server in the same process, for who opened the
// store himself.
func Local(s *Server, who Caller) *Client {
	return &Client{http: &http.Client{Transport: &inProcess{s, who}}}
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

// do sends a request, and returns the answer if it is a success. Of a failure,
// what it says was done all the same goes into outcome, if that is not nil.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body io.Reader, outcome any) (*http.Response, error) {
	u := url.URL{Scheme: "http", Host: "dnsbld", Path: path, RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("asking dnsbld: %w", err)
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

// call sends v, if it is not nil, and reads the answer into out.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, v, out any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var body io.Reader
	if v != nil {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("asking dnsbld: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	resp, err := c.do(ctx, method, path, query, body, out)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return lost(err)
	}
	return nil
}

// Add lists a prefix or makes an exception of it.
func (c *Client) Add(ctx context.Context, cmd listing.Add) (out Outcome, err error) {
	return out, c.call(ctx, http.MethodPut, "/v1/entry", nil, cmd, &out)
}

// Expire changes when entries end.
func (c *Client) Expire(ctx context.Context, cmd listing.Expire) (out Outcome, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/expire", nil, cmd, &out)
}

// Delist ends entries.
func (c *Client) Delist(ctx context.Context, cmd listing.Delist) (out Outcome, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/delist", nil, cmd, &out)
}

// Permit makes an allow entry or takes one back.
func (c *Client) Permit(ctx context.Context, cmd listing.Permit) (out Outcome, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/allow", nil, cmd, &out)
}

// DropSource ends a source and all its entries.
func (c *Client) DropSource(ctx context.Context, name, note string, o listing.Options) (out Outcome, err error) {
	return out, c.call(ctx, http.MethodDelete, "/v1/sources/"+url.PathEscape(name), nil, dropCommand{note, o}, &out)
}

func prefixOnly(s listing.Subject) url.Values { return url.Values{"prefix": {s.String()}} }

// Show is all that is known about a prefix.
func (c *Client) Show(ctx context.Context, s listing.Subject) (out Shown, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/show", prefixOnly(s), nil, &out)
}

// History is every change at a prefix and around it.
func (c *Client) History(ctx context.Context, s listing.Subject) (out report.History, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/history", prefixOnly(s), nil, &out)
}

// HistoryAt is how a prefix stood at an instant.
func (c *Client) HistoryAt(ctx context.Context, s listing.Subject, at time.Time) (out report.AsOf, err error) {
	query := prefixOnly(s)
	query.Set("at", at.UTC().Format(time.RFC3339Nano))
	return out, c.call(ctx, http.MethodGet, "/v1/then", query, nil, &out)
}

// Allows are the allow entries in force; those that overlap s, if it is valid.
func (c *Client) Allows(ctx context.Context, s listing.Subject) (out []listing.Allow, err error) {
	var query url.Values
	if s.IsValid() {
		query = prefixOnly(s)
	}
	return out, c.call(ctx, http.MethodGet, "/v1/allow", query, nil, &out)
}

// Reasons is the catalogue, strongest first.
func (c *Client) Reasons(ctx context.Context) (out []listing.ReasonInfo, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/reasons", nil, nil, &out)
}

// Sources are the sources in force.
func (c *Client) Sources(ctx context.Context) (out []listing.Source, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/sources", nil, nil, &out)
}

// Stats are numbers about the list.
func (c *Client) Stats(ctx context.Context) (out Stats, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/stats", nil, nil, &out)
}

// Status is how the daemon is.
func (c *Client) Status(ctx context.Context) (out Status, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/status", nil, nil, &out)
}

// List yields the entries in force that a query asks for, in order of key.
func (c *Client) List(ctx context.Context, q report.Query) iter.Seq2[report.Row, error] {
	return func(yield func(report.Row, error) bool) {
		resp, err := c.do(ctx, http.MethodGet, "/v1/entries", values(q), nil, nil)
		if err != nil {
			yield(report.Row{}, err)
			return
		}
		defer resp.Body.Close()
		decoder := json.NewDecoder(bufio.NewReaderSize(resp.Body, 1<<16))
		for n := 0; ; n++ {
			var line struct {
				report.Row
				End *End `json:"end"`
			}
			err := decoder.Decode(&line)
			switch {
			case err == nil && line.End != nil && line.End.Count == n:
				return
			case err != nil || line.End != nil:
				yield(report.Row{}, cutOff(err))
				return
			case !yield(line.Row, nil):
				return
			}
		}
	}
}

func cutOff(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "cut-off", Message: "the answer was cut off", Hint: "ask again; did dnsbld end?"}
}
