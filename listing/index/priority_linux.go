package index

import (
	"runtime"
	"syscall"
)

// followNice is how much following the list yields to the threads that answer
// queries.
const followNice = 10

// yieldToQueries puts the goroutine on a thread of its own, of low priority, for
// good: publishing a million entries must not cost queries their latency. The
// thread ends with the goroutine.
func yieldToQueries() {
	runtime.LockOSThread() // never unlocked: the thread is not fit for other work
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), followNice)
}
