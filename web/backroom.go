package web

import (
	"bytes"
	"context"
	"net/http"
	"sync"
)

// backroom is where answers are made: on a few threads of low priority, so that
// many who look addresses up cost DNS no latency. Nothing there waits for a
// client: what is read of one is read before, and what is made is sent after.
type backroom struct {
	open sync.RWMutex // held for reading while a job may come
	jobs chan func()  // nil: nobody works there
}

// workers are as many as make a second processor worth while.
const workers = 2

// run works until ctx is done.
func (b *backroom) run(ctx context.Context) {
	b.open.Lock()
	jobs := make(chan func())
	b.jobs = jobs
	b.open.Unlock()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			yieldToQueries()
			for f := range jobs {
				f()
			}
		})
	}
	<-ctx.Done()
	b.open.Lock() // when the last job is done
	b.jobs = nil
	b.open.Unlock()
	close(jobs)
	all.Wait()
}

// do has f done, by who comes himself if nobody works there. A panic of f is the
// caller's. It reports whether f was done before ctx ended.
func (b *backroom) do(ctx context.Context, f func()) bool {
	b.open.RLock()
	if b.jobs == nil {
		b.open.RUnlock()
		f()
		return true
	}
	defer b.open.RUnlock()
	done := make(chan any, 1)
	job := func() {
		finished := false
		defer func() {
			if !finished {
				done <- recover()
			}
		}()
		f()
		finished = true
		done <- nil
	}
	select {
	case b.jobs <- job:
	case <-ctx.Done():
		return false
	}
	if p := <-done; p != nil {
		panic(p)
	}
	return true
}

// held is an answer that waits to be sent.
type held struct {
	http.ResponseWriter
	status int
	body   *bytes.Buffer
}

func (h *held) WriteHeader(status int) { h.status = status }

func (h *held) Write(p []byte) (int, error) { return h.body.Write(p) }

// quietly has an answer made in the backroom, and sends it then.
func (s *Server) quietly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		h := &held{ResponseWriter: w, status: http.StatusOK, body: buffer()}
		defer release(h.body)
		if !s.room.do(r.Context(), func() { next.ServeHTTP(h, r) }) {
			return // who asked has gone
		}
		w.WriteHeader(h.status)
		_, _ = w.Write(h.body.Bytes()) // who went away needs no answer
	})
}
