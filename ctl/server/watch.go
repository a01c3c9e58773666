package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

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
func (s *Server) watch(w http.ResponseWriter, r *http.Request, q ctl.Watch) error {
	ctx, cancel := streaming(w, r)
	defer cancel()
	status, err := s.cfg.Book.Store().Status(ctx)
	if err != nil {
		return err
	}
	after, err := s.begin(ctx, q, status.Head)
	if err != nil {
		return err
	}
	wanted, err := q.Match(s.cfg.Book.Rules().Reasons)
	if err != nil {
		return err
	}
	if after > status.Head {
		return invalid("future", fmt.Sprintf("revision %d is yet to come: the newest is %d", after, status.Head),
			"was the list restored from a backup? Read it again, then follow from its revision")
	}
	if after < status.Forgotten {
		return &listing.Error{Kind: listing.ErrCompacted, Code: "forgotten",
			Message: fmt.Sprintf("changes up to revision %d are no longer kept", status.Forgotten),
			Hint:    fmt.Sprintf("read the whole list again, or begin after revision %d", status.Forgotten)}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	if q.Once && after == status.Head {
		return s.endWatch(w, 0, after)
	}
	return s.follow(ctx, w, following{q.Once, after, status.Head, wanted})
}

// begin is the revision after which a stream begins.
func (s *Server) begin(ctx context.Context, q ctl.Watch, head listing.Revision) (listing.Revision, error) {
	switch {
	case q.After != nil:
		return *q.After, nil
	case q.Since.IsZero():
		return head, nil
	}
	return report.Before(ctx, s.cfg.Book.Store(), q.Since)
}

// following is a stream of changes under way.
type following struct {
	once        bool // until head
	after, head listing.Revision
	wanted      func(listing.Change) bool
}

// follow writes changes until ctx is done, or with once until one revision.
func (s *Server) follow(ctx context.Context, w http.ResponseWriter, f following) error {
	flush := http.NewResponseController(w).Flush
	_ = flush() // the reader waits for the header
	encoder, count, flushed := json.NewEncoder(w), 0, time.Time{}
	rows := report.Rows{Reasons: s.cfg.Book.Rules().Reasons}
	for c, err := range s.cfg.Book.Store().Changes(ctx, f.after) {
		if err != nil {
			if ctx.Err() == nil {
				s.cfg.Log.Warn("following changes", "err", err)
			}
			return errors.Join(errGone, s.endWatch(w, count, f.after))
		}
		if f.wanted(c) {
			if err := encoder.Encode(ctl.Watched{Event: rows.Event(c), Last: c.Last}); err != nil {
				return errGone
			}
			if count++; time.Since(flushed) > ctl.FlushEvery { // few may be found among very many
				_ = flush()
				flushed = time.Now()
			}
		}
		if !c.Last {
			continue
		}
		if f.after = c.Revision; f.once && f.after >= f.head {
			break
		}
		if !f.once {
			_ = flush()
		}
	}
	return s.endWatch(w, count, f.after)
}

// endWatch tells who still reads that the stream ends, and where.
func (s *Server) endWatch(w http.ResponseWriter, count int, at listing.Revision) error {
	if err := json.NewEncoder(w).Encode(map[string]ctl.End{"end": {Count: count, Revision: at}}); err != nil {
		return errGone
	}
	return nil
}
