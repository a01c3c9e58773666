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
	after := status.Head
	if q.After != nil {
		after = *q.After
	}
	if after > status.Head {
		return invalid("future", fmt.Sprintf("revision %d is yet to come: the newest is %d", after, status.Head),
			"was the list restored from a backup? Read it anew, then follow from its revision")
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	if q.Once && after == status.Head {
		return s.endWatch(w, 0, after)
	}
	return s.follow(ctx, w, after, q.Once, status.Head)
}

// follow writes changes until ctx is done, or with once until one revision.
func (s *Server) follow(ctx context.Context, w http.ResponseWriter, after listing.Revision, once bool, head listing.Revision) error {
	flush := http.NewResponseController(w).Flush
	_ = flush() // the reader waits for the header
	encoder, count := json.NewEncoder(w), 0
	for c, err := range s.cfg.Book.Store().Changes(ctx, after) {
		if err != nil {
			if ctx.Err() == nil {
				s.cfg.Log.Warn("following changes", "err", err)
			}
			return errors.Join(errGone, s.endWatch(w, count, after))
		}
		if err := encoder.Encode(ctl.Watched{Event: report.Rows{Reasons: s.cfg.Book.Rules().Reasons}.Event(c), Last: c.Last}); err != nil {
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
	if err := json.NewEncoder(w).Encode(map[string]ctl.End{"end": {Count: count, Revision: at}}); err != nil {
		return errGone
	}
	return nil
}
