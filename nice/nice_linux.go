package nice

import "syscall"

// lower lowers the priority of the thread; a failure leaves it as it is.
func lower() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) }
