package web

import (
	"context"
	"sync"
	"testing"
)

// Whether somebody works in the pool or not, a job is done once, and a panic
// is the caller's.
func TestBackroom(t *testing.T) {
	var b workerPool
	try := func() (done int) {
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 50 {
			all.Go(func() {
				b.do(t.Context(), func() { mu.Lock(); done++; mu.Unlock() })
			})
		}
		all.Wait()
		return done
	}
	panics := func() (p any) {
		defer func() { p = recover() }()
		b.do(t.Context(), func() { panic("boom") })
		return nil
	}
	for _, open := range []bool{false, true, false} {
		ctx, leave := context.WithCancel(t.Context())
		var working sync.WaitGroup
		if open {
			working.Go(func() { b.run(ctx) })
		}
		if n := try(); n != 50 {
			t.Errorf("%d of 50 jobs were done", n)
		}
		if p := panics(); p != "boom" {
			t.Errorf("a panic became %v", p)
		}
		leave()
		working.Wait()
	}
}
