package web

import (
	"bytes"
	"context"
	"net/http"
	"sync"

	"dnsbld/connlimit"
	"dnsbld/nice"
)

// workerPool makes answers on a few threads of low priority, so that
// many who look addresses up cost DNS no latency. Nothing in it waits for a
// client: what is read of one is read before, and what is made is sent after.
type workerPool struct {
	open sync.RWMutex // held for reading while a job may come
	jobs chan func()  // nil: the pool does not run
}

// poolSize is as many as make a second processor worth while.
const poolSize = 2

// run works until ctx is done.
func (b *workerPool) run(ctx context.Context) {
	b.open.Lock()
	jobs := make(chan func())
	b.jobs = jobs
	b.open.Unlock()
	var all sync.WaitGroup
	for range poolSize {
		all.Go(func() {
			nice.Forever()
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

// do has f done, by the caller itself if the pool does not run. A panic of f is the
// caller's. It reports whether f was done before ctx ended.
func (b *workerPool) do(ctx context.Context, f func()) bool {
	b.open.RLock()
	if b.jobs == nil {
		b.open.RUnlock()
		f()
		return true
	}
	defer b.open.RUnlock()
	done := make(chan any, 1)
	select {
	case b.jobs <- func() { nice.Into(done, f) }:
	case <-ctx.Done():
		return false
	}
	if p := <-done; p != nil {
		panic(p)
	}
	return true
}

// bufferedResponse is an answer that waits to be sent.
type bufferedResponse struct {
	http.ResponseWriter
	status int
	body   *bytes.Buffer
}

// WriteHeader notes the status.
func (h *bufferedResponse) WriteHeader(status int) { h.status = status }

// Write keeps a part of the body.
func (h *bufferedResponse) Write(p []byte) (int, error) { return h.body.Write(p) }

// atLowPriority has an answer made by the workers, and sends it then.
func (s *Server) atLowPriority(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		h := &bufferedResponse{ResponseWriter: w, status: http.StatusOK, body: buffer()}
		defer release(h.body)
		release := connlimit.HoldRequest(r)
		done := s.workers.do(r.Context(), func() { next.ServeHTTP(h, r) })
		release()
		if !done {
			return // who asked has gone
		}
		w.WriteHeader(h.status)
		_, _ = w.Write(h.body.Bytes()) // who went away needs no answer
	})
}
