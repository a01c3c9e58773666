package db

import (
	"runtime"
	"syscall"
)

// bulkNice is how much bulk work yields to the threads that answer queries.
const bulkNice = 10

// onBulkThread runs f on an operating system thread of its own, of low
// priority, and waits for it: an import must not cost queries their latency.
// The thread ends with f. A panic of f is the caller's.
func onBulkThread(f func()) {
	done := make(chan any)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is not fit for other work
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), bulkNice)
		finished := false
		defer func() {
			if !finished {
				done <- recover()
			}
		}()
		f()
		finished = true
		done <- nil
	}()
	if p := <-done; p != nil {
		panic(p)
	}
}
