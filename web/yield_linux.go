package web

import (
	"runtime"
	"syscall"
)

// lookupNice is how much looking addresses up yields to the threads that answer
// DNS.
const lookupNice = 10

// yieldToQueries puts the goroutine on a thread of its own, of low priority, for
// good. The thread ends with the goroutine.
func yieldToQueries() {
	runtime.LockOSThread() // never unlocked: the thread is not fit for other work
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), lookupNice)
}
