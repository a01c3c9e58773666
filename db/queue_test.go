package db

import (
	"runtime"
	"testing"
	"weak"
)

// A queue keeps nothing of a job that was taken: that of an import holds the
// whole of it.
func TestQueueForgets(t *testing.T) {
	q := newQueue()
	forgotten := func() weak.Pointer[job] {
		j := new(job)
		if err := q.add(j); err != nil {
			t.Fatal(err)
		}
		if got := q.take(); len(got) != 1 || got[0] != j {
			t.Fatalf("took %v", got)
		}
		return weak.Make(j)
	}()
	runtime.GC()
	if forgotten.Value() != nil {
		t.Error("the job is still held")
	}
	runtime.KeepAlive(q)
}
