package ctl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// Watch asks for changes as they come.
type Watch struct {
	After *listing.Revision // nil: from now on
	Once  bool              // end at what is the newest revision now
}

// Watched is a change of the list, as a stream of them shows it. Who reads on
// later does so after the last revision of which he has read the last change.
type Watched struct {
	report.Event
	Last bool `json:"last,omitempty"` // of its revision
}

type stoppingKey struct{}

// streaming is a context that also ends when the server is to stop: a stream
// has no end of its own. Then what is being written to who does not read is
// given up.
func streaming(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	stopping, ok := ctx.Value(stoppingKey{}).(context.Context)
	if !ok {
		return ctx, cancel
	}
	control := http.NewResponseController(w)
	forget := context.AfterFunc(stopping, func() {
		_ = control.SetWriteDeadline(time.Now().Add(patience)) // it is a socket
		cancel()
	})
	return ctx, func() { forget(); cancel() }
}

// watch streams changes. Between two of them no transaction is open, so that a
// reader may be as slow as he likes.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, _ Caller) error {
	ctx, cancel := streaming(w, r)
	defer cancel()
	status, err := s.cfg.Book.Store().Status(ctx)
	if err != nil {
		return err
	}
	after, once := status.Head, r.URL.Query().Get("once") == "true"
	if text := r.URL.Query().Get("after"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return invalid("bad-revision", listing.Quote(text)+" is not a revision", "a revision is a number")
		}
		after = listing.Revision(n)
	}
	if after > status.Head {
		return &listing.Error{Kind: listing.ErrInvalid, Code: "future", Message: fmt.Sprintf("revision %d is yet to come: the newest is %d", after, status.Head),
			Hint: "was the list restored from a backup? Read it anew, then follow from its revision"}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	if once && after == status.Head {
		return s.endWatch(w, 0, after)
	}
	return s.follow(ctx, w, after, once, status.Head)
}

// follow writes changes until ctx is done, or with once until one revision.
func (s *Server) follow(ctx context.Context, w http.ResponseWriter, after listing.Revision, once bool, head listing.Revision) error {
	flush := http.NewResponseController(w).Flush
	_ = flush() // the reader waits for the header; in-process nothing is buffered
	encoder, count := json.NewEncoder(w), 0
	for c, err := range s.cfg.Book.Store().Changes(ctx, after) {
		if err != nil {
			if ctx.Err() == nil {
				s.cfg.Log.Warn("following changes", "err", err)
			}
			return errors.Join(errGone, s.endWatch(w, count, after))
		}
		if err := encoder.Encode(Watched{report.Rows{Reasons: s.cfg.Book.Rules().Reasons}.Event(c), c.Last}); err != nil {
			return errGone
		}
		count++
		if !c.Last {
			continue
		}
		after = c.Revision
		_ = flush()
		if once && after >= head {
			break
		}
	}
	return s.endWatch(w, count, after)
}

// endWatch tells who still reads that the stream ends, and where.
func (s *Server) endWatch(w http.ResponseWriter, count int, at listing.Revision) error {
	if err := json.NewEncoder(w).Encode(map[string]End{"end": {Count: count, Revision: at}}); err != nil {
		return errGone
	}
	return nil
}

// Watch yields changes as they come, until ctx is done or, with Once, there are
// no more. The end of the daemon is an error.
func (c *Client) Watch(ctx context.Context, q Watch) iter.Seq2[Watched, error] {
	return func(yield func(Watched, error) bool) {
		query := url.Values{}
		if q.After != nil {
			query.Set("after", strconv.FormatUint(uint64(*q.After), 10))
		}
		if q.Once {
			query.Set("once", "true")
		}
		resp, err := c.do(ctx, http.MethodGet, "/v1/changes", query, nil, nil)
		if err != nil {
			yield(Watched{}, err)
			return
		}
		defer resp.Body.Close()
		decoder := json.NewDecoder(bufio.NewReaderSize(resp.Body, 1<<16))
		for {
			var line struct {
				Watched
				End *End `json:"end"`
			}
			err := decoder.Decode(&line)
			switch {
			case err == nil && line.End != nil && q.Once:
				return
			case err == nil && line.End != nil:
				yield(Watched{}, ended(line.End.Revision))
				return
			case err != nil:
				yield(Watched{}, cutOff(err))
				return
			case !yield(line.Watched, nil):
				return
			}
		}
	}
}

func ended(at listing.Revision) error {
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "ended", Message: "dnsbld ends",
		Hint: fmt.Sprintf("when it is back, go on with --after %d", at)}
}
